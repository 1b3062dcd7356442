/** At the boundary to user code: promises and other thenables that apps return, adopted exactly as `await` does. */

/** Captured before an app can replace them. */
const NativePromise = Promise;
const { then } = NativePromise.prototype;

/**
 * Whether `await value` may have to wait. `then` is not read here, because `await` reads it once.
 *
 * @throws what a proxy throws
 */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return ((typeof value === 'object' && value !== null) || typeof value === 'function') && 'then' in value;
}

/**
 * Calls one of the two callbacks exactly once, and not before this function returns, whatever the thenable does: the first
 * settlement counts, a promise as fulfilment value is followed, and native promises are subscribed to with the original
 * `then`.
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
