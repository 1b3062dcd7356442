/**
 * The Response that an app constructs. undici's constructor makes a stream, a Headers list and more, and takes as long as
 * two whole requests; this one keeps what it was given. It passes for a Response; what it cannot do by itself is done by
 * a real one (undici's), made then.
 *
 * Only what is certainly right is kept light. Any other body or init goes to the real constructor at once, so that it
 * means, or throws, exactly what it does there.
 */
import { FileBody } from '../static/file-body.js';
import { addBodyReaders } from './body-readers.js';
import {
  contentTypeLine,
  copyHeaders,
  headersOf,
  isFieldValue,
  linesOf,
  sentFieldsOf,
} from './header-lines.js';
import { installRequest } from './light-request.js';
import type { Outgoing } from './outgoing.js';
import { delegateRest, isDisturbed, RealResponse, unusableBody, usedStream } from './web-globals.js';

const RealHeaders = globalThis.Headers;

/** Bodies that are kept as they are. Bytes are our own copy. A file is read only when somebody wants its bytes. */
type LightBody = null | string | Uint8Array | Blob | FileBody | ReadableStream<Uint8Array>;

const TEXT_LINE = contentTypeLine('text/plain;charset=UTF-8');
const FORM_LINE = contentTypeLine('application/x-www-form-urlencoded;charset=UTF-8');
const JSON_LINE = contentTypeLine('application/json');

type BodyInit = ConstructorParameters<typeof Response>[0];
type HeadersInit = ConstructorParameters<typeof Headers>[0];
type RedirectStatus = NonNullable<Parameters<typeof Response.redirect>[1]>;

const EMPTY = new Uint8Array(0);
const REDIRECTS = new Set<RedirectStatus>([301, 302, 303, 307, 308]);

/** A reason phrase (RFC 9112, 4). */
const STATUS_TEXT = /^[\t -~\x80-\xff]*$/;

/**
 * What the streams of light bodies were made of. Frameworks often make `new Response(old.body, old)` to change a header;
 * then the new response has the text or bytes again, and not a stream.
 */
const sources = new WeakMap<ReadableStream, string | Uint8Array | Blob | FileBody>();

class LightResponse {
  #body: LightBody = null;
  #status = 200;
  #statusText = '';
  /** The header fields while #headers is null. */
  #lines = '';
  #headers: Headers | null = null;
  /** The body was taken from #body, so there is no real response. */
  #used = false;
  /** From redirect(): the headers cannot be changed. */
  #fixed = false;
  #real: Response | null = null;

