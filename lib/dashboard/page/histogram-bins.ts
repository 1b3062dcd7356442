/** Merges the hundreds of narrow buckets of the server's histograms into a few that are wide enough to draw. */
import type { HistogramBar } from '../protocol.js';

export interface Bins {
  /** Bounds in milliseconds, one more than counts; each is the one before times a constant factor. */
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly total: number;
}

/** From 1 µs to 100 s, eight bins to a decade. */
const LOWEST_MS = 0.001;
const PER_DECADE = 8;
const MAX_BINS = 8 * PER_DECADE;

const binOf = (ms: number): number =>
  // A bound on a bin's edge belongs to the bin below it: the bucket ends there.
  Math.min(MAX_BINS - 1, Math.max(0, Math.ceil(Math.log10(ms / LOWEST_MS) * PER_DECADE - 1e-6) - 1));

const boundOf = (bin: number): number => LOWEST_MS * 10 ** (bin / PER_DECADE);

/** The bars in bins, from the first decade that is not empty to the last one. */
export function binned(bars: readonly HistogramBar[]): Bins {
  const counts = new Array<number>(MAX_BINS).fill(0);
  let total = 0;
  for (const [upToMs, number] of bars) {
    counts[binOf(upToMs)]! += number;
    total += number;
  }
  if (total === 0) return { bounds: [], counts: [], total };
  const decade = (bin: number): number => Math.floor(bin / PER_DECADE);
  const first = decade(counts.findIndex((number) => number > 0)) * PER_DECADE;
  const last = (decade(counts.findLastIndex((number) => number > 0)) + 1) * PER_DECADE;
  const bounds = Array.from({ length: last - first + 1 }, (_, index) => boundOf(first + index));
  return { bounds, counts: counts.slice(first, last), total };
}

/** The upper bound, in milliseconds, of a share of the counted values; null if there are none. */
export function percentileOf(bars: readonly HistogramBar[], share: number): number | null {
  const total = bars.reduce((sum, [, number]) => sum + number, 0);
  if (total === 0) return null;
  let rest = Math.max(1, Math.ceil(total * share));
  for (const [upToMs, number] of bars) {
    rest -= number;
    if (rest <= 0) return upToMs;
  }
  return bars.at(-1)![0];
}
