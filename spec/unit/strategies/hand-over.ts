/** The leader's part of a hand-over: which event it passes on, to which thread, and what it processes itself. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  HANDED_OVER,
  IS_LINGERING,
  REPORTED,
  TO_FREE_THREAD,
  TO_HOST,
} from '../../../lib/connection/flags.js';
import { CURRENT_FD, ENGAGED, PARKED, RESCAN, STATE, threadArea } from '../../../lib/memory/layout.js';
import { Engagement, hostsOf, NO_DEPENDANT, WAITS, WAITS_TO_BLOCK } from '../../../lib/set/engagement.js';
import { flagsOf, setFlag } from '../../../lib/set/handle-record.js';
import {
  BROKEN,
  ENTERED,
  IDLE,
  INSIDE,
  NOTED,
  PEER_ENDED,
  READABLE,
  TIMED_OUT,
  WRITABLE,
} from '../../../lib/set/handle-table.js';
import { Mailbox } from '../../../lib/set/mailbox.js';
import { Recorder } from '../../../lib/set/recorder.js';
import { DEAD, FOLLOWER, LEADER_STATE, PROCESSING } from '../../../lib/set/thread-state.js';
import { HandOver } from '../../../lib/strategies/hand-over.js';
import { range } from '../../support/server/wait.js';
import { takeEntry } from '../../support/set/mailbox.js';
import { takeCount } from '../../support/set/native.js';
import { TestSet } from '../../support/set/test-set.js';

/** Of three threads: 0 is a host on any machine, 2 on none. */
const [HOST, TIMEOUTS, NO_HOST] = [0, 1, 2];

/** Who leads, and whom the connection is for, by the kind of hand-over. */
const ROLES = {
  [TO_FREE_THREAD]: { leader: HOST, target: NO_HOST },
  [TO_HOST]: { leader: NO_HOST, target: HOST },
} as const;

interface Situation {
  readonly to?: typeof TO_FREE_THREAD | typeof TO_HOST;
  readonly flags?: number;
  readonly leader?: number;
  readonly target?: number;
  /** What the leader's connections make of it. */
  readonly dependant?: number;
  /** What the target does. */
  readonly activity?: 'parked' | 'awake' | 'inside';
}

/** The leader is inside of the handle, the target is parked, and the third thread is inside of another connection. */
function makeLeader({
  to = TO_FREE_THREAD,
  flags = to,
  leader = ROLES[to].leader,
  target = ROLES[to].target,
  dependant = to === TO_FREE_THREAD ? WAITS : NO_DEPENDANT,
  activity = 'parked',
}: Situation = {}) {
  const set = new TestSet(3);
  const { memory, words, table, handles, lot } = set;
  const { control } = memory;
  const fd = set.connect();
  const generation = table.generation(fd);
  setFlag(table, fd, flags);
  assert.is(table.claim(fd, generation, READABLE, leader), ENTERED);
  for (const thread of range(3)) {
    words[threadArea(thread) + STATE] = PROCESSING;
    words[threadArea(thread) + CURRENT_FD] = 999;
  }
  words[threadArea(target) + STATE] = activity === 'parked' ? FOLLOWER : PROCESSING;
  if (activity !== 'inside') words[threadArea(target) + CURRENT_FD] = -1;
  if (activity === 'parked') words[PARKED] = 1 << target;
  words[threadArea(leader) + STATE] = LEADER_STATE;
  const engagement = new Engagement(control, leader, { threads: 3, cores: 2, timeoutMs: () => -1 });
  engagement.change(NO_DEPENDANT, dependant);
  const mailboxes = range(3).map((thread) => new Mailbox(control, thread));
  const parts = { control, handles, lot, engagement, recorder: new Recorder(control, leader) };
  const handOver = new HandOver(parts, (thread) => mailboxes[thread]!);
  return {
    set,
    fd,
    generation,
    target,
    mailbox: mailboxes[target]!,
    passesOn: (events = READABLE) => handOver.passesOn(fd, generation, events),
    rings: () => set.doorbells.map(takeCount),
    ringsOfTarget: range(3).map((thread) => Number(thread === target)),
    /** The leader is still inside of the handle, and no thread knows of it. */
    assertKept(): void {
      assert.equal([table.state(fd), table.owner(fd)], [INSIDE, leader]);
      for (const mailbox of mailboxes) assert.not(takeEntry(mailbox));
    },
  };
}

for (const [name, situation] of [
  ['an engaged leader leaves the handle, and a free thread is told and woken', { to: TO_FREE_THREAD }],
  ['so it does for a free thread that is awake', { to: TO_FREE_THREAD, activity: 'awake' }],
  ['a leader that is no host leaves the handle, and a host is told and woken', { to: TO_HOST }],
  ['so it does for a host that is awake and inside of no connection', { to: TO_HOST, activity: 'awake' }],
  ['and if others depend on it', { to: TO_HOST, dependant: WAITS }],
] as [string, Situation][]) {
  test(name, async () => {
    const { set, fd, generation, mailbox, passesOn, rings, ringsOfTarget } = makeLeader(situation);
    assert.ok(passesOn());
    assert.is(set.table.state(fd), IDLE);
    assert.is(flagsOf(set.table, fd, HANDED_OVER), situation.to, 'for the thread that takes it');
    assert.ok(takeEntry(mailbox));
    assert.equal([mailbox.fd, mailbox.generation, mailbox.isHandOver], [fd, generation, true]);
    assert.not(mailbox.hasPending());
    assert.equal(rings(), ringsOfTarget);
    assert.equal(set.parked(), []);
    assert.is(set.words[RESCAN], 0);
    await set.close();
  });
}

