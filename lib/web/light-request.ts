/**
 * The Request that a handler gets: a view of the received head that makes strings and objects when they are asked for.
 * It passes for a Request (`instanceof`, `new Request(it)`, `fetch(it)`); what it cannot do by itself is done by a real
 * Request (undici's), which is made then and from then on owns the body.
 */

import { bodyReaders } from './body-readers.js';
import { copyHeaders, headersOf } from './header-lines.js';
import type { IncomingBody } from './incoming-body.js';
import { alike, delegateRest, replaceMembers } from './patch-prototype.js';
import { attachState, bareClass, privateStateOf } from './private-state.js';
import { learnCodings } from './proxied-response.js';
import { isDisturbed, isFresh, nativeRequest, RealRequest, usedRequest, usedStream } from './web-globals.js';

/**
 * A request head that the parser has accepted, and where its parts are: the host is one that a URL can have, the target
 * has a form of RFC 9112, 3.2 other than CONNECT's. Offsets are in characters of `text`.
 */
export interface RequestHead {
  /** Request line and header lines as latin1, each ended by CRLF, with the empty line at the end. */
  readonly text: string;
  readonly methodEnd: number;
  readonly targetStart: number;
  readonly targetEnd: number;
  readonly headersStart: number;
  /** Of the Host field's value, or of the authority in a target in absolute form; both -1 when there is none. */
  readonly hostStart: number;
  readonly hostEnd: number;
  /** Host and port for the URL when there is no Host field, or an empty one. */
  readonly fallbackHost: string;
}

const EMPTY = new Uint8Array(0);

class RequestState {
  readonly #head: RequestHead;
  readonly #incoming: IncomingBody | null;
  #url = '';
  #headers: Headers | null = null;
  #stream: ReadableStream<Uint8Array> | null = null;
  #real: Request | null = null;
  #controller: AbortController | null = null;
  #gone: { reason: unknown } | null = null;

  constructor(head: RequestHead, incoming: IncomingBody | null) {
    this.#head = head;
    // Fetch has no way to say that a GET or HEAD carries a body, and its meaning is undefined (RFC 9110, 9.3.1).
    this.#incoming = incoming !== null && carriesBody(methodOf(head)) ? incoming : null;
  }

  get head(): RequestHead {
    return this.#head;
  }

  /** Whether nobody has the Headers object, and so nobody may have changed it. */
  get isUntouched(): boolean {
    return this.#headers === null;
  }

