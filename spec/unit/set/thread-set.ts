/** Yielding leadership, deferring to others, and what a thread that has parked is needed for. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LEADER, STATE, threadArea, WAKING, WATCH } from '../../../lib/memory/layout.js';
import { FOLLOWER } from '../../../lib/set/thread-state.js';
import { ASLEEP, DONE, HAS_WORK, load, put, STOPPED, store, threadWord } from '../../support/set/scratch.js';
import { type TestThread, withSet } from '../../support/set/test-set.js';

type Two = [TestThread, TestThread];
type Three = [TestThread, TestThread, TestThread];

/** 1 + the number of a thread that no set here has. */
const SOMEBODY = 100;

/** What parking returns: whether others rely on the thread to try for leadership first. */
const RELIED_ON = 1;
const NOT_NEEDED = 0;

/** Begins a command, and has it stop as soon as something holds. */
function stopWhen(thread: TestThread, name: string, holds: () => boolean): void {
  let status = thread.begin(name, [], 1).settle();
  while (!holds()) {
    assert.is(status, STOPPED, 'it comes to this');
    thread.stopBefore(1);
    status = thread.go().settle();
  }
  assert.is(status, STOPPED);
}

test(
  'a thread that yields is a follower, and wakes a parked one although another is on watch',
  withSet(2, async (set) => {
    const [leader, host] = (await set.startAll()) as Two;
    leader.run('join');
    host.begin('park').settle();
    store(set.words, WATCH, SOMEBODY);
    assert.is(leader.run('promote'), 0, 'a promotion relies on the watch');
    assert.is(host.status, ASLEEP);
    leader.run('join');
    assert.is(leader.run('yield'), 1);
    assert.is(set.words[threadArea(leader.self) + STATE], FOLLOWER);
    assert.is(set.leader(), -1);
    assert.is(host.result(), RELIED_ON);
    assert.is(host.run('join'), 1);
  }),
);

test(
  'only the leader yields',
  withSet(2, async (set) => {
    const [leader, other] = (await set.startAll()) as Two;
    leader.run('join');
    assert.throws(() => other.run('yield'), /only the leader can yield/);
    assert.is(set.leader(), leader.self);
  }),
);

// ---- deferring -----------------------------------------------------------------------------------------------------------

for (const defers of [false, true]) {
  for (const [leads, wakes, watches] of [
    [false, false, false],
    [false, false, true],
    [false, true, false],
    [false, true, true],
    [true, false, false],
    [true, true, true],
  ] as const) {
    const situation = [
      leads ? 'a thread leads' : 'nobody leads',
      ...(wakes ? ['a wake-up is in flight'] : []),
      ...(watches ? ['a thread is on watch'] : []),
    ].join(', ');
    const sleeps = leads || (defers && (wakes || watches));
    test(
      `${situation}: a thread that ${defers ? 'defers' : 'does not defer'} ${sleeps ? 'sleeps' : 'stays awake'}`,
      withSet(1, async (set) => {
        const [parker] = (await set.startAll()) as [TestThread];
        // Not on watch itself.
        store(set.words, WATCH, SOMEBODY);
        stopWhen(parker, defers ? 'parkDeferring' : 'park', () => set.parked().length === 1);
        // It looks after its bit is set: wakers do it the other way round.
        store(set.words, LEADER, leads ? SOMEBODY : 0);
        store(set.words, WAKING, wakes ? SOMEBODY : 0);
        store(set.words, WATCH, watches ? SOMEBODY : 0);
        assert.is(parker.go().settle(), sleeps ? ASLEEP : DONE);
        if (sleeps) set.lot.wake(parker.self);
        assert.is(parker.result(), NOT_NEEDED);
        assert.equal(set.parked(), []);
      }),
    );
  }
}

