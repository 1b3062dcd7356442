/** What a thread does first: leading, yielding, own work, its own event loop, and the end of the set; and when holds end. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ThreadContext, TIMER } from '../../../lib/connection/event-handler.js';
import { Timeouts } from '../../../lib/connection/timeouts.js';
import { countersOf, EVENTS, LOOP_PASSES } from '../../../lib/memory/counters.js';
import {
  ENGAGED,
  HANDLE_DEADLINE,
  HANDLE_WORDS,
  HOST_LED,
  PARKED,
  SET_SERVING,
  SET_STATE,
  SET_STOPPING,
  TICK,
  WAKING,
} from '../../../lib/memory/layout.js';
import { HAND_OFF, READABLE } from '../../../lib/set/handle-table.js';
import { Mailbox } from '../../../lib/set/mailbox.js';
import { nowMicros } from '../../../lib/sys/clock.js';
import { closeDescriptor, createEventCounter, signalEventCounter } from '../../../lib/sys/descriptor.js';
import { BINDER, COUNTER, HOLDER } from '../../support/set/kinds.js';
import { takeCount } from '../../support/set/native.js';
import {
  ASLEEP,
  CHARGED,
  ENTRIES,
  HOLD,
  load,
  SLEEPS,
  STOPPED,
  store,
  threadWord,
  UNTIL_READING,
  until,
} from '../../support/set/scratch.js';
import { type TestSet, withSet } from '../../support/set/test-set.js';

/** A number that no thread of the sets here has. */
const NOBODY = 7;
/** As in lib/thread/worker-loop.ts. */
const MAX_EVENTS_PER_TURN = 32;

/** A handle that is bound to a certain thread. The set is quiet again. */
async function boundTo(set: TestSet, wanted: number): Promise<number> {
  for (;;) {
    const fd = set.connect(BINDER);
    const owner = set.hold(fd);
    set.release(fd);
    await until(() => set.tally(fd) === 1, 'its event is taken');
    // Only a thread that sleeps has bound it, and left it.
    await set.quiet();
    if (owner === wanted) return fd;
  }
}

test(
  'a thread that a promotion woke leads before it turns to a hand-off of its own',
  withSet(2, async (set) => {
    set.wakeAlways();
    // Only a promotion wakes a thread that is parked.
    await set.startAll({ role: 'turns', steps: true, ignoresLoop: true });
    const [leader, promoted] = [set.threads[0]!, set.threads[1]!];
    await set.quiet();
    const bound = await boundTo(set, promoted.self);
    const [blocking, other] = [set.connect(), set.connect()];
    while (set.leader() !== leader.self) {
      const holder = set.hold(blocking);
      await until(() => holder === leader.self || set.leader() === leader.self, 'the first leads');
      set.release(blocking);
      await set.quiet();
    }
    promoted.settle([ASLEEP]);
    // Woken by the promotion, it stands still right behind its sleep. Meanwhile a hand-off comes, whose handler blocks.
    promoted.stopBefore(1);
    set.hold(blocking);
    promoted.settle([STOPPED]);
    assert.is(load(set.words, WAKING), promoted.self + 1);
    store(set.scratch, HOLD + bound, 1);
    const { table } = set;
    const generation = table.generation(bound);
    assert.is(table.claim(bound, generation, READABLE, NOBODY), HAND_OFF);
    new Mailbox(set.memory.control, promoted.self).put(bound, generation);
    signalEventCounter(other);
    promoted.go();
    await until(() => set.tally(other) === 1, 'the event that no other thread can take is taken');
    set.release(bound);
    set.release(blocking);
  }),
);

test(
  'a thread yields to a host that is parked once, and again only after it has taken an event',
  withSet(2, async (set) => {
    // The spec itself is the host.
    const [HOST, SELF] = [0, 1];
    const hostParks = () => {
      store(set.words, WAKING, 0);
      Atomics.or(set.words, PARKED, 1 << HOST);
    };
    const yielded = () => set.parked().join() === String(SELF);
    const waits = () => set.leader() === SELF && set.threads[SELF]!.status === ASLEEP;
    set.wakeAlways();
    store(set.words, ENGAGED, 1 << HOST);
    // Where there is one core, a thread leaves events to hosts that have led lately.
    store(set.words, HOST_LED, (nowMicros() - 1e9) | 0);
    hostParks();
    const thread = await set.start(SELF, { role: 'turns', steps: false, ignoresLoop: true });
    await until(yielded, 'it yields');
    assert.is(load(set.words, WAKING), HOST + 1);
    thread.settle([ASLEEP]);
    hostParks();
    store(set.words, WAKING, SELF + 1);
    assert.ok(set.lot.wake(SELF));
    await until(() => waits() || yielded(), 'it leads, or yields again');
    assert.ok(waits(), 'it has taken no event since');

    const fd = set.connect();
    signalEventCounter(fd);
    await until(() => set.tally(fd) === 1 && waits(), 'it has taken an event, and leads');
    hostParks();
    signalEventCounter(fd);
    await until(() => yielded() || set.tally(fd) === 2, 'it yields, or takes one more');
    assert.is(set.tally(fd), 1);
  }),
);

