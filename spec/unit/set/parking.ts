/** I2, parking: no wake-up is lost, whichever thread stands still between any two steps. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PARKED, RESERVED, WAKING } from '../../../lib/memory/layout.js';
import { ParkingLot } from '../../../lib/set/parking-lot.js';
import { takeCount } from '../../support/set/native.js';
import { ASLEEP, DONE, HAS_WORK, load, put, STOPPED, store, threadWord } from '../../support/set/scratch.js';
import { TestSet, type TestThread, withSet } from '../../support/set/test-set.js';

const setBit = (set: TestSet, mask: number, thread: number): void => {
  set.words[mask + (thread >> 5)]! |= 1 << (thread & 31);
};

type Three = [TestThread, TestThread, TestThread];

interface Variant {
  /** Whether a thread may go on watch. Its intervals are over at once here: the spec decides about time. */
  readonly watch: boolean;
  readonly park: 'park' | 'parkDeferring';
  /** How the leader vacates. */
  readonly vacate: 'promote' | 'yield';
}

/** A thread defers only where one may be on watch. */
const VARIANTS: readonly Variant[] = [
  { watch: false, park: 'park', vacate: 'promote' },
  { watch: false, park: 'park', vacate: 'yield' },
  { watch: true, park: 'park', vacate: 'promote' },
  { watch: true, park: 'park', vacate: 'yield' },
  { watch: true, park: 'parkDeferring', vacate: 'promote' },
  { watch: true, park: 'parkDeferring', vacate: 'yield' },
];

const startAll = async (set: TestSet, watch: boolean) => {
  if (!watch) set.wakeAlways();
  return await set.startAll();
};

for (const { watch, park, vacate } of VARIANTS) {
  const parks = `${park === 'park' ? 'parks' : 'defers and parks'}${watch ? ' on watch' : ''}`;
  const vacates = vacate === 'promote' ? 'promotes' : 'yields';

  test(
    `a thread that ${parks} is awake again when the leader ${vacates}, at whatever step that is`,
    withSet(2, async (set) => {
      const [leader, parker] = (await startAll(set, watch)) as [TestThread, TestThread];
      leader.run('join');
      for (let step = 1; ; step++) {
        const slept = parker.begin(park, [], step).settle() === ASLEEP;
        leader.run(vacate);
        // The steps behind the sleep: leadership changes hands once more before each of them.
        const stoppedLate = slept && parker.settle([STOPPED, DONE]) === STOPPED;
        if (stoppedLate) {
          leader.run('join');
          leader.run(vacate);
        }
        if (!slept || stoppedLate) parker.go();
        parker.result();
        assert.is(load(set.words, WAKING), 0, `no wake-up stays in flight (step ${step})`);
        assert.equal(set.parked(), [], `no thread stays in the masks (step ${step})`);
        assert.is(parker.run('join'), 1);
        parker.run('promote');
        leader.run('join');
        if (slept && !stoppedLate) return;
      }
    }),
  );

  test(
    `a thread ${parks} while the leader stands at any step as it ${vacates}, and is woken`,
    withSet(2, async (set) => {
      const [leader, parker] = (await startAll(set, watch)) as [TestThread, TestThread];
      leader.run('join');
      for (let step = 1; ; step++) {
        const stopped = leader.begin(vacate, [], step).settle() === STOPPED;
        if (!stopped) return assert.ok(step > 3);
        parker.begin(park).settle();
        leader.go().result();
        parker.result();
        assert.is(load(set.words, WAKING), 0);
        leader.run('join');
      }
    }),
  );
}

for (const watch of [false, true]) {
  const where = watch ? ' on watch' : '';

  test(
    `when the candidate${where} wakes by itself at any step of the waker, another is woken`,
    withSet(3, async (set) => {
      const [leader, candidate, other] = (await startAll(set, watch)) as Three;
      leader.run('join');
      for (let step = 1; ; step++) {
        candidate.begin('park').settle();
        other.begin('park').settle();
        const stopped = leader.begin('promote', [], step).settle([STOPPED, DONE]) === STOPPED;
        if (!stopped) break;
        // Something came for it alone: it goes into a handler and is of no use as a leader, unless it was promoted.
        // A waker that has claimed it already owes it the wake-up.
        const claimed = !set.lot.wake(candidate.self);
        if (claimed) leader.go();
        const promoted = candidate.result() === 1;
        if (!claimed) leader.go();
        leader.result();
        if (!promoted) other.result();
        else if (other.status === ASLEEP) set.lot.wake(other.self);
        other.result();
        assert.is(load(set.words, WAKING), 0, `step ${step}`);
        leader.run('join');
      }
    }),
  );
}

test(
  'a reason to stay awake that comes before the sleep keeps a thread awake, and its bit is clear',
  withSet(2, async (set) => {
    set.wakeAlways();
    const [leader, parker] = (await set.startAll()) as [TestThread, TestThread];
    leader.run('join');
    put(set.scratch, threadWord(parker.self, HAS_WORK), 1);
    assert.is(parker.run('park'), 0);
    assert.equal(set.parked(), []);
  }),
);

