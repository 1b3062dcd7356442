import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CLASS_BOUNDS,
  CLASS_BUCKETS,
  classBoundUs,
  classCount,
  isBlockingClass,
  REQUEST_CLASSES,
  requestClass,
  statusOfClass,
} from '../../../lib/memory/request-classes.js';

test('each class of route and status has a number of its own', () => {
  const seen = new Set<number>();
  for (const blocks of [false, true]) {
    for (const status of [101, 200, 304, 404, 503]) {
      const number = requestClass(blocks, status);
      assert.is(isBlockingClass(number), blocks);
      assert.is(statusOfClass(number), Math.floor(status / 100));
      seen.add(number);
    }
  }
  assert.equal(
    [...seen].sort((a, b) => a - b),
    [...Array(REQUEST_CLASSES).keys()],
  );
});

test('a status that HTTP does not have counts with the nearest class', () => {
  assert.equal(
    [0, 99, 600, 999].map((status) => statusOfClass(requestClass(true, status))),
    [1, 1, 5, 5],
  );
});

test('a duration counts below the bounds that it is shorter than', () => {
  for (let bucket = 0; bucket < CLASS_BOUNDS; bucket++) {
    const bound = classBoundUs(bucket);
    assert.is(classCount(0, bound - 0.5), bucket);
    assert.is(classCount(3, bound), 3 * CLASS_BUCKETS + bucket + 1);
  }
  assert.is(classCount(0, 0), 0);
  assert.is(classCount(0, 2 ** 40), CLASS_BOUNDS);
});

test.run();
