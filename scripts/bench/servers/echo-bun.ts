// An echo over raw TCP in one or several processes, which share a port by SO_REUSEPORT; run by bun, not by node.
// Usage: echo-bun.js PROCESSES.

import { shareOut } from './shared-port.js';

interface BunSocket {
  write(bytes: Uint8Array): number;
}

/** The part of Bun's API that is used here; its types are not a dependency of this project. */
declare const Bun: {
  listen(options: {
    port: number;
    hostname: string;
    reusePort: boolean;
    socket: { data(socket: BunSocket, bytes: Uint8Array): void };
  }): { port: number };
};

await shareOut('tcp', async (sharedPort) => {
  const socket = { data: (from: BunSocket, bytes: Uint8Array) => void from.write(bytes) };
  return Bun.listen({ port: sharedPort, hostname: '127.0.0.1', reusePort: true, socket }).port;
});
