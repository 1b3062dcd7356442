/** I2 with a follower on watch: a leader may rely on it without waking a follower, and no event is lost when it stands down. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LEADER, READY_END, READY_NEXT, UNTHROTTLED, WATCH } from '../../../lib/memory/layout.js';
import { revokeLeadership } from '../../../lib/set/thread-set.js';
import { KEEP_WATCHING, STAND_DOWN, TAKE_OVER } from '../../../lib/set/watch.js';
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

test('a leader wakes a follower for the events that wait behind a long one, whoever is on watch', async () => {
  const set = new TestSet(2);
  const watch = makeWatch(set.memory.control, 0);
  watch.begin();
  assert.ok(watch.throttlesWakeUp(true), 'no event waits');
  store(set.words, READY_END, load(set.words, READY_NEXT) + 1);
  assert.not(watch.throttlesWakeUp(true));
  assert.ok(watch.throttlesWakeUp(false), 'it is back sooner than a follower wakes');
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
