/**
 * The web-standard classes that Node.js ships (undici), captured before they are replaced, and helpers that the light
 * classes share.
 */
import stream from 'node:stream';

export const RealHeaders = globalThis.Headers;
export const RealRequest = globalThis.Request;
export const RealResponse = globalThis.Response;

/** The members of an undici class, as they were before its prototype was patched. */
class NativeMembers<Real extends object> {
  readonly #members: Record<string | symbol, PropertyDescriptor>;

  constructor(prototype: Real) {
    this.#members = Object.getOwnPropertyDescriptors(prototype) as Record<
      string | symbol,
      PropertyDescriptor
    >;
  }

  /** The property's value. @throws undici's TypeError for an object that is not of its class */
  get<Name extends keyof Real & string>(object: unknown, name: Name): Real[Name] {
    return this.#members[name]!.get!.call(object) as Real[Name];
  }

  /** Calls undici's method, even if the app has replaced it since. */
  call(object: unknown, name: string | symbol, args: readonly unknown[] = []): unknown {
    return this.#members[name]!.value.apply(object, args);
  }
}

export const nativeHeaders = new NativeMembers<Headers>(RealHeaders.prototype);
export const nativeRequest = new NativeMembers<Request>(RealRequest.prototype);
export const nativeResponse = new NativeMembers<Response>(RealResponse.prototype);

/** Whether the stream was ever read from or cancelled. */
export function isDisturbed(body: ReadableStream): boolean {
  return (stream as unknown as { isDisturbed(body: ReadableStream): boolean }).isDisturbed(body);
}

/** Whether the stream has no reader and has never been read. */
export function isFresh(body: ReadableStream): boolean {
  return !body.locked && !isDisturbed(body);
}

/** Leaves the stream in the state in which Fetch's body methods leave one that they have read. */
export function useUp(body: ReadableStream): void {
  // Only for streams that cannot fail, such as those made of bytes at hand: the promise is not awaited.
  void body.getReader().cancel();
}

/** The value of `body` after the whole body was taken at once: a stream that has been read to its end. */
export function usedStream(): ReadableStream<Uint8Array> {
  const empty = new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
  useUp(empty);
  return empty;
}

/** Real objects with used bodies, so that every use of them fails with undici's own errors. */
export function usedResponse(): Response {
  const response = new RealResponse('');
  useUp(nativeResponse.get(response, 'body')!);
  return response;
}
export function usedRequest(): Request {
  const request = new RealRequest('http://localhost/', { method: 'POST', body: '' });
  useUp(nativeRequest.get(request, 'body')!);
  return request;
}

export function unusableBody(): TypeError {
  return new TypeError('Body is unusable: Body has already been read');
}

/** Decodes as the Encoding standard's "UTF-8 decode": drops a byte order mark, and replaces invalid UTF-8 by U+FFFD. */
export function decodeText(bytes: Uint8Array): string {
  const { buffer, byteOffset, byteLength } = bytes;
  return decodePart(Buffer.from(buffer, byteOffset, byteLength), 0, byteLength);
}

/** The same for the bytes [start, end). */
export function decodePart(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end);
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/**
 * The bytes as an ArrayBuffer that the app may keep, change and transfer.
 *
 * @param bytes without another owner, unless they are part of a larger buffer, which is copied, or empty: one empty array
 * may be shared
 */
export function ownBuffer(bytes: Uint8Array): ArrayBuffer {
  const { buffer, byteLength } = bytes;
  if (byteLength === 0) return new ArrayBuffer(0);
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) return buffer;
  return new Uint8Array(bytes).buffer;
}
