/**
 * Log-linear histograms in shared memory: exact up to 16 µs, then 16 buckets for each doubling, so a bucket is never wider
 * than a sixteenth of its value. One thread counts, with plain adds; the counts are readable from any thread, and wrap at 2^32.
 *
 * The idea is that of HdrHistogram (Gil Tene): constant time to count, constant memory, a bounded relative error.
 */

/** Buckets of a doubling; below this many microseconds a bucket is one microsecond. */
const SUB_BUCKETS = 16;
const SUB_BITS = 4;
/** Longer durations count as this: some 67 s. */
const MAX_US = 2 ** 26 - 1;
export const HISTOGRAM_BUCKETS = (26 - SUB_BITS + 1) * SUB_BUCKETS;

/** The bucket that counts a duration of `us` microseconds. */
export function bucketOf(us: number): number {
  if (us < SUB_BUCKETS) return us < 0 ? 0 : us | 0;
  const bounded = us > MAX_US ? MAX_US : us | 0;
  const shift = 31 - SUB_BITS - Math.clz32(bounded);
  return (shift << SUB_BITS) + (bounded >> shift);
}

/** The first duration, in microseconds, that is too long for the bucket. */
export function upperBoundUs(bucket: number): number {
  if (bucket < 2 * SUB_BUCKETS) return bucket + 1;
  const shift = (bucket >> SUB_BITS) - 1;
  return ((bucket & (SUB_BUCKETS - 1)) + SUB_BUCKETS + 1) * 2 ** shift;
}

/** The percentile for `share` (0 to 1), in microseconds: the upper bound of its bucket. 0 if nothing was counted. */
export function percentileUs(counts: ArrayLike<number>, share: number): number {
  let total = 0;
  for (let bucket = 0; bucket < counts.length; bucket++) total += counts[bucket]!;
  let rest = Math.max(1, Math.ceil(total * share));
  for (let bucket = 0; bucket < counts.length; bucket++) {
    rest -= counts[bucket]!;
    if (rest <= 0) return upperBoundUs(bucket);
  }
  return 0;
}
