/**
 * The Request that a handler gets: a view of the received head that makes strings and objects when they are asked for.
 * It passes for a Request (`instanceof`, `new Request(it)`, `fetch(it)`); what it cannot do by itself is done by a real
 * Request (undici's), which is made then and from then on owns the body.
 */

import { addBodyReaders } from './body-readers.js';
import { copyHeaders, headersOf } from './header-lines.js';
import type { IncomingBody } from './incoming-body.js';
import { delegateRest, isDisturbed, RealRequest, unusableBody, usedStream } from './web-globals.js';

/** A validated request head and where its parts are. Offsets are in characters of `text`. */
export interface RequestHead {
  /** Request line and header lines as latin1, each ended by CRLF, with the empty line at the end. */
  readonly text: string;
  readonly methodEnd: number;
  readonly targetStart: number;
  readonly targetEnd: number;
  readonly headersStart: number;
  /** Of the Host field's value; -1 when there is none. */
  readonly hostStart: number;
  readonly hostEnd: number;
  /** Whether it came over TLS. */
  readonly secure: boolean;
  /** Host and port for the URL when there is no usable Host field. */
  readonly fallbackHost: string;
}

const EMPTY = new Uint8Array(0);

class LightRequest {
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

  static {
    addBodyReaders(LightRequest.prototype, {
      take: (light, decode) => light.#take(decode),
      real: (light) => light.#materialise(),
    });
  }

  static real(request: LightRequest): Request {
    return request.#materialise();
  }

  /** A real request with everything but the body, which stays with `request` and may be in use. */
  static bodiless(request: LightRequest): Request {
    const { url, method, headers, signal } = request;
    return new RealRequest(url, { method, headers, signal });
  }

  /** The head's text while nobody has its Headers object; null once somebody may have changed them. */
  static untouchedHead(request: LightRequest): string | null {
    return request.#headers === null ? request.#head.text : null;
  }

  static isLight(value: unknown): value is LightRequest {
    return typeof value === 'object' && value !== null && #head in value;
  }

  static abort(request: LightRequest, reason: unknown): void {
    if (request.#gone !== null) return;
    request.#gone = { reason };
    request.#controller?.abort(reason);
  }

  static line(request: LightRequest): { method: string; url: string } {
    return { method: methodOf(request.#head), url: urlOf(request.#head) };
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

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#gone !== null) this.#controller.abort(this.#gone.reason);
    }
    return this.#controller.signal;
  }

  get body(): ReadableStream<Uint8Array> | null {
    if (this.#real !== null) return this.#real.body;
    const incoming = this.#incoming;
    if (incoming === null) return null;
    if (this.#stream === null) this.#stream = incoming.used ? usedStream() : incoming.stream();
    return this.#stream;
  }

  get bodyUsed(): boolean {
    if (this.#real !== null) return this.#real.bodyUsed;
    if (this.#stream !== null) return isDisturbed(this.#stream);
    return this.#incoming?.used ?? false;
  }

  // What every Request has that no caller has set up otherwise.
  get destination(): Request['destination'] {
    return '';
  }
  get referrer(): string {
    return 'about:client';
  }
  get referrerPolicy(): Request['referrerPolicy'] {
    return '';
  }
  get mode(): Request['mode'] {
    return 'cors';
  }
  get credentials(): Request['credentials'] {
    return 'same-origin';
  }
  get cache(): string {
    return 'default';
  }
  get redirect(): Request['redirect'] {
    return 'follow';
  }
  get integrity(): string {
    return '';
  }
  get keepalive(): boolean {
    return false;
  }
  get duplex(): Request['duplex'] {
    return 'half';
  }

  clone(): Request {
    if (this.bodyUsed) throw unusableBody();
    return this.#materialise().clone();
  }

  /** The fast path of the readers; null when somebody has the stream, so that the real object must sort it out. */
  #take<T>(decode: (bytes: Uint8Array) => T): Promise<T> | null {
    if (this.#real !== null || this.#stream !== null) return null;
    if (this.#incoming !== null) return this.#incoming.bytes().then(decode);
    return new Promise((resolve) => resolve(decode(EMPTY)));
  }

  #materialise(): Request {
    if (this.#real === null) {
      this.#real = new RealRequest(this.url, {
        method: this.method,
        headers: this.headers,
        body: this.body,
        duplex: 'half',
        signal: this.signal,
      });
    }
    // The handler may have changed the headers that it got from us.
    copyHeaders(this.headers, this.#real.headers);
    return this.#real;
  }
}

Object.setPrototypeOf(LightRequest.prototype, RealRequest.prototype);
delegateRest(LightRequest.prototype, RealRequest.prototype, (light) =>
  LightRequest.real(light as LightRequest),
);

/** Makes the Request for a head and its body. Nothing is decoded yet. */
export function createRequest(head: RequestHead, body: IncomingBody | null): Request {
  return new LightRequest(head, body) as unknown as Request;
}

/**
 * Tells the handler through `request.signal` that the client left. Costs nothing when nobody asked for the signal; who
 * asks later gets one that is aborted.
 */
export function abortRequest(request: Request, reason: unknown): void {
  if (LightRequest.isLight(request)) LightRequest.abort(request, reason);
}

/** Method and URL for the log, whatever the handler has made of its request's properties. */
export function requestLine(request: Request): { method: string; url: string } | undefined {
  return LightRequest.isLight(request) ? LightRequest.line(request) : undefined;
}

/**
 * The head as it arrived, for parts of the runtime that look for a few fields: request line and header lines, as in
 * {@link RequestHead}. null for a request that is none of ours, or whose Headers object somebody has and may have changed.
 */
export function untouchedHead(request: Request): string | null {
  return LightRequest.isLight(request) ? LightRequest.untouchedHead(request) : null;
}

/** The real request in place of a light one. With a body of its own the init leaves that of the request alone. */
function unwrap<T>(input: T, init: unknown): T | Request {
  if (!LightRequest.isLight(input)) return input;
  const body = typeof init === 'object' && init !== null && 'body' in init ? init.body : undefined;
  return body === undefined || body === null ? LightRequest.real(input) : LightRequest.bodiless(input);
}

/**
 * Makes `new Request(request)` and `fetch(request)` take a light request. undici looks for its own private fields in a
 * Request, so it must be given the real one. A proxy, because it leaves name, prototype, statics and subclassing alone.
 */
export function installRequest(): void {
  const realFetch = globalThis.fetch;
  const Request = new Proxy(RealRequest, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, [unwrap(args[0], args[1]), ...args.slice(1)], newTarget),
  });
  const property = { value: Request, writable: true, enumerable: false, configurable: true };
  Object.defineProperty(RealRequest.prototype, 'constructor', property);
  Object.defineProperty(LightRequest.prototype, 'constructor', property);
  Object.defineProperty(globalThis, 'Request', property);
  globalThis.fetch = async function fetch(input, init) {
    return realFetch(unwrap(input, init) as Parameters<typeof realFetch>[0], init);
  };
}

/** The methods that Fetch takes in any letter case. The rest are as sent. */
const METHODS = new Map(
  ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'].flatMap((name) => [
    [name, name],
    [name.toLowerCase(), name],
  ]) as [string, string][],
);

function methodOf(head: RequestHead): string {
  const sent = head.text.substring(0, head.methodEnd);
  if (sent === 'GET') return 'GET';
  return METHODS.get(sent) ?? METHODS.get(sent.toLowerCase()) ?? sent;
}

function carriesBody(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD';
}

/**
 * A target in origin form that the URL parser would not change: no segment that starts with `.` or `%2e` (it could be a
 * dot segment) and no character that is percent-encoded in a path or query. Others merely take the slow way.
 */
const PLAIN_TARGET = /^(?:\/(?![.%])[\w\-~!$&()*+,;=:@%.]*)+(?:\?[\w\-~!$&()*+,;=:@%./?[\]|]*)?$/;

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
  const url = target.charCodeAt(0) === 0x2f ? urlOfPath(origin, target) : urlOfOtherForm(head, target);
  last = { origin, target, url };
  return url;
}

