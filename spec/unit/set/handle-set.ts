/** Handle sets of single threads: a handle is reported by its own set alone, whichever thread registers, suspends or removes it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import {
  ownReadyList,
  READY_CAPACITY,
  READY_END,
  READY_NEXT,
  RESCAN,
  SET_DRAINING,
  SET_SERVING,
  SET_STATE,
  STATE,
  threadArea,
} from '../../../lib/memory/layout.js';
import { EVENTS_READY, HandleSet, INTEREST_INPUT } from '../../../lib/set/handle-set.js';
import { ENTERED, eventBits, HandleTable, READABLE, WRITABLE } from '../../../lib/set/handle-table.js';
import { DEAD, FOLLOWER } from '../../../lib/set/thread-state.js';
import { closeDescriptor, createEventCounter, signalEventCounter } from '../../../lib/sys/descriptor.js';
import { epollCreate } from '../../../lib/sys/epoll.js';

const THREADS = 3;
const DESCRIPTORS = 4096;
const KIND = 7;

class OwnSets implements Disposable {
  readonly memory = allocateMemory(THREADS, DESCRIPTORS);
  readonly words = new Int32Array(this.memory.control);
  readonly table = new HandleTable(this.memory.handles);
  readonly #epolls = Array.from({ length: THREADS }, epollCreate);
  readonly #fds: number[] = [];
  readonly handles = this.#epolls.map((_, thread) => this.handlesOf(thread));

  constructor() {
    for (let thread = 0; thread < THREADS; thread++) this.words[threadArea(thread) + STATE] = FOLLOWER;
  }

  /** The handle set as a thread has it, or one that replaces it. */
  handlesOf(thread: number): HandleSet {
    const [shared, ...own] = this.#epolls;
    return new HandleSet(this.memory.control, this.table, shared!, thread, own);
  }

  /** A handle that a thread registers in the set of another one. */
  register(by: number, set: number): number {
    const fd = createEventCounter();
    this.#fds.push(fd);
    const generation = this.table.open(fd, KIND, 0, by, 0, set);
    this.handles[by]!.completeRegistration(fd, generation, INTEREST_INPUT);
    return fd;
  }

  /** What each thread's set has to report now, by descriptor. */
  reported(): Map<number, number>[] {
    return this.handles.map(takeAll);
  }

  [Symbol.dispose](): void {
    for (const fd of [...this.#fds, ...this.#epolls]) closeDescriptor(fd);
  }
}

/** Takes all events that the set of a thread has. */
function takeAll({ ready }: HandleSet): Map<number, number> {
  const events = new Map<number, number>();
  ready.refill();
  while (ready.take()) events.set(ready.fd, eventBits(ready.events));
  return events;
}

test('an event is reported to the thread whose set the handle is in, and to no other', () => {
  using sets = new OwnSets();
  const fds = [0, 1, 2].map((set) => sets.register(0, set));
  for (const fd of fds) signalEventCounter(fd);
  assert.equal(
    sets.reported(),
    fds.map((fd) => new Map([[fd, READABLE]])),
  );
});

test('any thread suspends, resumes and removes a handle in the set that it is in', () => {
  using sets = new OwnSets();
  const nothing = [new Map(), new Map(), new Map()];
  const fd = sets.register(0, 2);
  sets.handles[1]!.suspendHandle(fd);
  signalEventCounter(fd);
  assert.equal(sets.reported(), nothing);
  sets.handles[0]!.resumeHandle(fd, INTEREST_INPUT);
  assert.equal(sets.reported(), [new Map(), new Map(), new Map([[fd, READABLE]])]);
  sets.handles[1]!.ignoreHandle(fd);
  signalEventCounter(fd);
  assert.equal(sets.reported(), nothing);
  sets.handles[1]!.reregisterHandle(fd, INTEREST_INPUT);
  assert.equal(sets.reported(), [new Map(), new Map(), new Map([[fd, READABLE]])]);
  assert.is(sets.table.claim(fd, sets.table.generation(fd), READABLE, 1), ENTERED);
  sets.handles[1]!.unregisterHandle(fd);
  signalEventCounter(fd);
  assert.equal(sets.reported(), nothing);
});

test('what was noted during the registration is reported again, in the same set', () => {
  using sets = new OwnSets();
  const fd = createEventCounter();
  signalEventCounter(fd);
  const generation = sets.table.open(fd, KIND, 0, 0, 0, 1);
  // The other thread takes the event before the one that registers the handle has left it.
  sets.table.claim(fd, generation, READABLE, 1);
  sets.handles[0]!.completeRegistration(fd, generation, INTEREST_INPUT);
  assert.equal(sets.reported(), [new Map(), new Map([[fd, READABLE]]), new Map()]);
  closeDescriptor(fd);
});

test('a record names its listener and its set', () => {
  using sets = new OwnSets();
  const { table } = sets;
  table.open(50, KIND, 0, 0, 31, 127);
  assert.equal([table.kind(50), table.listener(50), table.set(50)], [KIND, 31, 127]);
  table.close(50);
  table.open(50, KIND);
  assert.equal([table.kind(50), table.listener(50), table.set(50)], [KIND, 0, 0]);
});

test('a ready list that a thread leaves behind is continued by the one that replaces it', () => {
  using sets = new OwnSets();
  const fds = [1, 1, 1].map((set) => sets.register(0, set));
  for (const fd of fds) signalEventCounter(fd);
  const { ready } = sets.handles[1]!;
  assert.is(ready.refill(), 3);
  ready.take();
  const list = new Int32Array(sets.memory.control, ownReadyList(1) * 4);
  assert.equal([list[READY_NEXT], list[READY_END]], [1, 3], 'the list lies in shared memory');
  assert.equal([sets.words[READY_NEXT], sets.words[READY_END]], [0, 0], 'and is not the shared one');
  const replacement = sets.handlesOf(1).ready;
  const taken = [ready.fd];
  while (replacement.take()) taken.push(replacement.fd);
  assert.equal(taken.sort(), fds.sort());
});

test('a rescan has the handles of other sets reported there, again and again', () => {
  using sets = new OwnSets();
  const fds = [0, 1, 2].map((set) => sets.register(0, set));
  for (let times = 0; times < 2; times++) {
    Atomics.store(sets.words, RESCAN, 1);
    const [shared, ...own] = sets.reported();
    assert.equal(shared, new Map([[fds[0]!, READABLE | WRITABLE]]));
    // Nothing was signalled, so they are not readable.
    assert.equal(own, [new Map([[fds[1]!, WRITABLE]]), new Map([[fds[2]!, WRITABLE]])]);
  }
});

test('a rescan that finds handles of other sets only is bounded, and goes on before the thread waits', () => {
  using sets = new OwnSets();
  const fds = Array.from({ length: READY_CAPACITY + 50 }, () => sets.register(0, 1));
  Atomics.store(sets.words, RESCAN, 1);
  const [acceptor, worker] = sets.handles as [HandleSet, HandleSet];
  assert.is(acceptor.ready.refill(), 0);
  const seen = takeAll(worker);
  assert.is(seen.size, READY_CAPACITY);
  assert.is(acceptor.waitForEvent(-1, -1), EVENTS_READY, 'it does not wait');
  assert.is(acceptor.ready.refill(), 0);
  for (const [fd, events] of takeAll(worker)) seen.set(fd, events);
  assert.is(seen.size, fds.length);
  assert.is(acceptor.waitForEvent(-1, 0), 0, 'the rescan is over');
});

test('a rescan leaves the handles of a dead thread to its replacement, also while the server drains', () => {
  using sets = new OwnSets();
  const [ofDead, ofLiving] = [sets.register(0, 1), sets.register(0, 2)];
  sets.words[threadArea(1) + STATE] = DEAD;
  for (const state of [SET_SERVING, SET_DRAINING]) {
    Atomics.store(sets.words, SET_STATE, state);
    Atomics.store(sets.words, RESCAN, 1);
    assert.equal(
      sets.reported().map((events) => [...events.keys()]),
      [[], [ofDead], [ofLiving]],
    );
  }
});

test.run();
