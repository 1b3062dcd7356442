/**
 * The record of state changes: a bounded ring for each thread, in shared memory. The thread writes (the control plane, once
 * it is dead), anybody reads; neither waits for the other, and what was overwritten before it was read is counted as missed.
 *
 * TRANSITIONS_PUT wraps at 2^32, some eight hours of a busy thread, so it is compared by differences only: that of two
 * counts is right as long as a reader looks once within 2^32 transitions; one that does not counts too few as missed.
 */
import {
  TRANSITION_CAPACITY,
  TRANSITION_WORDS,
  TRANSITIONS,
  TRANSITIONS_PUT,
  threadArea,
} from '../memory/layout.js';

const LOW_HALF = 0x1_0000_0000;
/** What a reader gets at most: one slot may be half written by the time it is copied, so the oldest one is given up. */
const READABLE = TRANSITION_CAPACITY - 1;
/** The longest promotion that a word holds: 35 minutes. */
const MAX_PROMOTION_MICROS = 2 ** 31 - 1;

/** Where the transition of that number lies within the thread's area. */
const slotOf = (index: number): number =>
  TRANSITIONS + (index & (TRANSITION_CAPACITY - 1)) * TRANSITION_WORDS;

/** The writer's side of a thread's ring. */
export class Transitions {
  readonly #words: Int32Array;
  readonly #area: number;
  #put: number;

  constructor(control: SharedArrayBuffer, thread: number) {
    this.#words = new Int32Array(control);
    this.#area = threadArea(thread);
    this.#put = Atomics.load(this.#words, this.#area + TRANSITIONS_PUT);
  }

  /**
   * @param micros of sys/clock.ts
   * @param promoter for a change to leader, 1 + the thread that gave leadership up; else 0
   * @param promotionMicros how long ago that was
   */
  record(from: number, to: number, micros: number, promoter: number, promotionMicros: number): void {
    const words = this.#words;
    const at = this.#area + slotOf(this.#put);
    words[at] = from | (to << 4) | (promoter << 8);
    const high = (micros / LOW_HALF) | 0;
    words[at + 1] = micros - high * LOW_HALF;
    words[at + 2] = high;
    words[at + 3] = Math.min(promotionMicros, MAX_PROMOTION_MICROS);
    this.#put = (this.#put + 1) | 0;
    Atomics.store(words, this.#area + TRANSITIONS_PUT, this.#put);
  }
}

export interface RecordedTransition {
  readonly from: number;
  readonly to: number;
  /** In microseconds of sys/clock.ts. */
  readonly micros: number;
  /** For a change to leader: the thread that gave leadership up before, and how many microseconds; -1 and 0 else. */
  readonly promoter: number;
  readonly promotionMicros: number;
}

/** A reader of one thread's ring: it sees each transition once, or counts it as missed. */
export class TransitionReader {
  readonly #words: Int32Array;
  readonly #area: number;
  #seen: number;
  /** Transitions that were overwritten before they were read. */
  missed = 0;

  /** @param past begins with what the ring still holds instead of with what comes from now on */
  constructor(control: SharedArrayBuffer, thread: number, past = false) {
    this.#words = new Int32Array(control);
    this.#area = threadArea(thread);
    const put = Atomics.load(this.#words, this.#area + TRANSITIONS_PUT);
    this.#seen = past ? this.#oldest(put) : put;
  }

  /**
   * What has come since the last call, oldest first.
   *
   * @param max reads only so many, the newest; those before count as missed
   */
  read(max = TRANSITION_CAPACITY): RecordedTransition[] {
    const put = Atomics.load(this.#words, this.#area + TRANSITIONS_PUT);
    const behind = (put - this.#seen) >>> 0;
    return this.#copy(behind, put, Math.min(behind, max, READABLE));
  }

  /** The same, but of more than `max` it reads the oldest, and leaves the others for the next call. */
  readOldest(max: number): RecordedTransition[] {
    const put = Atomics.load(this.#words, this.#area + TRANSITIONS_PUT);
    const behind = (put - this.#seen) >>> 0;
    const held = Math.min(behind, READABLE);
    const count = Math.min(held, max);
    return this.#copy(behind - (held - count), (put - (held - count)) | 0, count);
  }

  /** Reads the `count` transitions before the number `end`; up to there `behind` have not been read. */
  #copy(behind: number, end: number, count: number): RecordedTransition[] {
    const from = (end - count) | 0;
    const copied: RecordedTransition[] = [];
    for (let offset = 0; offset < count; offset++) copied.push(this.#at(from + offset));
    this.#seen = end;
    // Those that the writer came round to while they were copied are not to be trusted.
    const put = Atomics.load(this.#words, this.#area + TRANSITIONS_PUT);
    const spoilt = Math.min(count, Math.max(0, (put - READABLE - from) | 0));
    this.missed += behind - count + spoilt;
    return copied.slice(spoilt);
  }

  /** The number of the oldest transition that the ring holds. */
  #oldest(put: number): number {
    // A change is never from a state to itself, so this word is 0 only where nothing was written yet: `put` has not wrapped.
    const isFull = this.#words[this.#area + slotOf(put)] !== 0;
    return isFull ? (put - READABLE) | 0 : 0;
  }

  #at(index: number): RecordedTransition {
    const words = this.#words;
    const at = this.#area + slotOf(index);
    return {
      from: words[at]! & 0xf,
      to: (words[at]! >> 4) & 0xf,
      micros: (words[at + 1]! >>> 0) + words[at + 2]! * LOW_HALF,
      promoter: (words[at]! >> 8) - 1,
      promotionMicros: words[at + 3]!,
    };
  }
}