test(
  'a hand-off reaches its thread at whatever step of its parking, when the work is there before the wake-up',
  withSet(2, async (set) => {
    set.wakeAlways();
    const [leader, parker] = (await set.startAll()) as [TestThread, TestThread];
    leader.run('join');
    for (let step = 1; ; step++) {
      const slept = parker.begin('park', [], step).settle() === ASLEEP;
      put(set.scratch, threadWord(parker.self, HAS_WORK), 1);
      leader.run('wake', parker.self);
      if (!slept) parker.go();
      else if (parker.settle([STOPPED, DONE]) === STOPPED) parker.go();
      else break;
      assert.is(parker.result(), 0, 'a hand-off is no promotion');
      put(set.scratch, threadWord(parker.self, HAS_WORK), 0);
    }
  }),
);

test(
  'one wake-up is in flight at most, and the woken thread takes its mark away before it leads',
  withSet(3, async (set) => {
    const [leader, first, second] = (await set.startAll()) as Three;
    leader.run('join');
    first.begin('park').settle();
    second.begin('park').settle();
    // The woken thread stops right behind its sleep.
    first.stopBefore(1);
    assert.is(leader.run('promote'), 1, 'one is woken');
    first.settle([STOPPED]);
    assert.is(load(set.words, WAKING), first.self + 1);
    assert.is(leader.run('join'), 1);
    assert.is(leader.run('promote'), 0, 'and no second one while it is on its way');
    assert.is(second.status, ASLEEP);
    assert.is(first.go().result(), 1);
    assert.is(load(set.words, WAKING), 0);
    assert.is(first.run('join'), 1);
    assert.is(first.run('promote'), 1, 'from then on others are woken again');
    assert.is(second.result(), 1);
  }),
);

test(
  'lower numbers are woken first',
  withSet(5, async (set) => {
    const threads = await set.startAll();
    threads[0]!.run('join');
    for (const self of [3, 1, 4, 2]) threads[self]!.begin('park').settle();
    assert.equal(set.parked(), [1, 2, 3, 4]);
    for (const expected of [1, 2, 3, 4]) {
      assert.is(threads[0]!.run('wakeOne'), 1);
      assert.is(threads[expected]!.result(), 1);
      assert.not.ok(set.parked().includes(expected));
    }
    assert.is(threads[0]!.run('wakeOne'), 0, 'no parked thread is left');
    assert.is(load(set.words, WAKING), 0);
  }),
);

test('reserved threads are woken last, also where the others are in another word of the masks', async () => {
  for (const [parked, reserved, expected] of [
    [[1, 2, 3], [1], [2, 3, 1]],
    [
      [0, 1, 2],
      [0, 1, 2],
      [0, 1, 2],
    ],
    [
      [0, 3],
      [0, 1, 2],
      [3, 0],
    ],
    [
      [0, 31, 32, 39],
      [0, 31],
      [32, 39, 0, 31],
    ],
    [[31, 32, 33], [32], [31, 33, 32]],
    [
      [5, 33, 34],
      [5, 33, 34],
      [5, 33, 34],
    ],
  ]) {
    const set = new TestSet(40);
    for (const thread of parked!) setBit(set, PARKED, thread);
    for (const thread of reserved!) setBit(set, RESERVED, thread);
    for (const thread of expected!) {
      assert.ok(set.lot.wakeOne());
      assert.is(load(set.words, WAKING), thread + 1, `${parked} are parked, ${reserved} reserved`);
      assert.is(takeCount(set.doorbells[thread]!), 1);
      store(set.words, WAKING, 0);
    }
    assert.not(set.lot.wakeOne());
    await set.close();
  }
});

test('a core is idle while fewer threads are awake than there are cores', async () => {
  const set = new TestSet(128);
  const parked: number[] = [];
  for (const cores of [1, 2, 31, 32, 33, 127, 128, 129]) {
    const lot = new ParkingLot(set.memory.control, set.doorbells, cores);
    for (let word = 0; word < 4; word++) set.words[PARKED + word] = 0;
    parked.length = 0;
    for (const thread of [127, 0, 31, 32, 63, 64, 1, 96, ...Array.from({ length: 119 }, (_, i) => 126 - i)]) {
      assert.is(lot.hasIdleCore(), 128 - parked.length < cores, `${parked} are parked, ${cores} cores`);
      if (parked.includes(thread)) continue;
      setBit(set, PARKED, thread);
      parked.push(thread);
    }
  }
  await set.close();
});

test('every one of 128 threads has a bit of its own, the sign bits too', async () => {
  const set = new TestSet(128);
  const lot = new ParkingLot(set.memory.control, set.doorbells);
  for (const self of [127, 96, 95, 64, 63, 32, 31, 0]) {
    lot.park(
      self,
      () => {
        assert.equal(set.parked(), [self]);
        assert.ok(lot.wakeOne());
        assert.is(load(set.words, WAKING), self + 1);
        assert.equal(set.parked(), []);
        return true;
      },
      () => {},
    );
    assert.is(load(set.words, WAKING), 0);
  }
  await set.close();
});

test(
  'a thread that is not parked is not woken, and all threads are when the set stops',
  withSet(3, async (set) => {
    const [leader, first, second] = (await set.startAll()) as Three;
    leader.run('join');
    assert.is(leader.run('wake', first.self), 0);
    first.begin('park').settle();
    second.begin('park').settle();
    set.lot.wakeAll(set.count);
    assert.is(first.result(), 0);
    assert.is(second.result(), 0);
    assert.equal(set.parked(), []);
  }),
);

test.run();
