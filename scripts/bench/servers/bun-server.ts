// Bun.serve in one or several processes, which share a port by SO_REUSEPORT; run by bun, not by node. Where a folder of files is
// named in the environment, it serves that one, in Bun's own way.
// Usage: bun-server.js APP PROCESSES.

import { loadApp } from './apps.js';
import { FILES_VARIABLE } from './files-variable.js';
import { shareOut } from './shared-port.js';

type Fetch = (request: Request) => Response | Promise<Response>;

/** The part of Bun's API that is used here; its types are not a dependency of this project. */
declare const Bun: {
  serve(options: { port: number; hostname: string; idleTimeout: number; reusePort: boolean; fetch: Fetch }): {
    port: number;
  };
  file(path: string): Blob;
};

const folder = process.env[FILES_VARIABLE];
const fetch = folder === undefined ? await appFetch() : fileFetch(folder);

async function appFetch(): Promise<Fetch> {
  const { fetch } = await loadApp(process.argv[2]!);
  return (request) => fetch(request);
}

function fileFetch(root: string): Fetch {
  return ({ url }) => new Response(Bun.file(root + new URL(url).pathname));
}

await shareOut(
  'http',
  async (sharedPort) =>
    Bun.serve({ port: sharedPort, hostname: '127.0.0.1', idleTimeout: 75, reusePort: true, fetch }).port,
);
