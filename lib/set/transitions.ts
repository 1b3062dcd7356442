/**
 * The record of state changes: a bounded ring for each thread, in shared memory. The thread writes it (the control plane, once
 * it is dead), readers on any thread read it; neither waits for the other, and transitions that were overwritten before they
 * were read are counted as missed.
 *
 * The ring also has *marks*: moments within the state PROCESSING, at which the thread handed a connection over, took one, or began a
 * further request after one that held it.
 * A mark is recorded as a transition from PROCESSING to PROCESSING, with its kind in place of the promoter.
 *
 * TRANSITIONS_PUT wraps at 2^32, some eight hours of a busy thread, so it is compared by differences only: that of two
 * counts is right as long as a reader reads once within 2^32 transitions; one that does not counts too few as missed.
 */
import {
  TRANSITION_CAPACITY,
  TRANSITION_WORDS,
  TRANSITIONS,
  TRANSITIONS_PUT,
  threadArea,
} from '../memory/layout.js';
import { PROCESSING } from './thread-state.js';

/** The kinds of marks: the thread handed a connection over to another one, took one that was handed over, or began a request. */
export const MARK_GIVEN = 0;
export const MARK_TAKEN = 1;
export const MARK_BEGUN = 2;

const LOW_HALF = 0x1_0000_0000;
/**
 * Transitions that a reader gets at most: the oldest slot is left out, because it may be half overwritten while it is copied.
 */
const READABLE = TRANSITION_CAPACITY - 1;
/** The maximum promotion time that a word holds: 35 minutes. */
const MAX_PROMOTION_MICROS = 2 ** 31 - 1;

/** The place of the transition with that number in the thread's area. */
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
   * @param promoter for a change to leader, 1 + the thread that vacated leadership; otherwise 0
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

  /** @param kind MARK_GIVEN, MARK_TAKEN or MARK_BEGUN */
  mark(kind: number, micros: number): void {
    this.record(PROCESSING, PROCESSING, micros, kind + 1, 0);
  }
}

/** A change of state or, if `from` and `to` are the same, a mark. */
export interface RecordedTransition {
  readonly from: number;
  readonly to: number;
  /** When, in microseconds of sys/clock.ts. */
  readonly micros: number;
  /**
   * For a change to leader: the thread that vacated leadership, and how many microseconds before; otherwise -1 and 0. For a
   * mark, `promoter` is its kind.
   */
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

  /** @param past begins with the transitions that the ring still holds, instead of with the next one */
  constructor(control: SharedArrayBuffer, thread: number, past = false) {
    this.#words = new Int32Array(control);
    this.#area = threadArea(thread);
    const put = Atomics.load(this.#words, this.#area + TRANSITIONS_PUT);
    this.#seen = past ? this.#oldest(put) : put;
  }

  /**
   * The transitions since the last call, oldest first.
   *
   * @param max reads only so many, the newest; those before count as missed
   */
  read(max = TRANSITION_CAPACITY): RecordedTransition[] {
    const put = Atomics.load(this.#words, this.#area + TRANSITIONS_PUT);
    const unread = (put - this.#seen) >>> 0;
    return this.#copy(unread, put, Math.min(unread, max, READABLE));
  }

  /** The same, but reads the oldest `max`, and leaves the others for the next call. */
  readOldest(max: number): RecordedTransition[] {
    const put = Atomics.load(this.#words, this.#area + TRANSITIONS_PUT);
    const unread = (put - this.#seen) >>> 0;
    const held = Math.min(unread, READABLE);
    const count = Math.min(held, max);
    return this.#copy(unread - (held - count), (put - (held - count)) | 0, count);
  }

  /** Reads the `count` transitions before the number `end`; `unread` of those before `end` have not been read yet. */
  #copy(unread: number, end: number, count: number): RecordedTransition[] {
    const from = (end - count) | 0;
    const copied: RecordedTransition[] = [];
    for (let offset = 0; offset < count; offset++) copied.push(this.#at(from + offset));
    this.#seen = end;
    // Those that the writer may have overwritten while they were copied are invalid.
    const put = Atomics.load(this.#words, this.#area + TRANSITIONS_PUT);
    const overwritten = Math.min(count, Math.max(0, (put - READABLE - from) | 0));
    this.missed += unread - count + overwritten;
    return copied.slice(overwritten);
  }

  /** The number of the oldest transition that the ring holds. */
  #oldest(put: number): number {
    // Nothing is recorded from DEAD to itself, so this word is 0 only where nothing was written yet: `put` has not wrapped.
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
