/**
 * What the campaign shares with the threads that it disturbs: one SharedArrayBuffer, which they find in their environment data.
 *
 * - COUNTDOWNS, a word a step: 0, or how many threads have to come by until one dies there. Set by the process's main thread,
 *   counted down by whichever thread comes by; the one that counts it to 0 dies.
 * - DEATHS, a word a step: threads that died there.
 * - PASSED, a word a step: 1 once any thread came by, so that a step which nobody reaches is seen.
 *
 * All words are atomic but for looks at COUNTDOWNS and PASSED, which may be late.
 */
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { STEPS } from './steps.js';

const KEY = 'paceline-chaos';
const COUNTDOWNS = 0;
const DEATHS = STEPS.length;
const PASSED = 2 * STEPS.length;
const WORDS = 3 * STEPS.length;

export class Failpoints {
  readonly #words: Int32Array;

  private constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  /** The failpoints of a new process; threads that start from now on find it. */
  static create(): Failpoints {
    const memory = new SharedArrayBuffer(WORDS * 4);
    setEnvironmentData(KEY, memory);
    return new Failpoints(memory);
  }

  /** The failpoints of this thread's process. */
  static find(): Failpoints {
    return new Failpoints(getEnvironmentData(KEY) as SharedArrayBuffer);
  }

  /** The `count`th thread that comes by this step from now on dies there. */
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

  /** Which steps any thread has come by. */
  passed(): boolean[] {
    return [...this.#words.subarray(PASSED, PASSED + STEPS.length)].map((word) => word !== 0);
  }

  /** The calling thread comes by a step, and dies if it is the one. */
  pass(step: number): void {
    const words = this.#words;
    if (words[PASSED + step] === 0) words[PASSED + step] = 1;
    if (words[COUNTDOWNS + step] === 0) return;
    if (Atomics.sub(words, COUNTDOWNS + step, 1) !== 1) return;
    Atomics.add(words, DEATHS + step, 1);
    dieHere();
  }
}

/** process.exit() of a thread returns; it ends where its engine looks next, which a loop does. */
function dieHere(): void {
  const exit: (code: number) => void = process.exit;
  exit(1);
  for (;;);
}
