/**
 * The concrete event handler of the timer handle: ends connections whose time is up. Owner of the word TICK.
 *
 * Each connection's record has a deadline in ticks, which its event handler sets with one store when it leaves the
 * connection; nothing is armed or disarmed for a request. Once a tick, whichever thread takes the timer's event looks
 * through the records. A connection that is past its deadline gets the event TIMED_OUT like any other event: whoever may
 * be inside it looks at the deadline again and decides.
 *
 * Ending a connection may run user code, so the timer's handle is left first: while this thread is held up there, the next
 * tick is another thread's, which finds what this one has not come to.
 */
import { TICK } from '../memory/layout.js';
import { firstDue } from '../set/handle-record.js';
import { ENTERED, HAND_OFF, TIMED_OUT } from '../set/handle-table.js';
import { Mailbox } from '../set/mailbox.js';
import type { ParkingLot } from '../set/parking-lot.js';
import { signalEventCounter } from '../sys/descriptor.js';
import { clearExpirations } from '../sys/timer.js';
import type { Deferred, EventHandler, ThreadContext } from './event-handler.js';

/** Connections that one dispatch ends; the rest is own work of the thread, so that its others have their turn. */
const MAX_EXPIRIES_PER_DISPATCH = 32;

export class Timeouts implements EventHandler, Deferred {
  readonly #context: ThreadContext;
  readonly #lot: ParkingLot;
  readonly #wakeUp: number;
  /** The descriptor at which this thread's sweep goes on; -1 while none is under way. */
  #cursor = -1;

  /** @param wakeUp the wake-up handle, which gets a leader out of the kernel */
  constructor(context: ThreadContext, lot: ParkingLot, wakeUp: number) {
    this.#context = context;
    this.#lot = lot;
    this.#wakeUp = wakeUp;
  }

  /** Most ticks find nothing due; waking a follower for them would be all that an idle server does. */
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
    // A sweep that is put off goes on by itself, from the beginning now.
    if (!underWay) this.proceed();
  }

  /** Goes on with the sweep. */
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
    // One tick, however many have passed: while every thread was blocked nobody could be served, so that time does not
    // count against the clients.
    Atomics.store(control, TICK, (Atomics.load(control, TICK) + 1) | 0);
  }

  /** The first descriptor from `from` on whose deadline has passed; the table's end or more when there is none. */
  #nextDue(from: number): number {
    const { control, table } = this.#context;
    return firstDue(table, from, Atomics.load(control, TICK));
  }

  #expire(fd: number): void {
    const { self, table, control, process } = this.#context;
    switch (table.claim(fd, table.generation(fd), TIMED_OUT, self)) {
      case ENTERED:
        process(fd, TIMED_OUT);
        break;
      case HAND_OFF: {
        // Mailboxes are written by leaders only; asking for a look at all bound handles is anybody's right.
        const owner = table.handOffTo;
        new Mailbox(control.buffer as SharedArrayBuffer, owner).requestSweep();
        // A thread that is not parked looks by itself, unless it is the leader and waits in the kernel.
        if (owner !== self && !this.#lot.wake(owner)) signalEventCounter(this.#wakeUp);
        break;
      }
      default:
    }
  }
}
