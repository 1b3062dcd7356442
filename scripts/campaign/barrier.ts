/**
 * Barriers for the handlers of one process: each handler waits until a number of them have arrived, which proves that each
 * runs in a thread of its own. One SharedArrayBuffer, passed to the threads as environment data, has a word for each
 * barrier: the number of arrivals, on which the waiting threads sleep. All accesses are atomic.
 */
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

const KEY = 'paceline-barriers';
/** Barriers of one process: two for each round of a campaign. */
const COUNT = 4096;
/** Only a lost thread takes longer. */
const TIMEOUT_MS = 20_000;

export class Barriers {
  readonly #words: Int32Array;

  private constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  /** Called once in a process, before its threads start. */
  static create(): void {
    setEnvironmentData(KEY, new SharedArrayBuffer(COUNT * 4));
  }

  /** The barriers of this thread's process. */
  static find(): Barriers {
    return new Barriers(getEnvironmentData(KEY) as SharedArrayBuffer);
  }

  /**
   * Blocks the calling thread until `count` handlers have arrived at the barrier.
   *
   * @returns the app's answer: the number of its thread, or that the others did not arrive in time
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
