/**
 * The loop of a worker thread. It runs in *turns*: a turn is one stay of the loop inside one pass of the thread's event loop.
 * A turn takes the thread through the states of set/thread-state.ts, step by step, as its strategy says (lib/strategies), until
 * its event loop has to run; then it returns to the event loop and asks for the next turn by a message to itself. The message
 * brings the event loop through its poll phase, and the turn comes in the check phase behind it, in an immediate. There
 * nothing that the poll phase has begun is left half done while the turn blocks: docs/decisions/0002.
 *
 * A thread never blocks before its own microtasks have run and its event loop has said how long it may.
 *
 * A worker thread takes turns until the set stops. A set inside a thread of the program (lib/local) has a *demand* for turns,
 * which rises and falls:
 *
 *   NO_TURNS       nothing is served: no turn is asked for
 *   UNREFERENCED   turns, as long as something else keeps the thread's event loop alive
 *   REFERENCED     turns, which keep the event loop alive
 */
// Imported, because a program may replace the global (fake timers of a test), and the turns would end.
import { setImmediate } from 'node:timers';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { type Deferred, TIMER } from '../connection/event-handler.js';
import { EVENTS, HAND_OFFS, KERNEL_WAITS, LOOP_PASSES } from '../memory/counters.js';
import { SET_STATE, SET_STOPPING } from '../memory/layout.js';
import { EVENTS_READY, LOOP_READY } from '../set/handle-set.js';
import { Mailbox } from '../set/mailbox.js';
import type { Sleep } from '../set/parking-lot.js';
import {
  LEAVE_SET,
  type Membership,
  NEXT_STEP,
  RETURN_TO_LOOP,
  type Strategy,
  type Turn,
} from '../strategies/turn.js';
import { NO_MICROS, nowMicros } from '../sys/clock.js';
import { resetEventCounter } from '../sys/descriptor.js';
import { POLL_FIRST, POLL_SECOND, pollTwo } from '../sys/epoll.js';
import { Dispatcher } from './dispatcher.js';
import type { HeapGauge } from './heap-gauge.js';
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
/** The demand for turns. */
export const NO_TURNS = 0;
export const UNREFERENCED = 1;
export const REFERENCED = 2;

export interface WorkerLoopParts extends OwnWorkParts, Membership {
  /** Makes what the thread does in a step of a turn. */
  readonly strategy: (turn: Turn) => Strategy;
  readonly heap: HeapGauge;
  /** This thread's own, readable when it is woken. */
  readonly doorbell: number;
  /** NO_TURNS, UNREFERENCED or REFERENCED. Where it rises outside of a turn, `heedDemand` must be called. Default: REFERENCED, always */
  readonly demand?: () => number;
  /** Called when the set stops and the thread has left it. */
  readonly onLeave: () => void;
}

export class WorkerLoop implements Turn {
  readonly #parts: WorkerLoopParts;
  readonly member: Membership;
  readonly #words: Int32Array;
  readonly #dispatcher: Dispatcher;
  readonly #ownWork: OwnWork;
  readonly #strategy: Strategy;
  /** Of the threads that this one has handed events to. */
  readonly #mailboxes: Mailbox[] = [];
  readonly #turnReceiver: MessagePort;
  readonly #turnSender: MessagePort;
  readonly #inCheckPhase = (): void => this.#turn();
  /** The demand that the event loop and the message port reflect. */
  #demand = REFERENCED;
  /** The message for the next turn is under way, or a turn is. */
  #turnDue = false;
  readonly sleep: Sleep;
  readonly mustWake = (): boolean => this.#ownWork.hasPending() || this.mustLeave();
  /** The last sleep ended because the thread's own loop has work. */
  #loopDue = false;
  /** Events of this turn, the time spent in them, and when the last one began. */
  #events = 0;
  #busyMicros = NO_MICROS;
  #busySince = NO_MICROS;

