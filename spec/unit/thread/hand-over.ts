/** The leader's part of a hand-over: which event it passes on, to which thread, and what it processes itself. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HANDED_OVER, IS_LINGERING } from '../../../lib/connection/flags.js';
import { CURRENT_FD, MAILBOX_CAPACITY, PARKED, STATE, threadArea } from '../../../lib/memory/layout.js';
import { Engagement, NO_DEPENDANT, WAITS, WAITS_TO_BLOCK } from '../../../lib/set/engagement.js';
import { setFlag } from '../../../lib/set/handle-record.js';
import { ENTERED, IDLE, INSIDE, NOTED, READABLE, TIMED_OUT } from '../../../lib/set/handle-table.js';
import { Mailbox } from '../../../lib/set/mailbox.js';
import { Recorder } from '../../../lib/set/recorder.js';
import { FOLLOWER, LEADER_STATE } from '../../../lib/set/thread-state.js';
import { HandOver } from '../../../lib/thread/hand-over.js';
import { takeCount } from '../../support/set/native.js';
import { TestSet } from '../../support/set/test-set.js';

const LEADER = 0;
const TARGET = 2;
const TIMEOUTS = 1;

/** A leader, thread 1 inside of a connection, thread 2 parked; the leader is inside of a handle. */
function makeLeader({ flags = HANDED_OVER, dependant = WAITS, free = true } = {}) {
  const set = new TestSet(3);
  const { memory, words, table, handles, lot } = set;
  const fd = set.connect();
  const generation = table.generation(fd);
  setFlag(table, fd, flags);
  assert.is(table.claim(fd, generation, READABLE, LEADER), ENTERED);
  for (const thread of [LEADER, TIMEOUTS, TARGET]) {
    words[threadArea(thread) + STATE] = thread === LEADER ? LEADER_STATE : FOLLOWER;
    words[threadArea(thread) + CURRENT_FD] = thread === TARGET ? -1 : fd;
  }
  if (free) words[PARKED] = 1 << TARGET;
  else words[threadArea(TARGET) + CURRENT_FD] = fd;
  const engagement = new Engagement(memory.control, LEADER, { threads: 3, cores: 2, timeoutMs: () => -1 });
  engagement.change(NO_DEPENDANT, dependant);
  const recorder = new Recorder(memory.control, LEADER);
  const mailboxes = [0, 1, 2].map((thread) => new Mailbox(memory.control, thread));
  const parts = { handles, lot, engagement, recorder };
  const handOver = new HandOver(parts, (thread) => mailboxes[thread]!);
  return {
    set,
    fd,
    generation,
    mailboxes,
    passesOn: () => handOver.passesOn(fd, generation),
    rings: () => set.doorbells.map(takeCount),
    /** The leader is still inside of the handle, and no thread knows of it. */
    assertKept(): void {
      assert.equal([table.state(fd), table.owner(fd)], [INSIDE, LEADER]);
      for (const mailbox of mailboxes) assert.not(mailbox.take());
    },
  };
}

test('an engaged leader leaves the handle, and a free thread is told and woken', async () => {
  const { set, fd, generation, mailboxes, passesOn, rings } = makeLeader();
  assert.ok(passesOn());
  assert.is(set.table.state(fd), IDLE);
  const mailbox = mailboxes[TARGET]!;
  assert.ok(mailbox.take());
  assert.equal([mailbox.fd, mailbox.generation], [fd, generation]);
  assert.not(mailbox.hasPending());
  assert.equal(rings(), [0, 0, 1]);
  assert.equal(set.parked(), []);
  await set.close();
});

test('the entry is in the mailbox when the thread is woken, and the handle is left before that', async () => {
  const { set, fd, mailboxes, passesOn } = makeLeader();
  const mailbox = mailboxes[TARGET]!;
  const put = mailbox.put.bind(mailbox);
  const ring = set.lot.ring.bind(set.lot);
  const steps: string[] = [];
  mailbox.put = (...entry) => {
    steps.push(`put ${set.table.state(fd) === IDLE}`);
    put(...entry);
  };
  set.lot.ring = (thread) => {
    steps.push(`ring ${mailbox.hasPending()}`);
    ring(thread);
  };
  assert.ok(passesOn());
  assert.equal(steps, ['put true', 'ring true']);
  await set.close();
});

for (const [name, options] of [
  ['a handle that is not handed over', { flags: IS_LINGERING }],
  ['a leader on which nobody depends', { dependant: NO_DEPENDANT }],
  ['a leader that is reserved', { dependant: WAITS_TO_BLOCK }],
] as const) {
  test(`${name}: it is processed, and no thread is claimed`, async () => {
    const { set, passesOn, rings, assertKept } = makeLeader(options);
    assert.not(passesOn());
    assertKept();
    assert.equal(rings(), [0, 0, 0]);
    assert.equal(set.parked(), [TARGET]);
    await set.close();
  });
}

test('no thread is free: the leader processes the event', async () => {
  const { set, passesOn, rings, assertKept } = makeLeader({ free: false });
  assert.not(passesOn());
  assertKept();
  assert.equal(rings(), [0, 0, 0]);
  await set.close();
});

test("the free thread's mailbox is full: the leader processes the event, and the thread is woken as it was claimed", async () => {
  const { set, fd, mailboxes, passesOn, rings } = makeLeader();
  const mailbox = mailboxes[TARGET]!;
  for (let entry = 0; entry < MAILBOX_CAPACITY; entry++) mailbox.put(999, 0);
  assert.not(passesOn());
  assert.equal([set.table.state(fd), set.table.owner(fd)], [INSIDE, LEADER]);
  for (let entry = 0; entry < MAILBOX_CAPACITY; entry++) {
    assert.ok(mailbox.take());
    assert.is(mailbox.fd, 999);
  }
  assert.not(mailbox.hasPending(), 'no sweep: it would look at bound handles only');
  assert.equal(rings(), [0, 0, 1]);
  await set.close();
});

test('an event is noted while the leader is inside: it processes the handle, and the thread is woken as it was claimed', async () => {
  const { set, fd, generation, passesOn, rings, assertKept } = makeLeader();
  assert.is(set.table.claim(fd, generation, TIMED_OUT, TIMEOUTS), NOTED);
  assert.not(passesOn());
  assertKept();
  assert.equal(rings(), [0, 0, 1]);
  await set.close();
});

test.run();
