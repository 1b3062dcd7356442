/**
 * The points at which the campaign kills threads: one SharedArrayBuffer, passed to the threads as environment data.
 *
 * - COUNTDOWNS, a word a step: 0, or how often the step is passed until a thread dies there. Set by the process's main
 *   thread, counted down by every thread that passes; the one that counts it to 0 dies.
 * - DEATHS, a word a step: threads that died there.
 * - PASSED, a word a step: 1 once any thread has passed, so that unreachable steps are noticed.
 * - JOINED, a word for each of the process's threads, by Node's number of it: 1 once it has joined.
 *
 * Accesses are atomic except for plain reads of COUNTDOWNS and PASSED, which may be stale.
 */
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { STEPS } from './steps.js';

const KEY = 'paceline-chaos';
const COUNTDOWNS = 0;
const DEATHS = STEPS.length;
const PASSED = 2 * STEPS.length;
const JOINED = 3 * STEPS.length;
/** More than a campaign starts. */
const MAX_THREADS = 4096;
const WORDS = JOINED + MAX_THREADS;

export class Failpoints {
  readonly #words: Int32Array;

  private constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  /** Called once in a process, before its threads start. */
  static create(): Failpoints {
    const memory = new SharedArrayBuffer(WORDS * 4);
    setEnvironmentData(KEY, memory);
    return new Failpoints(memory);
  }

  /** The failpoints of this thread's process. */
  static find(): Failpoints {
    return new Failpoints(getEnvironmentData(KEY) as SharedArrayBuffer);
  }

  /** The `count`th thread that passes this step from now on dies there. */
  arm(step: number, count: number): void {
    Atomics.store(this.#words, COUNTDOWNS + step, count);
  }

  disarm(): void {
    for (let step = 0; step < STEPS.length; step++) Atomics.store(this.#words, COUNTDOWNS + step, 0);
  }

  /** Threads that died at each step. */
  deaths(): number[] {
    return [...this.#words.subarray(DEATHS, DEATHS + STEPS.length)];
  }

  /** Which steps any thread has passed. */
  passed(): boolean[] {
    return [...this.#words.subarray(PASSED, PASSED + STEPS.length)].map((word) => word !== 0);
  }

  /** The calling thread has joined. @param thread its threadId */
  join(thread: number): void {
    Atomics.store(this.#words, JOINED + thread, 1);
  }

  hasJoined(thread: number): boolean {
    return Atomics.load(this.#words, JOINED + thread) === 1;
  }

  /** Called by a thread that passes a step; does not return if the thread is to die there. */
  pass(step: number): void {
    const words = this.#words;
    if (words[PASSED + step] === 0) words[PASSED + step] = 1;
    if (words[COUNTDOWNS + step] === 0) return;
    if (Atomics.sub(words, COUNTDOWNS + step, 1) !== 1) return;
    Atomics.add(words, DEATHS + step, 1);
    dieHere();
  }
}

/** In a thread process.exit() returns; the thread ends at the engine's next interrupt check, which a loop contains. */
function dieHere(): void {
  const exit: (code: number) => void = process.exit;
  exit(1);
  for (;;);
}
