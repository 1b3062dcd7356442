/** Which beat of a steady pace is next. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { monotonicMs, nextBeat } from '../../../lib/compare/pace.js';

test('beats follow each other', () => {
  assert.is(nextBeat(0, 0.01), 1);
  assert.is(nextBeat(7, 7.99), 8);
});

test('a beat that the last one has taken all the time of comes at once', () => {
  assert.is(nextBeat(7, 8.4), 8);
});

test('of beats that were slept through only the latest comes, and the next is due at its own time', () => {
  assert.is(nextBeat(7, 20.6), 20);
  assert.is(nextBeat(20, 20.7), 21);
});

test('the clock counts milliseconds', () => {
  const before = monotonicMs();
  const beforeMs = performance.now();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  const elapsedMs = performance.now() - beforeMs;
  assert.ok(monotonicMs() - before >= elapsedMs);
});

test.run();
