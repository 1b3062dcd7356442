/**
 * What a light response keeps: the arguments of its constructor, as long as they are plain and certainly valid. Any other
 * body or init goes to the real constructor at once, so that it means, or throws, exactly what it does there.
 *
 * A body is at hand (`source`), a stream, or both: once `body` has been read, its stream represents the source. The stream
 * then tells whether the body is used, and taking the source uses the stream up.
 */

import { nameOf } from './field-names.js';
import { FileBody } from './file-body.js';
import {
  contentTypeLine,
  copyHeaders,
  isFieldValue,
  JSON_LINE,
  linesOf,
  SentFields,
  TEXT_LINE,
} from './header-lines.js';
import { HeadersState } from './headers-state.js';
import { headersOf, headersStateOf, stateFor } from './light-headers.js';
import type { Outgoing, OutgoingSource } from './outgoing.js';
import { forwardedFields, type Upstream, upstreamOfBody, upstreamOfHeaders } from './proxied-response.js';
import {
  isDisturbed,
  isFresh,
  nativeResponse,
  RealHeaders,
  RealResponse,
  unusableBody,
  usedResponse,
  usedStream,
  useUp,
} from './web-globals.js';

type Stream = ReadableStream<Uint8Array>;

const FORM_LINE = contentTypeLine('application/x-www-form-urlencoded;charset=UTF-8');

type BodyInit = ConstructorParameters<typeof Response>[0];
type HeadersInit = ConstructorParameters<typeof Headers>[0];
export type RedirectStatus = NonNullable<Parameters<typeof Response.redirect>[1]>;

const CONTENT_TYPE = nameOf('content-type')!;

const EMPTY = new Uint8Array(0);

/** A reason phrase (RFC 9112, 4). */
const STATUS_TEXT = /^[\t -~\x80-\xff]*$/;

/**
 * The sources of the streams of light bodies. Frameworks often make `new Response(old.body, old)` to change a header; the
 * new response then gets the text or bytes back, and not a stream.
 */
const sources = new WeakMap<Stream, OutgoingSource>();

/** The source that the stream of a light response represents; null for any other stream. */
const sourceOf = (stream: Stream): OutgoingSource | null => sources.get(stream) ?? null;

export class ResponseState {
  #source: OutgoingSource | null = null;
  /** The stream that was passed in, or that came from the real response; #real may have a newer one. */
  #stream: Stream | null = null;
  #status = 200;
  #statusText = '';
  /** The header fields while #fields and #headers are null. */
  #lines = '';
  #fields: HeadersState | null = null;
  /** Of #fields, or a real one. */
  #headers: Headers | null = null;
  /** The source was taken before a stream of it existed. */
  #used = false;
  /** From redirect(): the headers cannot be changed. */
  #fixed = false;
  #real: Response | null = null;
  /** The fetched response from which the body, or else the headers, were taken. */
  #upstream: Upstream | null = null;

