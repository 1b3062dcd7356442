/** A thread that runs the library's turns, with event handlers that count and can be held. */
import { Acceptor } from '../../../lib/connection/acceptor.js';
import {
  ACCEPTOR,
  type Deferred,
  type EventHandler,
  TCP_CONNECTION,
  type ThreadContext,
  WAKE_UP,
} from '../../../lib/connection/event-handler.js';
import { HoldMeter } from '../../../lib/connection/hold-meter.js';
import type { Limits } from '../../../lib/connection/limits.js';
import { DirectTransport } from '../../../lib/connection/transport.js';
import { countersOf } from '../../../lib/memory/counters.js';
import { BLOCK_BYTES, HANDLE_BLOCK, HANDLE_WORDS } from '../../../lib/memory/layout.js';
import { sumsOf } from '../../../lib/memory/sums.js';
import { LeaderFollowers } from '../../../lib/strategies/leader-followers.js';
import { HeapGauge } from '../../../lib/thread/heap-gauge.js';
import { WakeUp } from '../../../lib/thread/wake-up.js';
import { WorkerLoop } from '../../../lib/thread/worker-loop.js';
import { BINDER, COUNTER, HOLDER, SAVER } from '../set/kinds.js';
import { takeCount } from '../set/native.js';
import type { Parts } from '../set/parts.js';
import {
  add,
  CHARGED,
  ENTRIES,
  enterAlone,
  exchange,
  HELD,
  HOLD,
  leaveAlone,
  load,
  OCCUPANT,
  OTHER_TIME,
  put,
  store,
  TALLY,
  UNTIL_READING,
  VIOLATIONS,
  waitUntil,
} from '../set/scratch.js';
import { asleep } from '../set/steps.js';

/** More time than lib/thread/own-work.ts has for a portion. */
const ITEM_MS = 3;

export function runTurns(parts: Parts, restless: boolean): void {
  const { self, control, handles, table, pool, threadSet, lot, loop, doorbell, recorder, engagement } = parts;
  const counters = countersOf(control, self);
  // The system always runs the thread when it is ready.
  const holds = new HoldMeter({ micros: () => 0, ranMicros: 0 });
  instrumentLeading(parts);
  instrumentParking(parts);
  const input = Buffer.alloc(0);
  const context: ThreadContext = {
    self,
    number: self,
    control: new Int32Array(control),
    handles,
    table,
    pool,
    input,
    transport: new DirectTransport(handles, input),
    counters,
    sums: sumsOf(control, self),
    recorder,
    engagement,
    lot,
    holds,
    limits: { maxConnections: 100 } as Limits,
    handsOver: true,
    drainTicks: () => {},
    defer: (work) => workerLoop.defer(work),
    beforeWaiting: (work) => workerLoop.beforeWaiting(work),
    aboutToBlock: () => threadSet.aboutToBlock(),
    raiseUncaughtException: (error) => {
      throw error;
    },
    process: (fd, events) => workerLoop.processNested(fd, events),
    log: () => {},
  };
  const eventHandlers: EventHandler[] = [];
  eventHandlers[WAKE_UP] = new WakeUp(context);
  eventHandlers[ACCEPTOR] = heldFirst(parts, new Acceptor(context));
  eventHandlers[COUNTER] = new Counter(parts);
  eventHandlers[SAVER] = new Saver(parts);
  eventHandlers[BINDER] = new Binder(parts);
  eventHandlers[HOLDER] = new Holding(parts, holds);
  eventHandlers[TCP_CONNECTION] = new Counter(parts);
  const workerLoop = new WorkerLoop({
    self,
    strategy: (turn) => new LeaderFollowers(turn),
    control,
    threadSet,
    handles,
    lot,
    loop,
    counters,
    recorder,
    engagement,
    heap: new HeapGauge(context.sums),
    holds,
    doorbell,
    eventHandlers,
    drainTicks: () => {},
    raiseUncaughtException: (error) => {
      throw error;
    },
    onLeave: () => process.exit(0),
  });
  for (let item = 0; restless && item < 2; item++) workerLoop.defer(new Endless(workerLoop));
  workerLoop.start();
}

