/** The log-linear buckets: every duration has one, bounds grow, and percentiles are as exact as promised. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf, HISTOGRAM_BUCKETS, percentileUs, upperBoundUs } from '../../../lib/memory/histogram.js';

test('every duration lies in the bucket whose bounds hold it', () => {
  const durations = [0, 1, 15, 15.9, 16, 17, 31, 32, 33, 1000, 12_345, 999_999, 60_000_000];
  for (let exponent = 0; exponent < 26; exponent++)
    durations.push(2 ** exponent, 2 ** exponent - 0.5, 2 ** exponent + 1);
  for (const us of durations) {
    const bucket = bucketOf(us);
    assert.ok(us < upperBoundUs(bucket), `${us} is below the upper bound of bucket ${bucket}`);
    assert.ok(bucket === 0 || us >= upperBoundUs(bucket - 1), `${us} is not below bucket ${bucket}`);
  }
});

test('a bucket is no wider than a sixteenth of its values, or a microsecond', () => {
  for (let bucket = 1; bucket < HISTOGRAM_BUCKETS; bucket++) {
    const from = upperBoundUs(bucket - 1);
    const width = upperBoundUs(bucket) - from;
    assert.ok(width >= 1 && width <= Math.max(1, from / 16), `bucket ${bucket}: ${width} from ${from}`);
  }
});

test('what is negative or too long is counted all the same, in the first or the last bucket', () => {
  assert.is(bucketOf(-3), 0);
  for (const us of [2 ** 26, 1e12, Number.POSITIVE_INFINITY]) assert.is(bucketOf(us), HISTOGRAM_BUCKETS - 1);
});

test('percentiles are the upper bounds of the buckets they fall into', () => {
  const counts = new Uint32Array(HISTOGRAM_BUCKETS);
  assert.is(percentileUs(counts, 0.5), 0);
  for (let us = 1; us <= 1000; us++) counts[bucketOf(us)]!++;
  for (const share of [0.01, 0.5, 0.9, 0.99, 1]) {
    const exact = share * 1000;
    const found = percentileUs(counts, share);
    assert.ok(found > exact && found <= exact * (1 + 1 / 16) + 1, `${share}: ${found}`);
  }
});

test.run();
