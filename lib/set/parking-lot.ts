/**
 * Where followers park, and how one of them is woken.
 *
 * A thread sleeps in ppoll(2), for its doorbell and its own event loop: work may reach the loop at any time, even if nothing
 * in it is alive (a compiled WebAssembly module, a message for an unreferenced port, the acknowledgement of console output),
 * so no thread may sleep without it: docs/decisions/0007. A thread that is parked has its bit set in PARKED. Clearing the bit
 * *claims* the thread: exactly one party does. That party either owes it one ring of the doorbell, or is the thread itself,
 * which then goes on without one.
 *
 *   parks:  set bit; a reason to stay awake? ─yes─▶ clear bit ─▶ awake
 *                     └─no─▶ sleep until the doorbell rings; reset it ─▶ clear bit if still set; clear WAKING if it names me ─▶ awake
 *   wakes:  WAKING: 0 → candidate; clear its bit (claimed) ─▶ ring its doorbell
 *                                          └─ it was awake already: WAKING → 0, next candidate
 *
 * The doorbell is reset after the sleep and before the bit is set again, never between the bit and the sleep: that could
 * swallow the ring that ends this very sleep.
 *
 * WAKING limits the wake-ups of promotions to one in flight: while it is set a thread is about to try for leadership, so a
 * second wake-up would only bring a second thread that finds leadership taken. The woken thread clears WAKING *before* it
 * tries to lead; a thread that vacates leadership after that reads 0 and wakes again. A spurious wake-up (the doorbell still
 * rings from before) does no harm: the thread finds nothing to do and parks again.
 *
 * The protocol is model-checked: spec/model/election.pml names the functions of this file.
 */
import { availableParallelism } from 'node:os';
import {
  CURRENT_FD,
  ENGAGED,
  LEADER,
  MAILBOX_PUT,
  MAILBOX_TAKEN,
  PARKED,
  RESERVED,
  STATE,
  threadArea,
  WAKING,
} from '../memory/layout.js';
import { signalEventCounter } from '../sys/descriptor.js';
import { hostsOf } from './engagement.js';
import { DEAD, FOLLOWER, PROCESSING, STARTING } from './thread-state.js';

/**
 * Sleeps until the thread's doorbell rings, which it resets, until its own event loop has work, or for `timeoutMs` (Infinity
 * for no limit).
 *
 * @returns false when the time was up
 */
export type Sleep = (timeoutMs: number) => boolean;

export class ParkingLot {
  readonly #words: Int32Array;
  readonly #doorbells: readonly number[];
  /** Words of a mask that have bits of threads. */
  readonly #maskWords: number;
  readonly #hosts: number;
  readonly #cores: number;

  /**
   * @param doorbells an eventfd for each thread, readable once it is woken
   * @param cores on which threads run. Default: those that the process may use
   */
  constructor(control: SharedArrayBuffer, doorbells: readonly number[], cores = availableParallelism()) {
    this.#words = new Int32Array(control);
    this.#doorbells = doorbells;
    this.#maskWords = (doorbells.length + 31) >> 5;
    this.#hosts = hostsOf(doorbells.length, cores);
    this.#cores = cores;
  }

  /**
   * Parks the calling thread.
   *
   * @param mustStayAwake whether there is a reason not to sleep; called after the bit is set. A waker does it the other way
   *   round (it makes the reason, then looks for the bit), so one of the two sees the other
   * @returns whether a promotion woke it: other threads then rely on it to try for leadership first
   */
  park(self: number, mustStayAwake: () => boolean, sleep: () => void): boolean {
    const words = this.#words;
    setBit(words, self);
    if (!mustStayAwake()) sleep();
    // If the bit is clear, a waker has claimed this thread; and its ring, should it still be to come, is harmless.
    clearBit(words, self);
    return Atomics.compareExchange(words, WAKING, self + 1, 0) === self + 1;
  }

