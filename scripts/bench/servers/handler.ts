// The routes of every comparison server: the same bodies and headers as the demo app of paceline, so that only the
// runtimes differ. `/hello` is matched first and without parsing the URL: it is the measured fast path.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { startTicks, TICK_HEADERS, tickPace } from './ticks.js';

const HELLO = 'hello world\n';
const HELLO_HEADERS = { 'Content-Type': 'text/plain', 'Content-Length': HELLO.length };

/** The upper bound of `?ms=`, so that a mistyped request cannot block a server for ever. */
const MAX_MS = 10_000;

/**
 * How long an idle connection is kept. Node's own default (5 s) would close the connections of the `idle` scenario
 * half-way; this is the default of nginx.
 */
export const KEEP_ALIVE_MS = 75_000;

const cell = new Int32Array(new SharedArrayBuffer(4));

/** The body for a URL (a path with a query), a promise of one, or undefined where no route matches. */
export function route(url: string): string | Promise<string> | undefined {
  if (url === '/hello') return HELLO;
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const ms = Math.min(Math.max(Number(searchParams.get('ms') ?? 20) || 0, 0), MAX_MS);
  switch (pathname) {
    case '/block':
      Atomics.wait(cell, 0, 0, ms);
      return `blocked ${ms} ms\n`;
    case '/spin':
      spin(ms);
      return `spun ${ms} ms\n`;
    case '/sleep':
      return new Promise((resolve) => setTimeout(resolve, ms, `slept ${ms} ms\n`));
    default:
      return undefined;
  }
}

/** The routes as a Node request listener. */
export function listener(request: IncomingMessage, response: ServerResponse): void {
  const body = route(request.url ?? '/');
  if (body === HELLO) response.writeHead(200, HELLO_HEADERS).end(HELLO);
  else if (body === undefined) tick(request, response);
  else if (typeof body === 'string') answer(response, 200, body);
  else void body.then((text) => answer(response, 200, text));
}

/** The ticks, or 404: the only stream is looked for last. */
function tick({ url = '/' }: IncomingMessage, response: ServerResponse): void {
  const ms = tickPace(url);
  if (ms === undefined) answer(response, 404, 'not found\n');
  else {
    response.writeHead(200, TICK_HEADERS);
    response.on(
      'close',
      startTicks(ms, (event) => response.write(event)),
    );
  }
}

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain', 'Content-Length': body.length }).end(body);
}

function spin(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
