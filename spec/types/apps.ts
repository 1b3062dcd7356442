/** The types of apps: what a module exports by default, with or without an annotation. */
import { Hono } from 'hono';
import type {
  FetchApp,
  FetchContext,
  FetchResult,
  RouteDeclaration,
  TcpApp,
  TcpConnection,
  TraceContext,
} from '../../lib/index.js';
import { expectType } from './expect.js';

export const fetchApp = {
  fetch(request, context) {
    expectType<Request>()(request);
    expectType<FetchContext>()(context);
    expectType<number>()(context.thread);
    expectType<string>()(context.remoteAddress);
    expectType<TraceContext | null>()(context.trace);
    // @ts-expect-error: the number is the runtime's
    context.thread = 1;
    // @ts-expect-error: a Request has headers, and no fields of node:http
    request.httpVersion;
    return new Response(`${request.method} ${new URL(request.url).pathname}`);
  },
} satisfies FetchApp;

/** Everything that an app may answer. */
export const answers: readonly FetchApp[] = [
  { fetch: () => new Response() },
  { fetch: async () => new Response() },
  { fetch: () => 'text' },
  { fetch: () => new Uint8Array() },
  { fetch: () => ({ some: ['json'] }) },
  { fetch: async (request) => ({ sent: await request.json() }) },
  { fetch: () => [1, 2, 3] },
  { fetch: () => new ArrayBuffer(1) },
  { fetch: () => Buffer.from('bytes') },
  { fetch: (): Row => ({ id: 1, of: [{ id: 2 }] }) },
  { fetch: () => new Money() },
  { fetch: () => new URL('http://a/') },
  { fetch: (request) => (request.url === '/' ? 'text' : Promise.resolve(new Response())) },
  // biome-ignore lint/suspicious/noExplicitAny: what a program does not know the type of
  { fetch: (): any => 5 },
];

interface Row {
  readonly id: number;
  readonly of?: readonly Row[];
}

class Money {
  readonly [Symbol.toStringTag] = 'Money';
  toJSON(): string {
    return '1 EUR';
  }
}

/** What is answered with 500, as long as the compiler can tell. */
export const noAnswers: readonly FetchApp[] = [
  // @ts-expect-error: a symbol has no form
  { fetch: () => Symbol() },
  // @ts-expect-error: a number may be a status, or JSON
  { fetch: () => 5 },
  // @ts-expect-error: the same, in a promise
  { fetch: async () => 5 },
  // @ts-expect-error: true says nothing
  { fetch: () => true },
  // @ts-expect-error: nothing is no answer
  { fetch: () => undefined },
  // @ts-expect-error: a handler that forgets to return
  { fetch: () => {} },
  // @ts-expect-error: the same
  { fetch: async () => {} },
  // @ts-expect-error: null is no answer
  { fetch: () => null },
  // @ts-expect-error: on some path it returns nothing
  { fetch: (request) => (request.url === '/' ? 'text' : undefined) },
  // @ts-expect-error: a function is no answer
  { fetch: () => () => 'text' },
  // @ts-expect-error: a Map would be {}
  { fetch: () => new Map() },
  // @ts-expect-error: a stream needs a Response around it
  { fetch: () => new Blob(['text']).stream() },
];

/** Results have a name. */
export const result: FetchResult = { any: ['data'] };
export const annotated = (): FetchResult => ({ any: { data: true } });

/** Apps of other libraries, which have more than a `fetch`. */
declare const elysiaLike: {
  fetch: (request: Request) => Response | Promise<Response>;
  readonly routes: { method: string; path: string }[];
  handle(): void;
};
declare const ittyLike: {
  // biome-ignore lint/suspicious/noExplicitAny: as itty-router has it
  fetch: (request: { method: string; url: string }, ...rest: unknown[]) => Promise<any>;
  routes: [string, RegExp, unknown[], string][];
};
export const ofLibraries: readonly FetchApp[] = [elysiaLike, ittyLike, new Hono()];

// @ts-expect-error: an app has a `fetch`
export const nothing: FetchApp = {};
// @ts-expect-error: `fetch` is a function
export const noFunction: FetchApp = { fetch: new Response() };
// @ts-expect-error: a handler gets a Request, not a path
export const otherArgument: FetchApp = { fetch: (path: string) => path };

const fetch = () => 'text';
const BLOCKING = ['/reports/**', 'POST /thumbnails'] as const;

/** Routes may be declared, in part or not at all. */
export const declaring: readonly FetchApp[] = [
  { fetch, routes: { blocking: BLOCKING, nonBlocking: ['/reports/:id/name'] } },
  { fetch, routes: { nonBlocking: [] } },
  { fetch, routes: {} satisfies RouteDeclaration },
  { fetch },
  // A router that keeps something else under the name.
  new Hono(),
];

// @ts-expect-error: the name is misspelled
export const misspelled: FetchApp = { fetch, routes: { nonblocking: ['/'] } };
// @ts-expect-error: patterns come in lists
export const noList: FetchApp = { fetch, routes: { blocking: '/' } };
// @ts-expect-error: a pattern is text
export const noText: FetchApp = { fetch, routes: { blocking: [/a/] } };

export const tcpApp = {
  open(connection) {
    expectType<TcpConnection>()(connection);
    expectType<boolean>()(connection.write('text'));
    expectType<string>()(connection.remoteAddress);
    connection.data = { anything: true };
    expectType<unknown>()(connection.data);
  },
  data(connection, bytes) {
    expectType<Uint8Array>()(bytes);
    connection.write(bytes);
    connection.write(Buffer.from(bytes));
    // @ts-expect-error: a number is neither bytes nor text
    connection.write(1);
    // @ts-expect-error: the runtime counts it
    connection.unsentBytes = 0;
    connection.end('bye');
    connection.end();
    connection.bind();
    connection.terminate();
  },
  async drain(connection) {
    expectType<number>()(connection.unsentBytes);
  },
  close: (connection) => expectType<number>()(connection.thread),
  error(_connection, error) {
    expectType<unknown>()(error);
  },
} satisfies TcpApp;

export const smallest: TcpApp = { data: () => {} };
// @ts-expect-error: an app has a `data`
export const withoutData: TcpApp = { open: () => {} };
// @ts-expect-error: there is no such handler
export const unknownHandler: TcpApp = { data: () => {}, end: () => {} };