test('a host is told although others depend on it, as they do on hosts', async () => {
  const { set, passesOn, rings, ringsOfTarget } = makeLeader({ to: TO_HOST });
  set.words[ENGAGED] = 1 << HOST;
  assert.ok(passesOn());
  assert.equal(rings(), ringsOfTarget);
  await set.close();
});

test('a host that is parked comes before one that is awake', async () => {
  const { set, passesOn, rings } = makeLeader({ to: TO_HOST, activity: 'awake' });
  set.words[threadArea(TIMEOUTS) + STATE] = FOLLOWER;
  set.words[threadArea(TIMEOUTS) + CURRENT_FD] = -1;
  set.words[PARKED] = 1 << TIMEOUTS;
  assert.ok(passesOn());
  // On a machine with a single core it is no host.
  assert.equal(rings(), hostsOf(3) === 2 ? [0, 1, 0] : [1, 0, 0]);
  await set.close();
});

test('the entry is in the mailbox when the thread is woken, and the handle is left before that', async () => {
  const { set, fd, mailbox, passesOn } = makeLeader();
  const put = mailbox.put.bind(mailbox);
  const ring = set.lot.ring.bind(set.lot);
  const leave = set.handles.table.leave.bind(set.handles.table);
  const steps: string[] = [];
  set.handles.table.leave = (left) => {
    steps.push(`leave ${flagsOf(set.table, fd, REPORTED) === PEER_ENDED}`);
    return leave(left);
  };
  mailbox.put = (...entry) => {
    steps.push(`put ${set.table.state(fd) === IDLE}`);
    put(...entry);
  };
  set.lot.ring = (thread) => {
    steps.push(`ring ${mailbox.hasPending()}`);
    ring(thread);
  };
  assert.ok(passesOn(READABLE | PEER_ENDED));
  assert.equal(steps, ['leave true', 'put true', 'ring true']);
  await set.close();
});

for (const to of [TO_FREE_THREAD, TO_HOST] as const) {
  for (const [events, kept] of [
    [READABLE | WRITABLE, 0],
    [READABLE | PEER_ENDED, PEER_ENDED],
    [BROKEN, BROKEN],
    [READABLE | WRITABLE | PEER_ENDED | BROKEN | TIMED_OUT, PEER_ENDED | BROKEN],
  ] as const) {
    test(`events ${events} of a connection that is passed on (${to}): ${kept} are kept in its record`, async () => {
      const { set, fd, passesOn } = makeLeader({ to });
      assert.ok(passesOn(events));
      assert.is(flagsOf(set.table, fd, -1), to | kept);
      await set.close();
    });
  }
}

for (const [name, situation] of [
  ['a handle that is not handed over', { flags: IS_LINGERING }],
  ['one that is not, whatever its other flags are', { to: TO_HOST, flags: ~HANDED_OVER }],
  ['for a free thread, a leader on which nobody depends', { dependant: NO_DEPENDANT }],
  ['for a free thread, a leader that is reserved', { dependant: WAITS_TO_BLOCK }],
  ['for a host, a leader that is one', { to: TO_HOST, leader: TIMEOUTS, dependant: WAITS }],
] as [string, Situation][]) {
  test(`${name}: it is processed, and no thread is claimed`, async () => {
    const { set, fd, target, passesOn, rings, assertKept } = makeLeader(situation);
    const flags = flagsOf(set.table, fd, -1);
    assert.not(passesOn(READABLE | PEER_ENDED));
    assertKept();
    assert.is(flagsOf(set.table, fd, -1), flags);
    assert.equal(rings(), [0, 0, 0]);
    assert.equal(set.parked(), [target]);
    await set.close();
  });
}

for (const to of [TO_FREE_THREAD, TO_HOST] as const) {
  test(`no ${to === TO_HOST ? 'host' : 'thread'} is free: the leader processes the event`, async () => {
    const { set, passesOn, rings, assertKept } = makeLeader({ to, activity: 'inside' });
    assert.not(passesOn());
    assertKept();
    assert.equal(rings(), [0, 0, 0]);
    await set.close();
  });
}

test('the only free thread has an entry in its mailbox: the leader processes the event', async () => {
  const { set, mailbox, passesOn, rings, assertKept } = makeLeader();
  mailbox.put(999, 0);
  assert.not(passesOn());
  takeEntry(mailbox);
  assertKept();
  assert.equal(rings(), [0, 0, 0]);
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

test('the target dies before the entry is put: every handle is looked at again', async () => {
  const { set, fd, target, mailbox, passesOn } = makeLeader();
  const put = mailbox.put.bind(mailbox);
  mailbox.put = (...entry) => {
    // Its recovery clears a mailbox that is empty still.
    set.words[threadArea(target) + STATE] = DEAD;
    assert.not(mailbox.clear());
    put(...entry);
  };
  assert.ok(passesOn());
  assert.is(set.table.state(fd), IDLE);
  assert.is(set.words[RESCAN], 1);
  await set.close();
});

test('the target dies, and the leader keeps the handle: none is looked at again', async () => {
  const { set, fd, generation, target, passesOn, assertKept } = makeLeader();
  assert.is(set.table.claim(fd, generation, TIMED_OUT, TIMEOUTS), NOTED);
  const ring = set.lot.ring.bind(set.lot);
  set.lot.ring = (thread) => {
    set.words[threadArea(target) + STATE] = DEAD;
    ring(thread);
  };
  assert.not(passesOn());
  assertKept();
  assert.is(set.words[RESCAN], 0);
  await set.close();
});

test.run();
