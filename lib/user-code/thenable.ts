/** Promises and what passes for one, adopted exactly as `await` adopts them. */

/** Taken before an app can replace them. */
const NativePromise = Promise;
const { then } = NativePromise.prototype;

/**
 * Whether `await value` would wait for anything but a value. Its `then` is not read here, as `await` reads it once.
 *
 * @throws what a proxy throws
 */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return ((typeof value === 'object' && value !== null) || typeof value === 'function') && 'then' in value;
}

/**
 * Calls one of the two once, and never before it returns, whatever the thenable does: one that settles twice counts once,
 * one that fulfils with a promise is followed, and a native promise is asked by the method that it was born with.
 *
 * @throws what the value's own getters throw
 */
export function adopt<T>(
  value: T | PromiseLike<T>,
  fulfilled: (value: T) => void,
  rejected: (error: unknown) => void,
): void {
  then.call(NativePromise.resolve(value), fulfilled as (value: unknown) => void, rejected);
}
