/**
 * The fetch app of the campaign. Its query says whether it listens to `uncaughtException` (`?handled`), whether it declares routes
 * (`&blocking`), and where its files are (`&root=`). The client can compute every answer in advance.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { serveFiles } from '../../lib/static/serve-files.js';
import type { FetchContext, RouteDeclaration } from '../../lib/web/context.js';
import { Barriers } from '../campaign/barrier.js';
import { content } from './content.js';
import { FAULTS } from './faults.js';

const { searchParams: settings } = new URL(import.meta.url);
const barriers = Barriers.find();
const files = serveFiles(settings.get('root')!, { prefix: '/files', recheckMs: 0 });
/** The user of a request, as an app would keep it. */
const user = new AsyncLocalStorage<string>();
/** Not in the TypeScript libraries that this project is compiled with. */
declare const WebAssembly: { instantiate(bytes: Uint8Array): Promise<unknown> };
const { waitAsync } = Atomics as unknown as {
  waitAsync(cell: Int32Array, index: number, value: number, ms: number): { value: Promise<string> };
};
/** The smallest WebAssembly module. */
const WASM = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

if (settings.has('handled')) process.on('uncaughtException', () => {});

type Route = (query: (name: string) => number, request: Request, context: FetchContext) => unknown;

const ROUTES: Readonly<Record<string, Route>> = {
  '/content': (query) => new Uint8Array(content(query('seed'), query('bytes'))),
  '/stream': (query) => new Response(streamOf(query)),
  '/own-work': (query, { signal }) => new Response(ownWork(query('ms'), signal)),
  '/echo': async (_query, request) => new Uint8Array(await request.arrayBuffer()),
  '/echo-stream': (_query, request) => new Response(request.body),
  '/sleep': async (query) => {
    await delay(query('ms'));
    return content(query('seed'), query('bytes'));
  },
  '/spin': (query) => {
    spin(query('ms'));
    return content(query('seed'), query('bytes'));
  },
  '/enter': (query) => {
    user.enterWith(`user ${query('seed')}`);
    return content(query('seed'), query('bytes'));
  },
  '/silent': (_query, { signal }) =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve('too late'))),
  '/silent-stream': () => new Response(new ReadableStream()),
  // Platform work, of which the thread's event loop knows nothing until it is done.
  '/wasm': async (query) => {
    await WebAssembly.instantiate(WASM);
    return content(query('seed'), query('bytes'));
  },
  '/wait-async': async (query) => {
    const cell = new Int32Array(new SharedArrayBuffer(4));
    await waitAsync(cell, 0, 0, 5).value;
    return content(query('seed'), query('bytes'));
  },
  '/port': async (query) => {
    const { port1, port2 } = new MessageChannel();
    const message = new Promise((resolve) => port2.once('message', resolve));
    port2.unref();
    port1.postMessage(1);
    await message;
    port1.close();
    return content(query('seed'), query('bytes'));
  },
  '/meet': (query, _request, { thread }) => barriers.meet(query('barrier'), query('count'), thread),
};

/** Those that wait engage their threads; nearly all others are handed over then. */
const DECLARED: RouteDeclaration = {
  blocking: ['/**'],
  nonBlocking: ['/sleep', '/stream', '/silent', '/silent-stream', '/own-work', '/meet', '/wait-async'],
};

/** Chunks, some of which wait for a timer. */
function streamOf(query: (name: string) => number): ReadableStream {
  const [seed, bytes, chunk] = [query('seed'), query('bytes'), query('chunk')];
  let at = 0;
  return new ReadableStream({
    async pull(controller) {
      if (at % 3 === 0) await delay(query('pause'));
      const length = Math.min(chunk, bytes - at);
      if (length > 0) controller.enqueue(content(seed, length, at));
      at += length;
      if (at >= bytes) controller.close();
    },
  });
}

/** Goes on until the client leaves, and spins for every chunk. */
function ownWork(ms: number, signal: AbortSignal): ReadableStream {
  return new ReadableStream({
    pull(controller) {
      spin(ms);
      if (signal.aborted) controller.close();
      else controller.enqueue(Buffer.alloc(64));
    },
  });
}

function spin(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

export default {
  ...(settings.has('blocking') ? { routes: DECLARED } : {}),
  fetch(request: Request, context: FetchContext): unknown {
    const stranger = user.getStore();
    if (stranger !== undefined) return `in the scope of ${stranger}`;
    const { pathname, searchParams } = new URL(request.url);
    if (pathname.startsWith('/files/')) return files(request);
    if (pathname.startsWith('/fault/')) return FAULTS[decodeURIComponent(pathname.slice(7))]!.run(request);
    return ROUTES[pathname]!((name) => Number(searchParams.get(name)), request, context);
  },
};
