/** I5: a thread that dies in any state blocks no other, and every connection that it was not inside is served on. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TIMER } from '../../../lib/connection/event-handler.js';
import { recover } from '../../../lib/control/recovery.js';
import {
  CONNECTIONS,
  ENGAGED,
  LEADER,
  MAILBOX_SWEEP,
  RESCAN,
  RESERVED,
  STATE,
  threadArea,
  WAKING,
} from '../../../lib/memory/layout.js';
import { ROUTE_TAGS, ROUTES_KNOWN } from '../../../lib/memory/route-words.js';
import { HandleSet, INTEREST_INPUT } from '../../../lib/set/handle-set.js';
import {
  ENTERED,
  HAND_OFF,
  HandleTable,
  IDLE,
  INSIDE,
  NOTED,
  READABLE,
  TIMED_OUT,
} from '../../../lib/set/handle-table.js';
import { Mailbox } from '../../../lib/set/mailbox.js';
import { DEAD } from '../../../lib/set/thread-state.js';
import { closeDescriptor, createEventCounter, signalEventCounter } from '../../../lib/sys/descriptor.js';
import { epollModify } from '../../../lib/sys/epoll.js';
import { BINDER, COUNTER, SAVER } from '../../support/set/kinds.js';
import { takeEntry } from '../../support/set/mailbox.js';
import { isOpen } from '../../support/set/native.js';
import { HELD, HOLD, load, put, until } from '../../support/set/scratch.js';
import { observingOperations } from '../../support/set/steps.js';
import { TestSet, withSet } from '../../support/set/test-set.js';
import { listen, Traffic } from '../../support/set/traffic.js';

const TURNS = { role: 'turns', steps: false } as const;

test(
  'a leader that ends in the kernel is followed by another',
  withSet(3, async (set) => {
    await set.startAll(TURNS);
    const traffic = new Traffic(set, [COUNTER]);
    for (let living = 3; living > 1; living--) {
      await set.quiet(living);
      const dead = set.leader();
      await set.kill(dead);
      assert.is(set.recover(dead), 0);
      assert.is(load(set.words, threadArea(dead) + STATE), DEAD);
      await traffic.settle();
    }
  }),
);

test(
  'the connection that a thread ends inside is closed with its saved input, and no thread is stuck behind it',
  withSet(3, async (set) => {
    await set.startAll(TURNS);
    const traffic = new Traffic(set, [SAVER, SAVER, COUNTER]);
    await traffic.settle();
    const [doomed] = traffic.fds as [number];
    Atomics.store(set.words, CONNECTIONS, 3);
    const perSaver = set.pool.inUse() / 2;
    const dead = set.hold(doomed);
    for (const fd of traffic.fds) traffic.send(fd);
    await set.kill(dead);
    assert.is(set.recover(dead), 1);
    assert.not(isOpen(doomed));
    assert.is(traffic.removeClosed(), 1);
    await traffic.settle();
    assert.is(set.pool.inUse(), perSaver);
    assert.is(load(set.words, CONNECTIONS), 2);
    assert.is(set.recover(dead), 0, 'doing it again finds nothing');
  }),
);

test(
  'handles bound to a dead thread are closed, those of others stay',
  withSet(2, async (set) => {
    await set.startAll(TURNS);
    const traffic = new Traffic(set, new Array(20).fill(BINDER));
    const free = set.connect();
    // While one is held the other takes the events, so both get some.
    const one = set.hold(free);
    for (const fd of traffic.fds.slice(0, 10)) traffic.send(fd);
    await until(() => traffic.arrived(), 'ten are bound to the other');
    set.release(free);
    await until(() => set.tally(free) === 1, 'it is free again');
    const other = set.hold(free);
    set.release(free);
    await traffic.settle();
    const dead = 1 - one;
    const bound = traffic.fds.filter((fd) => set.table.owner(fd) === dead);
    assert.ok(bound.length >= 10 && other >= 0);
    await set.kill(dead);
    assert.is(set.recover(dead), bound.length);
    assert.equal(bound.map(isOpen), new Array(bound.length).fill(false));
    assert.is(traffic.removeClosed(), bound.length);
    await traffic.settle();
    assert.ok(traffic.fds.every((fd) => set.table.owner(fd) === one));
  }),
);

test(
  'a listening handle is left by a thread that ends inside it, and what waits there is accepted',
  withSet(3, async (set) => {
    await set.startAll(TURNS);
    const listener = listen();
    const { fd } = listener;
    put(set.scratch, HOLD + fd, 1);
    set.listen(fd);
    await listener.client();
    await until(() => load(set.scratch, HELD + fd) !== 0, 'a thread is inside');
    const dead = load(set.scratch, HELD + fd) - 1;
    await listener.client();
    await set.kill(dead);
    put(set.scratch, HOLD + fd, 0);
    assert.is(set.recover(dead), 0);
    await until(() => load(set.words, CONNECTIONS) === 2, 'both are accepted');
    assert.ok(isOpen(fd));
    listener.close();
  }),
);

for (const entries of [0, 1]) {
  test(`${entries} entries in the mailbox of a dead thread: ${entries > 0 ? 'every' : 'no'} handle is looked at again`, async () => {
    const set = new TestSet(2);
    const mailbox = new Mailbox(set.memory.control, 1);
    // Taken before it died.
    mailbox.put(set.connect(), 1);
    takeEntry(mailbox);
    for (let entry = 0; entry < entries; entry++) mailbox.put(set.connect(), 1);
    assert.is(recover(set.shared, 1), 0);
    assert.is(load(set.words, RESCAN), entries);
    assert.not(takeEntry(mailbox));
    await set.close();
  });
}

test('nothing depends on a dead thread, and others stay as they are', async () => {
  const set = new TestSet(40);
  for (const mask of [ENGAGED, RESERVED]) set.words.fill(-1, mask, mask + 2);
  recover(set.shared, 33);
  for (const mask of [ENGAGED, RESERVED]) assert.equal([...set.words.subarray(mask, mask + 2)], [-1, ~2]);
  recover(set.shared, 31);
  for (const mask of [ENGAGED, RESERVED])
    assert.equal([...set.words.subarray(mask, mask + 2)], [0x7fff_ffff, ~2]);
  await set.close();
});

test('slots of the route table that a dead thread was writing are free', async () => {
  const set = new TestSet(3);
  const routes = new Int32Array(set.memory.routes);
  for (const [slot, thread] of [0, 1, 2, 1].entries()) routes[ROUTE_TAGS + slot] = 1 + thread;
  routes[ROUTES_KNOWN] = 1;
  recover(set.shared, 1);
  assert.equal([...routes.subarray(ROUTE_TAGS, ROUTE_TAGS + 4)], [1, 0, 3, 0]);
  assert.is(routes[ROUTES_KNOWN], 0);
  await set.close();
});

test('a wake-up handle is left in the name of a dead thread, and every handle is looked at again', async () => {
  const set = new TestSet(2);
  const generation = set.table.generation(set.wakeUp);
  assert.is(set.table.claim(set.wakeUp, generation, READABLE, 1), ENTERED);
  assert.is(recover(set.shared, 1), 0);
  assert.is(set.table.state(set.wakeUp), IDLE);
  assert.is(set.table.generation(set.wakeUp), generation);
  assert.is(load(set.words, RESCAN), 1);
  assert.is(load(set.words, WAKING), 0);
  await set.close();
});

test('a thread that ends between queueing a bound handle and telling its owner leaves no event behind', async () => {
  const set = new TestSet(3);
  const timer = set.connect(TIMER);
  const fd = set.connect();
  assert.is(set.table.claim(fd, set.table.generation(fd), READABLE, 2), ENTERED);
  set.table.bind(fd, 2);
  // As the timeouts do, which are no leader's: inside the timer's handle the thread claims what is past its deadline.
  assert.is(set.table.claim(timer, set.table.generation(timer), READABLE, 1), ENTERED);
  assert.is(set.table.claim(fd, set.table.generation(fd), TIMED_OUT, 1), HAND_OFF);
  recover(set.shared, 1);
  assert.is(set.table.claim(fd, set.table.generation(fd), READABLE, 0), NOTED, 'it counts as queued');
  assert.ok(new Mailbox(set.memory.control, 2).hasPending(), 'so its owner has to look');
  await set.close();
});

test('when leadership of a dead thread is vacant, its successor is asked already to look at everything', async () => {
  const set = new TestSet(3);
  Atomics.store(set.words, LEADER, 2);
  let vacated = 0;
  const look = () => {
    if (set.words[LEADER] !== 0 || vacated++ > 0) return;
    assert.is(set.words[RESCAN], 1);
    for (const living of [0, 2]) assert.is(set.words[threadArea(living) + MAILBOX_SWEEP], 1);
  };
  observingOperations(look, () => recover(set.shared, 1));
  assert.ok(vacated > 0);
  await set.close();
});

test('a connection that its living thread leaves while recovery looks at it is none of the dead thread', async () => {
  const set = new TestSet(4);
  const fd = set.connect();
  assert.is(set.table.claim(fd, set.table.generation(fd), READABLE, 3), ENTERED);
  // Thread 3 leaves as soon as recovery has had one look at it.
  class Left extends HandleTable {
    #leave(number: number): void {
      if (number === fd && super.state(number) === INSIDE) super.leave(number);
    }

    override state(number: number): number {
      const state = super.state(number);
      this.#leave(number);
      return state;
    }

    override owner(number: number): number {
      const owner = super.owner(number);
      this.#leave(number);
      return owner;
    }
  }
  const lost = recover({ ...set.shared, table: new Left(set.memory.handles) }, 0);
  assert.is(lost, 0);
  assert.is(set.table.state(fd), IDLE);
  await set.close();
});

test('a handle is for others to enter only when the kernel knows it, and what came meanwhile is not lost', async () => {
  const set = new TestSet(2);
  const fd = createEventCounter();
  let known = true;
  class Rescanned extends HandleTable {
    override open(...args: Parameters<HandleTable['open']>): number {
      const generation = super.open(...args);
      // A rescan makes an event for every handle of the table, so for this one too.
      assert.is(this.claim(fd, generation, READABLE, 1), NOTED);
      return generation;
    }

    override leave(number: number): number {
      known &&= epollModify(set.epoll, fd, this.generation(fd), INTEREST_INPUT) === 0;
      return super.leave(number);
    }
  }
  const handles = new HandleSet(set.memory.control, new Rescanned(set.memory.handles), set.epoll);
  signalEventCounter(fd);
  handles.registerHandle(fd, COUNTER, INTEREST_INPUT);
  assert.ok(known);
  assert.is(set.table.state(fd), IDLE);
  assert.is(handles.ready.refill(), 1);
  await set.close();
  closeDescriptor(fd);
});

test.run();
