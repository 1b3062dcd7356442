/** Which worker the request queue wakes: none in vain, none too late, and the I/O thread once there is room. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PARKED, QUEUE_CAPACITY, STATE, threadArea, UNTHROTTLED } from '../../../lib/memory/layout.js';
import { ParkingLot } from '../../../lib/set/parking-lot.js';
import { QueueWakeUps } from '../../../lib/set/queue-wake-ups.js';
import { RequestQueue } from '../../../lib/set/request-queue.js';
import { DEAD, FOLLOWER, LEADER_STATE, PROCESSING, STARTING } from '../../../lib/set/thread-state.js';
import { ASLEEP, DONE, load, STOPPED, store } from '../../support/set/scratch.js';
import { TestSet, type TestThread, withSet } from '../../support/set/test-set.js';

type Two = [TestThread, TestThread];

/** A set whose threads exist only as words: all but those of `awake` are parked. */
function parkedSet(threads: number, cores: number, awake: number[] = [0]) {
  const set = new TestSet(threads);
  const { control } = set.memory;
  const lot = new ParkingLot(control, set.doorbells, cores);
  const queue = new RequestQueue(control, 0);
  for (let thread = 0; thread < threads; thread++) {
    set.words[threadArea(thread) + STATE] = FOLLOWER;
    if (!awake.includes(thread)) park(set, thread);
  }
  const wakeUps = new QueueWakeUps(control, lot, queue);
  const put = (micros = 0) => wakeUps.put(queue.put(1, 0, 1, 0), micros);
  const take = () => {
    assert.ok(queue.take());
    queue.settled();
  };
  return { set, lot, queue, wakeUps, put, take };
}

function park(set: TestSet, thread: number): void {
  const word = PARKED + (thread >> 5);
  store(set.words, word, set.words[word]! | (1 << (thread & 31)));
}

test('an entry wakes a worker only if none is awake, that with the lowest number', async () => {
  const { set, put } = parkedSet(40, 64);
  assert.ok(put());
  assert.equal(
    set.parked(),
    Array.from({ length: 38 }, (_, index) => index + 2),
  );
  assert.not(put(), 'thread 1 is on its way');
  park(set, 1);
  park(set, 0);
  assert.ok(put(), 'the I/O thread does not count');
  assert.ok(set.parked().includes(0), 'and is not woken');
  await set.close();
});

test('a worker that is dead or has not begun is not awake', async () => {
  const { set, put } = parkedSet(4, 64, [0, 1, 2]);
  assert.not(put());
  set.words[threadArea(1) + STATE] = DEAD;
  assert.not(put());
  set.words[threadArea(2) + STATE] = STARTING;
  assert.ok(put());
  assert.equal(set.parked(), []);
  assert.not(put(), 'there is none to wake');
  await set.close();
});

test('a backlog wakes one worker more for each entry, as long as there are cores for them', async () => {
  const { set, put } = parkedSet(8, 4);
  assert.ok(put());
  let woken = 1;
  for (let entry = 2; entry < 16; entry++) assert.not(put());
  for (let entry = 0; entry < 16; entry++) if (put()) woken++;
  assert.is(woken, 3, 'with the I/O thread, one for each core');
  await set.close();
});

test('a stall wakes one worker more, and so do the next entries', async () => {
  const { set, wakeUps, put, take } = parkedSet(8, 1);
  assert.is(wakeUps.maxWaitMs(), Number.POSITIVE_INFINITY);
  assert.not(wakeUps.check(1e6));
  assert.ok(put(9e6));
  assert.is(wakeUps.maxWaitMs(), 0.5);
  assert.not(wakeUps.check(9e6 + 499), 'however long the queue was empty');
  assert.not(put(9e6 + 500));
  take();
  assert.not(wakeUps.check(9e6 + 501), 'a worker makes progress');
  assert.not(wakeUps.check(9e6 + 1000));
  assert.ok(wakeUps.check(9e6 + 1001));
  assert.not(wakeUps.check(9e6 + 1500), 'and the one that was woken gets as long');
  assert.ok(put());
  assert.ok(put());
  assert.equal(set.parked(), [5, 6, 7]);
  take();
  take();
  take();
  assert.is(wakeUps.maxWaitMs(), Number.POSITIVE_INFINITY);
  assert.not(wakeUps.check(20e6));
  await set.close();
});

test('a stall that was none wakes no worker for the next entries', async () => {
  const { set, wakeUps, put } = parkedSet(8, 1);
  assert.ok(put());
  assert.not(put());
  assert.ok(wakeUps.check(1000));
  assert.ok(put());
  wakeUps.retractStall();
  assert.not(put());
  assert.equal(set.parked(), [4, 5, 6, 7]);
  await set.close();
});

