// Bun.serve in one or several processes, which share a port by SO_REUSEPORT; run by bun, not by node.
// Usage: bun-server.js APP PROCESSES. The first process starts the others, and prints the address once all of them listen.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { loadApp } from './apps.js';

/** The part of Bun's API that is used here; its types are not a dependency of this project. */
declare const Bun: {
  serve(options: {
    port: number;
    hostname: string;
    idleTimeout: number;
    reusePort: boolean;
    fetch(request: Request): Response | Promise<Response>;
  }): { port: number };
};

const [app, processes, sharedPort] = process.argv.slice(2);
const { fetch } = await loadApp(app!);
const { port } = Bun.serve({
  port: Number(sharedPort ?? 0),
  hostname: '127.0.0.1',
  idleTimeout: 75,
  reusePort: true,
  fetch: (request) => fetch(request),
});
for (let others = Number(processes) - 1; others > 0 && sharedPort === undefined; others -= 1) {
  const other = spawn(process.execPath, [process.argv[1]!, app!, '1', `${port}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(other.stdout, 'data');
}
console.log(`listening on http://127.0.0.1:${port}`);
