/**
 * A thread's mailbox: hand-offs of events for handles that are bound to it, and hand-overs of handles that it is to enter.
 *
 * One producer at a time (only the leader hands off, so LEADER orders the producers) and one consumer: a ring needs
 * no lock. The state word of a handle lets it be queued once only. Where the ring is full nevertheless,
 * MAILBOX_SWEEP asks the thread to look at every handle bound to it, so nothing depends on the capacity.
 */
import {
  MAILBOX_CAPACITY,
  MAILBOX_ENTRIES,
  MAILBOX_ENTRY_WORDS,
  MAILBOX_PUT,
  MAILBOX_SWEEP,
  MAILBOX_TAKEN,
  threadArea,
} from '../memory/layout.js';

/** A bit of an entry's second word, above the 16 bits of the generation. */
const IS_HAND_OVER = 1 << 16;

export class Mailbox {
  readonly #words: Int32Array;
  readonly #area: number;

  /** The entry that `peek` read last. */
  fd = -1;
  generation = 0;
  isHandOver = false;

  constructor(control: SharedArrayBuffer, thread: number) {
    this.#words = new Int32Array(control);
    this.#area = threadArea(thread);
  }

  /**
   * The leader puts an entry, then wakes the thread.
   *
   * @param isHandOver asks the thread to enter the handle. Default: the handle is bound to the thread
   */
  put(fd: number, generation: number, isHandOver = false): void {
    const words = this.#words;
    const put = Atomics.load(words, this.#area + MAILBOX_PUT);
    if (((put - Atomics.load(words, this.#area + MAILBOX_TAKEN)) | 0) >= MAILBOX_CAPACITY) {
      this.requestSweep();
      return;
    }
    const at = this.#area + MAILBOX_ENTRIES + (put & (MAILBOX_CAPACITY - 1)) * MAILBOX_ENTRY_WORDS;
    words[at] = fd;
    words[at + 1] = isHandOver ? generation | IS_HAND_OVER : generation;
    Atomics.store(words, this.#area + MAILBOX_PUT, (put + 1) | 0);
  }

  /** Asks the thread to look at every handle bound to it. */
  requestSweep(): void {
    Atomics.store(this.#words, this.#area + MAILBOX_SWEEP, 1);
  }

  /** Whether there is an entry or a request for a sweep. Called only by the thread itself, which alone writes MAILBOX_TAKEN. */
  hasPending(): boolean {
    const words = this.#words;
    return (
      Atomics.load(words, this.#area + MAILBOX_PUT) !== words[this.#area + MAILBOX_TAKEN]! ||
      Atomics.load(words, this.#area + MAILBOX_SWEEP) !== 0
    );
  }

  /** The same by plain loads, for the hot path: what it misses is seen by `hasPending` before the thread sleeps. */
  hasPendingHint(): boolean {
    const words = this.#words;
    return (
      words[this.#area + MAILBOX_PUT] !== words[this.#area + MAILBOX_TAKEN] ||
      words[this.#area + MAILBOX_SWEEP] !== 0
    );
  }

  /** Whether the oldest entry is a hand-over. By plain loads: a hint. Called only by the thread itself. */
  hasHandOverHint(): boolean {
    const words = this.#words;
    const taken = words[this.#area + MAILBOX_TAKEN]!;
    if (words[this.#area + MAILBOX_PUT] === taken) return false;
    const at = this.#area + MAILBOX_ENTRIES + (taken & (MAILBOX_CAPACITY - 1)) * MAILBOX_ENTRY_WORDS;
    return (words[at + 1]! & IS_HAND_OVER) !== 0;
  }

  /**
   * The thread reads the oldest entry into `fd`, `generation` and `isHandOver`. It removes a hand-over only once it has entered
   * the handle: an entry that is left in a dead thread's mailbox is not forgotten.
   *
   * @returns false when there is none
   */
  peek(): boolean {
    const words = this.#words;
    const taken = Atomics.load(words, this.#area + MAILBOX_TAKEN);
    if (taken === Atomics.load(words, this.#area + MAILBOX_PUT)) return false;
    const at = this.#area + MAILBOX_ENTRIES + (taken & (MAILBOX_CAPACITY - 1)) * MAILBOX_ENTRY_WORDS;
    this.fd = words[at]!;
    this.generation = words[at + 1]! & ~IS_HAND_OVER;
    this.isHandOver = (words[at + 1]! & IS_HAND_OVER) !== 0;
    return true;
  }

  /** The thread removes the oldest entry, which there is. */
  remove(): void {
    const words = this.#words;
    Atomics.store(words, this.#area + MAILBOX_TAKEN, (words[this.#area + MAILBOX_TAKEN]! + 1) | 0);
  }

  /** Clears the request for a sweep. @returns whether there was one */
  takeSweep(): boolean {
    const word = this.#area + MAILBOX_SWEEP;
    return Atomics.load(this.#words, word) !== 0 && Atomics.exchange(this.#words, word, 0) !== 0;
  }

  /**
   * Discards everything, for a new thread with this number.
   *
   * @returns whether there was an entry. It may have been for a handle that is bound to no thread: the caller requests a rescan
   */
  clear(): boolean {
    const words = this.#words;
    const put = Atomics.load(words, this.#area + MAILBOX_PUT);
    const discarded = Atomics.exchange(words, this.#area + MAILBOX_TAKEN, put) !== put;
    Atomics.store(words, this.#area + MAILBOX_SWEEP, 0);
    return discarded;
  }
}
