/**
 * Where followers wait, and how one of them is woken.
 *
 * Each thread has a wait cell of its own, a count of the wake-ups given to it. A thread that is parked has its bit set
 * in one of two masks: PARKED (it sleeps in Atomics.wait) or PARKED_IN_LOOP (it sleeps in poll(2), beside its own event
 * loop, because timers or I/O of its own are pending). Clearing the bit *claims* the thread: exactly one party does, and
 * that one owes it one wake-up, or is the thread itself, which then goes on without.
 *
 *   parks:  seen = CELL; set bit; is there a reason to stay up? ─yes─▶ clear bit ─▶ up
 *                                     └─no─▶ sleep until CELL ≠ seen ─▶ clear bit if still set; clear WAKING if it names me ─▶ up
 *   wakes:  WAKING: 0 → candidate; clear its bit (claimed) ─▶ CELL + 1, notify or doorbell
 *                                          └─ it was up already: WAKING → 0, next candidate
 *
 * WAKING holds the wake-ups of promotions down to one in flight: while it is set somebody is on the way to try for
 * leadership, so a second wake-up would only bring a second thread that finds it taken. The woken thread clears it
 * *before* it tries to lead; whoever vacates leadership after that sees 0 and wakes again. A wake-up that was not needed
 * (the cell is counted up twice) does no harm: the thread looks around and parks again.
 *
 * The protocol is model-checked: spec/model/election.pml names the functions of this file.
 */
import { CELL, LEADER, MASK_WORDS, PARKED, PARKED_IN_LOOP, threadArea, WAKING } from '../memory/layout.js';
import { signalEventCounter } from '../sys/descriptor.js';

/** How a thread sleeps. Both take the wait cell's value seen before the bit was set. */
export interface Sleep {
  /** Whether it sleeps beside its own event loop, and so has to be woken by its doorbell. */
  readonly inLoop: boolean;
  /**
   * Sleeps until the thread is woken, or for `timeoutMs` (Infinity for no end).
   *
   * @returns false when the time was up
   */
  sleep(seen: number, timeoutMs: number): boolean;
}

export class ParkingLot {
  readonly #words: Int32Array;
  readonly #doorbells: readonly number[];

  /** @param doorbells an eventfd for each thread, readable once it is woken from PARKED_IN_LOOP */
  constructor(control: SharedArrayBuffer, doorbells: readonly number[]) {
    this.#words = new Int32Array(control);
    this.#doorbells = doorbells;
  }

  /**
   * Parks the calling thread.
   *
   * @param stayUp a reason not to sleep, looked at after the bit is set: the waker's order is the other way round
   *   (it makes the reason, then looks for the bit), so one of the two sees the other
   * @param sleep sleeps; gets the wait cell's value from before the bit was set
   * @returns whether a promotion woke it, so that others count on it to try for leadership first
   */
  park(self: number, inLoop: boolean, stayUp: () => boolean, sleep: (seen: number) => void): boolean {
    const words = this.#words;
    const mask = inLoop ? PARKED_IN_LOOP : PARKED;
    const seen = Atomics.load(words, threadArea(self) + CELL);
    setBit(words, mask, self);
    if (!stayUp()) sleep(seen);
    // If the bit is gone a waker claimed this thread; its wake-up, should it still be under way, is harmless.
    clearBit(words, mask, self);
    return Atomics.compareExchange(words, WAKING, self + 1, 0) === self + 1;
  }

  /** Sleeps in Atomics.wait; see Sleep. */
  sleep(self: number, seen: number, timeoutMs: number): boolean {
    return Atomics.wait(this.#words, threadArea(self) + CELL, seen, timeoutMs) !== 'timed-out';
  }

  /**
   * Wakes one parked thread to try for leadership, unless one is on its way. Threads in Atomics.wait come first (they
   * are cheaper to wake and have nothing else to do), and lower numbers first, so that hot threads stay hot.
   *
   * @returns whether this call woke one
   */
  wakeOne(): boolean {
    const words = this.#words;
    for (;;) {
      if (Atomics.load(words, WAKING) !== 0) return false;
      const candidate = this.#lowestParked();
      if (candidate < 0) return false;
      if (Atomics.compareExchange(words, WAKING, 0, candidate + 1) !== 0) return false;
      if (this.wake(candidate)) return true;
      // It got up by itself, perhaps into a long handler: it is no candidate any more.
      Atomics.compareExchange(words, WAKING, candidate + 1, 0);
      // Somebody leads already. Without this look, a thread that parks and gets up for its mail in step with this loop
      // would be promoted again and again while nobody needs it (found by the model).
      if (Atomics.load(words, LEADER) !== 0) return false;
    }
  }

  /** Wakes a certain thread if it is parked. @returns whether it was */
  wake(thread: number): boolean {
    if (clearBit(this.#words, PARKED, thread)) {
      const cell = threadArea(thread) + CELL;
      Atomics.add(this.#words, cell, 1);
      Atomics.notify(this.#words, cell, 1);
      return true;
    }
    if (clearBit(this.#words, PARKED_IN_LOOP, thread)) {
      signalEventCounter(this.#doorbells[thread]!);
      return true;
    }
    return false;
  }

  /**
   * After a thread died: takes it out of the masks, forgets the wake-up in flight (the dead thread may have been its
   * waker or its target) and wakes everybody, so that no wake-up that it owed is missing.
   */
  forget(dead: number, threads: number): void {
    const words = this.#words;
    clearBit(words, PARKED, dead);
    clearBit(words, PARKED_IN_LOOP, dead);
    Atomics.store(words, WAKING, 0);
    this.wakeAll(threads);
  }

  /** Wakes every thread, also one whose bit is gone and whose wake-up was never given. */
  wakeAll(threads: number): void {
    for (let thread = 0; thread < threads; thread++) {
      clearBit(this.#words, PARKED, thread);
      clearBit(this.#words, PARKED_IN_LOOP, thread);
      const cell = threadArea(thread) + CELL;
      Atomics.add(this.#words, cell, 1);
      Atomics.notify(this.#words, cell, 1);
      signalEventCounter(this.#doorbells[thread]!);
    }
  }

  #lowestParked(): number {
    for (const mask of [PARKED, PARKED_IN_LOOP]) {
      for (let word = 0; word < MASK_WORDS; word++) {
        const bits = Atomics.load(this.#words, mask + word);
        if (bits !== 0) return word * 32 + 31 - Math.clz32(bits & -bits);
      }
    }
    return -1;
  }
}

function setBit(words: Int32Array, mask: number, thread: number): void {
  Atomics.or(words, mask + (thread >> 5), 1 << (thread & 31));
}

/** @returns whether this call cleared it */
function clearBit(words: Int32Array, mask: number, thread: number): boolean {
  const bit = 1 << (thread & 31);
  const word = mask + (thread >> 5);
  if ((Atomics.load(words, word) & bit) === 0) return false;
  return (Atomics.and(words, word, ~bit) & bit) !== 0;
}
