/**
 * The concrete event handler of the timer handle: ends connections whose time is up. Owner of the word TICK.
 *
 * Each connection's record has a deadline in ticks, which its event handler sets with one store when it leaves the
 * connection; nothing is armed or disarmed for a request. Once a tick, whichever thread takes the timer's event looks
 * through the records. A connection that is past its deadline gets the event TIMED_OUT like any other event: whoever may
 * be inside it looks at the deadline again and decides.
 */
import { HANDLE_DEADLINE, HANDLE_WORDS, TICK } from '../memory/layout.js';
import { ENTERED, HAND_OFF, TIMED_OUT } from '../set/handle-table.js';
import { Mailbox } from '../set/mailbox.js';
import type { ParkingLot } from '../set/parking-lot.js';
import { signalEventCounter } from '../sys/descriptor.js';
import { drainTimer } from '../sys/timer.js';
import type { EventHandler, ThreadContext } from './event-handler.js';

export class Timeouts implements EventHandler {
  readonly #context: ThreadContext;
  readonly #connections: EventHandler;
  readonly #lot: ParkingLot;
  readonly #wakeUp: number;

  /** @param wakeUp the wake-up handle, which gets a leader out of the kernel */
  constructor(context: ThreadContext, connections: EventHandler, lot: ParkingLot, wakeUp: number) {
    this.#context = context;
    this.#connections = connections;
    this.#lot = lot;
    this.#wakeUp = wakeUp;
  }

  handleEvent(fd: number): void {
    const { control, table } = this.#context;
    do {
      drainTimer(fd);
      // One tick, however many have passed: while every thread was blocked nobody could be served, so that time does not
      // count against the clients.
      const now = (Atomics.load(control, TICK) + 1) | 0;
      Atomics.store(control, TICK, now);
      this.#sweep(now);
    } while (table.leave(fd) !== 0);
  }

  #sweep(now: number): void {
    const { words } = this.#context.table;
    const end = this.#context.table.end();
    for (let fd = 0, at = 0; fd < end; fd++, at += HANDLE_WORDS) {
      const deadline = words[at + HANDLE_DEADLINE]!;
      if (deadline !== 0 && deadline - now <= 0) this.#expire(fd);
    }
  }

  #expire(fd: number): void {
    const { self, table, control } = this.#context;
    switch (table.claim(fd, table.generation(fd), TIMED_OUT, self)) {
      case ENTERED:
        this.#connections.handleEvent(fd, TIMED_OUT);
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
