/**
 * Counters in shared memory are 32-bit words that wrap: at a million a second, in 71 minutes. What is shown is a total that
 * does not wrap: the sum of the differences from one update to the next, each modulo 2^32.
 */
import { COUNTERS, type Counter, countersOf } from '../memory/counters.js';
import { classCountsOf } from '../memory/request-classes.js';
import { histogramOf } from '../memory/sums.js';
import { HISTOGRAMS, type HistogramName } from './observation.js';

/** The totals of some words. */
export class WordTotals {
  /** Updated in place by `update`. */
  readonly values: Float64Array;
  readonly #words: Uint32Array;
  readonly #last: Uint32Array;

  constructor({ buffer, byteOffset, length }: Int32Array | Uint32Array) {
    this.#words = new Uint32Array(buffer, byteOffset, length);
    this.#last = new Uint32Array(length);
    this.values = new Float64Array(length);
  }

  /** To be called at least once in the time in which a word counts 2^32. */
  update(): Float64Array {
    const words = this.#words;
    const last = this.#last;
    const values = this.values;
    for (let index = 0; index < words.length; index++) {
      const word = words[index]!;
      if (word === last[index]) continue;
      values[index]! += (word - last[index]!) >>> 0;
      last[index] = word;
    }
    return values;
  }
}

/** The totals of a thread. A replacement continues the same words. */
export class ThreadTotals {
  readonly #counters: WordTotals;
  readonly #classes: WordTotals;
  readonly #histograms: readonly (readonly [HistogramName, WordTotals])[];

  constructor(control: SharedArrayBuffer, thread: number) {
    this.#counters = new WordTotals(countersOf(control, thread));
    this.#classes = new WordTotals(classCountsOf(control, thread));
    this.#histograms = HISTOGRAMS.map((name, which) => [
      name,
      new WordTotals(histogramOf(control, thread, which)),
    ]);
  }

  counters(): Record<Counter, number> {
    const values = this.#counters.update();
    return Object.fromEntries(COUNTERS.map((name, index) => [name, values[index]!])) as Record<
      Counter,
      number
    >;
  }

  /** Views, which the next update changes. */
  histograms(): Record<HistogramName, Float64Array> {
    return Object.fromEntries(this.#histograms.map(([name, totals]) => [name, totals.update()])) as Record<
      HistogramName,
      Float64Array
    >;
  }

  /** Requests by class. A view, as those. */
  requestClasses(): Float64Array {
    return this.#classes.update();
  }

  update(): void {
    this.#counters.update();
    this.#classes.update();
    for (const [, totals] of this.#histograms) totals.update();
  }
}
