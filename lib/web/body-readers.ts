/**
 * The methods that read a body, which the light Request and Response have in common. The fast path decodes bytes that are
 * at hand; everything else is delegated to the real object.
 */
import { ownBuffer } from './web-globals.js';

/** How the readers access a body. */
interface BodyAccess {
  /**
   * The decoded body, when its bytes are at hand or still arriving; null when the real object must decide. `decode` gets
   * bytes that satisfy `ownBuffer`.
   */
  take<T>(object: unknown, decode: (bytes: Uint8Array) => T): Promise<T> | null;
  /** The same for a body as text, which needs no bytes of its own. */
  takeText<T>(object: unknown, convert: (text: string) => T): Promise<T> | null;
  /** Calls undici's method on the real object in place of a light one. Throws what the real class's constructor throws. */
  askReal(object: unknown, name: string): Promise<unknown>;
}

const sameText = (text: string): string => text;
const parseJson = (text: string): unknown => JSON.parse(text);
const ownBytes = (bytes: Uint8Array): Uint8Array => new Uint8Array(ownBuffer(bytes));

/** The readers of a class, to be copied to its prototype. */
export function bodyReaders({ take, takeText, askReal }: BodyAccess): object {
  /** An exception becomes a rejection. The promise is the real object's own, which settles as early as Fetch asks. */
  function ask(object: unknown, name: string): Promise<unknown> {
    try {
      return askReal(object, name);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  return {
    text(this: unknown): Promise<unknown> {
      return takeText(this, sameText) ?? ask(this, 'text');
    },
    json(this: unknown): Promise<unknown> {
      return takeText(this, parseJson) ?? ask(this, 'json');
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