function urlOfPath(origin: string, target: string): string {
  const composed = origin + target;
  return PLAIN_TARGET.test(target) ? composed : new URL(composed).href;
}

/** Absolute form is the URL; in authority form (CONNECT) and asterisk form the path is empty (RFC 9112, 3.2 and 7.1). */
function urlOfOtherForm(head: RequestHead, target: string): string {
  if (/^https?:\/\//i.test(target) && URL.canParse(target)) {
    const url = new URL(target);
    // A Request's URL must have no credentials.
    url.username = '';
    url.password = '';
    return url.href;
  }
  const authority = target === '*' ? null : parseOrigin(schemeOf(head), target);
  return `${authority ?? originOf(head)}/`;
}

/** Origins by Host value: there are few, and the parser is slow. Clients choose the values, hence the bound. */
const ORIGINS_MAX = 64;
const origins = { 'http:': new Map<string, string | null>(), 'https:': new Map<string, string | null>() };

/** The one found last, for the same reason as `last`. */
let lastHost = { scheme: '', host: '', origin: '' };

function schemeOf(head: RequestHead): 'http:' | 'https:' {
  return head.secure ? 'https:' : 'http:';
}

function originOf(head: RequestHead): string {
  const { text, hostStart, hostEnd } = head;
  const scheme = schemeOf(head);
  if (hostStart >= 0) {
    const { host: known } = lastHost;
    if (
      hostEnd - hostStart === known.length &&
      lastHost.scheme === scheme &&
      text.startsWith(known, hostStart)
    ) {
      return lastHost.origin;
    }
    const host = text.substring(hostStart, hostEnd);
    const origin = cachedOrigin(scheme, host);
    if (origin !== null) {
      lastHost = { scheme, host, origin };
      return origin;
    }
  }
  return cachedOrigin(scheme, head.fallbackHost) ?? `${scheme}//localhost`;
}

function cachedOrigin(scheme: 'http:' | 'https:', host: string): string | null {
  const known = origins[scheme];
  let origin = known.get(host);
  if (origin === undefined) {
    origin = parseOrigin(scheme, host);
    if (known.size >= ORIGINS_MAX) known.clear();
    known.set(host, origin);
  }
  return origin;
}

/** Scheme, host and port as the URL parser writes them; null when `host` is something else than host and port. */
function parseOrigin(scheme: string, host: string): string | null {
  if (/[/?#@\\\s]/.test(host)) return null;
  const text = `${scheme}//${host}/`;
  return URL.canParse(text) ? `${scheme}//${new URL(text).host}` : null;
}
