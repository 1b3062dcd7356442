/**
 * The loop of a worker thread. It runs in *turns*: a turn is one stay of the loop inside one pass of the thread's event loop.
 * A turn takes the thread through the states of set/thread-state.ts (leads, promotes, processes, parks), step by step, until
 * its event loop has to run; then it returns to the event loop and asks for the next turn by a message to itself. The message
 * brings the event loop through its poll phase, and the turn comes in the check phase behind it, in an immediate. There
 * nothing that the poll phase has begun is left half done while the turn blocks: docs/decisions/0002.
 *
 *   turn: ┌▶ own work, if leading came last ─▶ do a portion of it ─────────────┐
 *         │  join ──▶ leads: take an event ──▶ promote ──▶ dispatch ───────────┤
 *         │             │ hand-off: to its thread, goes on leading             │
 *         │             │ for a host that is parked: yield ─▶ park             │
 *         │             └ none: wait in the kernel ─── own loop due ─▶ promote ─▶ return to the event loop
 *         │  else park ─────────────────────────────── own loop due ───────────▶ return to the event loop
 *         └──────────────────── bounds of a turn reached ──────────────────────┘ ───▶ return to the event loop
 *
 * Own work (thread/own-work.ts) and leading alternate: own work without end keeps no thread from leading, and a flood of events
 * delays no stream for ever.
 *
 * User code runs only between promoteNewLeader (or as a follower) and the next join, so no handler, no timer and no
 * promise reaction ever keeps the others from the handle set. A thread never blocks before its own microtasks have run
 * and its event loop has said how long it may.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { type Deferred, TIMER } from '../connection/event-handler.js';
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
import { SET_STATE, SET_STOPPING } from '../memory/layout.js';
import type { Engagement } from '../set/engagement.js';
import { EVENTS_READY, LOOP_READY } from '../set/handle-set.js';
import { ENTERED, eventBits, HAND_OFF } from '../set/handle-table.js';
import { Mailbox } from '../set/mailbox.js';
import type { ParkingLot, Sleep } from '../set/parking-lot.js';
import type { ThreadSet } from '../set/thread-set.js';
import { nowMicros } from '../sys/clock.js';
import { resetEventCounter } from '../sys/descriptor.js';
import { POLL_FIRST, POLL_SECOND, pollTwo } from '../sys/epoll.js';
import type { EventLoop } from '../sys/event-loop.js';
import { Dispatcher } from './dispatcher.js';
import { HandOver } from './hand-over.js';
import { OwnWork, type OwnWorkParts } from './own-work.js';

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
/**
 * Events that a leader only notes, hands off or handles inline before it checks for own work, its loop, and the end of the set.
 */
const MAX_EVENTS_PER_LEADERSHIP = 256;

/** How a step of a turn ended. */
const NEXT_STEP = 0;
const RETURN_TO_LOOP = 1;
const LEAVE_SET = 2;

export interface WorkerLoopParts extends OwnWorkParts {
  readonly threadSet: ThreadSet;
  readonly lot: ParkingLot;
  readonly loop: EventLoop;
  readonly engagement: Engagement;
  /** This thread's own, readable when it is woken. */
  readonly doorbell: number;
  /** Called when the set stops and the thread has left it. */
  readonly onLeave: () => void;
}

export class WorkerLoop {
  readonly #parts: WorkerLoopParts;
  readonly #words: Int32Array;
  readonly #dispatcher: Dispatcher;
  readonly #ownWork: OwnWork;
  readonly #handOver: HandOver;
  /** Of the threads that this one has handed events to. */
  readonly #mailboxes: Mailbox[] = [];
  readonly #turnReceiver: MessagePort;
  readonly #turnSender: MessagePort;
  readonly #inCheckPhase = (): void => this.#turn();
  readonly #sleep: Sleep;
  /** The last sleep ended because the thread's own loop has work. */
  #loopDue = false;
  /** A promotion woke this thread: others rely on it to try for leadership before anything else. */
  #promoted = false;
  /** It has just done own work: it tries to lead before it does more. */
  #leadFirst = false;
  /**
   * It has taken an event since it last yielded. Without this, a thread that yields and a host that finds it leading again and parks, in step,
   * would go on for ever (found by the model).
   */
  #mayYield = true;
  /** It has parked since it last led. */
  #parked = true;
  /** Events of this turn, the time spent in them, and when the last one began. */
  #events = 0;
  #busyMicros = 0;
  #busySince = 0;

