/**
 * What the light Request and Response have in common: the methods that read a body. The fast path decodes bytes that are
 * at hand; all else is asked of the real object.
 */
import { decodeText, ownBuffer } from './web-globals.js';

/** How the readers get at a body. */
interface BodyAccess {
  /**
   * The body decoded, when its bytes are at hand or on their way; null when the real object must sort it out. The bytes
   * that it decodes are as `ownBuffer` wants them.
   */
  take<T>(object: unknown, decode: (bytes: Uint8Array) => T): Promise<T> | null;
  /** Calls undici's method, of the real object in place of a light one. Throws what the real class's constructor throws. */
  askReal(object: unknown, name: string): Promise<unknown>;
}

const parseJson = (bytes: Uint8Array): unknown => JSON.parse(decodeText(bytes));
const ownBytes = (bytes: Uint8Array): Uint8Array => new Uint8Array(ownBuffer(bytes));

/** The readers of a class, to be put into its prototype. */
export function bodyReaders({ take, askReal }: BodyAccess): object {
  /** Async, so that what is thrown becomes a rejection. */
  async function ask(object: unknown, name: string): Promise<unknown> {
    return askReal(object, name);
  }

  return {
    text(this: unknown): Promise<unknown> {
      return take(this, decodeText) ?? ask(this, 'text');
    },
    json(this: unknown): Promise<unknown> {
      return take(this, parseJson) ?? ask(this, 'json');
    },
    arrayBuffer(this: unknown): Promise<unknown> {
      return take(this, ownBuffer) ?? ask(this, 'arrayBuffer');
    },
    bytes(this: unknown): Promise<unknown> {
      return take(this, ownBytes) ?? ask(this, 'bytes');
    },
    blob(this: unknown): Promise<unknown> {
      return ask(this, 'blob');
    },
    formData(this: unknown): Promise<unknown> {
      return ask(this, 'formData');
    },
  };
}
