/** The pool of blocks: what is saved comes back, nothing leaks, and no block is in two chains. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { BlockPool } from '../../../lib/memory/block-pool.js';
import { BLOCK_BYTES, BLOCK_COUNT } from '../../../lib/memory/layout.js';
import { load, STOPPED, VIOLATIONS } from '../../support/set/scratch.js';
import { observingOperations } from '../../support/set/steps.js';
import { withSet } from '../../support/set/test-set.js';

const ROUNDS = 20_000;

const newPool = (): BlockPool => new BlockPool(allocateMemory(1, 1).blocks);
const pattern = (length: number, seed: number): Uint8Array =>
  new Uint8Array(length).map((_, index) => index * 31 + seed + (index >> 8));

test('what was saved is restored, whatever its size and place', () => {
  const pool = newPool();
  const sizes = [
    1,
    2,
    BLOCK_BYTES - 1,
    BLOCK_BYTES,
    BLOCK_BYTES + 1,
    2 * BLOCK_BYTES,
    5 * BLOCK_BYTES + 7,
    16_384,
  ];
  for (const [seed, size] of sizes.entries()) {
    const source = pattern(size + 20, seed);
    const first = pool.save(source, 13, size);
    assert.ok(first > 0);
    assert.is(pool.inUse(), Math.ceil(size / BLOCK_BYTES));
    const target = new Uint8Array(size + 8).fill(0xee);
    pool.restore(first, target, size);
    assert.equal(Buffer.from(target.subarray(0, size)), Buffer.from(source.subarray(13, 13 + size)));
    assert.ok(
      target.subarray(size).every((byte) => byte === 0xee),
      'and nothing behind it',
    );
    assert.is(pool.inUse(), 0);
  }
});

test('chains beside each other keep their contents, in whatever order they end', () => {
  const pool = newPool();
  const chains = Array.from({ length: 40 }, (_, seed) => {
    const source = pattern(seed * 700 + 1, seed);
    return { source, first: pool.save(source, 0, source.length) };
  });
  const shuffled = [
    ...chains.filter((_, index) => index % 3 === 1),
    ...chains.filter((_, index) => index % 3 !== 1),
  ];
  for (const [index, { source, first }] of shuffled.entries()) {
    if (index % 4 === 0) {
      pool.free(first);
      continue;
    }
    const target = new Uint8Array(source.length);
    pool.restore(first, target, source.length);
    assert.is(Buffer.compare(target, source), 0);
  }
  assert.is(pool.inUse(), 0);
});

test('returned blocks are used again before fresh ones', () => {
  const pool = newPool();
  const source = pattern(3 * BLOCK_BYTES, 1);
  const seen = new Set<number>();
  for (let round = 0; round < 100_000; round++) {
    const first = pool.save(source, 0, source.length);
    seen.add(first);
    pool.free(first);
  }
  assert.ok(seen.size <= 3, `${seen.size} first blocks`);
});

test('the peak is the most blocks that were out at once', () => {
  const pool = newPool();
  const source = pattern(5 * BLOCK_BYTES, 1);
  assert.is(pool.peak(), 0);
  const chains = [pool.save(source, 0, 3 * BLOCK_BYTES), pool.save(source, 0, BLOCK_BYTES)];
  assert.is(pool.peak(), 4);
  for (const first of chains) pool.free(first);
  assert.is(pool.peak(), 4);
  pool.free(pool.save(source, 0, 2 * BLOCK_BYTES));
  assert.is(pool.peak(), 4);
  pool.free(pool.save(source, 0, source.length));
  assert.is(pool.peak(), 5);
});

test('no chain is 0, and freeing it does nothing', () => {
  const pool = newPool();
  assert.is(pool.save(pattern(1, 1), 0, 0), 0);
  pool.free(0);
  assert.is(pool.inUse(), 0);
});

test('an exhausted pool says 0, keeps nothing of what did not fit, and serves again afterwards', () => {
  const pool = newPool();
  const source = pattern(100 * BLOCK_BYTES, 5);
  const chains: number[] = [];
  for (let first = 1; first !== 0; ) {
    first = pool.save(source, 0, source.length);
    if (first !== 0) chains.push(first);
  }
  const full = Math.floor(BLOCK_COUNT / 100);
  assert.is(chains.length, full);
  assert.is(pool.inUse(), full * 100);
  const rest = BLOCK_COUNT - full * 100;
  for (let left = rest; left > 0; left--) chains.push(pool.save(source, 0, 1));
  assert.ok(chains.every((first) => first > 0));
  assert.is(pool.save(source, 0, 1), 0);
  assert.is(pool.inUse(), BLOCK_COUNT);
  assert.is(pool.peak(), BLOCK_COUNT);
  for (const first of chains) pool.free(first);
  assert.is(pool.inUse(), 0);
  for (let round = 0; round < 2; round++) {
    const first = pool.save(source, 0, source.length);
    const target = new Uint8Array(source.length);
    pool.restore(first, target, source.length);
    assert.is(Buffer.compare(target, source), 0);
  }
});

test('a pool may have any number of blocks', () => {
  for (const size of [1, 7, BLOCK_COUNT]) {
    const pool = new BlockPool(allocateMemory(1, 1, size).blocks);
    assert.is(pool.size, size);
    const all = new Uint8Array(size * BLOCK_BYTES);
    assert.is(pool.save(new Uint8Array(all.length + 1), 0, all.length + 1), 0);
    assert.is(pool.inUse(), 0);
    pool.restore(pool.save(all.fill(7), 0, all.length), all.fill(0), all.length);
    assert.ok(all.every((byte) => byte === 7));
  }
});

test(
  'a block that was taken and returned while a thread takes it is not mistaken for what it was',
  withSet(1, async (set) => {
    const thread = await set.start(0, {});
    const { pool } = set;
    const source = pattern(1, 1);
    const take = () => pool.save(source, 0, 1);
    for (let step = 1; ; step++) {
      // Three on the free stack.
      const chains = [take(), take(), take()];
      for (const first of chains) pool.free(first);
      const stopped = thread.begin('saveBlock', [], step).settle() === STOPPED;
      // The top one comes back on top, but the one below it is out.
      const [top, below] = [take(), take()];
      pool.free(top);
      if (stopped) thread.go();
      const out = [thread.result(), below, take(), take(), take()];
      assert.is(new Set(out).size, out.length, `step ${step}: ${out}`);
      assert.is(pool.inUse(), out.length);
      for (const first of out) pool.free(first);
      if (!stopped) return assert.ok(step > 3);
    }
  }),
);

test(
  'threads that save and restore at once never see the bytes of another',
  withSet(3, async (set) => {
    await set.startAll({ steps: false });
    for (const thread of set.threads) thread.begin('useBlocks', [set.count, ROUNDS]);
    for (const thread of set.threads) assert.is(thread.result(), ROUNDS);
    assert.is(load(set.scratch, VIOLATIONS), 0);
    assert.is(set.pool.inUse(), 0);
    assert.ok(set.pool.peak() > 0 && set.pool.peak() <= BLOCK_COUNT);
  }),
);

test('a thread may be ended at any step between pool and record: its blocks are returned, and no other thread loses any', () => {
  const DEAD = 3;
  const source = pattern(3 * BLOCK_BYTES, 1);
  for (let step = 1; ; step++) {
    const { blocks } = allocateMemory(1, 1);
    const [own, other] = [new BlockPool(blocks, DEAD), new BlockPool(blocks, 4)];
    // Another thread's message, and one that the dead thread has saved before.
    const record = { block: own.save(source, 0, source.length) };
    const foreign = other.save(source, 0, source.length);
    let steps = 0;
    // Where it changes something, the next statements follow without a place at which it could be ended.
    const end = (name: string) => {
      if (name === 'load' && ++steps === step) throw new Error('ended');
    };
    let ended = false;
    try {
      observingOperations(end, () => {
        const { block } = record;
        own.take(block);
        record.block = 0;
        own.restore(block, new Uint8Array(source.length), source.length);
        record.block = own.save(source, 0, source.length);
      });
    } catch {
      ended = true;
    }
    const keeper = new BlockPool(blocks);
    keeper.reclaim(DEAD, [record.block, foreign]);
    assert.is(keeper.inUse(), record.block === 0 ? 3 : 6, `ended behind step ${step}`);
    for (const first of [record.block, foreign]) {
      if (first === 0) continue;
      const target = new Uint8Array(source.length);
      keeper.restore(first, target, source.length);
      assert.is(Buffer.compare(target, source), 0);
    }
    assert.is(keeper.inUse(), 0);
    assert.is(keeper.reclaim(DEAD, []), 0, 'nothing is returned twice');
    if (!ended) return assert.ok(step > 6, `${step} steps`);
  }
});

test('a block that a living thread has taken over is not reclaimed with its former holder', () => {
  const { blocks } = allocateMemory(1, 1);
  const [dead, living] = [new BlockPool(blocks, 0), new BlockPool(blocks, 1)];
  const first = dead.save(pattern(3000, 1), 0, 3000);
  living.take(first);
  assert.is(new BlockPool(blocks).reclaim(0, []), 0);
  assert.is(living.inUse(), 2);
});

test.run();