test(
  'a hold ends when its thread leads again, before that waits for an event',
  withSet(1, async (set) => {
    await set.start(0, { role: 'turns', steps: false, ignoresLoop: true });
    const fd = set.connect(HOLDER);
    signalEventCounter(fd);
    await until(() => set.tally(fd) === 1, 'the event is taken');
    await set.quiet();
    assert.is(
      load(set.scratch, CHARGED + fd),
      UNTIL_READING,
      'until the last change of state, not only until now',
    );
  }),
);

test(
  'a hold ends when another thread leads, before its own parks',
  withSet(2, async (set) => {
    set.wakeAlways();
    await set.startAll({ role: 'turns', steps: false, ignoresLoop: true });
    await set.quiet();
    const fd = set.connect(HOLDER);
    const holder = set.hold(fd);
    await until(() => set.leader() === 1 - holder, 'the other one leads');
    set.release(fd);
    await set.quiet();
    assert.is.not(load(set.scratch, CHARGED + fd), 0);
  }),
);

test(
  'events and hand-offs that come while the thread has own work without end are taken',
  withSet(1, async (set) => {
    await set.start(0, { role: 'turns', steps: false, restless: true });
    // Those of bound handles are hand-offs to the thread itself, from the second event on.
    const fds = [COUNTER, COUNTER, BINDER, BINDER].map((kind) => set.connect(kind));
    for (let round = 1; round <= 20; round++) {
      for (const fd of fds) signalEventCounter(fd);
      await until(() => fds.every((fd) => set.tally(fd) === round), `round ${round}`);
    }
  }),
);

test(
  'however many events wait, the own loop of their thread runs in between',
  withSet(1, async (set) => {
    const many = Array.from({ length: 500 }, () => set.connect());
    for (const fd of many) signalEventCounter(fd);
    await set.start(0, { role: 'turns', steps: false });
    await until(() => many.every((fd) => set.tally(fd) === 1), 'all are taken');
    const counters = countersOf(set.memory.control, 0);
    const passes = Math.floor(counters[EVENTS]! / MAX_EVENTS_PER_TURN);
    assert.ok(counters[LOOP_PASSES]! >= passes, `${counters[LOOP_PASSES]} passes`);
  }),
);

test(
  'a timed out connection reaches the thread that it is bound to, also while that one leads and waits in the kernel',
  withSet(1, async (set) => {
    await set.start(0, { role: 'turns', steps: false });
    const bound = await boundTo(set, 0);
    const { table, handles, lot, words } = set;
    const control = new Int32Array(set.memory.control);
    const timer = createEventCounter();
    table.open(timer, TIMER);
    const context = { self: NOBODY, control, table, handles } as unknown as ThreadContext;
    store(words, TICK, 5);
    table.words[bound * HANDLE_WORDS + HANDLE_DEADLINE] = 5;
    const entered = load(set.scratch, ENTRIES + bound);
    const wakeUp = createEventCounter();
    new Timeouts(context, lot, wakeUp).handleEvent(timer);
    assert.is(takeCount(wakeUp), 1, 'the leader is signalled to return from the kernel');
    closeDescriptor(wakeUp);
    signalEventCounter(set.wakeUp);
    await until(() => load(set.scratch, ENTRIES + bound) > entered, 'it gets its timeout');
    table.words[bound * HANDLE_WORDS + HANDLE_DEADLINE] = 0;
    table.claim(timer, table.generation(timer), READABLE, NOBODY);
    handles.unregisterHandle(timer);
  }),
);

test(
  'a thread that comes to lead when the set has stopped leaves, instead of waiting for an event',
  withSet(1, async (set) => {
    for (let step = 1; ; step++) {
      const thread = await set.start(0, { role: 'turns', steps: true });
      await set.quiet();
      let exited = false;
      thread.worker.once('exit', () => {
        exited = true;
      });
      // It gets one event, and stands still at each of its steps on the way back to the kernel.
      const fd = set.connect();
      thread.stopBefore(step);
      signalEventCounter(fd);
      await until(() => set.tally(fd) === 1 || thread.status === STOPPED, 'a stop, or the event');
      await until(() => [STOPPED, ASLEEP].includes(thread.status), 'a stop, or the wait');
      if (thread.status === ASLEEP) return assert.ok(step > 5);
      store(set.words, SET_STATE, SET_STOPPING);
      const sleeps = () => load(set.scratch, threadWord(0, SLEEPS));
      const before = sleeps();
      thread.go();
      await until(() => exited, 'it leaves');
      assert.is(sleeps(), before, `it slept although it stood before step ${step} only`);
      store(set.words, SET_STATE, SET_SERVING);
      set.recover(0);
    }
  }),
);

test.run();
