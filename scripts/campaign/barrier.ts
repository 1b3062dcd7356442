/**
 * A barrier for handlers of one process: each waits until so many are there, so each has a thread of its own. One
 * SharedArrayBuffer, which threads find in their environment data; a word for each barrier, which counts who has come, and
 * on which those sleep that wait for more. All accesses are atomic.
 */
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

const KEY = 'paceline-barriers';
/** Barriers of one process: two for each round of a campaign. */
const COUNT = 4096;
/** Far above what any thread needs that is not lost. */
const TIMEOUT_MS = 20_000;

export class Barriers {
  readonly #words: Int32Array;

  private constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  /** Called in a new process; threads that start from now on find them. */
  static create(): void {
    setEnvironmentData(KEY, new SharedArrayBuffer(COUNT * 4));
  }

  /** Those of this thread's process. */
  static find(): Barriers {
    return new Barriers(getEnvironmentData(KEY) as SharedArrayBuffer);
  }

  /**
   * Blocks the calling thread until `count` handlers are at this barrier.
   *
   * @returns what the app answers: the number of its thread, or that the others were not in time
   */
  meet(barrier: number, count: number, thread: number): string {
    return this.#wait(barrier % COUNT, count) ? String(thread) : 'nobody came';
  }

  #wait(at: number, count: number): boolean {
    const here = Atomics.add(this.#words, at, 1) + 1;
    if (here >= count) {
      Atomics.notify(this.#words, at);
      return true;
    }
    const endMs = performance.now() + TIMEOUT_MS;
    for (let seen = here; seen < count; seen = Atomics.load(this.#words, at)) {
      if (performance.now() >= endMs) return false;
      Atomics.wait(this.#words, at, seen, endMs - performance.now());
    }
    return true;
  }
}
