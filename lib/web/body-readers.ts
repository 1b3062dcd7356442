/**
 * What the light Request and Response have in common: the methods that read a body. The fast path decodes bytes that are
 * at hand; all else is asked of the real object.
 */
import { decodeText, ownBuffer, unusableBody } from './web-globals.js';

type Real = Request | Response;
type Decode<T> = (bytes: Uint8Array) => T;

/** How a light class gets at what its readers need, given by the class itself because both are private to it. */
export interface BodyAccess<Light> {
  /** The body decoded, when its bytes are at hand or on their way; null when the real object must sort it out. */
  take<T>(light: Light, decode: Decode<T>): Promise<T> | null;
  /** The real object in place of the light one. */
  real(light: Light): Real;
}

/**
 * Gives a light class its body readers. They become members of the prototype itself, as the class's own methods are: it
 * inherits from the real class, so a class between them would be no place for them.
 */
export function addBodyReaders<Light extends { readonly bodyUsed: boolean }>(
  prototype: Light,
  { take, real: realOf }: BodyAccess<Light>,
): void {
  /** Async, so that what the real constructor throws becomes a rejection. */
  async function askReal<T>(light: Light, use: (real: Real) => Promise<T>): Promise<T> {
    if (light.bodyUsed) throw unusableBody();
    return use(realOf(light));
  }

  const readers = {
    text(this: Light): Promise<string> {
      return take(this, decodeText) ?? askReal(this, (real) => real.text());
    },
    json(this: Light): Promise<unknown> {
      return take(this, (bytes) => JSON.parse(decodeText(bytes))) ?? askReal(this, (real) => real.json());
    },
    arrayBuffer(this: Light): Promise<ArrayBuffer> {
      return take(this, ownBuffer) ?? askReal(this, (real) => real.arrayBuffer());
    },
    bytes(this: Light): Promise<Uint8Array> {
      const decode = (bytes: Uint8Array): Uint8Array => new Uint8Array(ownBuffer(bytes));
      return take(this, decode) ?? askReal(this, async (real) => new Uint8Array(await real.arrayBuffer()));
    },
    blob(this: Light): Promise<Blob> {
      return askReal(this, (real) => real.blob());
    },
    formData(this: Light): Promise<FormData> {
      return askReal(this, (real) => real.formData());
    },
  };
  for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(readers))) {
    Object.defineProperty(prototype, name, { ...property, enumerable: false });
  }
}
