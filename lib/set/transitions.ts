/**
 * The record of state changes: a bounded ring for each thread, in shared memory. The thread writes (the control plane, once
 * it is dead), anybody reads; neither waits for the other, and what was overwritten before it was read is counted as missed.
 */
import {
  TRANSITION_CAPACITY,
  TRANSITION_WORDS,
  TRANSITIONS,
  TRANSITIONS_PUT,
  threadArea,
} from '../memory/layout.js';

const LOW_HALF = 0x1_0000_0000;

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
    const at = this.#area + TRANSITIONS + (this.#put & (TRANSITION_CAPACITY - 1)) * TRANSITION_WORDS;
    words[at] = from | (to << 4) | (promoter << 8);
    const high = (micros / LOW_HALF) | 0;
    words[at + 1] = micros - high * LOW_HALF;
    words[at + 2] = high;
    words[at + 3] = promotionMicros;
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
    this.#seen = past ? Math.max(0, put - (TRANSITION_CAPACITY - 1)) : put;
  }

  /**
   * What has come since the last call, oldest first.
   *
   * @param most reads only so many, the newest; those before count as missed
   */
  read(most = TRANSITION_CAPACITY): RecordedTransition[] {
    const words = this.#words;
    const put = Atomics.load(words, this.#area + TRANSITIONS_PUT);
    let from = this.#seen;
    // One slot may be half written by the time it is copied, so the oldest one is given up.
    const readable = TRANSITION_CAPACITY - 1;
    const wanted = Math.min(most, readable);
    if (put - from > wanted) from = this.#skip(from, put - wanted);
    const copied: RecordedTransition[] = [];
    for (let index = from; index !== put; index = (index + 1) | 0) copied.push(this.#at(index));
    const oldest = Atomics.load(words, this.#area + TRANSITIONS_PUT) - readable;
    this.#seen = put;
    // Those that the writer came round to while they were copied are not to be trusted.
    const spoilt = Math.min(copied.length, Math.max(0, oldest - from));
    this.missed += spoilt;
    return copied.slice(spoilt);
  }

  #at(index: number): RecordedTransition {
    const words = this.#words;
    const at = this.#area + TRANSITIONS + (index & (TRANSITION_CAPACITY - 1)) * TRANSITION_WORDS;
    return {
      from: words[at]! & 0xf,
      to: (words[at]! >> 4) & 0xf,
      micros: (words[at + 1]! >>> 0) + words[at + 2]! * LOW_HALF,
      promoter: (words[at]! >> 8) - 1,
      promotionMicros: words[at + 3]!,
    };
  }

  #skip(from: number, to: number): number {
    this.missed += to - from;
    return to;
  }
}
