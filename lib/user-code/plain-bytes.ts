/** At the boundary to user code: the bytes of an app's typed array as a view without any of the app's own members. */
import { isUint8Array } from 'node:util/types';

const TypedArray = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
const getterOf = (name: 'buffer' | 'byteOffset' | 'byteLength') =>
  Object.getOwnPropertyDescriptor(TypedArray, name)!.get!;
const bufferOf = getterOf('buffer') as (this: Uint8Array) => ArrayBuffer;
const offsetOf = getterOf('byteOffset') as (this: Uint8Array) => number;
const lengthOf = getterOf('byteLength') as (this: Uint8Array) => number;

/**
 * A plain Uint8Array over the same memory: a subclass may have getters and methods of its own, which would be called
 * wherever the bytes are sent or copied.
 *
 * @returns null for any value other than a Uint8Array (or a Buffer); also for a proxy of one
 */
export function plainBytes(value: unknown): Uint8Array | null {
  if (!isUint8Array(value)) return null;
  return new Uint8Array(bufferOf.call(value), offsetOf.call(value), lengthOf.call(value));
}
