/**
 * The Request that a handler gets: a view of the received head that makes strings and objects on demand. It passes for a
 * Request (`instanceof`, `new Request(it)`, `fetch(it)`). What it keeps is in request-state.ts; this file has the members
 * on the prototype, the factory, and the installation of the global class.
 *
 * docs/decisions/0009-light-classes.md says why it is built this way.
 */

import { bodyReaders } from './body-readers.js';
import type { IncomingBody } from './incoming-body.js';
import { alike, delegateRest, replaceMembers } from './patch-prototype.js';
import { bareClass, Given } from './private-state.js';
import { learnCodings } from './proxied-response.js';
import { methodOf, type RequestHead, urlOf } from './request-head.js';
import { RequestState } from './request-state.js';
import { nativeRequest, RealRequest } from './web-globals.js';

class Carrier extends Given {
  readonly #state: RequestState;

  constructor(object: object, state: RequestState) {
    super(object);
    this.#state = state;
  }

  /** The state of a light object; null for any other value. Fast path. */
  static stateOf(value: unknown): RequestState | null {
    return typeof value === 'object' && value !== null && #state in value ? value.#state : null;
  }
}

const { stateOf } = Carrier;

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
    takeText: (object, convert) => stateOf(object)?.takeText(convert) ?? null,
    askReal: (object, name) => nativeRequest.call(realOf(object), name) as Promise<unknown>,
  }),
};

/** The members that only a caller's init can set, with their defaults. */
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

// On import: a light request needs these members, and real requests behave as before.
replaceMembers(RealRequest.prototype, members);
delegateRest(RealRequest.prototype, members, realOf);

/** Objects that become light requests. */
const Bare = bareClass(RealRequest.prototype);

/** Makes the Request for a head and its body. Nothing is decoded yet. */
export function createRequest(head: RequestHead, body: IncomingBody | null): Request {
  const request = new Bare();
  new Carrier(request, new RequestState(head, body));
  return request;
}

/**
 * Tells the handler through `request.signal` that the client left. Free when the signal was never read; a signal read
 * later is already aborted.
 */
export function abortRequest(request: Request, reason: unknown): void {
  stateOf(request)?.abort(reason);
}

/** Method and URL for the log, from the received head: the handler may have redefined its request's properties. */
export function requestLine(request: Request): { method: string; url: string } | undefined {
  const head = stateOf(request)?.head;
  return head && { method: methodOf(head), url: urlOf(head) };
}

/**
 * The head as received, for parts of the runtime that need a few fields only: request line and header lines, as in
 * {@link RequestHead}. null for a request that is not a light one, or whose header fields were changed.
 */
export function untouchedHead(request: Request): string | null {
  const state = stateOf(request);
  return state?.isUntouched ? state.head.text : null;
}

/** The real request in place of a light one. An init with a body of its own leaves the request's body unused. */
function unwrap(input: unknown, init: unknown): unknown {
  const state = stateOf(input);
  if (state === null) return input;
  const body = typeof init === 'object' && init !== null && 'body' in init ? init.body : undefined;
  return body === undefined || body === null ? state.real() : state.bodiless();
}

/** The arguments of `new Request` and `fetch`, with a real request in place of a light one. */
const unwrapped = ([input, ...rest]: unknown[]): unknown[] => [unwrap(input, rest[0]), ...rest];

/**
 * Makes `new Request(request)` and `fetch(request)` take a light request. undici looks for its own private fields in a
 * Request, so it must be given a real one. A proxy, because it preserves name, prototype, statics and subclassing.
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
