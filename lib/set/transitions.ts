/**
 * The record of state changes: a bounded ring for each thread, in shared memory. The thread writes, the control plane
 * reads; neither waits for the other, and what was overwritten before it was read is counted as missed.
 *
 * Recording is on while anybody listens; the word RECORDING says so.
 */
import {
  RECORDING,
  TRANSITION_CAPACITY,
  TRANSITION_WORDS,
  TRANSITIONS,
  TRANSITIONS_PUT,
  threadArea,
} from '../memory/layout.js';

/** Microseconds since the epoch; the clock that all threads share. */
const nowMicros = (): number => Math.round((performance.timeOrigin + performance.now()) * 1000);

export class Transitions {
  readonly #words: Int32Array;
  readonly #area: number;
  #put: number;

  constructor(control: SharedArrayBuffer, thread: number) {
    this.#words = new Int32Array(control);
    this.#area = threadArea(thread);
    this.#put = Atomics.load(this.#words, this.#area + TRANSITIONS_PUT);
  }

  record(from: number, to: number): void {
    const words = this.#words;
    // A plain look: it is on the way of every event, and recording may begin one transition late.
    if (words[RECORDING] === 0) return;
    const at = this.#area + TRANSITIONS + (this.#put & (TRANSITION_CAPACITY - 1)) * TRANSITION_WORDS;
    const now = nowMicros();
    words[at] = (from << 8) | to;
    words[at + 1] = now % 0x1_0000_0000;
    words[at + 2] = now / 0x1_0000_0000;
    this.#put = (this.#put + 1) | 0;
    Atomics.store(words, this.#area + TRANSITIONS_PUT, this.#put);
  }
}

export interface RecordedTransition {
  readonly from: number;
  readonly to: number;
  /** Milliseconds since the epoch, with microseconds behind the point. */
  readonly time: number;
}

/** The control plane's side of one thread's ring. */
export class TransitionReader {
  readonly #words: Int32Array;
  readonly #area: number;
  #seen: number;
  /** Transitions that were overwritten before they were read. */
  missed = 0;

  constructor(control: SharedArrayBuffer, thread: number) {
    this.#words = new Int32Array(control);
    this.#area = threadArea(thread);
    this.#seen = Atomics.load(this.#words, this.#area + TRANSITIONS_PUT);
  }

  /** What has come since the last call, oldest first. */
  read(): RecordedTransition[] {
    const words = this.#words;
    const put = Atomics.load(words, this.#area + TRANSITIONS_PUT);
    let from = this.#seen;
    // One slot may be half written by the time it is copied, so the oldest one is given up.
    const readable = TRANSITION_CAPACITY - 1;
    if (put - from > readable) from = this.#skip(from, put - readable);
    const copied: RecordedTransition[] = [];
    for (let index = from; index !== put; index = (index + 1) | 0) {
      const at = this.#area + TRANSITIONS + (index & (TRANSITION_CAPACITY - 1)) * TRANSITION_WORDS;
      const time = ((words[at + 1]! >>> 0) + (words[at + 2]! >>> 0) * 0x1_0000_0000) / 1000;
      copied.push({ from: words[at]! >> 8, to: words[at]! & 0xff, time });
    }
    const oldest = Atomics.load(words, this.#area + TRANSITIONS_PUT) - readable;
    this.#seen = put;
    // Those that the writer came round to while they were copied are not to be trusted.
    const spoilt = Math.min(copied.length, Math.max(0, oldest - from));
    this.missed += spoilt;
    return copied.slice(spoilt);
  }

  #skip(from: number, to: number): number {
    this.missed += to - from;
    return to;
  }
}

/** Switches recording on or off for all threads. */
export function setRecording(control: SharedArrayBuffer, on: boolean): void {
  Atomics.store(new Int32Array(control), RECORDING, on ? 1 : 0);
}
