/** The shared request queue: each entry once, whole and in order, and never jammed by a dead thread. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import {
  QUEUE_CAPACITY,
  QUEUE_CELL_WORDS,
  QUEUE_CELLS,
  QUEUE_PEAK,
  QUEUE_PUT,
  QUEUE_TAKEN,
  RESCAN,
  TAKING,
  threadArea,
} from '../../../lib/memory/layout.js';
import { RequestQueue } from '../../../lib/set/request-queue.js';
import { DESCRIPTORS, load, STOPPED, store, TALLY } from '../../support/set/scratch.js';
import { observingOperations } from '../../support/set/steps.js';
import { type TestSet, type TestThread, withSet } from '../../support/set/test-set.js';

/** Moves an empty queue to a position, as if so many entries had been put and taken. */
function moveTo(words: Int32Array, position: number): void {
  const at = position | 0;
  words[QUEUE_PUT] = at;
  store(words, QUEUE_TAKEN, at);
  for (let cell = 0; cell < QUEUE_CAPACITY; cell++) {
    // The first position at or after this one that is the cell's own.
    const next = (at + ((cell - at) & (QUEUE_CAPACITY - 1))) | 0;
    store(words, QUEUE_CELLS + cell * QUEUE_CELL_WORDS, next & ~(QUEUE_CAPACITY - 1));
  }
}

function emptyQueue(position = 0): { queue: RequestQueue; words: Int32Array } {
  const { control } = allocateMemory(2, 1);
  const words = new Int32Array(control);
  if (position !== 0) moveTo(words, position);
  return { queue: new RequestQueue(control, 1), words };
}

