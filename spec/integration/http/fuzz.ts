/**
 * A few batches of the fuzzer (scripts/fuzz.ts), always the same ones. A seed that found something is kept here, beside the
 * spec that shows with fewer bytes what it was.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fuzzBatch } from '../../../scripts/fuzz/batch.js';

/** For all kinds of clients with few and with many threads. With the first seed, most routes are declared to block. */
const SEEDS = [1, 2];
const HANDS_OVER = 1;

for (const seed of SEEDS) {
  test(`nobody crashes, hangs or loses anything with seed ${seed}`, async () => {
    const { requests, handOvers, poolPeak } = await fuzzBatch(seed);
    assert.ok(requests > 0, 'handlers ran');
    if (seed === HANDS_OVER) assert.ok(handOvers > 0, 'some in threads to which they were handed over');
    assert.ok(poolPeak > 0, 'and heads were kept between events');
  });
}

test.run();
