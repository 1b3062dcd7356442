/**
 * The Request that a handler gets: a view of the received head that makes strings and objects when they are asked for.
 * It passes for a Request (`instanceof`, `new Request(it)`, `fetch(it)`). What it keeps is in request-state.ts.
 */

import { bodyReaders } from './body-readers.js';
import type { IncomingBody } from './incoming-body.js';
import { alike, delegateRest, replaceMembers } from './patch-prototype.js';
import { attachState, bareClass, privateStateOf } from './private-state.js';
import { learnCodings } from './proxied-response.js';
import { methodOf, type RequestHead, urlOf } from './request-head.js';
import { RequestState } from './request-state.js';
import { nativeRequest, RealRequest } from './web-globals.js';

/** The state of a light request; null for any other value. */
function stateOf(value: unknown): RequestState | null {
  const state = privateStateOf(value);
  return state instanceof RequestState ? state : null;
}

/** The real request in place of a light one; any other value as it is. */
function realOf(value: unknown): unknown {
  const state = stateOf(value);
  return state === null ? value : state.real();
}

const members = {
  get method(): Request['method'] {
    const state = stateOf(this);
    return state === null ? nativeRequest.get(this, 'method') : state.method;
  },
  get url(): Request['url'] {
    const state = stateOf(this);
    return state === null ? nativeRequest.get(this, 'url') : state.url;
  },
  get headers(): Request['headers'] {
    const state = stateOf(this);
    return state === null ? nativeRequest.get(this, 'headers') : state.headers;
  },
  get signal(): Request['signal'] {
    const state = stateOf(this);
    return state === null ? nativeRequest.get(this, 'signal') : state.signal;
  },
  get body(): Request['body'] {
    const state = stateOf(this);
    return state === null ? nativeRequest.get(this, 'body') : state.body;
  },
  get bodyUsed(): Request['bodyUsed'] {
    const state = stateOf(this);
    return state === null ? nativeRequest.get(this, 'bodyUsed') : state.bodyUsed;
  },
  clone(): unknown {
    return nativeRequest.call(realOf(this), 'clone');
  },
  ...bodyReaders({
    take: (object, decode) => stateOf(object)?.take(decode) ?? null,
    askReal: (object, name) => nativeRequest.call(realOf(object), name) as Promise<unknown>,
  }),
};

/** What every Request has that no caller has set up otherwise. */
const UNSET = {
  destination: '',
  referrer: 'about:client',
  referrerPolicy: '',
  mode: 'cors',
  credentials: 'same-origin',
  cache: 'default',
  redirect: 'follow',
  integrity: '',
  keepalive: false,
  isReloadNavigation: false,
  isHistoryNavigation: false,
  duplex: 'half',
};
for (const [name, value] of Object.entries(UNSET)) {
  Object.defineProperty(members, name, {
    get(this: unknown) {
      return stateOf(this) === null ? nativeRequest.get(this, name as keyof Request) : value;
    },
  });
}

// At once, as a light request is of no use without them, and real ones are as they were.
replaceMembers(RealRequest.prototype, members);
delegateRest(RealRequest.prototype, members, realOf);

/** Objects that become light requests. */
const Bare = bareClass(RealRequest.prototype);

/** Makes the Request for a head and its body. Nothing is decoded yet. */
export function createRequest(head: RequestHead, body: IncomingBody | null): Request {
  const request = new Bare();
  attachState(request, new RequestState(head, body));
  return request;
}

/**
 * Tells the handler through `request.signal` that the client left. Costs nothing when nobody asked for the signal; who
 * asks later gets one that is aborted.
 */
export function abortRequest(request: Request, reason: unknown): void {
  stateOf(request)?.abort(reason);
}

/** Method and URL for the log, whatever the handler has made of its request's properties. */
export function requestLine(request: Request): { method: string; url: string } | undefined {
  const head = stateOf(request)?.head;
  return head && { method: methodOf(head), url: urlOf(head) };
}

/**
 * The head as it arrived, for parts of the runtime that look for a few fields: request line and header lines, as in
 * {@link RequestHead}. null for a request that is none of ours, or whose Headers object somebody has and may have changed.
 */
export function untouchedHead(request: Request): string | null {
  const state = stateOf(request);
  return state?.isUntouched ? state.head.text : null;
}

/** The real request in place of a light one. With a body of its own the init leaves that of the request alone. */
function unwrap(input: unknown, init: unknown): unknown {
  const state = stateOf(input);
  if (state === null) return input;
  const body = typeof init === 'object' && init !== null && 'body' in init ? init.body : undefined;
  return body === undefined || body === null ? state.real() : state.bodiless();
}

/** Arguments of `new Request` and `fetch` as the real ones can take them. */
const unwrapped = ([input, ...rest]: unknown[]): unknown[] => [unwrap(input, rest[0]), ...rest];

/**
 * Makes `new Request(request)` and `fetch(request)` take a light request. undici looks for its own private fields in a
 * Request, so it must be given the real one. A proxy, because it leaves name, prototype, statics and subclassing alone.
 */
export function installRequest(): void {
  const realFetch = globalThis.fetch;
  const Request = new Proxy(RealRequest, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? args : unwrapped(args), newTarget),
  });
  const property = { value: Request, writable: true, enumerable: false, configurable: true };
  Object.defineProperty(RealRequest.prototype, 'constructor', property);
  Object.defineProperty(globalThis, 'Request', property);
  async function fetch(...args: unknown[]): Promise<Response> {
    const response = await realFetch(
      ...((args.length === 0 ? args : unwrapped(args)) as Parameters<typeof realFetch>),
    );
    await learnCodings(realFetch, response);
    return response;
  }
  globalThis.fetch = alike(fetch, realFetch);
}
