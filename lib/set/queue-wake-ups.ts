/**
 * Which worker the request queue wakes, and when: the counterpart of set/watch.ts for strategies with an I/O thread.
 *
 * Waking a worker costs more than most events do (5 to 28 µs against 7), and a worker that is awake looks into the queue before it parks. So
 * a put wakes a worker only if none is awake. What else makes a worker more worth its wake-up:
 *
 *   a stall      nothing was taken for WATCH_INTERVAL_MS while entries wait: all workers that are awake are inside long handlers. The I/O
 *                thread wakes one more, and the next puts wake one each, because long handlers rarely come alone; until a worker finds
 *                that it was not inside one, but waited for a core
 *   a backlog    many entries wait, and a core is free for one worker more
 *   long events  the worker that takes an entry leaves others behind, its events take longer than a wake-up is worth (event-cost.ts), and a
 *                core is free; the I/O thread takes none while it waits
 *
 * No wake-up is lost: a worker sets its bit in PARKED and then looks into the queue, and the I/O thread puts an entry and then looks at the
 * bits. While entries wait the I/O thread waits for WATCH_INTERVAL_MS at most, so an entry never waits for a handler to end while a worker is
 * parked.
 *
 * Back-pressure: while the queue is full, the I/O thread takes no event and parks. The worker that leaves it half empty wakes the thread. Both
 * sides look after they have written: the thread stores QUEUE_AWAITED, sets its bit and looks for room; a worker makes room, loads
 * QUEUE_AWAITED and claims the bit.
 */
import { QUEUE_AWAITED, QUEUE_CAPACITY, STATE, threadArea, UNTHROTTLED } from '../memory/layout.js';
import type { ParkingLot } from './parking-lot.js';
import type { RequestQueue } from './request-queue.js';
import { LEADER_STATE } from './thread-state.js';
import { unthrottledAfter, WATCH_INTERVAL_MS } from './watch.js';

/** The thread that waits on the handle set and puts entries, in all strategies that have one. All others are workers. */
export const IO_THREAD = 0;

const STALL_MICROS = WATCH_INTERVAL_MS * 1000;
/** Short events that one worker takes in about the time that another needs to wake and to take its first. */
const BACKLOG = 16;
/** Entries at which the I/O thread goes on after the queue was full: one wake-up for many puts. */
const MAX_ENTRIES_TO_GO_ON = QUEUE_CAPACITY / 2;

export class QueueWakeUps {
  readonly #words: Int32Array;
  readonly #lot: ParkingLot;
  readonly #queue: RequestQueue;
  /** Entries taken when that was last seen to change, or the queue to be empty; and since when the oldest entry waits, by that. */
  #taken = 0;
  #waitingSince = 0;
  /** Entries taken before the last stall. */
  #takenAtStall = 0;

  constructor(control: SharedArrayBuffer, lot: ParkingLot, queue: RequestQueue) {
    this.#words = new Int32Array(control);
    this.#lot = lot;
    this.#queue = queue;
  }

  // ---- the I/O thread ------------------------------------------------------------------------------------------------------

  /**
   * An entry was put.
   *
   * @param length as `put` returned it
   * @param micros the present time by sys/clock.ts, roughly
   * @returns whether a worker had to be woken
   */
  put(length: number, micros: number): boolean {
    if (length === 1) this.#waitsSince(micros);
    if (!this.#lot.othersAreAwake(IO_THREAD)) return this.#lot.wakeOther(IO_THREAD);
    if (this.#words[UNTHROTTLED]! > 0) {
      Atomics.sub(this.#words, UNTHROTTLED, 1);
      return this.#lot.wakeOther(IO_THREAD);
    }
    return length >= BACKLOG && this.#lot.hasIdleCore() && this.#lot.wakeOther(IO_THREAD);
  }

  /** How long the I/O thread may wait before it calls `check`, in milliseconds; Infinity for no limit. */
  maxWaitMs(): number {
    return this.#queue.length() === 0 ? Number.POSITIVE_INFINITY : WATCH_INTERVAL_MS;
  }

  /**
   * Looks for a stall. To be called after each wait of the I/O thread, and before it parks.
   *
   * @param micros the present time by sys/clock.ts
   * @returns whether it has woken a worker for it
   */
  check(micros: number): boolean {
    if (this.#queue.length() === 0) return false;
    if (this.#queue.taken() !== this.#taken) {
      this.#waitsSince(micros);
      return false;
    }
    if (micros - this.#waitingSince < STALL_MICROS) return false;
    this.#waitingSince = micros;
    Atomics.store(this.#words, UNTHROTTLED, unthrottledAfter((this.#taken - this.#takenAtStall) >>> 0));
    this.#takenAtStall = this.#taken;
    return this.#lot.wakeOther(IO_THREAD);
  }

  #waitsSince(micros: number): void {
    this.#taken = this.#queue.taken();
    this.#waitingSince = micros;
  }

  /** The queue is full: the I/O thread parks next, until `hasRoom`. */
  awaitRoom(): void {
    Atomics.store(this.#words, QUEUE_AWAITED, 1);
  }

  /**
   * The I/O thread has parked for room, and is awake. No worker does this for it: the thread may be about to park again by then, and would
   * not be woken (found by the model).
   */
  endWaitForRoom(): void {
    Atomics.store(this.#words, QUEUE_AWAITED, 0);
  }

  /** Whether there is so much room that the I/O thread goes on. */
  hasRoom(): boolean {
    return this.#queue.hasRoom() && this.#queue.length() <= MAX_ENTRIES_TO_GO_ON;
  }

  // ---- workers -------------------------------------------------------------------------------------------------------------

  /** An entry was taken: wakes the I/O thread if it has waited for that. */
  madeRoom(): void {
    if (Atomics.load(this.#words, QUEUE_AWAITED) === 0 || this.#queue.length() > MAX_ENTRIES_TO_GO_ON) return;
    this.#lot.wake(IO_THREAD);
  }

  /** What was taken for a stall was a worker that the system did not run. */
  retractStall(): void {
    if (Atomics.load(this.#words, UNTHROTTLED) !== 0) Atomics.store(this.#words, UNTHROTTLED, 0);
  }

  /**
   * A worker leaves the entries that wait, which are worth a wake-up (event-cost.ts), to another one.
   *
   * @returns whether that had to be woken
   */
  leavesEntries(): boolean {
    const waiting = this.#words[threadArea(IO_THREAD) + STATE] === LEADER_STATE ? 1 : 0;
    return this.#lot.hasIdleCore(waiting) && this.#lot.wakeOther(IO_THREAD);
  }
}
