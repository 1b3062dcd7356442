/**
 * How a thread lives: in turns. A turn takes the thread through the states of set/thread-state.ts (leads, promotes,
 * processes, parks) until its own event loop has to run; then it returns to the loop and asks for the next turn by a
 * message to itself. The message brings the loop through its poll phase, and the turn comes in the check phase behind it, in
 * an immediate. There nothing that the poll phase has begun is left half done while the turn blocks: docs/decisions/0002.
 *
 *   turn: ┌▶ own work, and its turn? ──▶ process some of it ───────────────────┐
 *         │  join ──▶ leads: take an event ──▶ promote ──▶ process ────────────┤
 *         │             │ hand-off: to its thread, goes on leading             │
 *         │             └ none: wait in the kernel ─── own loop due ─▶ promote ─▶ return to the loop
 *         │  else park ─────────────────────────────── own loop due ───────────▶ return to the loop
 *         └──────────────────── enough for one turn ───────────────────────────┘ ───▶ return to the loop
 *
 * Own work (hand-offs, streams that go on, the rest of a long visit) and leading alternate: own work that never ends keeps
 * no thread from leading, and a flood of events keeps no stream from going on.
 *
 * User code runs only between promoteNewLeader (or as a follower) and the next join, so no handler, no timer and no
 * promise reaction ever keeps the others from the handle set. A thread never blocks before its own microtasks have run
 * and its loop has said how long it may.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { type Deferred, type EventHandler, TIMER } from '../connection/event-handler.js';
import {
  EVENTS,
  HAND_OFFS,
  KERNEL_POLLS,
  KERNEL_WAITS,
  LEADERSHIPS,
  LOOP_PASSES,
  PARKS,
  PROMOTIONS,
  RECLAIMS,
  WAKE_UPS,
} from '../memory/counters.js';
import { CURRENT_FD, SET_STATE, SET_STOPPING, threadArea } from '../memory/layout.js';
import { EVENTS_READY, type HandleSet, LOOP_READY } from '../set/handle-set.js';
import { ENTERED, eventBits, HAND_OFF } from '../set/handle-table.js';
import { Mailbox } from '../set/mailbox.js';
import type { ParkingLot, Sleep } from '../set/parking-lot.js';
import type { Recorder } from '../set/recorder.js';
import type { ThreadSet } from '../set/thread-set.js';
import { nowMicros } from '../sys/clock.js';
import { drainEventCounter } from '../sys/descriptor.js';
import { POLL_FIRST, POLL_SECOND, pollTwo } from '../sys/epoll.js';
import type { EventLoop } from '../sys/event-loop.js';

/**
 * Events processed before the thread's own loop runs once. A pass costs about 2 µs; 32 hello-world requests take
 * 200 µs, which is what a timer may be late under load for this reason.
 */
const MAX_EVENTS_PER_TURN = 32;
/**
 * Microseconds in handlers after which the thread's own loop runs, whatever the number of events: so a timer of its own waits
 * for this and one handler more, and not for 32 of them.
 */
const MAX_MICROS_PER_TURN = 2000;
/** Events that a leader only notes or hands off before it looks after itself: own work, its loop, the end of the set. */
const MAX_EVENTS_PER_LEADERSHIP = 256;
/** The same bounds for pieces of own work done before the thread tries to lead again. */
const MAX_OWN_WORK_ITEMS = 32;
const MAX_OWN_WORK_MICROS = 2000;

/** How a step of a turn ended. */
const NEXT_STEP = 0;
const RETURN_TO_LOOP = 1;
const LEAVE_SET = 2;

export interface WorkerLoopParts {
  readonly self: number;
  readonly control: SharedArrayBuffer;
  readonly threadSet: ThreadSet;
  readonly handles: HandleSet;
  readonly lot: ParkingLot;
  readonly loop: EventLoop;
  readonly counters: Int32Array;
  readonly recorder: Recorder;
  /** This thread's own, readable when it is woken. */
  readonly doorbell: number;
  /** By the numbers of connection/event-handler.ts. */
  readonly eventHandlers: readonly (EventHandler | undefined)[];
  readonly drainTicks: () => void;
  /** Raises an error of user code that nobody caught. */
  readonly raiseUncaughtException: (error: unknown) => void;
  /** The set stops: the thread has left it. */
  readonly onLeave: () => void;
}

