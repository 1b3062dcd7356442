/**
 * The web-standard classes that Node.js ships (undici), taken before they are replaced, and what the light request and
 * response share.
 */
import * as stream from 'node:stream';

export const RealRequest = globalThis.Request;
export const RealResponse = globalThis.Response;

/** Whether the stream was ever read from or cancelled. */
export function isDisturbed(body: ReadableStream): boolean {
  return (stream as unknown as { isDisturbed(body: ReadableStream): boolean }).isDisturbed(body);
}

/** What `body` is once the whole body was taken in one go: a stream that has been read to its end. */
export function usedStream(): ReadableStream<Uint8Array> {
  const empty = new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
  void empty.getReader().read();
  return empty;
}

export function unusableBody(): TypeError {
  return new TypeError('Body is unusable: it has been read already');
}

/** Decodes as the Fetch standard's "UTF-8 decode" does: a byte order mark is dropped, what is no UTF-8 becomes U+FFFD. */
export function decodeText(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/** The bytes as an ArrayBuffer of their own. */
export function ownBuffer(bytes: Uint8Array): ArrayBuffer {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && bytes.byteLength === buffer.byteLength) return buffer;
  return new Uint8Array(bytes).buffer;
}

/** Members that newer versions of Node.js have and the light class does not name go to the real object. */
export function delegateRest(light: object, real: object, unwrap: (object: object) => object): void {
  for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(real))) {
    if (Object.hasOwn(light, name)) continue;
    const { get, value } = property;
    if (get !== undefined) {
      Object.defineProperty(light, name, {
        ...property,
        get(this: object) {
          return get.call(unwrap(this));
        },
      });
    } else if (typeof value === 'function') {
      Object.defineProperty(light, name, {
        ...property,
        value(this: object, ...args: unknown[]) {
          return value.apply(unwrap(this), args);
        },
      });
    }
  }
}