  /** For `new Response()`. */
  static made(body: unknown, init: unknown): ResponseState {
    const state = new ResponseState();
    if (state.#keep(body, init, TEXT_LINE)) return state;
    // A new state: this one may have kept a part.
    const real = body instanceof FileBody ? body.stream() : body;
    return ResponseState.adopted(new RealResponse(real as BodyInit, init as ResponseInit));
  }

  /** Fast path: nothing is checked. @param lines header lines that are known to be valid */
  static of(status: number, lines: string, body: string | FileBody | null): ResponseState {
    const state = new ResponseState();
    state.#status = status;
    state.#lines = lines;
    state.#source = body;
    return state;
  }

  /** For JSON text; null when the real class must parse the init. */
  static json(text: string, init: unknown): ResponseState | null {
    const state = new ResponseState();
    return state.#keep(text, init, JSON_LINE) ? state : null;
  }

  /** For `Response.redirect()`. @param url as the URL parser writes it */
  static redirect(url: string, status: RedirectStatus): ResponseState {
    const state = ResponseState.of(status, `location: ${url}\r\n`, null);
    state.#fixed = true;
    return state;
  }

  static adopted(real: Response): ResponseState {
    const state = new ResponseState();
    state.#real = real;
    state.#status = nativeResponse.get(real, 'status');
    state.#statusText = nativeResponse.get(real, 'statusText');
    state.#headers = nativeResponse.get(real, 'headers');
    return state;
  }

  get status(): number {
    return this.#status;
  }

  get statusText(): string {
    return this.#statusText;
  }

  get headers(): Headers {
    if (this.#headers === null) {
      this.#fields ??= HeadersState.ofLines(this.#lines, this.#fixed);
      this.#headers = headersOf(this.#fields);
    }
    return this.#headers;
  }

  get type(): Response['type'] {
    return this.#real === null ? 'default' : nativeResponse.get(this.#real, 'type');
  }

  get url(): string {
    return this.#real === null ? '' : nativeResponse.get(this.#real, 'url');
  }

  get redirected(): boolean {
    return this.#real !== null && nativeResponse.get(this.#real, 'redirected');
  }

  get body(): Stream | null {
    const stream = this.#currentStream();
    if (stream !== null || this.#source === null) return stream;
    if (this.#used) this.#stream = usedStream();
    else this.#materialise();
    return this.#currentStream();
  }

  get bodyUsed(): boolean {
    const stream = this.#currentStream();
    return stream === null ? this.#used : isDisturbed(stream);
  }

  clone(): ResponseState {
    const plain = this.#real === null && this.#stream === null && !this.#fixed && !this.#used;
    if (!plain && !(this.#source instanceof FileBody && this.#isFresh())) {
      const copy = ResponseState.adopted(nativeResponse.call(this.real(), 'clone') as Response);
      copy.#upstream = this.#upstream;
      return copy;
    }
    const copy = new ResponseState();
    // Both stay files, even if there is a stream already: its two branches would be read into JavaScript.
    if (this.#source instanceof FileBody) copy.#source = this.#source.share();
    else copy.#source = this.#source instanceof Uint8Array ? new Uint8Array(this.#source) : this.#source;
    copy.#status = this.#status;
    copy.#statusText = this.#statusText;
    copy.#lines = this.#lines;
    copy.#upstream = this.#upstream;
    if (this.#fields !== null) copy.#fields = this.#fields.copy();
    else if (this.#headers !== null) copy.#headers = new RealHeaders(this.#headers);
    return copy;
  }

  /** Fast path of the body readers; null when the body is not at hand as text or bytes, or is used. */
  take<T>(decode: (bytes: Uint8Array) => T): Promise<T> | null {
    if (this.#real !== null || this.#stream !== null || this.#used) return null;
    const source = this.#source;
    if (source instanceof Blob || source instanceof FileBody) return null;
    this.#used = source !== null;
    return new Promise((resolve) =>
      resolve(decode(typeof source === 'string' ? Buffer.from(source) : (source ?? EMPTY))),
    );
  }

  /** The real response in place of the light one; its body is used if this one's is. */
  real(): Response {
    return this.#isFresh() ? this.#materialise() : usedResponse();
  }

  /**
   * What is sent. The body is used from then on, as in every server that sends a Response; a response without one may be
   * sent again. Fast path: no undici object is involved.
   *
   * @throws TypeError when the body has been used
   */
  outgoing(): Outgoing {
    const status = this.#status;
    const statusText = this.#statusText;
    const body = this.#takeBody();
    const size = body instanceof FileBody ? body.end - body.start : -1;
    if (this.#fields === null && this.#headers === null && this.#upstream === null) {
      return { status, statusText, headers: this.#lines, contentLength: size, close: false, body };
    }
    const { lines: headers, contentLength, close } = this.#sentFields();
    return { status, statusText, headers, contentLength: size < 0 ? contentLength : size, close, body };
  }

  #sentFields(): SentFields {
    if (this.#upstream !== null) return SentFields.of(forwardedFields(this.headers, this.#upstream));
    return this.#fields === null ? SentFields.of(this.headers) : this.#fields.sent();
  }

  #takeBody(): OutgoingSource | Stream | null {
    const source = this.#source;
    // Fast path: text, never accessed.
    if (typeof source === 'string' && this.#stream === null && this.#real === null && !this.#used) {
      this.#used = true;
      return source;
    }
    if (!this.#isFresh()) throw unusableBody();
    const stream = this.#currentStream();
    return source === null ? stream : this.#spend(source, stream);
  }

  /** Takes the source for sending, which is cheaper than sending the stream, if there is one. */
  #spend(source: OutgoingSource, stream: Stream | null): OutgoingSource {
    this.#used = true;
    if (!(source instanceof FileBody)) {
      if (stream !== null) useUp(stream);
      return source;
    }
    if (source.closed) throw unusableBody();
    if (stream === null) return source;
    // The stream closes its own body when it is cancelled.
    const body = source.share();
    useUp(stream);
    return body;
  }

  #currentStream(): Stream | null {
    return this.#real === null ? this.#stream : nativeResponse.get(this.#real, 'body');
  }

  #isFresh(): boolean {
    const stream = this.#currentStream();
    return stream === null ? !this.#used : isFresh(stream);
  }

  /** Keeps body and init when they are plain; false when the real constructor must process them. Fast path. */
  #keep(body: unknown, init: unknown, textLine: string): boolean {
    let headers: unknown;
    if (init !== undefined) {
      if (init === null || typeof init !== 'object') return false;
      const { status = 200, statusText = '' } = init as { status?: unknown; statusText?: unknown };
      if (!isSendableStatus(status)) return false;
      if (statusText !== '' && (typeof statusText !== 'string' || !STATUS_TEXT.test(statusText)))
        return false;
      this.#status = status;
      this.#statusText = statusText as string;
      headers = (init as { headers?: unknown }).headers;
    }
    let typeLine = '';
    if (typeof body === 'string') {
      this.#source = body;
      typeLine = textLine;
    } else if (body !== null && body !== undefined) {
      const line = this.#keepObject(body);
      if (line === null) return false;
      typeLine = line;
    }
    const isBodyless = this.#source === null && this.#stream === null;
    if (!isBodyless && isNullBodyStatus(this.#status)) return false;
    const lines = headersStateOf(headers) === null ? linesOf(headers, typeLine) : null;
    if (lines === null) return this.#keepHeaders(headers, typeLine);
    this.#lines = lines;
    return true;
  }

  /** Keeps headers that are no plain list of fields; false when the real class refuses them: the real constructor then throws. */
  #keepHeaders(headers: unknown, typeLine: string): boolean {
    const type = typeLine.slice('content-type: '.length, -2);
    this.#fields = stateFor(headers);
    if (this.#fields !== null) {
      if (type !== '' && !this.#fields.has('content-type')) this.#fields.append(CONTENT_TYPE, type);
      return true;
    }
    try {
      this.#headers = new RealHeaders(headers as HeadersInit);
    } catch (error) {
      // An iterator is used up: the real constructor would find no fields in it, and not throw.
      if (typeof headers === 'object' && headers !== null && 'next' in headers) throw error;
      return false;
    }
    if (typeof headers === 'object' && headers !== null) this.#upstream ??= upstreamOfHeaders(headers);
    if (type !== '' && !this.#headers.has('content-type')) this.#headers.set('content-type', type);
    return true;
  }

  /** Keeps a body that is an object, and returns its `content-type` line; null when the real class must process it. */
  #keepObject(body: unknown): string | null {
    if (body instanceof ReadableStream) {
      if (!isFresh(body)) return null;
      this.#stream = body;
      this.#source = sourceOf(body);
      this.#upstream = upstreamOfBody(body);
      return '';
    }
    if (body instanceof FileBody) {
      this.#source = body;
      return '';
    }
    if (body instanceof Blob) {
      this.#source = body;
      // A subclass may return any type, which undici does not check. The File API turns an invalid type into none.
      return isFieldValue(body.type) ? contentTypeLine(body.type) : '';
    }
    if (body instanceof URLSearchParams) {
      this.#source = body.toString();
      return FORM_LINE;
    }
    const view = body instanceof ArrayBuffer ? new Uint8Array(body) : body;
    if (!ArrayBuffer.isView(view) || !isPlainBuffer(view.buffer)) return null;
    // A copy, as the Fetch standard makes one: the caller may reuse its buffer before this is sent.
    this.#source = new Uint8Array(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
    return '';
  }

  #materialise(): Response {
    if (this.#real === null) {
      const init = { status: this.#status, statusText: this.#statusText };
      if (this.#fixed) {
        const url = this.#lines.slice('location: '.length, -2);
        this.#real = RealResponse.redirect(url, this.#status as RedirectStatus);
        return this.#real;
      }
      const body = this.#stream ?? streamable(this.#source);
      this.#real = new RealResponse(body, init);
      if (this.#source !== null) sources.set(this.#currentStream()!, this.#source);
    }
    // Each time: the handler may change the Headers object that it was given.
    if (!this.#fixed) copyHeaders(this.headers, nativeResponse.get(this.#real, 'headers'));
    return this.#real;
  }
}

function streamable(source: OutgoingSource | null): Exclude<OutgoingSource, FileBody> | Stream | null {
  return source instanceof FileBody ? source.stream() : source;
}

/** Whether a Response may have the status. Of any type: a subclass may have getters of its own. */
export function isSendableStatus(status: unknown): status is number {
  return typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599;
}

function isNullBodyStatus(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

/** Shared and resizable memory is left to the real class, which refuses it. */
function isPlainBuffer(buffer: ArrayBufferLike): boolean {
  return buffer instanceof ArrayBuffer && !(buffer as ArrayBuffer & { resizable?: boolean }).resizable;
}
