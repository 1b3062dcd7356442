/**
 * The web-standard classes that Node.js ships (undici), taken before they are replaced, and what the light request and
 * response share.
 */
import * as stream from 'node:stream';

export const RealRequest = globalThis.Request;
export const RealResponse = globalThis.Response;

/** Members of undici's classes, as they were before ours took their place in the prototype. */
class NativeMembers<Real extends object> {
  readonly #members: Record<string, PropertyDescriptor>;

  constructor(prototype: Real) {
    this.#members = Object.getOwnPropertyDescriptors(prototype) as Record<string, PropertyDescriptor>;
  }

  /** What the property says. @throws TypeError, as undici words it, for an object that is none of its own */
  get<Name extends keyof Real & string>(object: unknown, name: Name): Real[Name] {
    return this.#members[name]!.get!.call(object) as Real[Name];
  }

  /** Calls the method, whatever the app has put in its place since. */
  call(object: unknown, name: string, args: readonly unknown[] = []): unknown {
    return this.#members[name]!.value.apply(object, args);
  }
}

export const nativeRequest = new NativeMembers<Request>(RealRequest.prototype);
export const nativeResponse = new NativeMembers<Response>(RealResponse.prototype);

/** Whether the stream was ever read from or cancelled. */
export function isDisturbed(body: ReadableStream): boolean {
  return (stream as unknown as { isDisturbed(body: ReadableStream): boolean }).isDisturbed(body);
}

/** Whether nobody reads or has read the stream. */
export function isFresh(body: ReadableStream): boolean {
  return !body.locked && !isDisturbed(body);
}

/** Leaves the stream as the methods of Fetch leave one that they have read. */
export function useUp(body: ReadableStream): void {
  // Only for streams that cannot fail, such as those made of bytes at hand: nobody waits for what this gives.
  void body.getReader().cancel();
}

/** What `body` is once the whole body was taken in one go: a stream that has been read to its end. */
export function usedStream(): ReadableStream<Uint8Array> {
  const empty = new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
  useUp(empty);
  return empty;
}

/** Real objects whose bodies are used, so that whatever is asked of them fails in undici's words. */
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

/** Decodes as the Fetch standard's "UTF-8 decode" does: a byte order mark is dropped, what is no UTF-8 becomes U+FFFD. */
export function decodeText(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/**
 * The bytes as an ArrayBuffer that the app may keep, change and transfer.
 *
 * @param bytes nobody else's, unless they are a window of a larger buffer, which is copied, or empty: there may be one
 * empty array for all
 */
export function ownBuffer(bytes: Uint8Array): ArrayBuffer {
  const { buffer, byteLength } = bytes;
  if (byteLength === 0) return new ArrayBuffer(0);
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) return buffer;
  return new Uint8Array(bytes).buffer;
}
