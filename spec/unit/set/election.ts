/** I1, the election: at most one thread leads. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { WAKING } from '../../../lib/memory/layout.js';
import { revokeLeadership } from '../../../lib/set/thread-set.js';
import { DONE, HOLDERS, load, PLAIN_COUNT, STOPPED, VIOLATIONS } from '../../support/set/scratch.js';
import { type TestThread, withSet } from '../../support/set/test-set.js';

const ROUNDS = 20_000;

/** Stops `thread` before each step of a command in turn; `between` runs meanwhile, `after` when it is through. */
function atEachStep(thread: TestThread, name: string, between: () => void, after: (result: number) => void) {
  for (let step = 1; ; step++) {
    const stopped = thread.begin(name, [], step).settle([STOPPED, DONE]) === STOPPED;
    if (!stopped) {
      assert.ok(step > 2, `${name} has steps`);
      return;
    }
    between();
    after(thread.go().result());
  }
}

test(
  'one thread leads at a time, however many join at once',
  withSet(4, async (set) => {
    await set.startAll({ steps: false });
    for (const thread of set.threads) thread.begin('elect', [set.count, ROUNDS]);
    for (const thread of set.threads) thread.result();
    assert.is(load(set.scratch, VIOLATIONS), 0);
    assert.is(load(set.scratch, HOLDERS), 0);
    assert.is(set.scratch[PLAIN_COUNT], set.count * ROUNDS);
    assert.is(set.leader(), -1);
    assert.is(load(set.words, WAKING), 0);
    assert.equal(set.parked(), []);
  }),
);

test(
  'of two threads that join one leads, at whatever step the first is overtaken',
  withSet(2, async (set) => {
    const [first, second] = (await set.startAll()) as [TestThread, TestThread];
    let overtaken = 0;
    let other = 0;
    atEachStep(
      first,
      'join',
      () => {
        other = second.run('join');
        overtaken += other;
      },
      (joined) => {
        assert.is(joined + other, 1);
        const leader = joined === 1 ? first : second;
        assert.is(set.leader(), leader.self);
        leader.run('promote');
      },
    );
    assert.is(overtaken, 2, 'before its look and before its exchange');
    // The last round was not stopped.
    assert.is(set.leader(), first.self);
  }),
);

for (const vacate of ['promote', 'yield']) {
  test(
    `a thread that joins while another vacates leadership leads after it, not beside it (${vacate})`,
    withSet(2, async (set) => {
      const [leader, other] = (await set.startAll()) as [TestThread, TestThread];
      leader.run('join');
      atEachStep(
        leader,
        vacate,
        () => {
          const vacant = set.leader() === -1;
          assert.is(other.run('join'), Number(vacant));
        },
        () => {
          if (set.leader() === other.self) other.run('promote');
          assert.is(set.leader(), -1, 'the step behind the vacating never touches the word again');
          leader.run('join');
        },
      );
    }),
  );
}

test(
  'the leader cannot join again, and no other thread can promote',
  withSet(2, async (set) => {
    const [leader, other] = (await set.startAll()) as [TestThread, TestThread];
    assert.is(leader.run('join'), 1);
    assert.is(other.run('join'), 0);
    assert.is(set.leader(), leader.self);
    assert.throws(() => other.run('promote'), /only the leader can promote/);
  }),
);

test(
  'a leader that leaves the set for good vacates, and wakes a follower',
  withSet(2, async (set) => {
    const [leader, follower] = (await set.startAll()) as [TestThread, TestThread];
    leader.run('join');
    follower.begin('park').settle();
    leader.run('quit');
    assert.is(follower.result(), 1, 'it was woken to lead');
    assert.is(follower.run('join'), 1);
  }),
);

test(
  'leadership is revoked from its holder only',
  withSet(2, async (set) => {
    const [, leader] = (await set.startAll()) as [TestThread, TestThread];
    leader.run('join');
    for (const other of [0, 2]) revokeLeadership(set.memory.control, other);
    assert.is(set.leader(), 1);
    revokeLeadership(set.memory.control, 1);
    assert.is(set.leader(), -1);
  }),
);

test.run();