test('a worker that leaves entries behind a long event wakes another one if a core is free', async () => {
  const { set, wakeUps, put } = parkedSet(4, 3);
  assert.ok(put());
  assert.ok(wakeUps.leavesEntries());
  assert.not(wakeUps.leavesEntries(), 'the cores are busy');
  assert.equal(set.parked(), [3]);
  await set.close();
});

test('an I/O thread that waits takes no core from a second worker', async () => {
  const { set, wakeUps, put } = parkedSet(4, 2);
  assert.ok(put());
  set.words[threadArea(0) + STATE] = PROCESSING;
  assert.not(wakeUps.leavesEntries());
  set.words[threadArea(0) + STATE] = LEADER_STATE;
  assert.ok(wakeUps.leavesEntries());
  assert.not(wakeUps.leavesEntries(), 'the cores are busy');
  assert.equal(set.parked(), [3]);
  await set.close();
});

test('a stall that is the only one for many entries makes fewer puts wake a worker', async () => {
  const { set, wakeUps, put, take } = parkedSet(4, 3);
  const stall = () => {
    put();
    assert.ok(wakeUps.check(0) || wakeUps.check(1e6));
    const unthrottled = load(set.words, UNTHROTTLED);
    take();
    return unthrottled;
  };
  const frequent = stall();
  for (let i = 0; i < 10_000; i++) {
    put();
    take();
  }
  park(set, 1);
  wakeUps.check(2e6);
  const rare = stall();
  assert.ok(frequent > 10 * rare, `${frequent} and ${rare}`);
  await set.close();
});

test('the I/O thread is woken once the queue is half empty, and not before', async () => {
  const { set, queue, wakeUps, take } = parkedSet(2, 2, [0, 1]);
  while (queue.put(1, 0, 1, 0) > 0);
  wakeUps.awaitRoom();
  park(set, 0);
  assert.not(wakeUps.hasRoom());
  for (let taken = 1; taken < QUEUE_CAPACITY / 2; taken++) {
    take();
    wakeUps.madeRoom();
  }
  assert.equal(set.parked(), [0]);
  assert.not(wakeUps.hasRoom());
  take();
  wakeUps.madeRoom();
  assert.equal(set.parked(), []);
  assert.ok(wakeUps.hasRoom());
  wakeUps.endWaitForRoom();
  park(set, 0);
  take();
  wakeUps.madeRoom();
  assert.equal(set.parked(), [0], 'it does not wait for room any more');
  await set.close();
});

test('a worker that parks at the moment of a put takes the entry, whichever step it has come to', () =>
  withSet(2, async (set) => {
    const [io, worker] = (await set.startAll()) as Two;
    for (let step = 1; ; step++) {
      const before = worker.begin('parkWithoutEntry', [], step).settle();
      worker.stopBefore(0);
      io.run('putAndWake', 5);
      if (before === STOPPED) worker.go();
      worker.result();
      assert.is(worker.run('takeEntry'), 5);
      worker.run('settleEntry');
      if (before === ASLEEP) return assert.ok(step > 3);
    }
  })());

test('a put at any step of its own finds a worker that parks meanwhile', () =>
  withSet(2, async (set) => {
    const [io, worker] = (await set.startAll()) as Two;
    for (let step = 1; ; step++) {
      const before = io.begin('putAndWake', [5], step).settle();
      worker.begin('parkWithoutEntry').settle([DONE, ASLEEP]);
      if (before === STOPPED) io.go();
      io.result();
      worker.result();
      assert.is(worker.run('takeEntry'), 5);
      worker.run('settleEntry');
      if (before === DONE) return assert.ok(step > 3);
    }
  })());

test('an I/O thread that parks while room is made is woken, whichever step it has come to', () =>
  withSet(2, async (set) => {
    const [io, worker] = (await set.startAll()) as Two;
    for (let step = 1; ; step++) {
      while (io.run('putEntry', 5) > 0);
      // It becomes half empty with the last one.
      for (let taken = 1; taken < QUEUE_CAPACITY / 2; taken++) worker.run('takeAndWake');
      const before = io.begin('parkWithoutRoom', [], step).settle();
      io.stopBefore(0);
      worker.run('takeAndWake');
      if (before === STOPPED) io.go();
      io.result();
      if (before === ASLEEP) return assert.ok(step > 4);
    }
  })());

test('a worker that makes room at any step of its own wakes an I/O thread that parks meanwhile', () =>
  withSet(2, async (set) => {
    const [io, worker] = (await set.startAll()) as Two;
    for (let step = 1; ; step++) {
      while (io.run('putEntry', 5) > 0);
      for (let taken = 1; taken < QUEUE_CAPACITY / 2; taken++) worker.run('takeAndWake');
      const before = worker.begin('takeAndWake', [], step).settle();
      io.begin('parkWithoutRoom').settle([DONE, ASLEEP]);
      if (before === STOPPED) worker.go();
      worker.result();
      io.result();
      if (before === DONE) return assert.ok(step > 4);
    }
  })());

test.run();
