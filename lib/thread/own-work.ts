/**
 * A thread's own work: what no other thread can do. There are three kinds, done in portions that are bounded in number and time:
 *
 * - deferred work: what an event handler put off until the thread is out of user code, such as a stream that goes on, or the
 *   rest of a long dispatch,
 * - hand-offs and hand-overs, from the thread's mailbox,
 * - a sweep of all handles bound to the thread, where the mailbox asks for one.
 *
 * What is to be done before the thread waits joins the deferred work when there is nothing else to do.
 */
import type { Deferred } from '../connection/event-handler.js';
import { HANDED_OVER } from '../connection/flags.js';
import type { HoldMeter } from '../connection/hold-meter.js';
import { hasFlag } from '../set/handle-record.js';
import { READABLE } from '../set/handle-table.js';
import { Mailbox } from '../set/mailbox.js';
import type { Recorder } from '../set/recorder.js';
import { nowMicros } from '../sys/clock.js';
import type { Dispatcher, DispatcherParts } from './dispatcher.js';

/** Bounds of one portion: items of deferred work and hand-offs each, and the microseconds for both. */
const MAX_ITEMS = 32;
const MAX_MICROS = 2000;

export interface OwnWorkParts extends DispatcherParts {
  readonly recorder: Recorder;
  readonly holds: HoldMeter;
}

export class OwnWork {
  readonly #parts: OwnWorkParts;
  readonly #dispatcher: Dispatcher;
  readonly #mailbox: Mailbox;
  #deferred: Deferred[] = [];
  /** What is to be done before the thread waits. */
  #beforeWaiting: Deferred[] = [];
  /** Bound handles that the sweep under way has yet to look at. */
  #sweepQueue: number[] = [];
  /** Items done by the portion that runs. */
  #done = 0;

  constructor(parts: OwnWorkParts, dispatcher: Dispatcher) {
    this.#parts = parts;
    this.#dispatcher = dispatcher;
    this.#mailbox = new Mailbox(parts.control, parts.self);
  }

  /** See ThreadContext.defer. */
  defer(work: Deferred): void {
    this.#deferred.push(work);
  }

  /** See ThreadContext.beforeWaiting. */
  beforeWaiting(work: Deferred): void {
    this.#beforeWaiting.push(work);
  }

  /** Whether there is any. To be asked before the thread waits: what is to be done then is deferred work from now on. */
  hasPending(): boolean {
    if (this.#beforeWaiting.length > 0) {
      this.#deferred.push(...this.#beforeWaiting);
      this.#beforeWaiting = [];
    }
    return this.#hasQueued() || this.#mailbox.hasPending();
  }

  /** Whether there is any but that, by plain loads: for the hot path. */
  hasPendingHint(): boolean {
    return this.#hasQueued() || this.#mailbox.hasPendingHint();
  }

  /** Whether a connection was handed over to this thread. By plain loads. */
  hasHandOverHint(): boolean {
    return this.#mailbox.hasHandOverHint();
  }

  #hasQueued(): boolean {
    return this.#deferred.length > 0 || this.#sweepQueue.length > 0;
  }

  /** Whether there is deferred work. */
  hasDeferred(): boolean {
    return this.#deferred.length > 0;
  }

  /** Does a portion. The thread does not lead. @returns how many items that were */
  run(): number {
    this.#done = 0;
    const until = nowMicros() + MAX_MICROS;
    this.#runDeferred(until);
    // At least one hand-off: deferred work that takes all of the time, again and again, does not starve hand-offs.
    for (let taken = 0; taken < MAX_ITEMS && (taken === 0 || nowMicros() < until); taken++) {
      if (!this.#takeEntry() && !this.#takeSwept()) break;
    }
    // And one step of a sweep, which hand-offs without end would starve.
    this.#takeSwept();
    this.#parts.drainTicks();
    return this.#done;
  }

  /** Does deferred work, the oldest first. What is deferred meanwhile waits for the next portion. */
  #runDeferred(until: number): void {
    const work = this.#deferred;
    const max = Math.min(work.length, MAX_ITEMS);
    this.#deferred = [];
    let done = 0;
    while (done < max && (done === 0 || nowMicros() < until)) this.#proceed(work[done++]!);
    if (done < work.length) this.#deferred = [...work.slice(done), ...this.#deferred];
  }

  #proceed(work: Deferred): void {
    this.#done++;
    this.#dispatcher.runsOwnCode(true);
    const { holds } = this.#parts;
    try {
      work.proceed();
    } catch (error) {
      work.abort();
      this.#parts.raiseUncaughtException(error);
    }
    holds.endNow();
    this.#dispatcher.runsOwnCode(false);
  }

  /** @returns false when the mailbox is empty */
  #takeEntry(): boolean {
    const mailbox = this.#mailbox;
    if (!mailbox.peek()) return false;
    const { fd, generation, isHandOver } = mailbox;
    const events = isHandOver ? this.#enterHandedOver(fd, generation) : this.#takeNoted(fd, generation);
    if (events !== 0) this.#dispatcher.entered(fd);
    mailbox.remove();
    if (events !== 0) this.#dispatch(fd, events);
    return true;
  }

  /** Looks at the next handle of the sweep, and begins one where the mailbox asks for it. @returns false when none is left */
  #takeSwept(): boolean {
    if (this.#sweepQueue.length === 0 && this.#mailbox.takeSweep()) this.#queueBound();
    const fd = this.#sweepQueue.pop();
    if (fd === undefined) return false;
    const events = this.#takeNoted(fd, this.#parts.handles.table.generation(fd));
    if (events !== 0) this.#dispatch(fd, events);
    return true;
  }

  #queueBound(): void {
    for (const handler of this.#parts.eventHandlers) {
      for (const fd of handler?.bound?.() ?? []) this.#sweepQueue.push(fd);
    }
  }

  #takeNoted(fd: number, generation: number): number {
    const { handles, self } = this.#parts;
    return handles.table.takeNoted(fd, generation, self);
  }

  /**
   * Enters a handle that was handed over to this thread. The flag is a hint, as the thread is not inside yet: it may be false only once
   * another thread has entered the handle.
   *
   * @returns events, 0 when it was not entered
   */
  #enterHandedOver(fd: number, generation: number): number {
    const { handles, self } = this.#parts;
    const enters = hasFlag(handles.table, fd, HANDED_OVER) && handles.table.enterIdle(fd, generation, self);
    return enters ? READABLE : 0;
  }

  #dispatch(fd: number, events: number): void {
    this.#done++;
    this.#parts.recorder.refresh();
    this.#dispatcher.dispatch(fd, events);
  }
}
