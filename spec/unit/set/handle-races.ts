/** I3, I4 and I7 between two real threads: one stands before any step of its operation while the other does its own. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MAILBOX_CAPACITY } from '../../../lib/memory/layout.js';
import {
  BOUND,
  ENTERED,
  FREE,
  HAND_OFF,
  IDLE,
  NOTED,
  READABLE,
  STALE,
} from '../../../lib/set/handle-table.js';
import { ENTRIES, load, STOPPED, TALLY, VIOLATIONS } from '../../support/set/scratch.js';
import { type TestSet, type TestThread, withSet } from '../../support/set/test-set.js';

type Two = [TestThread, TestThread];

const ROUNDS = 100_000;

interface Race {
  /** Before the two meet, in the first thread. */
  readonly prepare?: (first: TestThread, fd: number, generation: number) => void;
  /** The command of the first thread, which is stopped. */
  readonly command: string;
  /** Looks at what both got; `claimed` is the leader's result. */
  readonly judge: (result: number, claimed: number, set: TestSet, fd: number) => void;
}

/** At each step of the first thread's command the second claims the handle, as a leader with an event. */
const against = (race: Race) =>
  withSet(2, async (set) => {
    const [first, leader] = (await set.startAll()) as Two;
    for (let step = 1; ; step++) {
      const fd = set.connect();
      const generation = set.table.generation(fd);
      race.prepare?.(first, fd, generation);
      const args = [fd, generation, READABLE];
      const stopped = first.begin(race.command, args, step).settle() === STOPPED;
      const claimed = leader.run('claim', ...args);
      if (stopped) first.go();
      race.judge(first.result(), claimed, set, fd);
      if (!stopped) return assert.ok(step > 1);
    }
  });

const inside = (first: TestThread, fd: number, generation: number) =>
  assert.is(first.run('claim', fd, generation, READABLE), ENTERED);
const bound = (first: TestThread, fd: number, generation: number) => {
  inside(first, fd, generation);
  first.run('bind', fd);
};

test(
  'of two claims one enters, and the event of the other is noted for it',
  against({
    command: 'claim',
    judge: (result, claimed, set, fd) => {
      assert.equal([result, claimed].sort(), [ENTERED, NOTED]);
      assert.is(set.table.owner(fd), result === ENTERED ? 0 : 1);
      assert.is(set.table.leave(fd), READABLE);
    },
  }),
);

test(
  'an event that comes while a thread leaves is seen by it, or enters behind it',
  against({
    prepare: inside,
    command: 'leave',
    judge: (result, claimed, set, fd) => {
      assert.is(result, claimed === NOTED ? READABLE : 0);
      assert.ok(claimed === NOTED || claimed === ENTERED);
      assert.is(set.table.owner(fd), claimed === NOTED ? 0 : 1);
    },
  }),
);

test(
  'an event that comes while a thread binds is returned to it, or handed off',
  against({
    prepare: inside,
    command: 'bind',
    judge: (result, claimed, set, fd) => {
      assert.is(result, claimed === NOTED ? READABLE : 0);
      assert.ok(claimed === NOTED || claimed === HAND_OFF);
      assert.is(set.table.takeNoted(fd, set.table.generation(fd), 0), claimed === HAND_OFF ? READABLE : 0);
    },
  }),
);

test(
  'an event that comes while a thread unbinds is seen by it, or enters behind it',
  against({
    prepare: bound,
    command: 'unbind',
    judge: (result, claimed, set, fd) => {
      assert.is(result, claimed === HAND_OFF ? READABLE : 0);
      assert.ok(claimed === HAND_OFF || claimed === ENTERED);
      if (claimed === HAND_OFF) assert.is(set.table.unbind(fd), 0);
    },
  }),
);

test(
  'an event that comes while a thread takes what was noted is taken, or handed off again',
  against({
    prepare: (first, fd, generation) => {
      bound(first, fd, generation);
      assert.is(first.run('claim', fd, generation, READABLE), HAND_OFF);
    },
    command: 'takeNoted',
    judge: (result, claimed, set, fd) => {
      assert.is(result, READABLE);
      const left = set.table.takeNoted(fd, set.table.generation(fd), 0);
      assert.is(left, claimed === HAND_OFF ? READABLE : 0);
    },
  }),
);

test(
  'an event that comes while a handle is closed changes nothing any more',
  against({
    prepare: inside,
    command: 'close',
    judge: (_result, claimed, set, fd) => {
      assert.ok(claimed === NOTED || claimed === STALE);
      assert.is(set.table.state(fd), FREE);
      assert.is(set.table.claim(fd, set.table.generation(fd), READABLE, 1), STALE);
    },
  }),
);

test(
  'an event of the earlier generation that comes at any step of the new one is stale',
  withSet(2, async (set) => {
    const [first, leader] = (await set.startAll()) as Two;
    const fd = set.connect();
    for (let step = 1; ; step++) {
      const former = set.table.generation(fd);
      set.table.claim(fd, former, READABLE, 0);
      set.table.close(fd);
      const stopped = first.begin('open', [fd], step).settle() === STOPPED;
      assert.is(leader.run('claim', fd, former, READABLE), STALE);
      if (stopped) first.go();
      first.result();
      assert.is(set.table.leave(fd), 0, 'and not noted');
      if (!stopped) return assert.ok(step > 1);
    }
  }),
);

test(
  'however many claim a handle at once, one thread is inside and no event is left behind',
  withSet(3, async (set) => {
    await set.startAll({ steps: false });
    const fd = set.connect();
    const generation = set.table.generation(fd);
    for (const thread of set.threads) thread.begin('contend', [set.count, fd, generation, ROUNDS]);
    const seen = set.threads.map((thread) => thread.result());
    assert.is(load(set.scratch, VIOLATIONS), 0);
    assert.is(load(set.scratch, ENTRIES + fd), ROUNDS * set.count);
    assert.is(set.tally(fd), ROUNDS * set.count, 'the last visit saw the last event');
    assert.is(set.table.state(fd), IDLE);
    assert.ok(seen.reduce((sum, visits) => sum + visits) > 1);
  }),
);

for (const [count, rounds, name] of [
  [300, 400, 'when its mailbox overflows too'],
  [3, 60_000, 'when it takes them as fast as they come'],
] as const) {
  test(
    `hand-offs to a thread reach it all, ${name}`,
    withSet(2, async (set) => {
      const [producer, consumer] = (await set.startAll({ steps: false })) as Two;
      // Numbers without descriptors, as only the table is needed.
      const first = 1000;
      for (let fd = first; fd < first + count; fd++) {
        const generation = set.table.open(fd, 0);
        set.table.claim(fd, generation, 0, consumer.self);
        set.table.bind(fd, consumer.self);
      }
      consumer.begin('consume', [first, count]);
      producer.begin('produce', [consumer.self, first, count, rounds]);
      assert.ok(producer.result() >= count);
      assert.is(consumer.result() > 0, count > MAILBOX_CAPACITY, 'it was asked to sweep');
      for (let fd = first; fd < first + count; fd++) {
        assert.is(load(set.scratch, TALLY + fd), rounds, `the last event of ${fd} was seen`);
        assert.is(set.table.state(fd), BOUND);
        assert.is(set.table.unbind(fd), 0);
      }
    }),
  );
}

test.run();
