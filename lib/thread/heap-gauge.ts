/** Records the size of the thread's heap for observers. */
import { getHeapStatistics } from 'node:v8';
import { HEAP_LIMIT, HEAP_USED } from '../memory/sums.js';

/** Between two readings, which take some microseconds each. */
const PERIOD_MICROS = 1_000_000;

export class HeapGauge {
  readonly #sums: Float64Array;
  #readAt = Number.NEGATIVE_INFINITY;

  /** @param sums the thread's */
  constructor(sums: Float64Array) {
    this.#sums = sums;
  }

  /** @param now by sys/clock.ts, roughly */
  turnBegins(now: number): void {
    if (now - this.#readAt < PERIOD_MICROS) return;
    this.#readAt = now;
    const { used_heap_size, heap_size_limit } = getHeapStatistics();
    this.#sums[HEAP_USED] = used_heap_size;
    this.#sums[HEAP_LIMIT] = heap_size_limit;
  }
}
