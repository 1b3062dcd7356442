/**
 * Responses of fetch() that a handler forwards to a client. Their header fields were meant for this process: some describe
 * the connection to the upstream (RFC 9110, 7.6.1), and some a content coding that fetch() has decoded while it keeps the
 * field that names it.
 */

/** What is known about a fetched response, for each of its parts. */
export interface Upstream {
  readonly headers: Headers;
  /** Whether fetch() has decoded the body, contrary to what the headers say. */
  readonly decoded: boolean;
}

/** Fields that a proxy removes, besides those that `connection` names and every `proxy-` field. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade']);
const OF_CODED_BODY = new Set(['content-encoding', 'content-length']);

/** Codings that every fetch() decodes. It decodes all of a list or, when one of them is unknown to it, none. */
const DECODED = new Set(['gzip', 'x-gzip', 'deflate', 'br']);
const ZSTD = 'zstd';

/** A zstd frame (RFC 8878, 3.1.1) of one raw block, which holds `PLAIN`. */
const FRAME = new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 0x20, 1, 0x09, 0, 0, 0x78]);
const PLAIN = 'x';

const bodies = new WeakMap<object, Upstream>();
const headerObjects = new WeakMap<object, Upstream>();

/**
 * Notes where the body, or the Headers object, of a response comes from when user code gets hold of it and may send it.
 *
 * @param url of the response; '' for one that was not fetched
 */
export function noteBody(body: ReadableStream, url: string, headers: Headers): void {
  if (url) bodies.set(body, { headers, decoded: wasDecoded(headers) });
}
export function noteHeaders(headers: Headers, url: string): void {
  if (url) headerObjects.set(headers, { headers, decoded: false });
}

/** The fetched response that a stream, or a Headers object, came from; null when there is none. */
export const upstreamOfBody = (body: object): Upstream | null => bodies.get(body) ?? null;
export const upstreamOfHeaders = (headers: object): Upstream | null => headerObjects.get(headers) ?? null;

function wasDecoded(headers: Headers): boolean {
  const codings = codingsOf(headers);
  return codings.length > 0 && codings.every((coding) => DECODED.has(coding));
}

function codingsOf(headers: Headers): string[] {
  const text = headers.get('content-encoding');
  return text ? text.split(',').map((coding) => coding.trim().toLowerCase()) : [];
}

/**
 * The fields to forward to the client. A field that the handler has set to another value is the handler's own, and stays.
 *
 * @param fields of the response that the handler returned
 */
export function* forwardedFields(
  fields: Iterable<[string, string]>,
  { headers, decoded }: Upstream,
): Generator<[string, string]> {
  const connection = headers.get('connection') ?? '';
  const named = new Set(connection.split(',').map((name) => name.trim().toLowerCase()));
  for (const field of fields) {
    const [name, value] = field;
    const stays =
      !HOP_BY_HOP.has(name) &&
      !name.startsWith('proxy-') &&
      !named.has(name) &&
      !(decoded && OF_CODED_BODY.has(name));
    if (stays || headers.get(name) !== value) yield field;
  }
}

type Fetch = typeof globalThis.fetch;

let learning: Promise<void> | null = null;

/**
 * Finds out whether `fetch` decodes zstd, which depends on the version of undici inside Node.js, as soon as it matters: when
 * `response` has that coding. Tried once, with `fetch` itself.
 */
export async function learnCodings(fetch: Fetch, { headers }: Response): Promise<void> {
  if (learning === null && !codingsOf(headers).includes(ZSTD)) return;
  learning ??= decodesZstd(fetch).then((decodes) => {
    if (decodes) DECODED.add(ZSTD);
  });
  await learning;
}

async function decodesZstd(fetch: Fetch): Promise<boolean> {
  const init = { dispatcher: { dispatch: answerCoded } } as unknown as RequestInit;
  try {
    return (await (await fetch('http://localhost/', init)).text()) === PLAIN;
  } catch {
    // A fetch() that takes no dispatcher is not Node's. Forwarding the field keeps field and body as received.
    return false;
  }
}

/** The handler that undici gives to a dispatcher: the first interface, or that of undici 7 and later. */
interface DispatchHandler {
  onConnect?(abort: () => void): void;
  onHeaders?(status: number, fields: Uint8Array[], resume: () => void, statusText: string): void;
  onData?(chunk: Uint8Array): void;
  onComplete?(trailers: Uint8Array[]): void;
  onRequestStart?(controller: object, context: object): void;
  onResponseStart?(controller: object, status: number, fields: object, statusText: string): void;
  onResponseData?(controller: object, chunk: Uint8Array): void;
  onResponseEnd?(controller: object, trailers: object): void;
}

/** Answers a request without a connection. */
function answerCoded(_options: unknown, handler: DispatchHandler): boolean {
  const nothing = (): void => undefined;
  const rawHeaders = [Buffer.from('content-encoding'), Buffer.from(ZSTD)];
  const chunk = Buffer.from(FRAME);
  queueMicrotask(() => {
    if (handler.onResponseStart !== undefined) {
      const controller = { rawHeaders, abort: nothing, pause: nothing, resume: nothing };
      handler.onRequestStart?.(controller, {});
      handler.onResponseStart(controller, 200, { 'content-encoding': ZSTD }, '');
      handler.onResponseData?.(controller, chunk);
      handler.onResponseEnd?.(controller, {});
    } else {
      handler.onConnect?.(nothing);
      handler.onHeaders?.(200, rawHeaders, nothing, '');
      handler.onData?.(chunk);
      handler.onComplete?.([]);
    }
  });
  return true;
}
