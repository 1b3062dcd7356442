/** I2 with a follower on watch: a leader may rely on it without waking a follower, and no event is lost when it stands down. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EPOCH, LEADER, STALLED_AT, UNTHROTTLED, WATCH } from '../../../lib/memory/layout.js';
import { revokeLeadership } from '../../../lib/set/thread-set.js';
import {
  KEEP_WATCHING,
  STAND_DOWN,
  TAKE_OVER,
  WATCH_INTERVAL_MS,
  type Watch,
} from '../../../lib/set/watch.js';
import { nowMicros } from '../../../lib/sys/clock.js';
import { DONE, load, STOPPED, store } from '../../support/set/scratch.js';
import { TestSet, type TestThread, withSet } from '../../support/set/test-set.js';
import { makeWatch } from '../../support/set/watch.js';

type Two = [TestThread, TestThread];

/** More checks than a follower makes before it stands down. */
const MANY_CHECKS = 1000;

test('one follower is on watch, and only it leaves', async () => {
  const set = new TestSet(2);
  const [first, second] = [makeWatch(set.memory.control, 0), makeWatch(set.memory.control, 1)];
  assert.ok(first.begin());
  assert.not(second.begin());
  assert.not(second.end());
  assert.ok(first.end());
  assert.ok(second.begin());
  revokeLeadership(set.memory.control, 0);
  assert.is(load(set.words, WATCH), 2);
  revokeLeadership(set.memory.control, 1);
  assert.is(load(set.words, WATCH), 0, 'it is taken from a dead thread');
  await set.close();
});

test('a leader wakes no follower while one is on watch, except for some promotions after a stall', async () => {
  const set = new TestSet(2);
  const watch = makeWatch(set.memory.control, 0);
  assert.not(watch.throttlesWakeUp(false), 'nobody is on watch');
  watch.begin();
  assert.ok(watch.throttlesWakeUp(false));
  assert.is(load(set.words, LEADER), 0);
  assert.is(watch.check(), TAKE_OVER, 'nobody leads, and nobody has since the last check');
  const unthrottled = load(set.words, UNTHROTTLED);
  assert.ok(unthrottled > 0);
  for (let promotions = 0; promotions < unthrottled; promotions++) assert.not(watch.throttlesWakeUp(false));
  assert.ok(watch.throttlesWakeUp(false));
  await set.close();
});

test('a leader wakes a follower for events that are worth it, whoever is on watch', async () => {
  const set = new TestSet(2);
  const watch = makeWatch(set.memory.control, 0);
  watch.begin();
  assert.not(watch.throttlesWakeUp(true));
  assert.ok(watch.throttlesWakeUp(false), 'it is back sooner than a follower wakes');
  await set.close();
});

/** A stall after so many leaderships. @returns the promotions after it that wake a follower */
function stallAfter(leaderships: number, set: TestSet, watch: Watch): number {
  store(set.words, EPOCH, (load(set.words, EPOCH) + leaderships) | 0);
  if (leaderships > 0) assert.is(watch.check(), KEEP_WATCHING);
  assert.is(watch.check(), TAKE_OVER);
  return load(set.words, UNTHROTTLED);
}

test('more promotions wake a follower after a stall if the one before was a short while ago', async () => {
  const set = new TestSet(2);
  const watch = makeWatch(set.memory.control, 0);
  // EPOCH wraps in between.
  store(set.words, EPOCH, 0x7fff_ff00);
  watch.begin();
  const rare = stallAfter(100_000, set, watch);
  const frequent = stallAfter(100, set, watch);
  assert.ok(frequent > 10 * rare, `${frequent} and ${rare}`);
  assert.is(stallAfter(100_000, set, watch), rare);
  await set.close();
});

test('the intervals are short after a stall, and grow to a bound with the time since', async () => {
  const set = new TestSet(2);
  const watch = makeWatch(set.memory.control, 0);
  watch.begin();
  assert.is(watch.check(), TAKE_OVER);
  const at = load(set.words, STALLED_AT);
  assert.is(watch.intervalMs(at + 100_000), WATCH_INTERVAL_MS);
  const grown = watch.intervalMs(at + 500_000);
  assert.ok(grown > WATCH_INTERVAL_MS);
  const longest = watch.intervalMs(at + 2e6);
  assert.ok(longest > grown);
  assert.is(watch.intervalMs(at + 60e6), longest);
  // The clock has more bits than the word.
  assert.is(watch.intervalMs(at + 2 ** 32 * 3 + 60e6), longest);
  watch.retractStall();
  assert.is(watch.intervalMs(nowMicros()), longest, 'there was none');
  await set.close();
});

test('the watch of an idle set ends, that of a moving one does not', async () => {
  const set = new TestSet(2);
  const watch = makeWatch(set.memory.control, 0);
  watch.begin();
  store(set.words, LEADER, 2);
  let checks = 0;
  while (watch.check() === KEEP_WATCHING && checks < MANY_CHECKS) checks++;
  assert.ok(checks < MANY_CHECKS);
  assert.is(watch.check(), STAND_DOWN);
  await set.close();
});

test('after a stall that was none, promotions wake nobody', async () => {
  const set = new TestSet(2);
  const watch = makeWatch(set.memory.control, 0);
  watch.begin();
  assert.is(watch.check(), TAKE_OVER);
  assert.not(watch.throttlesWakeUp(false));
  watch.retractStall();
  assert.ok(watch.throttlesWakeUp(false));
  assert.is(load(set.words, UNTHROTTLED), 0);
  await set.close();
});

test(
  "a leader that vacates at any step of a follower's watch has a successor",
  withSet(2, async (set) => {
    const [leader, follower] = (await set.startAll()) as Two;
    leader.run('join');
    for (let step = 1; ; step++) {
      store(set.words, UNTHROTTLED, 0);
      follower.begin('park', [], step).settle();
      leader.run('promote');
      const stopped = follower.settle([STOPPED, DONE]) === STOPPED;
      if (stopped) follower.go();
      follower.result();
      assert.is(load(set.words, WATCH), 0, `step ${step}`);
      assert.equal(set.parked(), []);
      assert.is(follower.run('join'), 1);
      follower.run('promote');
      leader.run('join');
      if (!stopped) return assert.ok(step > 40, 'the steps of all checks, and of standing down');
    }
  }),
);

test(
  "a follower that goes on watch at any step of the leader's promotion leads",
  withSet(2, async (set) => {
    const [leader, follower] = (await set.startAll()) as Two;
    leader.run('join');
    for (let step = 1; ; step++) {
      store(set.words, UNTHROTTLED, 0);
      const stopped = leader.begin('promote', [], step).settle() === STOPPED;
      if (!stopped) return assert.ok(step > 3);
      follower.begin('park').settle();
      leader.go().result();
      follower.result();
      assert.is(follower.run('join'), 1);
      follower.run('promote');
      leader.run('join');
    }
  }),
);

test.run();
