// Calls a handler in a loop, in a process of its own, and prints the CPU time of a call in microseconds; run by node or by bun.
// Usage: handler-loop.js fetch|fastify REQUEST-KIND MILLISECONDS
//
// In the figure: the app's own code (routing by its framework, the handler, JSON.parse, JSON.stringify, the template), the
// garbage collection that it causes, and the objects of stand-ins.ts. Not in it: bytes, the parser, the classes Request,
// Response and Headers of any runtime, framing, system calls; of Fastify, also its router and its reading of query strings,
// because its handlers can't be called without its server otherwise.
// The loop has the processor and its caches for itself, so the handler is cheaper here than inside a server, where it took two
// and a half to three times as much: the scenario bare-get shows it.

import type { FastifyReply, FastifyRequest } from 'fastify';
import { BROWSER_FIELDS, REQUESTS, type RequestKind } from './real-requests.js';
import { type App, loadApp } from './servers/apps.js';
import { FASTIFY_ROUTES } from './servers/fastify-routes.js';
import { fieldsOf, ReplyStandIn, RequestStandIn, ResponseStandIn } from './stand-ins.js';

/** Requests that are made before, and used in turns: more than any cache would hold. */
const REQUESTS_MADE = 4096;
/** Calls between two looks at the clock. */
const CALLS = 256;

type Call = (number: number) => unknown;

async function callOf(style: string, kind: RequestKind): Promise<Call> {
  return style === 'fastify' ? fastifyCall(kind) : fetchCall(kind);
}

async function fetchCall(kind: RequestKind): Promise<Call> {
  // The app finds it as a global, whatever the runtime has.
  globalThis.Response = ResponseStandIn as unknown as typeof Response;
  const app: App = await loadApp(kind === 'hello' ? 'handler' : 'real-app');
  const { method, pathOf, bodyOf } = REQUESTS[kind];
  const fields = fieldsOf(BROWSER_FIELDS);
  const requests = numbers().map(
    (number) =>
      new RequestStandIn(method, `http://127.0.0.1${pathOf(number)}`, fields, bodyOf?.(number) ?? ''),
  );
  return (number) => app.fetch(requests[number]! as unknown as Request);
}

async function fastifyCall(kind: RequestKind): Promise<Call> {
  const { handler } = FASTIFY_ROUTES[kind];
  const { pathOf, bodyOf } = REQUESTS[kind];
  const headers = { 'user-agent': BROWSER_FIELDS['User-Agent'] };
  const requests = numbers().map((number) => {
    const { pathname, searchParams } = new URL(pathOf(number), 'http://127.0.0.1');
    const request = {
      params: { id: pathname.split('/')[2] },
      query: Object.fromEntries(searchParams),
      headers,
      body: undefined as unknown,
    };
    return { request, text: bodyOf?.(number) };
  });
  return (number) => {
    const { request, text } = requests[number]!;
    if (text !== undefined) request.body = JSON.parse(text);
    return handler(request as unknown as FastifyRequest, new ReplyStandIn() as unknown as FastifyReply);
  };
}

function numbers(): number[] {
  return Array.from({ length: REQUESTS_MADE }, (_, index) => index + 1);
}

/** Calls for some milliseconds. @returns the CPU time of a call, in microseconds */
async function cpuOf(call: Call, milliseconds: number): Promise<number> {
  const endMs = performance.now() + milliseconds;
  const before = process.cpuUsage();
  let calls = 0;
  while (performance.now() < endMs) {
    for (let index = 0; index < CALLS; index += 1) {
      const answer = call((calls + index) % REQUESTS_MADE);
      const { body } = (answer instanceof Promise ? await answer : answer) as { body: unknown };
      if (typeof body !== 'string') throw new Error('the handler has not answered with text');
    }
    calls += CALLS;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

const [style, kind, milliseconds] = process.argv.slice(2);
const call = await callOf(style!, kind as RequestKind);
await cpuOf(call, Number(milliseconds) / 2);
console.log(`${await cpuOf(call, Number(milliseconds))}`);
