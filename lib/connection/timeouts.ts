/**
 * The concrete event handler of the timer handle: finds connections whose deadline has passed. Owner of the word TICK.
 *
 * Each connection's record has a deadline in ticks, which the event handler sets by one store when it leaves the connection; a
 * request arms and disarms no timer. Once a tick, the thread that takes the timer's event looks through all records. A connection
 * past its deadline gets the event TIMED_OUT like any other event: the thread that processes it checks the deadline again and
 * decides.
 *
 * A connection that has sent something which nobody has read waits for this server, so it is not ended: in a request queue, for the thread
 * in whose set it is, or in the kernel. That ends when a thread has read it; what comes next has a deadline of its own, or a bound. Input in
 * a channel (proactor/) is not seen here.
 *
 * Ending a connection may run user code, so the timer's handle is left first: while user code blocks this thread, another thread
 * takes the next tick and finds the connections that this one has not got to.
 */
import { TICK } from '../memory/layout.js';
import { firstDue, hasFlag } from '../set/handle-record.js';
import { INTEREST_INPUT_OUTPUT } from '../set/handle-set.js';
import { ENTERED, HAND_OFF, TIMED_OUT } from '../set/handle-table.js';
import { Mailbox } from '../set/mailbox.js';
import type { ParkingLot } from '../set/parking-lot.js';
import { signalEventCounter } from '../sys/descriptor.js';
import { clearExpirations } from '../sys/timer.js';
import { withUnreadInput } from '../sys/waiting.js';
import { isDue } from './deadlines.js';
import type { Deferred, EventHandler, ThreadContext } from './event-handler.js';
import { IS_LINGERING } from './flags.js';

/** Connections that one dispatch ends; the rest is deferred, so that the thread's other connections have their turn. */
const MAX_EXPIRIES_PER_DISPATCH = 32;

export class Timeouts implements EventHandler, Deferred {
  readonly #context: ThreadContext;
  readonly #lot: ParkingLot;
  readonly #wakeUp: number;
  /** The descriptor at which this thread's sweep continues; -1 while none is under way. */
  #cursor = -1;

  /** @param wakeUp the wake-up handle, which ends a leader's wait in the kernel */
  constructor(context: ThreadContext, lot: ParkingLot, wakeUp: number) {
    this.#context = context;
    this.#lot = lot;
    this.#wakeUp = wakeUp;
  }

  /** Most ticks find nothing due, and an idle server would wake a follower for each. */
  handleInline(fd: number): boolean {
    const { table } = this.#context;
    do {
      this.#tick(fd);
      if (this.#nextDue(0) < table.end()) return false;
    } while (table.leave(fd) !== 0);
    return true;
  }

  /** The tick has been counted by `handleInline`. */
  handleEvent(fd: number): void {
    const { table } = this.#context;
    while (table.leave(fd) !== 0) this.#tick(fd);
    const underWay = this.#cursor >= 0;
    this.#cursor = 0;
    // A deferred sweep continues by itself, from the beginning now.
    if (!underWay) this.proceed();
  }

  /** Continues the sweep. */
  proceed(): void {
    const { defer, table } = this.#context;
    for (let expired = 0; expired < MAX_EXPIRIES_PER_DISPATCH; expired++) {
      const fd = this.#nextDue(this.#cursor);
      if (fd >= table.end()) {
        this.#cursor = -1;
        return;
      }
      this.#cursor = fd + 1;
      this.#expire(fd);
    }
    defer(this);
  }

  abort(): void {
    this.#cursor = -1;
  }

  #tick(fd: number): void {
    const { control } = this.#context;
    clearExpirations(fd);
    // One tick, however many have passed: while every thread was blocked no client could be served, so that time does not count
    // against the clients.
    Atomics.store(control, TICK, (Atomics.load(control, TICK) + 1) | 0);
  }

  #nextDue(from: number): number {
    const { control, table } = this.#context;
    return firstDue(table, from, Atomics.load(control, TICK));
  }

  /**
   * It is not ended: its deadline has moved since, as a request was answered, or one is yet to be read. What was noted meanwhile
   * is for whoever gets the next event: this thread may be one that runs no handler.
   */
  #leave(fd: number): void {
    const { table, handles } = this.#context;
    while (table.leave(fd) !== 0) handles.resumeHandle(fd, INTEREST_INPUT_OUTPUT);
  }

  /** Whether a connection has input that nobody has read. One that lingers has nothing to wait for. The caller is inside. */
  #waitsForServer(fd: number): boolean {
    return !hasFlag(this.#context.table, fd, IS_LINGERING) && withUnreadInput([fd]).length > 0;
  }

  #expire(fd: number): void {
    const { self, table, control, process } = this.#context;
    switch (table.claim(fd, table.generation(fd), TIMED_OUT, self)) {
      case ENTERED:
        if (isDue(this.#context, fd) && !this.#waitsForServer(fd)) process(fd, TIMED_OUT);
        else this.#leave(fd);
        break;
      case HAND_OFF: {
        // Only leaders write entries into mailboxes. A sweep of all bound handles may be requested by any thread.
        const owner = table.handOffTo;
        new Mailbox(control.buffer as SharedArrayBuffer, owner).requestSweep();
        // A thread that is not parked sees the request by itself, unless it leads and waits in the kernel.
        if (owner !== self && !this.#lot.wake(owner)) signalEventCounter(this.#wakeUp);
        break;
      }
      default:
    }
  }
}