  constructor(body: unknown = null, init: unknown = undefined) {
    if (this.#keep(body, init, TEXT_LINE)) return;
    const real = body instanceof FileBody ? body.stream() : body;
    this.#adopt(new RealResponse(real as BodyInit, init as ResponseInit));
  }

  /** Fast path: nothing is checked. @param lines header lines that are known to be valid */
  static of(status: number, lines: string, body: string | FileBody | null): LightResponse {
    const response = new LightResponse();
    response.#status = status;
    response.#lines = lines;
    response.#body = body;
    return response;
  }

  static json(data: unknown, init: unknown = undefined): LightResponse {
    const response = new LightResponse();
    const text = JSON.stringify(data);
    if (typeof text !== 'string' || !response.#keep(text, init, JSON_LINE)) {
      response.#adopt(RealResponse.json(data, init as ResponseInit));
    }
    return response;
  }

  static redirect(url: string | URL, status: RedirectStatus = 302): LightResponse {
    const response = new LightResponse();
    if (REDIRECTS.has(status) && URL.canParse(String(url))) {
      response.#status = status;
      response.#lines = `location: ${new URL(url).href}\r\n`;
      response.#fixed = true;
    } else {
      response.#adopt(RealResponse.redirect(url, status));
    }
    return response;
  }

  static error(): LightResponse {
    const response = new LightResponse();
    response.#adopt(RealResponse.error());
    return response;
  }

  static {
    addBodyReaders(LightResponse.prototype, {
      take: (light, decode) => light.#take(decode),
      real: (light) => light.#materialise(),
    });
  }

  static real(response: LightResponse): Response {
    return response.#materialise();
  }

  /** What is to be sent, or null when `value` is no light response. Fast path: no object of undici is touched. */
  static outgoing(value: object): Outgoing | null {
    if (!(#body in value)) return null;
    const stream = value.#real === null ? value.#body : value.#real.body;
    if (value.#used || (stream instanceof ReadableStream && !isFresh(stream))) throw unusableBody();
    // Somebody may have looked at `body` without reading it: what it was made of is still cheaper to send.
    const source = value.#body;
    const body = source === null || source instanceof ReadableStream ? stream : source;
    let length = -1;
    if (body instanceof FileBody) {
      // Two responses may have been made of one stream; the one that was sent first has used it up.
      if (body.closed) throw unusableBody();
      length = body.end - body.start;
    }
    const status = value.#status;
    const statusText = value.#statusText;
    if (value.#headers === null) {
      return { status, statusText, headers: value.#lines, contentLength: length, close: false, body };
    }
    const { headers, contentLength, close } = sentFieldsOf(value.#headers);
    return { status, statusText, headers, contentLength: length < 0 ? contentLength : length, close, body };
  }

  get status(): number {
    return this.#status;
  }

  get ok(): boolean {
    return this.#status >= 200 && this.#status <= 299;
  }

  get statusText(): string {
    return this.#statusText;
  }

  get headers(): Headers {
    if (this.#headers === null) {
      this.#headers = this.#fixed ? this.#materialise().headers : headersOf(this.#lines, 0);
    }
    return this.#headers;
  }

  get type(): Response['type'] {
    return this.#real === null ? 'default' : this.#real.type;
  }

  get url(): string {
    return this.#real === null ? '' : this.#real.url;
  }

  get redirected(): boolean {
    return this.#real === null ? false : this.#real.redirected;
  }

  get body(): ReadableStream<Uint8Array> | null {
    if (this.#real !== null) return this.#real.body;
    const body = this.#body;
    if (body === null || body instanceof ReadableStream) return body;
    if (this.#used) {
      this.#used = false;
      this.#body = usedStream();
      return this.#body;
    }
    const stream = this.#materialise().body!;
    sources.set(stream, body);
    return stream;
  }

  get bodyUsed(): boolean {
    if (this.#real !== null) return this.#real.bodyUsed;
    return this.#used || (this.#body instanceof ReadableStream && isDisturbed(this.#body));
  }

  clone(): LightResponse {
    if (this.bodyUsed) throw unusableBody();
    const copy = new LightResponse();
    if (this.#body instanceof FileBody) {
      // Both stay files. A stream with two branches would be read into JavaScript.
      if (this.#real?.body?.locked) throw unusableBody();
      copy.#body = this.#body.share();
      copy.#status = this.#status;
      copy.#statusText = this.#statusText;
      copy.#headers = new RealHeaders(this.headers);
      return copy;
    }
    if (this.#real !== null || this.#fixed || this.#body instanceof ReadableStream) {
      copy.#adopt(this.#materialise().clone());
      return copy;
    }
    copy.#body = this.#body;
    copy.#status = this.#status;
    copy.#statusText = this.#statusText;
    copy.#lines = this.#lines;
    if (this.#headers !== null) copy.#headers = new RealHeaders(this.#headers);
    return copy;
  }

  /** Keeps body and init when they are plain; false when the real constructor must look at them. Fast path. */
  #keep(body: unknown, init: unknown, textLine: string): boolean {
    let headers: unknown;
    if (init !== undefined) {
      if (init === null || typeof init !== 'object') return false;
      const { status = 200, statusText = '' } = init as { status?: unknown; statusText?: unknown };
      if (typeof status !== 'number' || !isStatus(status)) return false;
      if (statusText !== '' && (typeof statusText !== 'string' || !STATUS_TEXT.test(statusText)))
        return false;
      this.#status = status;
      this.#statusText = statusText as string;
      headers = (init as { headers?: unknown }).headers;
    }
    let typeLine = '';
    if (typeof body === 'string') {
      this.#body = body;
      typeLine = textLine;
    } else if (body !== null && body !== undefined) {
      const line = this.#keepObject(body);
      if (line === null) return false;
      typeLine = line;
    }
    if (this.#body !== null && isNullBodyStatus(this.#status)) return false;
    const lines = linesOf(headers, typeLine);
    if (lines !== null) {
      this.#lines = lines;
      return true;
    }
    this.#headers = new RealHeaders(headers as HeadersInit);
    if (typeLine !== '' && !this.#headers.has('content-type')) {
      this.#headers.set('content-type', typeLine.slice('content-type: '.length, -2));
    }
    return true;
  }

  /** Keeps a body that is an object, and returns its `content-type` line; null when the real class must look at it. */
  #keepObject(body: unknown): string | null {
    if (body instanceof ReadableStream) {
      if (!isFresh(body)) return null;
      this.#body = sources.get(body) ?? body;
      return '';
    }
    if (body instanceof FileBody) {
      this.#body = body;
      return '';
    }
    if (body instanceof Blob) {
      this.#body = body;
      // A subclass may say anything, and undici would believe it. The File API's answer to a bad type is no type.
      return isFieldValue(body.type) ? contentTypeLine(body.type) : '';
    }
    if (body instanceof URLSearchParams) {
      this.#body = body.toString();
      return FORM_LINE;
    }
    const view = body instanceof ArrayBuffer ? new Uint8Array(body) : body;
    if (!ArrayBuffer.isView(view) || !isPlainBuffer(view.buffer)) return null;
    // Fetch copies: the caller may fill the same buffer again before this is sent.
    this.#body = new Uint8Array(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
    return '';
  }

  #adopt(real: Response): void {
    this.#real = real;
    this.#body = null;
    this.#status = real.status;
    this.#statusText = real.statusText;
    this.#headers = real.headers;
  }

  /** The fast path of the readers; null when the body is not at hand as text or bytes. */
  #take<T>(decode: (bytes: Uint8Array) => T): Promise<T> | null {
    const body = this.#body;
    if (this.#real !== null || body instanceof ReadableStream || body instanceof Blob) return null;
    if (body instanceof FileBody) return null;
    if (this.#used) return Promise.reject(unusableBody());
    this.#used = body !== null;
    return new Promise((resolve) =>
      resolve(decode(typeof body === 'string' ? Buffer.from(body) : (body ?? EMPTY))),
    );
  }

  #materialise(): Response {
    if (this.#real === null) {
      const init = { status: this.#status, statusText: this.#statusText };
      this.#real = this.#fixed
        ? RealResponse.redirect(this.#lines.slice('location: '.length, -2), this.#status as RedirectStatus)
        : new RealResponse(bodyInit(this.#body), { ...init, headers: this.headers });
      if (this.#fixed) this.#headers = this.#real.headers;
    }
    // The handler may have changed the headers that it got from us.
    copyHeaders(this.headers, this.#real.headers);
    return this.#real;
  }
}

Object.setPrototypeOf(LightResponse.prototype, RealResponse.prototype);
// True for real responses too, as fetch() returns them. A subclass inherits this and means its own instances.
Object.defineProperty(LightResponse, Symbol.hasInstance, {
  value(this: unknown, value: unknown): boolean {
    if (this === LightResponse) return value instanceof RealResponse;
    return Function.prototype[Symbol.hasInstance].call(this as typeof Response, value);
  },
});
Object.defineProperty(LightResponse, 'name', { value: 'Response', configurable: true });
delegateRest(LightResponse.prototype, RealResponse.prototype, (light) =>
  LightResponse.real(light as LightResponse),
);

function bodyInit(body: LightBody): Exclude<LightBody, FileBody> {
  return body instanceof FileBody ? body.stream() : body;
}

/** Whether nobody reads or has read the stream. */
function isFresh(stream: ReadableStream): boolean {
  return !stream.locked && !isDisturbed(stream);
}

function isStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 200 && status <= 599;
}

function isNullBodyStatus(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

/** Shared and resizable memory is for the real class to refuse. */
function isPlainBuffer(buffer: ArrayBufferLike): boolean {
  return buffer instanceof ArrayBuffer && !(buffer as ArrayBuffer & { resizable?: boolean }).resizable;
}

/** A response of a status and header lines that are known to be valid: for the runtime itself. */
export function responseOf(status: number, lines: string, body: string | FileBody | null): Response {
  return LightResponse.of(status, lines, body) as unknown as Response;
}

/** What a light response sends; null when `value` is none. Throws a TypeError when its body has been read. */
export const lightOutgoing = LightResponse.outgoing;

/** Whether `value` is a Response of Node.js, light or not. */
export function isResponse(value: unknown): value is Response {
  return value instanceof RealResponse;
}

/** A light response that says what `response`, of whatever class, says. Throws what the constructor throws. */
export function copyOfResponse(response: Response): object {
  return new LightResponse(response.body, response);
}

let installed = false;

/** Puts the light classes in place of the global ones. For each worker thread, before the app loads; does it once. */
export function installResponse(): void {
  if (installed) return;
  installed = true;
  installRequest();
  Object.defineProperty(globalThis, 'Response', {
    value: LightResponse,
    writable: true,
    enumerable: false,
    configurable: true,
  });
}
