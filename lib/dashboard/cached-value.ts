/**
 * A value that is costly to make: made when somebody asks and the last one is too old, once for all who wait. One that could
 * not be made is not kept.
 */
export class CachedValue<T> {
  readonly #make: () => T | Promise<T>;
  readonly #maxAgeMs: number;
  #value: Promise<T> | null = null;
  #madeAt = 0;

  /** @param maxAgeMs how old a value may become, in milliseconds */
  constructor(make: () => T | Promise<T>, maxAgeMs: number) {
    this.#make = make;
    this.#maxAgeMs = maxAgeMs;
  }

  get(): Promise<T> {
    const now = performance.now();
    if (this.#value !== null && now - this.#madeAt < this.#maxAgeMs) return this.#value;
    // Until it is there it is young, however long that takes.
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
