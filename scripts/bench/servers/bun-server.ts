// Bun.serve in one process; run by bun, not by node.

import { route } from './handler.js';
import { TICK_HEADERS, tickPace, tickStream } from './ticks.js';

/** The part of Bun's API that is used here; its types are not a dependency of this project. */
declare const Bun: {
  serve(options: {
    port: number;
    hostname: string;
    idleTimeout: number;
    fetch(request: Request): Response | Promise<Response>;
  }): { port: number };
};

const HEADERS = { 'Content-Type': 'text/plain' };

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  idleTimeout: 75,
  fetch(request) {
    const body = route(request.url.slice(request.url.indexOf('/', 'http://'.length)));
    const ms = body === undefined ? tickPace(request.url) : undefined;
    if (ms !== undefined) return new Response(tickStream(ms), { headers: TICK_HEADERS });
    if (body === undefined) return new Response('not found\n', { status: 404, headers: HEADERS });
    if (typeof body === 'string') return new Response(body, { headers: HEADERS });
    return body.then((text) => new Response(text, { headers: HEADERS }));
  },
});
console.log(`listening on http://127.0.0.1:${server.port}`);