test(
  "a thread that defers stays awake when another's watch ends at any step of its parking, and nobody leads",
  withSet(1, async (set) => {
    const [parker] = (await set.startAll()) as [TestThread];
    for (let step = 1; ; step++) {
      store(set.words, WATCH, SOMEBODY);
      const stopped = parker.begin('parkDeferring', [], step).settle() === STOPPED;
      store(set.words, WATCH, 0);
      // Else it has seen the watch with its own bit set: the thread that was on watch leads.
      if (!stopped) return assert.ok(step > 5);
      assert.is(parker.go().settle(), DONE, `step ${step}`);
      parker.result();
    }
  }),
);

test(
  'when a wake-up finds its thread awake, at whatever step, a thread that has deferred to it is woken',
  withSet(3, async (set) => {
    const [leader, candidate, deferring] = (await set.startAll()) as Three;
    leader.run('join');
    for (let step = 1; ; step++) {
      // None of them goes on watch.
      store(set.words, WATCH, SOMEBODY);
      candidate.begin('park').settle();
      stopWhen(deferring, 'parkDeferring', () => set.parked().includes(deferring.self));
      store(set.words, WATCH, 0);
      const stopped = leader.begin('yield', [], step).settle() === STOPPED;
      if (!stopped) return assert.ok(step > 4);
      const claimed = !set.lot.wake(candidate.self);
      if (claimed) leader.go();
      const promoted = candidate.result() === RELIED_ON;
      deferring.go().settle();
      if (!claimed) leader.go();
      leader.result();
      if (promoted && deferring.status === ASLEEP) set.lot.wake(deferring.self);
      deferring.result();
      assert.is(load(set.words, WAKING), 0, `step ${step}`);
      leader.run('join');
    }
  }),
);

// ---- what it was woken for -----------------------------------------------------------------------------------------------

for (const park of ['park', 'parkDeferring']) {
  test(
    `others rely on a thread that was on watch (${park})`,
    withSet(1, async (set) => {
      const [parker] = (await set.startAll()) as [TestThread];
      assert.is(parker.run(park), RELIED_ON, 'it takes over where nobody leads');
      assert.is(load(set.words, WATCH), 0);
      store(set.words, LEADER, SOMEBODY);
      put(set.scratch, threadWord(parker.self, HAS_WORK), 1);
      assert.is(parker.run(park), RELIED_ON, 'it has work of its own, and another leads');
      store(set.words, WATCH, SOMEBODY);
      assert.is(parker.run(park), NOT_NEEDED, 'another is on watch');
    }),
  );

  test(
    `others rely on a thread that a promotion wakes, whether or not it is on watch (${park})`,
    withSet(1, async (set) => {
      const [parker] = (await set.startAll()) as [TestThread];
      for (const watches of [false, true]) {
        store(set.words, LEADER, SOMEBODY);
        store(set.words, WATCH, watches ? 0 : SOMEBODY);
        stopWhen(parker, park, () => set.parked().length === 1);
        assert.is(load(set.words, WATCH) === parker.self + 1, watches);
        if (watches) store(set.words, LEADER, 0);
        assert.ok(set.lot.wakeOne());
        assert.is(parker.go().result(), RELIED_ON);
        assert.is(load(set.words, WAKING), 0);
      }
    }),
  );
}

// ---- about to block --------------------------------------------------------------------------------------------------------

test(
  'a thread about to block wakes a follower only if nobody leads, and no wake-up is in flight',
  withSet(2, async (set) => {
    const [blocking, follower] = (await set.startAll()) as Two;
    store(set.words, LEADER, SOMEBODY);
    store(set.words, WATCH, SOMEBODY);
    follower.begin('park').settle();
    blocking.run('aboutToBlock');
    assert.equal(set.parked(), [follower.self], 'a thread leads');
    store(set.words, LEADER, 0);
    store(set.words, WAKING, SOMEBODY);
    blocking.run('aboutToBlock');
    assert.equal(set.parked(), [follower.self], 'one is about to lead');
    store(set.words, WAKING, 0);
    blocking.run('aboutToBlock');
    assert.is(follower.result(), RELIED_ON, 'although one is on watch');
    blocking.run('aboutToBlock');
    assert.is(load(set.words, WAKING), 0, 'none is parked');
  }),
);

test.run();