  constructor(parts: WorkerLoopParts) {
    this.#parts = parts;
    this.member = parts;
    this.#words = new Int32Array(parts.control);
    this.#dispatcher = new Dispatcher(parts);
    this.#ownWork = new OwnWork(parts, this.#dispatcher);
    const { port1, port2 } = new MessageChannel();
    this.#turnReceiver = port1;
    this.#turnSender = port2;
    const { loop, doorbell } = parts;
    this.sleep = (timeoutMs) => {
      const woken = pollTwo(doorbell, loop.backendFd, timeoutMs);
      if (woken & POLL_FIRST) resetEventCounter(doorbell);
      this.#loopDue = (woken & POLL_SECOND) !== 0;
      if (this.#loopDue) parts.engagement.hadIo(nowMicros());
      return woken !== 0;
    };
    this.#strategy = parts.strategy(this);
  }

  /** Begins the first turn as soon as the loop runs. */
  start(): void {
    // Unreferenced: libuv cannot tell how long the loop has time while a referenced immediate is pending or running.
    this.#turnReceiver.on('message', () => setImmediate(this.#inCheckPhase).unref());
    this.heedDemand();
  }

  /**
   * Brings the turns in line with the demand, and asks for the next turn if there is any. A demand that falls need not be reported: the turn
   * that is due finds out.
   */
  heedDemand(): void {
    const demand = this.#demandNow();
    if (demand !== this.#demand) {
      this.#demand = demand;
      if (demand === REFERENCED) this.#turnReceiver.ref();
      else this.#turnReceiver.unref();
    }
    if (demand === NO_TURNS || this.#turnDue) return;
    this.#turnDue = true;
    this.#turnSender.postMessage(0);
  }

  /** See ThreadContext.defer. */
  defer(work: Deferred): void {
    this.#ownWork.defer(work);
  }

  /** See ThreadContext.beforeWaiting. */
  beforeWaiting(work: Deferred): void {
    this.#ownWork.beforeWaiting(work);
  }

  /** See ThreadContext.process. */
  processNested(fd: number, events: number): void {
    this.#dispatcher.dispatchNested(fd, events);
  }

  #demandNow(): number {
    return this.#parts.demand?.() ?? REFERENCED;
  }

  #turn(): void {
    const { counters, recorder, heap, holds } = this.#parts;
    counters[LOOP_PASSES]!++;
    holds.turnBegins(recorder.micros);
    heap.turnBegins(recorder.micros);
    this.#dispatcher.runsOwnCode(false);
    recorder.turnBegan();
    this.#events = 0;
    this.#busyMicros = 0;
    this.#busySince = 0;
    let end = RETURN_TO_LOOP;
    try {
      do {
        end = this.#strategy.step();
      } while (end === NEXT_STEP);
    } finally {
      // Also where this class itself has thrown, and the app handles uncaught exceptions.
      if (end !== LEAVE_SET) {
        recorder.turnEnds();
        holds.loopRuns();
        this.#dispatcher.runsOwnCode(true);
        this.#turnDue = false;
        this.heedDemand();
      }
    }
    if (end === LEAVE_SET) this.#leave();
  }

  // ---- the turn, as the strategy uses it ---------------------------------------------------------------------------------

  isFull(): boolean {
    return this.#events >= MAX_EVENTS_PER_TURN;
  }

  wasLong(): boolean {
    if (this.#busySince === 0) return false;
    this.#busyMicros += this.#parts.recorder.micros - this.#busySince;
    this.#busySince = 0;
    return this.#busyMicros > MAX_MICROS_PER_TURN;
  }

  isStopping(): boolean {
    return this.#words[SET_STATE] === SET_STOPPING;
  }

  mustLeave(): boolean {
    return Atomics.load(this.#words, SET_STATE) === SET_STOPPING;
  }

  hasOwnWorkHint(): boolean {
    return this.#ownWork.hasPendingHint();
  }

  hasOwnWork(): boolean {
    return this.#ownWork.hasPending();
  }

  hasHandOverHint(): boolean {
    return this.#ownWork.hasHandOverHint();
  }

  doOwnWork(): number {
    const { threadSet, holds } = this.#parts;
    holds.endNow();
    threadSet.process();
    this.#events += this.#ownWork.run();
    return this.#ownWork.hasDeferred() ? RETURN_TO_LOOP : NEXT_STEP;
  }

  handlesInline(fd: number): boolean {
    const { eventHandlers, handles, counters } = this.#parts;
    const kind = handles.table.kind(fd);
    if (kind !== TIMER || !eventHandlers[TIMER]!.handleInline!(fd)) return false;
    counters[EVENTS]!++;
    return true;
  }

  entered(fd: number): void {
    this.#dispatcher.entered(fd);
  }

  beginsProcessing(): void {
    this.#busySince = this.#parts.recorder.micros;
  }

  processingMicros(now: number): number {
    return this.#busySince === 0 ? 0 : now - this.#busySince;
  }

  process(fd: number, events: number): void {
    this.#events++;
    this.#dispatcher.dispatch(fd, events);
  }

  mailboxOf(thread: number): Mailbox {
    this.#mailboxes[thread] ??= new Mailbox(this.#parts.control, thread);
    return this.#mailboxes[thread];
  }

  handOff(fd: number, generation: number, owner: number): void {
    const { counters, lot, self } = this.#parts;
    counters[HAND_OFFS]!++;
    this.mailboxOf(owner).put(fd, generation);
    if (owner !== self) lot.wake(owner);
  }

  waitForEvents(maxMs = Number.POSITIVE_INFINITY): boolean {
    const { handles, loop, counters, recorder, engagement } = this.#parts;
    // The loop says how long it may wait by what keeps it alive, and with another demand the port has to follow first.
    if (this.#demandNow() !== this.#demand) return false;
    const timeoutMs = loop.timeoutMs();
    if (timeoutMs === 0) return false;
    counters[KERNEL_WAITS]!++;
    const isOwnTime = maxMs < (timeoutMs < 0 ? Number.POSITIVE_INFINITY : timeoutMs);
    const woken = handles.waitForEvent(loop.backendFd, isOwnTime ? maxMs : timeoutMs);
    recorder.waited();
    if (woken & LOOP_READY) engagement.hadIo(nowMicros());
    return (woken & LOOP_READY) === 0 && (isOwnTime || (woken & EVENTS_READY) !== 0);
  }

  get loopIsDue(): boolean {
    return this.#loopDue;
  }

  rests(): void {
    this.#loopDue = false;
    this.#busySince = 0;
  }

  returnToLoop(): number {
    this.#loopDue = false;
    this.#parts.threadSet.process();
    return RETURN_TO_LOOP;
  }

  #leave(): void {
    this.#parts.threadSet.leave();
    this.#turnReceiver.close();
    this.#parts.onLeave();
  }
}
