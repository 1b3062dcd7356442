// An echo over raw TCP in one or several processes of Deno, which share a port by SO_REUSEPORT. Usage: echo-deno.js PROCESSES.

import { shareOut } from './shared-port.js';

interface DenoConnection {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
  setNoDelay(on: boolean): void;
}

/** The part of Deno's API that is used here; its types are not a dependency of this project. */
declare const Deno: {
  listen(options: {
    port: number;
    hostname: string;
    reusePort: boolean;
  }): AsyncIterable<DenoConnection> & { addr: { port: number } };
};

const INPUT_BYTES = 16_384;

/** Sharing a port is not stable in Deno. */
const OPTIONS = ['run', '--no-lock', '-A', '--unstable-net'];

async function listen(sharedPort: number): Promise<number> {
  const listener = Deno.listen({ port: sharedPort, hostname: '127.0.0.1', reusePort: true });
  void acceptAll(listener);
  return listener.addr.port;
}

async function acceptAll(listener: AsyncIterable<DenoConnection>): Promise<void> {
  for await (const connection of listener) void echo(connection);
}

async function echo(connection: DenoConnection): Promise<void> {
  const input = new Uint8Array(INPUT_BYTES);
  connection.setNoDelay(true);
  try {
    for (let bytes = await connection.read(input); bytes !== null; bytes = await connection.read(input)) {
      await connection.write(input.subarray(0, bytes));
    }
    connection.close();
  } catch {
    // The client has reset the connection.
  }
}

await shareOut('tcp', listen, OPTIONS);
