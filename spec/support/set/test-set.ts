/** A thread set for a spec: the shared memory, the kernel's set, and real threads that the spec drives step by step. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { TCP_CONNECTION, WAKE_UP } from '../../../lib/connection/event-handler.js';
import { registerListener } from '../../../lib/connection/listeners.js';
import { recover, type SharedState } from '../../../lib/control/recovery.js';
import { Strays } from '../../../lib/control/strays.js';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { BlockPool } from '../../../lib/memory/block-pool.js';
import { LEADER, MAX_THREADS, PARKED, UNTHROTTLED, WATCH } from '../../../lib/memory/layout.js';
import { HandleSet, INTEREST_INPUT } from '../../../lib/set/handle-set.js';
import { CONTROL_PLANE, FREE, HandleTable } from '../../../lib/set/handle-table.js';
import { ParkingLot } from '../../../lib/set/parking-lot.js';
import { closeDescriptor, createEventCounter, signalEventCounter } from '../../../lib/sys/descriptor.js';
import { epollCreate } from '../../../lib/sys/epoll.js';
import type { SocketAddress } from '../../../lib/sys/socket.js';
import { COUNTER } from './kinds.js';
import { isOpen } from './native.js';
import type { Start } from './parts.js';
import {
  ASLEEP,
  add,
  CHARGED,
  DESCRIPTORS,
  DONE,
  ENTRIES,
  FAILED,
  GO,
  HELD,
  HOLD,
  leaveAlone,
  load,
  makeScratch,
  notify,
  OCCUPANT,
  put,
  RESULT,
  RUNNING,
  readFailure,
  STATUS,
  STEPS,
  STOP_BEFORE,
  STOPPED,
  store,
  TALLY,
  threadWord,
  until,
  waitUntil,
} from './scratch.js';

/** Far longer than any spec takes. */
const SPEC_MS = 60_000;

const ENTRY = new URL('./thread.js', import.meta.url);

export class TestThread {
  constructor(
    readonly self: number,
    readonly worker: Worker,
    readonly scratch: Int32Array,
  ) {}

  /** Starts a command; `stopBefore` is the number of the atomic operation that it stops before, 0 for none. */
  begin(name: string, args: number[] = [], stopBefore = 0): this {
    store(this.scratch, threadWord(this.self, STATUS), RUNNING);
    this.stopBefore(stopBefore);
    this.worker.postMessage({ name, args });
    return this;
  }

  /** Counts the steps from here on. */
  stopBefore(step: number): void {
    store(this.scratch, threadWord(this.self, STEPS), 0);
    store(this.scratch, threadWord(this.self, STOP_BEFORE), step);
  }

  /** Blocks until the thread has stopped, sleeps or is done. @returns which */
  settle(wanted = [STOPPED, ASLEEP, DONE]): number {
    const what = `thread ${this.self} is in a state of ${wanted}`;
    return waitUntil(this.scratch, threadWord(this.self, STATUS), (status) => wanted.includes(status), what);
  }

  get status(): number {
    return load(this.scratch, threadWord(this.self, STATUS));
  }

  /** Lets it go on after a stop. */
  go(): this {
    store(this.scratch, threadWord(this.self, STATUS), RUNNING);
    add(this.scratch, threadWord(this.self, GO), 1);
    notify(this.scratch, threadWord(this.self, GO));
    return this;
  }

  /** Blocks until the command is over. */
  result(): number {
    this.settle([DONE]);
    if (load(this.scratch, threadWord(this.self, FAILED)) !== 0) throw new Error(readFailure(this.scratch));
    return load(this.scratch, threadWord(this.self, RESULT));
  }

  run(name: string, ...args: number[]): number {
    return this.begin(name, args).result();
  }
}

export class TestSet {
  readonly scratch = makeScratch();
  readonly memory;
  readonly words: Int32Array;
  readonly table: HandleTable;
  readonly handles: HandleSet;
  readonly lot: ParkingLot;
  readonly pool: BlockPool;
  shared: SharedState;
  readonly epoll = epollCreate();
  /** Of the threads from 1 on, where they have sets of their own. */
  readonly ownSets: readonly number[];
  readonly wakeUp = createEventCounter();
  readonly doorbells: number[];
  readonly threads: TestThread[] = [];
  readonly #errors: unknown[] = [];
  #opened: number[] = [];

  /** @param count places for threads */
  constructor(
    readonly count: number,
    { hasOwnSets = false } = {},
  ) {
    this.ownSets = hasOwnSets ? Array.from({ length: count - 1 }, epollCreate) : [];
    this.memory = allocateMemory(count, DESCRIPTORS);
    const { control, handles, blocks } = this.memory;
    this.words = new Int32Array(control);
    this.doorbells = Array.from({ length: count }, createEventCounter);
    this.table = new HandleTable(handles);
    this.handles = new HandleSet(control, this.table, this.epoll, CONTROL_PLANE, this.ownSets);
    this.lot = new ParkingLot(control, this.doorbells);
    this.pool = new BlockPool(blocks);
    this.shared = this.sharedStateOf();
    this.handles.registerHandle(this.wakeUp, WAKE_UP, INTEREST_INPUT);
  }