  constructor(parts: WorkerLoopParts) {
    this.#parts = parts;
    this.#words = new Int32Array(parts.control);
    this.#dispatcher = new Dispatcher(parts);
    this.#ownWork = new OwnWork(parts, this.#dispatcher);
    this.#handOver = new HandOver(parts, (thread) => this.#mailboxOf(thread));
    const { port1, port2 } = new MessageChannel();
    this.#turnReceiver = port1;
    this.#turnSender = port2;
    const { loop, doorbell } = parts;
    this.#sleep = (timeoutMs) => {
      const woken = pollTwo(doorbell, loop.backendFd, timeoutMs);
      if (woken & POLL_FIRST) resetEventCounter(doorbell);
      this.#loopDue = (woken & POLL_SECOND) !== 0;
      if (this.#loopDue) parts.engagement.hadIo(nowMicros());
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
    this.#ownWork.defer(work);
  }

  /** See ThreadContext.process. */
  process(fd: number, events: number): void {
    this.#dispatcher.dispatchNested(fd, events);
  }

  #nextTurn(): void {
    this.#turnSender.postMessage(0);
  }

  #turn(): void {
    const { counters, recorder, holds } = this.#parts;
    counters[LOOP_PASSES]!++;
    holds.turnBegins(recorder.micros);
    this.#dispatcher.runsOwnCode(false);
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
      // Also where this class itself has thrown, and the app handles uncaught exceptions.
      if (end !== LEAVE_SET) {
        recorder.turnEnds();
        holds.loopRuns();
        this.#dispatcher.runsOwnCode(true);
        this.#nextTurn();
      }
    }
    if (end === LEAVE_SET) this.#leave();
  }

  #step(): number {
    const { threadSet } = this.#parts;
    // A plain load: before it sleeps in any way, the thread reads the word again by Atomics.
    if (this.#words[SET_STATE] === SET_STOPPING) return LEAVE_SET;
    const promoted = this.#promoted;
    if (this.#events >= MAX_EVENTS_PER_TURN && !promoted) return RETURN_TO_LOOP;
    if (!promoted && !this.#leadFirst && this.#ownWork.hasPendingHint()) return this.#doOwnWork();
    this.#promoted = false;
    const defers = !promoted && this.#parts.engagement.defers();
    if (defers || !threadSet.join()) {
      this.#parts.holds.endNow();
      // There is a leader, or a host leads next, so nobody relies on this thread any more: its own work comes first.
      if (this.#ownWork.hasPending()) return this.#doOwnWork();
      return this.#loopDue ? this.#returnToLoop() : this.#follow(defers);
    }
    const { counters, holds, recorder } = this.#parts;
    holds.end(recorder.micros);
    counters[LEADERSHIPS]!++;
    if (!this.#parked) counters[RECLAIMS]!++;
    this.#parked = false;
    if (this.#turnWasLong()) return this.#promoteThen(RETURN_TO_LOOP);
    this.#leadFirst = false;
    return this.#lead();
  }

  /** Whether handlers have used up the turn's time; the clock was read when the last one ended. */
  #turnWasLong(): boolean {
    if (this.#busySince === 0) return false;
    this.#busyMicros += this.#parts.recorder.micros - this.#busySince;
    this.#busySince = 0;
    return this.#busyMicros > MAX_MICROS_PER_TURN;
  }

  // ---- leading -----------------------------------------------------------------------------------------------------------

  #lead(): number {
    const { handles, counters, recorder, engagement } = this.#parts;
    for (let led = 0; led < MAX_EVENTS_PER_LEADERSHIP; ) {
      if (this.#mayYield && engagement.yields()) return this.#yield();
      // It must not wait for the handler of an event that this thread takes, which may never end.
      if (this.#ownWork.hasHandOverHint()) {
        this.#promote();
        return this.#doOwnWork();
      }
      if (handles.ready.take()) {
        this.#mayYield = true;
        if (this.#claim()) return NEXT_STEP;
        led++;
        continue;
      }
      counters[KERNEL_POLLS]!++;
      // Before own work: where all threads have own work without end, nobody else would ask the kernel.
      if (handles.ready.refill() > 0) {
        recorder.refilled();
        continue;
      }
      if (this.#ownWork.hasPending()) {
        this.#promote();
        return this.#doOwnWork();
      }
      if (Atomics.load(this.#words, SET_STATE) === SET_STOPPING) return LEAVE_SET;
      if (!this.#waitForEvents()) return this.#promoteThen(RETURN_TO_LOOP);
    }
    return this.#promoteThen(NEXT_STEP);
  }

  /** Leaves leadership to a host that is parked, and stands ready to block. */
  #yield(): number {
    const { counters, threadSet } = this.#parts;
    counters[PROMOTIONS]!++;
    this.#mayYield = false;
    if (threadSet.yieldLeadership()) counters[WAKE_UPS]!++;
    return this.#follow(true);
  }

  #promoteThen(end: number): number {
    this.#promote();
    return end;
  }

  /** Blocks in the kernel. @returns false when the thread's own loop has to run first */
  #waitForEvents(): boolean {
    const { handles, loop, counters, recorder, engagement } = this.#parts;
    const timeoutMs = loop.timeoutMs();
    if (timeoutMs === 0) return false;
    counters[KERNEL_WAITS]!++;
    const woken = handles.waitForEvent(loop.backendFd, timeoutMs);
    recorder.waited();
    if (woken & LOOP_READY) engagement.hadIo(nowMicros());
    return (woken & LOOP_READY) === 0 && (woken & EVENTS_READY) !== 0;
  }

  /** Has the event just taken processed. @returns whether this thread did it, and no longer leads */
  #claim(): boolean {
    const { handles, self, lot, counters } = this.#parts;
    const { ready, table } = handles;
    const { fd, generation } = ready;
    const events = eventBits(ready.events);
    switch (table.claim(fd, generation, events, self)) {
      case ENTERED:
        if (this.#handlesInline(fd) || this.#handOver.passesOn(fd, generation, events)) return false;
        this.#dispatcher.entered(fd);
        this.#promote();
        this.#events++;
        this.#dispatcher.dispatch(fd, events);
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

  /** @returns whether the event was handled without giving leadership up */
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

  // ---- own work ----------------------------------------------------------------------------------------------------------

  #doOwnWork(): number {
    const { threadSet, holds } = this.#parts;
    holds.endNow();
    threadSet.process();
    this.#leadFirst = true;
    this.#events += this.#ownWork.run();
    return this.#ownWork.hasDeferred() ? RETURN_TO_LOOP : NEXT_STEP;
  }

  // ---- following ---------------------------------------------------------------------------------------------------------

  /** @param defers to the hosts: see ThreadSet.park */
  #follow(defers: boolean): number {
    const { threadSet, loop, counters, recorder, engagement } = this.#parts;
    const timeoutMs = loop.timeoutMs();
    if (timeoutMs === 0) return this.#returnToLoop();
    // Not the recorder's reading: a thread that defers changes no state, and would take its last I/O for recent for ever.
    const staleMs = engagement.publish(nowMicros(), timeoutMs);
    const hasWork = () => this.#ownWork.hasPending() || Atomics.load(this.#words, SET_STATE) === SET_STOPPING;
    this.#parked = true;
    this.#loopDue = false;
    this.#busySince = 0;
    counters[PARKS]!++;
    this.#promoted = threadSet.park(
      hasWork,
      this.#sleep,
      Math.min(timeoutMs < 0 ? Number.POSITIVE_INFINITY : timeoutMs, staleMs),
      defers,
    );
    recorder.waited();
    return this.#loopDue && !this.#promoted ? this.#returnToLoop() : NEXT_STEP;
  }

  #returnToLoop(): number {
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
