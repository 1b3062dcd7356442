/** I1 and I2 with the library's turns: free threads take the events while others are held inside a handler. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FREE } from '../../../lib/set/handle-table.js';
import { Mailbox } from '../../../lib/set/mailbox.js';
import { signalEventCounter } from '../../../lib/sys/descriptor.js';
import { BINDER } from '../../support/set/kinds.js';
import { takeEntry } from '../../support/set/mailbox.js';
import { ENTRIES, HOLDERS, load, STOPPED, until, VIOLATIONS } from '../../support/set/scratch.js';
import { type TestSet, withSet } from '../../support/set/test-set.js';

const THREADS = 4;

/** Any free thread takes one more event. */
async function serves(set: TestSet, fd: number): Promise<void> {
  const before = set.tally(fd);
  signalEventCounter(fd);
  await until(() => set.tally(fd) === before + 1, 'the event was taken');
}

async function expectNoCollision(set: TestSet): Promise<void> {
  assert.is(load(set.scratch, VIOLATIONS), 0);
  // The current leader may be in the ready list right now.
  await until(() => load(set.scratch, HOLDERS) === 0, 'no thread is left in the ready list');
}

test(
  'while leaders are held inside of handlers, parked followers take the next events',
  withSet(THREADS, async (set) => {
    await set.startAll({ role: 'turns', steps: false });
    const blocked = Array.from({ length: THREADS - 1 }, () => set.connect());
    const free = set.connect();
    for (let round = 0; round < 10; round++) {
      await set.quiet();
      const holders = [];
      for (const fd of blocked) {
        holders.push(set.hold(fd));
        await serves(set, free);
      }
      assert.is(new Set(holders).size, THREADS - 1, 'each is in a thread of its own');
      for (const fd of blocked) set.release(fd);
    }
    await until(() => blocked.every((fd) => set.tally(fd) === 10), 'all are through');
    await set.quiet();
    await expectNoCollision(set);
  }),
);

test(
  "one thread's list of events is worked off while all others are held",
  withSet(THREADS, async (set) => {
    await set.startAll({ role: 'turns', steps: false });
    const blocked = Array.from({ length: THREADS - 1 }, () => set.connect());
    const many = Array.from({ length: 100 }, () => set.connect());
    for (const fd of blocked) set.hold(fd);
    for (const fd of many) signalEventCounter(fd);
    await until(() => many.every((fd) => set.tally(fd) === 1), 'the last thread took them all');
    for (const fd of blocked) set.release(fd);
    await set.quiet();
    await expectNoCollision(set);
  }),
);

test(
  'events of a handle that is bound to a parked thread reach it while another leads, one after the other',
  withSet(2, async (set) => {
    // With work of its own event loop, of which V8 has some at times, the leader would leave leadership to the other.
    await set.startAll({ role: 'turns', steps: false, ignoresLoop: true });
    const bound = set.connect(BINDER);
    const free = set.connect();
    const owner = set.hold(bound);
    set.release(bound);
    await until(() => set.tally(bound) === 1, 'it is bound');
    // While the owner is held, the other comes to lead, and goes on so: a hand-off is no reason to stop.
    for (let holder = -1; holder !== owner; ) {
      await set.quiet();
      holder = set.hold(free);
      await until(() => set.leader() === 1 - holder, 'the other leads');
      set.release(free);
    }
    for (let round = 0; round < 200; round++) await serves(set, bound);
    assert.is(set.leader(), 1 - owner);
    assert.is(set.table.owner(bound), owner);
    await expectNoCollision(set);
  }),
);

test(
  'the owner of a bound handle may close it at any step of the leader that hands its event off',
  withSet(2, async (set) => {
    // The spec itself is thread 1, the owner.
    const OWNER = 1;
    const leader = await set.start(0, { role: 'turns', steps: true });
    const free = set.connect();
    const mailbox = new Mailbox(set.memory.control, OWNER);
    for (let step = 1; ; step++) {
      const bound = set.connect();
      const generation = set.table.generation(bound);
      set.table.claim(bound, generation, 0, OWNER);
      set.table.bind(bound, OWNER);
      await set.quiet(1);
      leader.stopBefore(step);
      signalEventCounter(bound);
      const stopped = () => leader.status === STOPPED;
      await until(() => stopped() || mailbox.hasPending(), 'a stop, or the hand-off');
      if (!stopped()) return assert.ok(step > 5);
      set.table.close(bound);
      leader.go();
      // A mailbox of no thread (-1) lies outside of the memory: a leader that wrote to it would throw.
      await serves(set, free);
      assert.is(set.table.state(bound), FREE);
      while (takeEntry(mailbox)) assert.is(set.table.takeNoted(mailbox.fd, mailbox.generation, OWNER), 0);
    }
  }),
);

test(
  'a thread that is held inside of a handler gets the events of its bound handles afterwards, none lost',
  withSet(3, async (set) => {
    await set.startAll({ role: 'turns', steps: false });
    const bound = Array.from({ length: 10 }, () => set.connect(BINDER));
    for (const fd of bound) await serves(set, fd);
    const first = bound[0]!;
    set.hold(first);
    for (let round = 0; round < 20; round++) for (const fd of bound) signalEventCounter(fd);
    set.release(first);
    await until(() => bound.every((fd) => set.tally(fd) === 21 + Number(fd === first)), 'all are seen');
    await expectNoCollision(set);
  }),
);

test(
  'no event of a long list is lost or doubled while leadership changes hands',
  withSet(THREADS, async (set) => {
    await set.startAll({ role: 'turns', steps: false });
    // More than one refill takes.
    const many = Array.from({ length: 700 }, () => set.connect());
    for (let round = 1; round <= 30; round++) {
      for (const fd of many) signalEventCounter(fd);
      await until(() => many.every((fd) => set.tally(fd) === round), `round ${round}`);
    }
    await set.quiet();
    for (const fd of many) assert.is(load(set.scratch, ENTRIES + fd), 30, 'one visit for each event');
    await expectNoCollision(set);
  }),
);

test.run();