/** Deferred work that takes longer than a portion of own work may, and defers itself again. */
class Endless implements Deferred {
  constructor(readonly workerLoop: WorkerLoop) {}

  proceed(): void {
    const end = performance.now() + ITEM_MS;
    while (performance.now() < end) {}
    this.workerLoop.defer(this);
  }

  abort(): void {}
}

/** I1: only one thread may be in the ready list. And the spec can tell when the leader is in the kernel. */
function instrumentLeading({ handles, scratch, self }: Parts): void {
  const { ready } = handles;
  const alone = <T>(call: () => T): T => {
    enterAlone(scratch, self);
    const result = call();
    leaveAlone(scratch, self);
    return result;
  };
  const take = ready.take.bind(ready);
  const refill = ready.refill.bind(ready);
  ready.take = () => alone(take);
  ready.refill = () => alone(refill);
  const waitForEvent = handles.waitForEvent.bind(handles);
  handles.waitForEvent = (...args) => asleep(scratch, self, () => waitForEvent(...args));
}

/** The spec can tell when a thread that is parked sleeps. */
function instrumentParking({ threadSet, scratch, self }: Parts): void {
  const park = threadSet.park.bind(threadSet);
  threadSet.park = (hasWork, sleep, ...rest) =>
    park(hasWork, (timeoutMs) => asleep(scratch, self, () => sleep(timeoutMs)), ...rest);
}

/** Stops inside a handle for as long as the spec wants. */
function hold({ scratch, self }: Parts, fd: number): void {
  if (load(scratch, HOLD + fd) === 0) return;
  put(scratch, HELD + fd, self + 1);
  waitUntil(scratch, HOLD + fd, (value) => value === 0, `descriptor ${fd} is released`);
  put(scratch, HELD + fd, 0);
}

function heldFirst(parts: Parts, handler: EventHandler): EventHandler {
  return {
    handleEvent: (fd, events) => {
      hold(parts, fd);
      handler.handleEvent(fd, events);
    },
  };
}

/** Reads an eventfd and leaves it. */
class Counter implements EventHandler {
  constructor(protected readonly parts: Parts) {}

  handleEvent(fd: number): void {
    do this.read(fd);
    while (this.parts.table.leave(fd) !== 0);
  }

  protected read(fd: number): void {
    const { scratch, self } = this.parts;
    if (exchange(scratch, OCCUPANT + fd, self + 1) !== 0) add(scratch, VIOLATIONS, 1);
    add(scratch, ENTRIES + fd, 1);
    const count = takeCount(fd);
    hold(this.parts, fd);
    add(scratch, TALLY + fd, count);
    store(scratch, OCCUPANT + fd, 0);
  }
}

/** As Counter, and keeps input in the pool between its events. */
class Saver extends Counter {
  static readonly #input = new Uint8Array(3 * BLOCK_BYTES);

  protected override read(fd: number): void {
    const { table, pool } = this.parts;
    const at = fd * HANDLE_WORDS + HANDLE_BLOCK;
    pool.free(table.words[at]!);
    table.words[at] = pool.save(Saver.#input, 0, Saver.#input.length);
    super.read(fd);
  }
}

/** As Counter, and keeps the handle in the thread that first gets it. */
class Binder extends Counter {
  readonly #held = new Set<number>();

  override handleEvent(fd: number): void {
    this.read(fd);
    if (this.#held.has(fd)) return;
    this.#held.add(fd);
    if (this.parts.table.bind(fd, this.parts.self) !== 0) this.read(fd);
  }

  bound(): Iterable<number> {
    return this.#held;
  }
}

/** As Counter, and holds its thread from the beginning of the dispatch on. */
class Holding extends Counter {
  readonly #holds: HoldMeter;

  constructor(parts: Parts, holds: HoldMeter) {
    super(parts);
    this.#holds = holds;
  }

  protected override read(fd: number): void {
    const { recorder, scratch } = this.parts;
    const began = recorder.micros;
    const held = (micros: number) => {
      const untilReading = micros > 0 && micros === recorder.micros - began;
      store(scratch, CHARGED + fd, untilReading ? UNTIL_READING : OTHER_TIME);
    };
    this.#holds.begin({ held }, began);
    super.read(fd);
  }
}