function takeAll(queue: RequestQueue): number[] {
  const taken: number[] = [];
  while (queue.take()) {
    taken.push(queue.fd);
    queue.settled();
  }
  return taken;
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

test('entries come out in order, each once and whole', () => {
  const { queue } = emptyQueue();
  assert.not(queue.hasEntry());
  assert.not(queue.take());
  assert.is(queue.put(7, 0xffff, 31, -5), 1);
  assert.is(queue.put(8, 1, 2, 0x7fff_ffff), 2);
  assert.ok(queue.hasEntry());
  assert.ok(queue.take());
  assert.equal([queue.fd, queue.generation, queue.events, queue.micros], [7, 0xffff, 31, -5]);
  assert.ok(queue.take());
  assert.equal([queue.fd, queue.generation, queue.events, queue.micros], [8, 1, 2, 0x7fff_ffff]);
  assert.not(queue.take());
  assert.not(queue.hasEntry());
});

for (const [name, position] of [
  ['its ring', 0],
  ['the largest signed position', 0x8000_0000 - 1500],
  ['the largest position', 0x1_0000_0000 - 1500],
] as const) {
  test(`the queue goes on past the end of ${name}`, () => {
    const { queue, words } = emptyQueue(position);
    for (let round = 0; round < 6; round++) {
      for (const fd of numbers(700)) assert.is(queue.put(fd, round, 1, 0), fd + 1);
      assert.is(queue.length(), 700);
      assert.equal(takeAll(queue), numbers(700));
      assert.not(queue.hasEntry());
    }
    assert.is(words[QUEUE_PUT], (position + 6 * 700) | 0);
    assert.is(words[QUEUE_PEAK], 700);
  });

  test(`a queue is full at its capacity, past the end of ${name} as well`, () => {
    const { queue } = emptyQueue(position);
    for (const lap of numbers(4)) {
      for (const fd of numbers(QUEUE_CAPACITY)) assert.is(queue.put(fd, lap, 1, 0), fd + 1);
      assert.not(queue.hasRoom());
      assert.is(queue.put(9999, lap, 1, 0), 0);
      assert.is(queue.length(), QUEUE_CAPACITY);
      assert.ok(queue.take());
      assert.is(queue.fd, 0);
      queue.settled();
      assert.ok(queue.hasRoom(), 'one cell is free');
      assert.is(queue.put(QUEUE_CAPACITY, lap, 1, 0), QUEUE_CAPACITY);
      assert.not(queue.hasRoom());
      assert.equal(
        takeAll(queue),
        numbers(QUEUE_CAPACITY + 1).slice(1),
        'what did not fit has changed nothing',
      );
    }
  });
}

test('an entry is whole when its cell is full, and its cell is free only when it has been read', () => {
  const { queue, words } = emptyQueue();
  const other = new RequestQueue(words.buffer as SharedArrayBuffer, 0);
  let taken: number[] = [];
  const takeAtOnce = (name: string, index: number) => {
    if (name === 'store' && index === QUEUE_CELLS && other.take())
      taken = [other.fd, other.generation, other.events, other.micros];
  };
  assert.is(
    observingOperations(takeAtOnce, () => queue.put(7, 3, 5, 9)),
    1,
  );
  assert.equal(taken, [7, 3, 5, 9]);
  queue.put(8, 4, 6, 10);
  const overwrite = (name: string, index: number) => {
    if (name === 'store' && index === QUEUE_CELLS + QUEUE_CELL_WORDS)
      words.fill(-1, index + 1, index + QUEUE_CELL_WORDS);
  };
  assert.ok(observingOperations(overwrite, () => queue.take()));
  assert.equal([queue.fd, queue.generation, queue.events, queue.micros], [8, 4, 6, 10]);
});

test('several workers take every entry once while the positions wrap', () =>
  withSet(4, async (set) => {
    const COUNT = 60_000;
    moveTo(set.words, 0x1_0000_0000 - 5000);
    const [io, ...workers] = (await set.startAll()) as [TestThread, ...TestThread[]];
    io.begin('fillQueue', [4, COUNT]);
    for (const worker of workers) worker.begin('emptyQueue', [4]);
    io.result();
    for (const worker of workers) assert.is(worker.result(), 0, 'no entry is torn, or out of order');
    const expected = Array.from({ length: 1024 }, (_, fd) => Math.ceil((COUNT - fd) / 1024));
    assert.equal([...set.scratch.subarray(TALLY, TALLY + 1024)], expected);
    assert.is(load(set.words, QUEUE_PUT), (COUNT - 5000) | 0);
  })());

const VICTIM = 1;

/** Ends the victim before the step-th atomic operation of a command. @returns whether it got that far */
async function dieAt(set: TestSet, step: number, command: string, ...args: number[]): Promise<boolean> {
  const victim = await set.start(VICTIM, { steps: true });
  const stopped = victim.begin(command, args, step).settle() === STOPPED;
  await set.kill(VICTIM);
  set.recover(VICTIM);
  return stopped;
}

test('a worker that dies at any step of taking jams no cell, and its event is asked for again', () =>
  withSet(2, async (set) => {
    const { control } = set.memory;
    const io = new RequestQueue(control, 0);
    for (let step = 1; ; step++) {
      for (const fd of [1, 2]) io.put(fd, 0, 1, 0);
      store(set.words, RESCAN, 0);
      const stopped = await dieAt(set, step, 'takeEntry');
      const left = takeAll(io);
      assert.is(load(set.words, RESCAN), left.length === 2 ? 0 : 1, `step ${step}`);
      assert.is(set.words[threadArea(VICTIM) + TAKING], 0);
      // A lap, and one more: a cell that was not freed, or freed twice, would be in the way.
      for (const _lap of [1, 2]) {
        for (const fd of numbers(QUEUE_CAPACITY)) assert.ok(io.put(fd, 0, 1, 0) > 0, `step ${step}: ${fd}`);
        assert.equal(takeAll(io), numbers(QUEUE_CAPACITY), `step ${step}`);
      }
      if (!stopped) return assert.ok(step > 3);
    }
  })());

test('a worker that dies after it has read an entry takes nothing of the next lap with it', () =>
  withSet(2, async (set) => {
    const io = new RequestQueue(set.memory.control, 0);
    io.put(1, 0, 1, 0);
    const victim = await set.start(VICTIM, {});
    assert.is(victim.run('takeEntry'), 1);
    for (const fd of numbers(QUEUE_CAPACITY)) assert.ok(io.put(fd, 0, 1, 0) > 0, 'its cell is free');
    await set.kill(VICTIM);
    set.recover(VICTIM);
    assert.is(load(set.words, RESCAN), 1);
    assert.equal(takeAll(io), numbers(QUEUE_CAPACITY));
  })());

test('a worker that dies once its entry is settled asks for no rescan', () =>
  withSet(2, async (set) => {
    const io = new RequestQueue(set.memory.control, 0);
    io.put(1, 0, 1, 0);
    const victim = await set.start(VICTIM, {});
    assert.is(victim.run('takeEntry'), 1);
    victim.run('settleEntry');
    await set.kill(VICTIM);
    store(set.words, RESCAN, 0);
    set.recover(VICTIM);
    assert.is(load(set.words, RESCAN), 0);
  })());

test('an I/O thread that dies at any step of putting leaves a queue that its successor goes on with', () =>
  withSet(2, async (set) => {
    const io = new RequestQueue(set.memory.control, 0);
    for (let step = 1; ; step++) {
      const stopped = await dieAt(set, step, 'putEntry', 77);
      const left = takeAll(io);
      assert.ok(left.length === 0 || left[0] === 77);
      for (const fd of numbers(QUEUE_CAPACITY)) assert.ok(io.put(fd, 0, 1, 0) > 0, `step ${step}: ${fd}`);
      assert.equal(takeAll(io), numbers(QUEUE_CAPACITY), `step ${step}`);
      if (!stopped) return assert.ok(step > 2);
    }
  })());

test('the words of the queue are no words of a thread', () => {
  assert.ok(QUEUE_CELLS + QUEUE_CAPACITY * QUEUE_CELL_WORDS <= threadArea(0));
  assert.ok(DESCRIPTORS > QUEUE_CAPACITY);
});

test.run();
