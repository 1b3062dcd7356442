/** Scales: where values stand on an axis, and which of them it names. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { linear, logarithmic } from '../../../../scripts/bench/plots/scale.js';

test('a linear axis begins at 0, ends at the maximum, and names few round values', () => {
  const { at, ticks } = linear(186_400, 200);
  assert.equal([at(0), at(93_200), at(186_400)], [0, 100, 200]);
  assert.equal(ticks, [0, 50_000, 100_000, 150_000]);
  for (const max of [0.003, 1, 7.9, 99, 1234]) {
    const named = linear(max, 1).ticks;
    assert.ok(named.length >= 2 && named.length <= 5 && named.at(-1)! <= max, `${max}: ${named}`);
  }
});

test('an axis without values is one', () => {
  assert.is(linear(0, 100).at(0), 0);
});

test('a logarithmic axis has a power of ten at each end and the same distance between them', () => {
  const { at, ticks } = logarithmic(0.2, 45, 300);
  assert.equal(ticks, [0.1, 1, 10, 100]);
  assert.equal(ticks.map(at).map(Math.round), [0, 100, 200, 300]);
  // A latency of 0 was too short to be measured.
  assert.is(at(0), 0);
});

test.run();
