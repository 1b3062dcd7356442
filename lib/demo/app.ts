/**
 * The demo app: one route for each way in which a handler can use its thread, so that a visitor can see the other threads
 * continue. Every thread loads this module.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FetchContext } from '../web/context.js';
import { PAGE } from './page.js';

type Handler = (request: Request, context: FetchContext, url: URL) => Response | Promise<Response>;

interface Route {
  readonly methods: readonly string[];
  readonly handle: Handler;
}

const READ = ['GET', 'HEAD'];

/** Long enough to see an effect, short enough that a visitor cannot block the demo for long. */
const MAX_MS = 10_000;

const TEXT: ResponseInit = { headers: { 'content-type': 'text/plain' } };
const HTML: ResponseInit = {
  headers: {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy':
      "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:",
  },
};

const ROUTES: ReadonlyMap<string, Route> = new Map([
  ['/', { methods: READ, handle: () => new Response(PAGE, HTML) }],
  ['/hello', { methods: READ, handle: hello }],
  ['/spin', { methods: READ, handle: forMs(20, 'spun', spin) }],
  ['/block', { methods: READ, handle: forMs(20, 'blocked', block) }],
  ['/sleep', { methods: READ, handle: forMs(5, 'slept', sleep) }],
  ['/echo', { methods: ['POST'], handle: echo }],
  ['/thread', { methods: READ, handle: (_request, { thread }) => Response.json({ thread }) }],
]);

export default { fetch: handle };

function hello(): Response {
  return new Response('hello world\n', TEXT);
}

function handle(request: Request, context: FetchContext): Response | Promise<Response> {
  const url = new URL(request.url);
  const found = ROUTES.get(url.pathname);
  if (found === undefined) return refusal(404, 'There is nothing here; / lists what there is.');
  if (!found.methods.includes(request.method)) {
    const allow = found.methods.join(', ');
    return refusal(405, `${url.pathname} answers ${allow} only.`, { allow });
  }
  return found.handle(request, context, url);
}

/** A handler that passes `?ms=` to `pass`, and responds with the time that it took and the thread. */
function forMs(defaultMs: number, verb: string, pass: (ms: number) => unknown): Handler {
  return async (_request, { thread }, url) => {
    const text = url.searchParams.get('ms') ?? String(defaultMs);
    const ms = Number(text);
    if (!/^\d+(\.\d+)?$/.test(text) || ms > MAX_MS) {
      return refusal(400, `ms must be a number from 0 to ${MAX_MS}, as in ${url.pathname}?ms=${defaultMs}.`);
    }
    const startMs = performance.now();
    await pass(ms);
    const tookMs = (performance.now() - startMs).toFixed(1);
    return new Response(`${verb} for ${tookMs} ms in thread ${thread}\n`, TEXT);
  };
}

/** Burns CPU, as rendering or hashing does. */
function spin(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

/** No other thread has this cell, so none can end the wait early. */
const PRIVATE_CELL = new Int32Array(new SharedArrayBuffer(4));

/** Stops the thread and takes no CPU, as a synchronous database call does. */
function block(ms: number): void {
  Atomics.wait(PRIVATE_CELL, 0, 0, ms);
}

async function echo(request: Request): Promise<Response> {
  const headers = new Headers({ 'x-content-type-options': 'nosniff' });
  const type = request.headers.get('content-type');
  if (type !== null) headers.set('content-type', type);
  return new Response(await request.arrayBuffer(), { headers });
}

function refusal(status: number, sentence: string, headers: Record<string, string> = {}): Response {
  return new Response(`${sentence}\n`, { status, headers: { 'content-type': 'text/plain', ...headers } });
}