export class WorkerLoop {
  readonly #parts: WorkerLoopParts;
  readonly #words: Int32Array;
  readonly #area: number;
  readonly #mailbox: Mailbox;
  readonly #mailboxes: Mailbox[] = [];
  readonly #turnReceiver: MessagePort;
  readonly #turnSender: MessagePort;
  readonly #inCheckPhase = (): void => this.#turn();
  readonly #sleep: Sleep;
  /** The thread's own loop was what ended the last sleep. */
  #loopDue = false;
  #deferred: Deferred[] = [];
  /** Bound handles that have yet to be looked at because a sweep was asked for. */
  #swept: number[] = [];
  /** A promotion woke this thread: others count on it to try for leadership before anything else. */
  #promoted = false;
  /** It has just done own work: it tries to lead before it does more. */
  #leadFirst = false;
  /** It has parked since it last led. */
  #parked = true;
  /** Events of this turn, the time spent in them, and when the last one began. */
  #events = 0;
  #busyMicros = 0;
  #busySince = 0;

  constructor(parts: WorkerLoopParts) {
    this.#parts = parts;
    this.#words = new Int32Array(parts.control);
    this.#area = threadArea(parts.self);
    this.#mailbox = this.#mailboxOf(parts.self);
    const { port1, port2 } = new MessageChannel();
    this.#turnReceiver = port1;
    this.#turnSender = port2;
    this.#words[this.#area + CURRENT_FD] = -1;
    const { loop, doorbell } = parts;
    this.#sleep = (timeoutMs) => {
      const woken = pollTwo(doorbell, loop.backendFd, timeoutMs);
      if (woken & POLL_FIRST) drainEventCounter(doorbell);
      this.#loopDue = (woken & POLL_SECOND) !== 0;
      return woken !== 0;
    };
  }

  /** Begins the first turn as soon as the loop runs. */
  start(): void {
    // Unreferenced: libuv cannot tell how long the loop has time while a referenced immediate is pending or running.
    this.#turnReceiver.on('message', () => setImmediate(this.#inCheckPhase).unref());
    this.#nextTurn();
  }

  /** See ThreadContext.defer. */
  defer(work: Deferred): void {
    this.#deferred.push(work);
  }

  /** See ThreadContext.process. */
  process(fd: number, events: number): void {
    const { counters, drainTicks } = this.#parts;
    counters[EVENTS]!++;
    const outer = this.#words[this.#area + CURRENT_FD]!;
    this.#words[this.#area + CURRENT_FD] = fd;
    this.#handle(fd, events);
    drainTicks();
    this.#words[this.#area + CURRENT_FD] = outer;
  }

  #nextTurn(): void {
    this.#turnSender.postMessage(0);
  }

  #turn(): void {
    const { counters, recorder } = this.#parts;
    counters[LOOP_PASSES]!++;
    recorder.turnBegan();
    this.#events = 0;
    this.#busyMicros = 0;
    this.#busySince = 0;
    let end = RETURN_TO_LOOP;
    try {
      do {
        end = this.#step();
      } while (end === NEXT_STEP);
    } finally {
      // Also should this class itself have thrown, and the app handles uncaught exceptions.
      if (end !== LEAVE_SET) {
        recorder.turnEnds();
        this.#nextTurn();
      }
    }
    if (end === LEAVE_SET) this.#leave();
  }

  #step(): number {
    const { threadSet } = this.#parts;
    // A plain look: before it sleeps in any way, the thread looks again by Atomics.
    if (this.#words[SET_STATE] === SET_STOPPING) return LEAVE_SET;
    if (this.#events >= MAX_EVENTS_PER_TURN && !this.#promoted) return RETURN_TO_LOOP;
    if (!this.#promoted && !this.#leadFirst && this.#hasOwnWorkHint()) return this.#ownWork();
    this.#promoted = false;
    if (!threadSet.join()) {
      // Somebody leads, so nobody counts on this thread any more: what is its own comes first.
      if (this.#hasOwnWork()) return this.#ownWork();
      return this.#loopDue ? this.#backToLoop() : this.#follow();
    }
    this.#parts.counters[LEADERSHIPS]!++;
    if (!this.#parked) this.#parts.counters[RECLAIMS]!++;
    this.#parked = false;
    if (this.#turnWasLong()) return this.#promoteThen(RETURN_TO_LOOP);
    this.#leadFirst = false;
    return this.#lead();
  }

  /** Whether handlers have kept the thread's own loop waiting for long enough; the clock was read when the last one ended. */
  #turnWasLong(): boolean {
    if (this.#busySince === 0) return false;
    this.#busyMicros += this.#parts.recorder.micros - this.#busySince;
    this.#busySince = 0;
    return this.#busyMicros > MAX_MICROS_PER_TURN;
  }

  // ---- leading -----------------------------------------------------------------------------------------------------------

  #lead(): number {
    const { handles, counters, recorder } = this.#parts;
    for (let led = 0; led < MAX_EVENTS_PER_LEADERSHIP; ) {
      if (handles.ready.take()) {
        if (this.#claim()) return NEXT_STEP;
        led++;
        continue;
      }
      counters[KERNEL_POLLS]!++;
      // Before own work as well: where all threads have some without end, nobody else would ask the kernel.
      if (handles.ready.refill() > 0) {
        recorder.refilled();
        continue;
      }
      if (this.#hasOwnWork()) {
        this.#promote();
        return this.#ownWork();
      }
      if (Atomics.load(this.#words, SET_STATE) === SET_STOPPING) return LEAVE_SET;
      if (!this.#waitForEvents()) return this.#promoteThen(RETURN_TO_LOOP);
    }
    return this.#promoteThen(NEXT_STEP);
  }

  #promoteThen(end: number): number {
    this.#promote();
    return end;
  }

  /** Blocks in the kernel. @returns false when the thread's own loop has to run first */
  #waitForEvents(): boolean {
    const { handles, loop, counters, recorder } = this.#parts;
    const timeoutMs = loop.timeoutMs();
    if (timeoutMs === 0) return false;
    counters[KERNEL_WAITS]!++;
    const woken = handles.waitForEvent(loop.backendFd, timeoutMs);
    recorder.waited();
    return (woken & LOOP_READY) === 0 && (woken & EVENTS_READY) !== 0;
  }

  /** Has the event just taken processed. @returns whether this thread did it, and leads no longer */
  #claim(): boolean {
    const { handles, self, lot, counters } = this.#parts;
    const { ready, table } = handles;
    const { fd, generation } = ready;
    const events = eventBits(ready.events);
    switch (table.claim(fd, generation, events, self)) {
      case ENTERED:
        if (this.#handlesInline(fd)) return false;
        this.#promote();
        this.#process(fd, events);
        return true;
      case HAND_OFF: {
        const owner = table.handOffTo;
        counters[HAND_OFFS]!++;
        this.#mailboxOf(owner).put(fd, generation);
        if (owner !== self) lot.wake(owner);
        return false;
      }
      default:
        return false;
    }
  }

  /** @returns whether the event was one that is done with while leading */
  #handlesInline(fd: number): boolean {
    const { eventHandlers, handles, counters } = this.#parts;
    const kind = handles.table.kind(fd);
    if (kind !== TIMER || !eventHandlers[TIMER]!.handleInline!(fd)) return false;
    counters[EVENTS]!++;
    return true;
  }

  #promote(): void {
    const { counters, recorder, threadSet } = this.#parts;
    counters[PROMOTIONS]!++;
    if (threadSet.promoteNewLeader()) counters[WAKE_UPS]!++;
    this.#busySince = recorder.micros;
  }

  // ---- processing --------------------------------------------------------------------------------------------------------

  #process(fd: number, events: number): void {
    const { counters, drainTicks } = this.#parts;
    counters[EVENTS]!++;
    this.#events++;
    this.#words[this.#area + CURRENT_FD] = fd;
    this.#handle(fd, events);
    drainTicks();
    this.#words[this.#area + CURRENT_FD] = -1;
  }

  /** An exception that an event handler lets through costs its connection, and is as uncaught as anywhere in Node. */
  #handle(fd: number, events: number): void {
    const { eventHandlers, handles, raiseUncaughtException } = this.#parts;
    const handler = eventHandlers[handles.table.kind(fd)]!;
    try {
      handler.handleEvent(fd, events);
    } catch (error) {
      handler.abort?.(fd);
      raiseUncaughtException(error);
    }
  }

  #hasOwnWork(): boolean {
    return this.#hasDeferred() || this.#mailbox.hasPending();
  }

  /** The same by plain looks, for the way of every event. */
  #hasOwnWorkHint(): boolean {
    return this.#hasDeferred() || this.#mailbox.hasPendingHint();
  }

  #hasDeferred(): boolean {
    return this.#deferred.length > 0 || this.#swept.length > 0;
  }

  /** Does some of the work that only this thread can do: hand-offs, and what was put off until user code was over. */
  #ownWork(): number {
    const { drainTicks, threadSet } = this.#parts;
    threadSet.process();
    this.#leadFirst = true;
    const until = nowMicros() + MAX_OWN_WORK_MICROS;
    this.#proceedUntil(until);
    // One hand-off in any case: pieces that take all of the time, again and again, do not keep hand-offs waiting for ever.
    for (let taken = 0; taken < MAX_OWN_WORK_ITEMS && (taken === 0 || nowMicros() < until); taken++) {
      if (!this.#takeHandOff()) break;
    }
    // And one step of a sweep, behind hand-offs that never end.
    this.#beginSweep();
    this.#takeSwept();
    drainTicks();
    return this.#deferred.length > 0 ? RETURN_TO_LOOP : NEXT_STEP;
  }

  /** Does pieces of own work, the oldest first. What comes up meanwhile has its turn behind the others' events. */
  #proceedUntil(until: number): void {
    const pieces = this.#deferred;
    const most = Math.min(pieces.length, MAX_OWN_WORK_ITEMS);
    this.#deferred = [];
    let done = 0;
    while (done < most && (done === 0 || nowMicros() < until)) this.#proceed(pieces[done++]!);
    if (done < pieces.length) this.#deferred = [...pieces.slice(done), ...this.#deferred];
  }

  #proceed(work: Deferred): void {
    this.#events++;
    try {
      work.proceed();
    } catch (error) {
      work.abort();
      this.#parts.raiseUncaughtException(error);
    }
  }

  /** Takes one hand-off, or looks at one bound handle where a sweep was asked for. @returns false when there is none left */
  #takeHandOff(): boolean {
    if (this.#mailbox.take()) {
      this.#takeNoted(this.#mailbox.fd, this.#mailbox.generation);
      return true;
    }
    this.#beginSweep();
    return this.#takeSwept();
  }

  #beginSweep(): void {
    if (this.#swept.length > 0 || !this.#mailbox.takeSweep()) return;
    for (const handler of this.#parts.eventHandlers) {
      for (const fd of handler?.bound?.() ?? []) this.#swept.push(fd);
    }
  }

  /** @returns false when there is none left */
  #takeSwept(): boolean {
    const fd = this.#swept.pop();
    if (fd === undefined) return false;
    this.#takeNoted(fd, this.#parts.handles.table.generation(fd));
    return true;
  }

  #takeNoted(fd: number, generation: number): void {
    const { handles, self } = this.#parts;
    const events = handles.table.takeNoted(fd, generation, self);
    if (events !== 0) this.#process(fd, events);
  }

  // ---- following ---------------------------------------------------------------------------------------------------------

  #follow(): number {
    const { threadSet, loop, counters, recorder } = this.#parts;
    const timeoutMs = loop.timeoutMs();
    if (timeoutMs === 0) return this.#backToLoop();
    const hasWork = () => this.#hasOwnWork() || Atomics.load(this.#words, SET_STATE) === SET_STOPPING;
    this.#parked = true;
    this.#loopDue = false;
    this.#busySince = 0;
    counters[PARKS]!++;
    this.#promoted = threadSet.park(
      hasWork,
      this.#sleep,
      timeoutMs < 0 ? Number.POSITIVE_INFINITY : timeoutMs,
    );
    recorder.waited();
    return this.#loopDue && !this.#promoted ? this.#backToLoop() : NEXT_STEP;
  }

  #backToLoop(): number {
    this.#loopDue = false;
    this.#parts.threadSet.process();
    return RETURN_TO_LOOP;
  }

  #leave(): void {
    this.#parts.threadSet.leave();
    this.#turnReceiver.close();
    this.#parts.onLeave();
  }

  #mailboxOf(thread: number): Mailbox {
    this.#mailboxes[thread] ??= new Mailbox(this.#parts.control, thread);
    return this.#mailboxes[thread];
  }
}
