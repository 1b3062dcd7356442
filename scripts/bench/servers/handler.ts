// The small handler of every comparison server that runs JavaScript: the same source, so that only the runtimes differ. It is
// written as an ordinary one: it knows nothing of the servers, and keeps nothing from one request to the next.

import { TICK_HEADERS, tickPace, tickStream } from './ticks.js';

export const HELLO = 'hello world\n';

/** The upper bound of `?ms=`, so that a mistyped request cannot block a server for ever. */
const MAX_MS = 10_000;
const MAX_ROUNDS = 100_000_000;

/**
 * How long an idle connection is kept. Node's own default (5 s) would close the connections of the `idle` scenario
 * half-way; this is the default of nginx.
 */
export const KEEP_ALIVE_MS = 75_000;

const cell = new Int32Array(new SharedArrayBuffer(4));

export default { fetch: handle };

function handle(request: Request): Response | Promise<Response> {
  const { url } = request;
  const path = url.slice(url.indexOf('/', 'http://'.length));
  return path === '/hello' ? text(HELLO) : otherwise(request);
}

function otherwise(request: Request): Response | Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const ms = msOf(searchParams.get('ms'));
  switch (pathname) {
    case '/block':
      return text(blockFor(ms));
    case '/work':
      return text(`${work(Math.min(Number(searchParams.get('rounds')) || 0, MAX_ROUNDS))}\n`);
    case '/sleep':
      return new Promise((resolve) => setTimeout(() => resolve(text(`slept ${ms} ms\n`)), ms));
    case '/ticks':
      return new Response(tickStream(tickPace(searchParams.get('ms'))), { headers: TICK_HEADERS });
    case '/echo':
      return request.text().then((body) => text(body));
    default:
      return text('not found\n', 404);
  }
}

/** What `?ms=` asks for, in milliseconds. */
export function msOf(text: string | null | undefined): number {
  return Math.min(Math.max(Number(text ?? 20) || 0, 0), MAX_MS);
}

/** Blocks the calling thread. @returns what `/block` answers */
export function blockFor(ms: number): string {
  Atomics.wait(cell, 0, 0, ms);
  return `blocked ${ms} ms\n`;
}

/** An answer of text. */
export function text(body: string, status = 200): Response {
  return new Response(body, { status, headers: { 'Content-Type': 'text/plain' } });
}

/**
 * Computes for a number of rounds of xorshift32 (Marsaglia, "Xorshift RNGs", 2003): the same work on every engine, and on threads that
 * have to share a processor.
 */
function work(rounds: number): number {
  let word = 1;
  for (let round = 0; round < rounds; round += 1) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
  }
  return word;
}
