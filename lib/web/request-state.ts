/**
 * What a light request keeps: the received head, the body as it arrives, and the objects made of them on demand. Whatever
 * this cannot do is done by a real Request (undici's), which is made at that point and owns the body from then on.
 */
import { copyHeaders } from './header-lines.js';
import { HeadersState } from './headers-state.js';
import type { IncomingBody } from './incoming-body.js';
import { headersOf } from './light-headers.js';
import { methodOf, type RequestHead, urlOf } from './request-head.js';
import { isDisturbed, isFresh, nativeRequest, RealRequest, usedRequest, usedStream } from './web-globals.js';

const EMPTY = new Uint8Array(0);

export class RequestState {
  readonly #head: RequestHead;
  readonly #incoming: IncomingBody | null;
  #url = '';
  #fields: HeadersState | null = null;
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

  /** Whether the fields are as received. */
  get isUntouched(): boolean {
    return this.#fields === null || !this.#fields.isChanged;
  }

  get method(): string {
    return methodOf(this.#head);
  }

  get url(): string {
    if (this.#url === '') this.#url = urlOf(this.#head);
    return this.#url;
  }

  get headers(): Headers {
    if (this.#headers === null) {
      this.#fields = HeadersState.received(this.#head.text, this.#head.headersStart);
      this.#headers = headersOf(this.#fields);
    }
    return this.#headers;
  }

  /**
   * Aborts when the client leaves before it has received the whole response. The reason is a DOMException named AbortError;
   * its `cause` is a PacelineError with the code `PACELINE_CLIENT_GONE`, or `PACELINE_BODY_LIMIT` for a body that was
   * refused. A handler that then fails with this reason is not logged as failed, and nothing is sent.
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

  /** Fast path of the body readers. null when the body is used or its stream was handed out: the real object decides then. */
  take<T>(decode: (bytes: Uint8Array) => T): Promise<T> | null {
    if (this.#real !== null || this.#stream !== null) return null;
    const incoming = this.#incoming;
    if (incoming === null) return new Promise((resolve) => resolve(decode(EMPTY)));
    return incoming.used ? null : incoming.bytes().then(decode);
  }

  /** The same for text: see IncomingBody.text. */
  takeText<T>(convert: (text: string) => T): Promise<T> | null {
    if (this.#real !== null || this.#stream !== null) return null;
    const incoming = this.#incoming;
    if (incoming === null) return new Promise((resolve) => resolve(convert('')));
    return incoming.used ? null : incoming.text(convert);
  }

  /** The real request in place of the light one; its body is used if this one's is. */
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
      const { url, method, body, signal } = this;
      this.#real = new RealRequest(url, { method, body, duplex: 'half', signal });
    }
    // Each time: the handler may change the Headers object that it was given.
    copyHeaders(this.headers, nativeRequest.get(this.#real, 'headers'));
    return this.#real;
  }
}

function carriesBody(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD';
}
