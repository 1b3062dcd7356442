/**
 * The board: which channels have an operation to be done by the I/O thread, one bit each. So a connection is on it once, however many
 * operations its worker has asked for; it is never full; and a bit that is set twice, or that a thread died before it set, does no harm (after
 * a death the I/O thread looks at every connection).
 *
 *   worker:      ring or words of the channel; BITS |= bit; MIDDLE |= bit; TOP |= bit; IO_SLEEPS = 0?  else clear it and signal
 *   I/O thread:  IO_SLEEPS := WAITS or PARKS; TOP = 0? ─▶ sleep ─▶ IO_SLEEPS := 0 (after PARKS: with the next wait)
 *                TOP := 0, each MIDDLE := 0, each BITS := 0 (top down), then the channels
 *
 * Bits are set from the bottom up and cleared from the top down, so a set bit is always found from the top, as soon as its thread has
 * set all three. The last two lines of both sides write and then look: the I/O thread does not sleep while there is a bit.
 */
import { BOARD_BITS, BOARD_MIDDLE, BOARD_TOP, IO_SLEEPS } from '../memory/channel-words.js';
import { signalEventCounter } from '../sys/descriptor.js';

/** Values of IO_SLEEPS: the I/O thread waits on the handle set, or is parked until the request queue has room. */
export const WAITS = 1;
export const PARKS = 2;

export class OperationBoard {
  readonly #words: Int32Array;
  readonly #bells: readonly number[];
  /** What the I/O thread has taken off the board and not looked at yet: the words of each level. */
  #top = 0;
  #middle = 0;
  #bits = 0;
  #middleAt = 0;
  #bitsAt = 0;

  /**
   * @param wakeUp the wake-up handle, which ends a wait on the handle set
   * @param doorbell the I/O thread's
   */
  constructor(words: Int32Array, wakeUp: number, doorbell: number) {
    this.#words = words;
    this.#bells = [-1, wakeUp, doorbell];
  }

  /** An operation of the connection is to be done. Callable from any thread. */
  post(fd: number): void {
    const words = this.#words;
    Atomics.or(words, BOARD_BITS + (fd >> 5), 1 << (fd & 31));
    Atomics.or(words, BOARD_MIDDLE + (fd >> 10), 1 << ((fd >> 5) & 31));
    Atomics.or(words, BOARD_TOP, 1 << (fd >> 10));
    if (Atomics.load(words, IO_SLEEPS) === 0) return;
    const slept = Atomics.exchange(words, IO_SLEEPS, 0);
    if (slept !== 0) signalEventCounter(this.#bells[slept]!);
  }

  /** The next connection with an operation to be done; -1 when there is none. Called only by the I/O thread. */
  take(): number {
    const words = this.#words;
    while (this.#bits === 0) {
      while (this.#middle === 0) {
        // A plain load, for the hot path: before it sleeps, the thread looks again.
        if (this.#top === 0 && words[BOARD_TOP] !== 0) this.#top = Atomics.exchange(words, BOARD_TOP, 0);
        if (this.#top === 0) return -1;
        this.#middleAt = lowestBit(this.#top);
        this.#top &= this.#top - 1;
        this.#middle = Atomics.exchange(words, BOARD_MIDDLE + this.#middleAt, 0);
      }
      this.#bitsAt = this.#middleAt * 32 + lowestBit(this.#middle);
      this.#middle &= this.#middle - 1;
      this.#bits = Atomics.exchange(words, BOARD_BITS + this.#bitsAt, 0);
    }
    const fd = this.#bitsAt * 32 + lowestBit(this.#bits);
    this.#bits &= this.#bits - 1;
    return fd;
  }

  /** Whether `take` has more of what it took off the board last. */
  #hasRest(): boolean {
    return (this.#bits | this.#middle | this.#top) !== 0;
  }

  /**
   * The I/O thread is about to sleep.
   *
   * @param how WAITS or PARKS
   * @returns false when it must not, as there is an operation
   */
  beginSleep(how: number): boolean {
    Atomics.store(this.#words, IO_SLEEPS, how);
    if (!this.#hasRest() && Atomics.load(this.#words, BOARD_TOP) === 0) return true;
    this.endSleep();
    return false;
  }

  endSleep(): void {
    Atomics.store(this.#words, IO_SLEEPS, 0);
  }
}

const lowestBit = (bits: number): number => 31 - Math.clz32(bits & -bits);
