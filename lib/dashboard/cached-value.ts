/**
 * A value that is costly to make: made on demand when the last one is too old, once for all callers that wait for it. A
 * failure is not cached.
 */
export class CachedValue<T> {
  readonly #make: () => T | Promise<T>;
  readonly #maxAgeMs: number;
  #value: Promise<T> | null = null;
  #madeAt = 0;

  /** @param maxAgeMs for how long a value is reused, in milliseconds */
  constructor(make: () => T | Promise<T>, maxAgeMs: number) {
    this.#make = make;
    this.#maxAgeMs = maxAgeMs;
  }

  get(): Promise<T> {
    const now = performance.now();
    if (this.#value !== null && now - this.#madeAt < this.#maxAgeMs) return this.#value;
    // While it is being made it counts as fresh, however long that takes.
    this.#madeAt = Number.POSITIVE_INFINITY;
    this.#value = (async () => {
      try {
        return await this.#make();
      } catch (error) {
        this.#value = null;
        throw error;
      } finally {
        this.#madeAt = now;
      }
    })();
    return this.#value;
  }
}
