/**
 * An estimate of the server's clock, by which the lanes scroll. The frame with the smallest difference between its arrival and
 * its time was delayed least, so that difference is used.
 */

/** How many differences are kept; at five frames a second, those of the last thirteen seconds. */
const SAMPLES = 64;

export class ServerClock {
  #differences: number[] = [];
  #next = 0;
  #smallest = Number.NEGATIVE_INFINITY;

  /** Adds a frame's time, and its arrival by a monotonic clock, both in milliseconds. */
  note(frameAt: number, arrivedAt: number): void {
    this.#differences[this.#next] = arrivedAt - frameAt;
    this.#next = (this.#next + 1) % SAMPLES;
    this.#smallest = Math.min(...this.#differences);
  }

  /** The server's time at `now` of the same monotonic clock; Infinity before the first frame. */
  at(now: number): number {
    return now - this.#smallest;
  }

  forget(): void {
    this.#differences = [];
    this.#next = 0;
    this.#smallest = Number.NEGATIVE_INFINITY;
  }
}
