// piscina behind node:http, as its users have it: the routes that are known to compute or to block run in the pool, and all others
// on the thread of node:http. Usage: piscina-server.js MODULE THREADS; MODULE is piscina's.

import { pathToFileURL } from 'node:url';
import { serve } from '@hono/node-server';
import { appFile } from './apps.js';
import handler, { KEEP_ALIVE_MS, text } from './handler.js';

/** The part of piscina that is used here; it is not a dependency of this project. */
interface Pool {
  run(task: string): Promise<string>;
}
type PoolClass = new (options: { filename: string; minThreads: number; maxThreads: number }) => Pool;

const HELD_ROUTE = /^http:\/\/[^/]+(\/(?:block|work)\?.*)$/;

const [module, threads] = process.argv.slice(2);
const { default: Piscina } = (await import(pathToFileURL(module!).href)) as { default: PoolClass };
const count = Number(threads);
const pool = new Piscina({ filename: appFile('piscina-task').href, minThreads: count, maxThreads: count });

function fetch(request: Request): Response | Promise<Response> {
  const path = HELD_ROUTE.exec(request.url)?.[1];
  return path === undefined ? handler.fetch(request) : pool.run(path).then((body) => text(body));
}

const serverOptions = { keepAliveTimeout: KEEP_ALIVE_MS };
serve({ fetch, port: 0, hostname: '127.0.0.1', serverOptions }, ({ port }) =>
  console.log(`listening on http://127.0.0.1:${port}`),
);