  /**
   * Wakes one parked thread to try for leadership, unless such a wake-up is in flight; see #candidate for which.
   *
   * @returns whether this call woke one
   */
  wakeOne(): boolean {
    const words = this.#words;
    for (;;) {
      if (Atomics.load(words, WAKING) !== 0) return false;
      const candidate = this.#candidate();
      if (candidate < 0) return false;
      if (Atomics.compareExchange(words, WAKING, 0, candidate + 1) !== 0) return false;
      if (this.wake(candidate)) return true;
      // It woke by itself, perhaps for a long handler: it is no candidate any more.
      Atomics.compareExchange(words, WAKING, candidate + 1, 0);
      // There is a leader already. Without this check, a thread that parks and wakes for a hand-off in step with this loop
      // would be promoted again and again while nobody needs it (found by the model).
      if (Atomics.load(words, LEADER) !== 0) return false;
    }
  }

  /**
   * Wakes the parked thread with the lowest number, for anything but leadership: of strategies with an I/O thread.
   *
   * @param except the thread that is not woken
   * @returns whether this call woke one
   */
  wakeOther(except: number): boolean {
    for (let word = 0; word < this.#maskWords; word++) {
      let parked = Atomics.load(this.#words, PARKED + word) & ~maskOf(except, word);
      for (; parked !== 0; parked &= parked - 1) {
        if (this.wake(word * 32 + lowestBit(parked))) return true;
      }
    }
    return false;
  }

  /** Whether a living thread but `except` is not parked: before it parks, it looks for a reason to stay awake. */
  othersAreAwake(except: number): boolean {
    for (let thread = 0; thread < this.#doorbells.length; thread++) {
      if (thread === except) continue;
      if ((Atomics.load(this.#words, PARKED + (thread >> 5)) & (1 << (thread & 31))) !== 0) continue;
      // By a plain load: a thread that has just begun looks for a reason as well.
      const state = this.#words[threadArea(thread) + STATE]!;
      if (state !== DEAD && state !== STARTING) return true;
    }
    return false;
  }

  /** Wakes the thread if it is parked. @returns whether it was */
  wake(thread: number): boolean {
    if (!clearBit(this.#words, thread)) return false;
    signalEventCounter(this.#doorbells[thread]!);
    return true;
  }

  /**
   * Removes a dead thread: clears its bit and the wake-up in flight (the dead thread may have been its waker or its target),
   * and wakes all threads, so that no wake-up that it owed is missing.
   */
  removeThread(dead: number, threads: number): void {
    const words = this.#words;
    clearBit(words, dead);
    Atomics.store(words, WAKING, 0);
    this.wakeAll(threads);
  }

  /** Wakes every thread, also one that was claimed by a thread that then died before it rang the doorbell. */
  wakeAll(threads: number): void {
    for (let thread = 0; thread < threads; thread++) {
      clearBit(this.#words, thread);
      signalEventCounter(this.#doorbells[thread]!);
    }
  }

  /**
   * Whether fewer threads are awake than there are cores. By plain loads: a hint.
   *
   * @param waiting threads that are not parked, but wait in the kernel. Default: none
   */
  hasIdleCore(waiting = 0): boolean {
    let awake = this.#doorbells.length - waiting;
    for (let word = 0; word < this.#maskWords; word++) awake -= countBits(this.#words[PARKED + word]!);
    return awake < this.#cores;
  }

  /** Whether a wake-up of `wakeOne` is in flight: some thread is about to try for leadership, or to look for a candidate again. */
  wakeUpInFlight(): boolean {
    return Atomics.load(this.#words, WAKING) !== 0;
  }

  /** Whether a connection could be handed over to a free thread: one leads, or `claimFree` finds one. By plain loads: a hint. */
  someoneIsFree(): boolean {
    const words = this.#words;
    const leader = words[LEADER]! - 1;
    return (leader >= 0 && !hasBit(words, ENGAGED, leader)) || this.#freeCandidate() >= 0;
  }

  /**
   * A thread that is not engaged, for the leader to hand a connection over to. If it is parked, this claims it. The caller owes it a `ring`.
   *
   * @returns the thread, -1 when there is none
   */
  claimFree(): number {
    return this.#claimed(this.#freeCandidate());
  }

  /** Whether a connection could be handed over to a host. By plain loads: a hint. */
  someHostIsFree(): boolean {
    return this.#hostCandidate() >= 0;
  }

  /** A host; as `claimFree`. */
  claimHost(): number {
    return this.#claimed(this.#hostCandidate());
  }

  /** If it has woken meanwhile, it is awake and inside nothing: it reads its mailbox before it can lead and take an event. */
  #claimed(thread: number): number {
    if (thread >= 0) clearBit(this.#words, thread);
    return thread;
  }

  /** Wakes a thread that `claimFree` or `claimHost` has returned. */
  ring(thread: number): void {
    signalEventCounter(this.#doorbells[thread]!);
  }

  /**
   * The parked thread to promote: the lowest number, so that hot threads stay hot, and what waits gathers on the hosts (engagement.ts).
   * Reserved threads come last.
   */
  #candidate(): number {
    const words = this.#words;
    let reserved = -1;
    for (let word = 0; word < this.#maskWords; word++) {
      const parked = Atomics.load(words, PARKED + word);
      if (parked === 0) continue;
      const unreserved = parked & ~words[RESERVED + word]!;
      if (unreserved !== 0) return word * 32 + lowestBit(unreserved);
      if (reserved < 0) reserved = word * 32 + lowestBit(parked);
    }
    return reserved;
  }

  /** The host to hand a connection over to: the lowest that is parked, else the lowest that is awake and `isAvailable`. */
  #hostCandidate(): number {
    const words = this.#words;
    let awake = -1;
    for (let thread = 0; thread < this.#hosts; thread++) {
      if (!isAvailable(words, thread)) continue;
      if (hasBit(words, PARKED, thread)) return thread;
      if (awake < 0) awake = thread;
    }
    return awake;
  }

  /**
   * The free thread to hand a connection over to: preferably one that is parked and not reserved, then one that is parked, then one that is
   * awake and about to park. Among equals the highest number, because promotions take the lower ones.
   */
  #freeCandidate(): number {
    const words = this.#words;
    let awake = -1;
    let reserved = -1;
    for (let thread = this.#doorbells.length - 1; thread >= 0; thread--) {
      if (!isAvailable(words, thread) || hasBit(words, ENGAGED, thread)) continue;
      const isReserved = hasBit(words, RESERVED, thread);
      const isParked = hasBit(words, PARKED, thread);
      if (isParked && !isReserved) return thread;
      if (isParked && reserved < 0) reserved = thread;
      else if (!isReserved && awake < 0) awake = thread;
    }
    return reserved >= 0 ? reserved : awake;
  }
}

/**
 * Whether the thread does not lead, is inside no connection and runs no code of the app, and has an empty mailbox: it takes an entry before it
 * runs a handler. The leader may rely on that, because no other thread can lead, and so take an event, before the entry is in the mailbox.
 */
const isAvailable = (words: Int32Array, thread: number): boolean => {
  const area = threadArea(thread);
  // In this order: the thread names the connection before it removes the entry for it.
  if (Atomics.load(words, area + MAILBOX_PUT) !== Atomics.load(words, area + MAILBOX_TAKEN)) return false;
  if (Atomics.load(words, area + CURRENT_FD) !== -1) return false;
  const state = Atomics.load(words, area + STATE);
  return state === FOLLOWER || state === PROCESSING;
};

/** By a plain load: a hint. */
const hasBit = (words: Int32Array, mask: number, thread: number): boolean =>
  (words[mask + (thread >> 5)]! & (1 << (thread & 31))) !== 0;
/** Adds neighbouring bits, then pairs, fours and bytes (Warren, Hacker's Delight, 5-1). */
function countBits(bits: number): number {
  const pairs = bits - ((bits >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** The thread's bit in a word of a mask; 0 in the others. */
const maskOf = (thread: number, word: number): number => (thread >> 5 === word ? 1 << (thread & 31) : 0);

const lowestBit = (bits: number): number => 31 - Math.clz32(bits & -bits);

function setBit(words: Int32Array, thread: number): void {
  Atomics.or(words, PARKED + (thread >> 5), 1 << (thread & 31));
}

/** @returns whether this call cleared it */
function clearBit(words: Int32Array, thread: number): boolean {
  const bit = 1 << (thread & 31);
  const word = PARKED + (thread >> 5);
  if ((Atomics.load(words, word) & bit) === 0) return false;
  return (Atomics.and(words, word, ~bit) & bit) !== 0;
}