  /** The set's shared state as the control plane with those listeners would have it. */
  sharedStateOf(...origins: SocketAddress[]): SharedState {
    const { table, pool, lot, count } = this;
    const { control, routes } = this.memory;
    const strays = new Strays([{ control, table, threads: count }]);
    for (const origin of origins) strays.addOrigin(origin);
    const hasOwnSets = this.ownSets.length > 0;
    return { control, table, pool, lot, threads: count, strays, routes, hasOwnSets, channels: null };
  }

  /** Starts a thread in a place. */
  async start(self: number, options: Partial<Start>): Promise<TestThread> {
    const { memory, scratch, epoll, ownSets, doorbells } = this;
    const defaults = { role: 'commanded', steps: true, restless: false, ignoresLoop: false } as const;
    const workerData = { ...defaults, ...options, self, memory, scratch, epoll, ownSets, doorbells };
    store(scratch, threadWord(self, STATUS), RUNNING);
    const worker = new Worker(ENTRY, { workerData });
    worker.on('error', (error) => this.#errors.push(error));
    await once(worker, 'message');
    this.threads[self] = new TestThread(self, worker, scratch);
    return this.threads[self];
  }

  /** Starts all threads, in the order of their numbers. */
  async startAll(options: Partial<Start> = {}): Promise<TestThread[]> {
    for (let self = 0; self < this.count; self++) await this.start(self, options);
    return this.threads;
  }

  /** An eventfd in the handle set. */
  connect(kind = COUNTER): number {
    const fd = createEventCounter();
    this.#opened.push(fd);
    for (const word of [HOLD, HELD, TALLY, ENTRIES, OCCUPANT, CHARGED]) store(this.scratch, word + fd, 0);
    this.handles.registerHandle(fd, kind, INTEREST_INPUT);
    return fd;
  }

  /** Registers a listening socket. */
  listen(fd: number, kind = TCP_CONNECTION, index = 0): void {
    registerListener(this.words, this.handles, { index, fd, kind });
  }

  tally(fd: number): number {
    return load(this.scratch, TALLY + fd);
  }

  /** Makes the event handlers stop inside a handle; signals it, and waits for one to do so. @returns its thread */
  hold(fd: number): number {
    store(this.scratch, HOLD + fd, 1);
    signalEventCounter(fd);
    return waitUntil(this.scratch, HELD + fd, (thread) => thread !== 0, `a thread is held in ${fd}`) - 1;
  }

  release(fd: number): void {
    put(this.scratch, HOLD + fd, 0);
  }

  /** Nobody goes on watch, and every promotion wakes a follower. */
  wakeAlways(): void {
    store(this.words, WATCH, MAX_THREADS + 1);
    store(this.words, UNTHROTTLED, 0x7fff_ffff);
  }

  /** The threads that are parked. */
  parked(): number[] {
    return Array.from({ length: this.count }, (_, self) => self).filter(
      (self) => (load(this.words, PARKED + (self >> 5)) & (1 << (self & 31))) !== 0,
    );
  }

  leader(): number {
    return load(this.words, LEADER) - 1;
  }

  /** One is in the kernel, the others are parked. */
  async quiet(living = this.count): Promise<void> {
    // One load of the word: leadership may be vacated between two.
    const waits = () => this.threads[this.leader()]?.status === ASLEEP;
    await until(() => waits() && this.parked().length === living - 1, 'the set is quiet');
  }

  /** Ends a thread where it is; terminate() does not interrupt a system call, so it is woken there. */
  async kill(self: number): Promise<void> {
    const ended = this.threads[self]!.worker.terminate();
    signalEventCounter(this.wakeUp);
    signalEventCounter(this.doorbells[self]!);
    await ended;
    leaveAlone(this.scratch, self);
  }

  /** What the control plane does after a thread's death. @returns the connections lost */
  recover(dead: number): number {
    const lost = recover(this.shared, dead);
    signalEventCounter(this.wakeUp);
    // The numbers of the descriptors that it closed may be in use again.
    this.#opened = this.#opened.filter((fd) => this.table.state(fd) !== FREE);
    return lost;
  }

  async close(): Promise<void> {
    const ended = this.threads.map(({ worker }) => worker.terminate());
    this.lot.wakeAll(this.count);
    signalEventCounter(this.wakeUp);
    await Promise.all(ended);
    for (const fd of [...this.#opened, this.wakeUp, this.epoll, ...this.ownSets, ...this.doorbells]) {
      if (isOpen(fd)) closeDescriptor(fd);
    }
    if (this.#errors.length > 0) throw this.#errors[0];
  }
}

/** Runs a spec with a set of its own. */
export const withSet =
  (count: number, spec: (set: TestSet) => Promise<void> | void): (() => Promise<void>) =>
  async () => {
    const set = new TestSet(count);
    let watchdog: NodeJS.Timeout | undefined;
    const hangs = new Promise<never>((_, reject) => {
      watchdog = setTimeout(() => reject(new Error('the spec hangs, or hardly moves')), SPEC_MS);
    });
    try {
      await Promise.race([spec(set), hangs]);
    } finally {
      clearTimeout(watchdog);
      await set.close();
    }
  };
