import { getHeapStatistics } from 'node:v8';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { HEAP_LIMIT, HEAP_USED, sumsOf } from '../../../lib/memory/sums.js';
import { HeapGauge } from '../../../lib/thread/heap-gauge.js';

test('the heap is read at the first turn, and then once a second', () => {
  const sums = sumsOf(allocateMemory(1, 10).control, 0);
  const gauge = new HeapGauge(sums);
  gauge.turnBegins(0);
  assert.is(sums[HEAP_LIMIT], getHeapStatistics().heap_size_limit);
  assert.ok(sums[HEAP_USED]! > 1e6 && sums[HEAP_USED]! < sums[HEAP_LIMIT]!);
  sums[HEAP_USED] = 0;
  gauge.turnBegins(999_999);
  assert.is(sums[HEAP_USED], 0);
  gauge.turnBegins(1_000_000);
  assert.ok(sums[HEAP_USED]! > 1e6);
});

test.run();
