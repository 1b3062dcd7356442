/**
 * The server's clock, guessed from the frames: the smallest difference between a frame's arrival and its time is that of the
 * frame that was least delayed, so it is the one to go by. The lanes scroll by it.
 */

/** Differences to look at; at five frames a second, those of the last thirteen seconds. */
const SAMPLES = 64;

export class ServerClock {
  #differences: number[] = [];
  #next = 0;
  #smallest = 0;

  /** Takes a frame's time and when it arrived by a monotonic clock, both in milliseconds. */
  note(frameAt: number, arrivedAt: number): void {
    this.#differences[this.#next] = arrivedAt - frameAt;
    this.#next = (this.#next + 1) % SAMPLES;
    this.#smallest = Math.min(...this.#differences);
  }

  /** The server's time at `now` of the same monotonic clock. */
  at(now: number): number {
    return now - this.#smallest;
  }

  forget(): void {
    this.#differences = [];
    this.#next = 0;
    this.#smallest = 0;
  }
}