  get method(): string {
    return methodOf(this.#head);
  }

  get url(): string {
    if (this.#url === '') this.#url = urlOf(this.#head);
    return this.#url;
  }

  get headers(): Headers {
    if (this.#headers === null) this.#headers = headersOf(this.#head.text, this.#head.headersStart);
    return this.#headers;
  }

  /**
   * Aborts when the client leaves before it has the whole response. The reason is a DOMException named AbortError, whose `cause`
   * is the PacelineError that says how (`PACELINE_CLIENT_GONE`, or `PACELINE_BODY_LIMIT` for a body that was refused). A handler
   * that then fails for this reason is not logged as failed, and nothing is sent.
   */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#gone !== null) this.#controller.abort(this.#gone.reason);
    }
    return this.#controller.signal;
  }

  get body(): ReadableStream<Uint8Array> | null {
    const incoming = this.#incoming;
    if (this.#real !== null || incoming === null) return this.#currentStream();
    if (this.#stream === null) this.#stream = incoming.used ? usedStream() : incoming.stream();
    return this.#stream;
  }

  get bodyUsed(): boolean {
    const stream = this.#currentStream();
    return stream === null ? (this.#incoming?.used ?? false) : isDisturbed(stream);
  }

  abort(reason: unknown): void {
    if (this.#gone !== null) return;
    this.#gone = { reason };
    this.#controller?.abort(reason);
  }

  /** The fast path of the readers; null when the body was used or somebody has the stream: the real object's matter. */
  take<T>(decode: (bytes: Uint8Array) => T): Promise<T> | null {
    if (this.#real !== null || this.#stream !== null) return null;
    const incoming = this.#incoming;
    if (incoming === null) return new Promise((resolve) => resolve(decode(EMPTY)));
    return incoming.used ? null : incoming.bytes().then(decode);
  }

  /** The real request in place of the light one: one whose body is used, if this one's is. */
  real(): Request {
    const stream = this.#currentStream();
    const isUsed = stream === null ? (this.#incoming?.used ?? false) : !isFresh(stream);
    return isUsed ? usedRequest() : this.#materialise();
  }

  /** A real request with everything but the body, which stays where it is and may be in use. */
  bodiless(): Request {
    const { url, method, headers, signal } = this;
    return new RealRequest(url, { method, headers, signal });
  }

  #currentStream(): ReadableStream<Uint8Array> | null {
    return this.#real === null ? this.#stream : nativeRequest.get(this.#real, 'body');
  }

  #materialise(): Request {
    if (this.#real === null) {
      const { url, method, headers, body, signal } = this;
      this.#real = new RealRequest(url, { method, headers, body, duplex: 'half', signal });
    }
    // The handler may have changed the headers that it got from us.
    copyHeaders(this.headers, nativeRequest.get(this.#real, 'headers'));
    return this.#real;
  }
}

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

/** The method as sent: the parser refuses those that Fetch would put in upper case. */
function methodOf({ text, methodEnd }: RequestHead): string {
  // Fast path: no string is made for it.
  return methodEnd === 3 && text.startsWith('GET') ? 'GET' : text.substring(0, methodEnd);
}

function carriesBody(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD';
}

/**
 * A target in origin form that the URL parser would not change: no segment that starts with `.` or `%2e` (it could be a
 * dot segment) and no character that is percent-encoded in a path or query. Others merely take the slow way.
 */
const PLAIN_TARGET = /^(?:\/(?![.%])[\w\-~!$&()*+,;=:@%.]*)+(?:\?[\w\-~!$&()*+,;=:@%./?[\]|]*)?$/;

const SLASH = 0x2f;

/** The URL made last: a busy route is asked for again and again, and hashing or joining strings costs more than a look. */
let last = { origin: '', target: '', url: '' };

function urlOf(head: RequestHead): string {
  const { text, targetStart, targetEnd } = head;
  const origin = originOf(head);
  const { target: lastTarget } = last;
  if (
    origin === last.origin &&
    targetEnd - targetStart === lastTarget.length &&
    text.startsWith(lastTarget, targetStart)
  ) {
    return last.url;
  }
  const target = text.substring(targetStart, targetEnd);
  const url = composeUrl(origin, target);
  last = { origin, target, url };
  return url;
}

/** The URL of a target in origin, asterisk or absolute form (RFC 9112, 3.2 and 3.3); the parser refuses the rest. */
function composeUrl(origin: string, target: string): string {
  if (target === '*') return `${origin}/`;
  if (target.charCodeAt(0) !== SLASH) return new URL(target).href;
  const composed = origin + target;
  return PLAIN_TARGET.test(target) ? composed : new URL(composed).href;
}

/** Origins by Host value: there are few, and the URL parser is slow. Clients choose the values, hence the bound. */
const ORIGINS_MAX = 64;
const origins = new Map<string, string>();

/** The one found last, for the same reason as `last`. */
let lastHost = { host: '', origin: '' };

function originOf({ text, hostStart, hostEnd, fallbackHost }: RequestHead): string {
  // Without Host, or with an empty one, the target URI has the server's own authority (RFC 9112, 3.3).
  if (hostStart === hostEnd) return cachedOrigin(fallbackHost);
  const { host: known } = lastHost;
  if (hostEnd - hostStart === known.length && text.startsWith(known, hostStart)) return lastHost.origin;
  const host = text.substring(hostStart, hostEnd);
  const origin = cachedOrigin(host);
  lastHost = { host, origin };
  return origin;
}

/** Scheme, host and port as the URL parser writes them. */
function cachedOrigin(host: string): string {
  let origin = origins.get(host);
  if (origin === undefined) {
    origin = new URL(`http://${host}/`).origin;
    if (origins.size >= ORIGINS_MAX) origins.clear();
    origins.set(host, origin);
  }
  return origin;
}
