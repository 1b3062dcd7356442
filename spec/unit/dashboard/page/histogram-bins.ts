/** The bins of a drawn histogram. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { binned, percentileOf } from '../../../../lib/dashboard/page/histogram-bins.js';
import type { HistogramBar } from '../../../../lib/dashboard/protocol.js';
import { HISTOGRAM_BUCKETS, upperBoundUs } from '../../../../lib/memory/histogram.js';

test('every count falls into one bin, whose bounds contain it', () => {
  for (let bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
    const ms = upperBoundUs(bucket) / 1000;
    const { bounds, counts, total } = binned([[ms, 3]]);
    assert.is(total, 3);
    assert.is(
      counts.reduce((sum, count) => sum + count, 0),
      3,
    );
    assert.is(bounds.length, counts.length + 1);
    const bin = counts.indexOf(3);
    // A thousandth: bounds are powers of ten, up to rounding.
    assert.ok(
      bounds[bin]! < ms * 1.001 && ms <= bounds[bin + 1]! * 1.001,
      `${ms} in ${bounds[bin]} to ${bounds[bin + 1]}`,
    );
  }
});

test('the bins are the whole decades that contain values', () => {
  const { bounds } = binned([
    [0.05, 1],
    [3, 1],
  ]);
  assert.ok(Math.abs(bounds[0]! - 0.01) < 1e-9);
  assert.ok(Math.abs(bounds.at(-1)! - 10) < 1e-6);
});

test('without values there are no bins', () => {
  assert.equal(binned([]), { bounds: [], counts: [], total: 0 });
  assert.is(percentileOf([], 0.99), null);
});

test('percentiles are upper bounds of the buckets that they fall into', () => {
  const bars: HistogramBar[] = [
    [1, 90],
    [10, 9],
    [100, 1],
  ];
  assert.is(percentileOf(bars, 0.5), 1);
  assert.is(percentileOf(bars, 0.99), 10);
  assert.is(percentileOf(bars, 1), 100);
});

test.run();
