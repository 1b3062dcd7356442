/**
 * Rates, shares and percentiles of the time between two observations. An observation's histograms may be views of memory that
 * changes, so what is compared later is copied into totals.
 */
import {
  type Counter,
  HISTOGRAM_BUCKETS,
  type Observation,
  type ObservedThread,
  PROCESSING,
  upperBoundUs,
} from '../observe/observation.js';
import type { HistogramBar, Percentiles, Point } from './protocol.js';

/** The values that are compared with a later observation. */
export interface Totals {
  readonly at: number;
  /** The length of the queue; null in models without one. */
  readonly queue: number | null;
  readonly counters: Readonly<Record<Counter, number>>;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Of all threads together. */
  readonly responses: Float64Array;
  readonly queueWaits: Float64Array;
  readonly promotions: Float64Array;
  /** Of each thread. */
  readonly threadResponses: readonly Float64Array[];
  readonly busyMs: readonly number[];
  readonly loopDelays: readonly Float64Array[];
}

export function totalsOf({ at, queue, threads }: Observation): Totals {
  return {
    at,
    queue: queue?.current ?? null,
    counters: sumCounters(threads),
    bytesIn: sum(threads, ({ bytesIn }) => bytesIn),
    bytesOut: sum(threads, ({ bytesOut }) => bytesOut),
    responses: mergeHistograms(threads.map(({ histograms }) => histograms.responses)),
    queueWaits: mergeHistograms(threads.map(({ histograms }) => histograms.queueWaits)),
    promotions: mergeHistograms(threads.map(({ histograms }) => histograms.promotions)),
    threadResponses: threads.map(({ histograms }) => Float64Array.from(histograms.responses)),
    busyMs: threads.map(({ timesMs }) => timesMs[PROCESSING]!),
    loopDelays: threads.map(({ histograms }) => Float64Array.from(histograms.loopDelays)),
  };
}

/**
 * The point of the curves for the time between two totals; all zero if there is none.
 *
 * @param queue the largest length of the queue in that time
 */
export function pointBetween(before: Totals, now: Totals, queue = now.queue): Point {
  const seconds = (now.at - before.at) / 1000;
  const rate = (counted: number) => (seconds > 0 ? round(counted / seconds, 100) : 0);
  const counted = (name: Counter) => now.counters[name] - before.counters[name];
  const requests = counted('requests');
  const promotionMs = percentilesBetween(before.promotions, now.promotions);
  return {
    at: round(now.at, 1000),
    requests: rate(requests),
    // From one thread to another: a thread that takes back its own leadership was not promoted.
    promotions: rate(promotionMs?.count ?? 0),
    bytesIn: rate(now.bytesIn - before.bytesIn),
    bytesOut: rate(now.bytesOut - before.bytesOut),
    accepted: rate(counted('accepted')),
    dropped: rate(counted('dropped')),
    errors: rate(errorsBetween(before, now)),
    wakeUpsPerRequest: requests > 0 ? round(counted('wakeUps') / requests, 10_000) : null,
    responseMs: percentilesBetween(before.responses, now.responses),
    queueMs: percentilesBetween(before.queueWaits, now.queueWaits),
    queue,
    promotionMs,
  };
}

/** How many requests were answered between two totals, and how many of them failed. */
export function outcomesBetween(before: Totals, now: Totals): { requests: number; errors: number } {
  const counted = (name: Counter) => now.counters[name] - before.counters[name];
  return { requests: counted('requests'), errors: errorsBetween(before, now) };
}

/** Most errors thrown by handlers are answered with 5xx, so the sum would count them twice. */
function errorsBetween(before: Totals, now: Totals): number {
  const counted = (name: Counter) => now.counters[name] - before.counters[name];
  return Math.max(counted('errors'), counted('responses5xx'));
}

/** The share of the time between two totals that each thread spent processing, from 0 to 1. */
export function busyBetween(before: Totals, now: Totals): number[] {
  const elapsedMs = now.at - before.at;
  return now.busyMs.map((busyMs, thread) => {
    const share = elapsedMs > 0 ? (busyMs - (before.busyMs[thread] ?? 0)) / elapsedMs : 0;
    return round(Math.min(1, Math.max(0, share)), 1000);
  });
}

/** Percentiles, in milliseconds, of the values counted between two readings of a histogram; null if there are none. */
export function percentilesBetween(before: Float64Array, now: Float64Array): Percentiles | null {
  const counts = now.map((count, bucket) => count - before[bucket]!);
  const count = counts.reduce((total, one) => total + one, 0);
  if (count === 0) return null;
  const ranks = [0.5, 0.9, 0.99, 1].map((share) => Math.max(1, Math.ceil(count * share)));
  const found: number[] = [];
  let passed = 0;
  for (let bucket = 0; bucket < counts.length; bucket++) {
    passed += counts[bucket]!;
    while (found.length < ranks.length && passed >= ranks[found.length]!) {
      found.push(upperBoundUs(bucket) / 1000);
    }
  }
  const [p50, p90, p99, max] = found as [number, number, number, number];
  return { p50, p90, p99, max, count };
}

/** The buckets of a histogram that are not empty. */
export function barsOf(histogram: Float64Array): HistogramBar[] {
  const bars: HistogramBar[] = [];
  histogram.forEach((count, bucket) => {
    if (count > 0) bars.push([upperBoundUs(bucket) / 1000, count]);
  });
  return bars;
}

export function mergeHistograms(histograms: readonly Float64Array[]): Float64Array {
  const merged = new Float64Array(HISTOGRAM_BUCKETS);
  for (const histogram of histograms) {
    for (let bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) merged[bucket]! += histogram[bucket]!;
  }
  return merged;
}

function sumCounters(threads: readonly ObservedThread[]): Record<Counter, number> {
  const sums = { ...threads[0]!.counters };
  for (const { counters } of threads.slice(1)) {
    for (const name of Object.keys(sums) as Counter[]) sums[name] += counters[name];
  }
  return sums;
}

export const sum = <T>(items: readonly T[], read: (item: T) => number): number =>
  items.reduce((total, item) => total + read(item), 0);

/** Rounds to multiples of 1 / `parts`, so that the JSON has no digits without meaning. */
export const round = (value: number, parts: number): number => Math.round(value * parts) / parts;
