/**
 * What a thread records of itself, all through one seam: `transition(from, to)`. It feeds the ring of transitions, the time
 * spent in each state, and the histograms. Recording is on while the word RECORDING says so; without it only the clock is
 * read, which others need as well (the date of responses).
 *
 * Reading the clock is what costs (35 ns where a request takes 7000), so a reading serves as much as it can:
 *
 *   leader ── takes an event from the list at once: no reading, its leadership counts as 0 µs ──▶ processing
 *          └─ filled the list first: the reading of `refilled` ─────────────────────────────────▶ processing
 *   processing ── one reading: also the end of the request answered meanwhile ──────────────────▶ leader, follower
 *
 * Owner of the words PROMOTER, PROMOTED_AT, READY_SINCE and RECORDING, and of the sums (but for the bytes) and histograms of
 * the thread.
 */
import { bucketOf } from '../memory/histogram.js';
import { PROMOTED_AT, PROMOTER, READY_SINCE, RECORDING, REQUEST_TO, threadArea } from '../memory/layout.js';
import {
  HISTOGRAM_SUMS,
  histogramOf,
  LOOP_DELAYS,
  PROMOTION_TIMES,
  QUEUE_WAITS,
  RESPONSE_TIMES,
  SINCE,
  STATE_TIMES,
  sumsOf,
} from '../memory/sums.js';
import { nowMicros } from '../sys/clock.js';
import { LEADER_STATE, PROCESSING } from './thread-state.js';
import { Transitions } from './transitions.js';

export class Recorder {
  readonly #words: Int32Array;
  readonly #times: Float64Array;
  readonly #thread: number;
  readonly #requestTo: number;
  readonly #transitions: Transitions;
  readonly #sums: Float64Array;
  readonly #responseTimes: Uint32Array;
  readonly #promotionTimes: Uint32Array;
  readonly #queueWaits: Uint32Array;
  readonly #loopDelays: Uint32Array;
  /** The clock at the last change of state; 0 while that is not recorded. */
  #since: number;
  /** The clock's last reading, and whether nothing that takes time has been done since. */
  #reading = 0;
  #fresh = false;
  /** The thread's own loop was watched until then; `#watching`: until the next reading. */
  #watchedUntil = 0;
  #watching = false;
  /** When the request came that was answered since the last reading; 0 for none. */
  #answeredFrom = 0;
  /** A request has begun in this stay, or something else took time: the next one needs a reading of its own. */
  #begun = false;

  constructor(control: SharedArrayBuffer, thread: number) {
    this.#words = new Int32Array(control);
    this.#times = new Float64Array(control);
    this.#thread = thread;
    this.#requestTo = threadArea(thread) + REQUEST_TO;
    this.#transitions = new Transitions(control, thread);
    this.#sums = sumsOf(control, thread);
    this.#responseTimes = histogramOf(control, thread, RESPONSE_TIMES);
    this.#promotionTimes = histogramOf(control, thread, PROMOTION_TIMES);
    this.#queueWaits = histogramOf(control, thread, QUEUE_WAITS);
    this.#loopDelays = histogramOf(control, thread, LOOP_DELAYS);
    this.#since = this.#sums[SINCE]!;
  }

  /** The clock at its last reading, which is of this event, in microseconds of sys/clock.ts. */
  get micros(): number {
    return this.#reading;
  }

  /** The one seam: called before leadership is given up, and after it is won. */
  transition(from: number, to: number): void {
    const now = this.#fresh ? this.#reading : this.#read();
    // Whatever a new leader takes from the list now is taken at this time.
    this.#fresh = to === LEADER_STATE;
    if (this.#words[RECORDING] === 0) {
      if (this.#since !== 0) this.#forget();
      return;
    }
    const sums = this.#sums;
    if (this.#since !== 0) sums[STATE_TIMES + from]! += now - this.#since;
    this.#since = now;
    sums[SINCE] = now;
    if (this.#answeredFrom !== 0) this.#answered(now);
    this.#begun = false;
    if (to === LEADER_STATE) {
      this.#leads(from, now);
      return;
    }
    if (from === LEADER_STATE) this.#givesUp(to, now);
    this.#transitions.record(from, to, now, 0, 0);
  }

  #leads(from: number, now: number): void {
    const promoter = this.#words[PROMOTER]!;
    const tookMicros = promoter === 0 ? 0 : Math.max(0, now - this.#times[PROMOTED_AT]!);
    if (promoter !== 0 && promoter !== this.#thread + 1)
      this.#count(this.#promotionTimes, PROMOTION_TIMES, tookMicros);
    this.#transitions.record(from, LEADER_STATE, now, promoter, tookMicros);
  }

  #givesUp(to: number, now: number): void {
    const words = this.#words;
    words[PROMOTER] = this.#thread + 1;
    this.#times[PROMOTED_AT] = now;
    if (to !== PROCESSING) return;
    words[this.#requestTo] = 0;
    this.#count(this.#queueWaits, QUEUE_WAITS, Math.max(0, now - this.#times[READY_SINCE]!));
  }

  /** The leader has filled the ready list. */
  refilled(): void {
    this.#times[READY_SINCE] = this.#read();
    this.#fresh = true;
  }

  /** Something took time: the last reading is no longer the present. The thread's own loop was watched meanwhile. */
  waited(): void {
    this.#fresh = false;
    this.#watching = true;
  }

  /** The thread's own loop has run. */
  turnBegan(): void {
    this.#fresh = false;
    this.#begun = true;
    this.#watching = true;
  }

  /** The thread's own loop is about to run. */
  turnEnds(): void {
    if (this.#words[RECORDING] === 0) return;
    const now = this.#read();
    if (this.#answeredFrom !== 0) this.#answered(now);
    if (this.#watchedUntil !== 0) this.#count(this.#loopDelays, LOOP_DELAYS, now - this.#watchedUntil);
  }

  /** A request is complete enough to be processed. @returns what `requestEnded` is to be told; 0 while nothing is recorded */
  requestBegan(): number {
    if (this.#since === 0) return 0;
    if (!this.#begun) {
      this.#begun = true;
      return this.#since;
    }
    const now = this.#read();
    if (this.#answeredFrom !== 0) this.#answered(now);
    return now;
  }

  /** The response is complete. @param began what `requestBegan` said */
  requestEnded(began: number): void {
    if (began === 0 || this.#since === 0) return;
    // The change of state that comes next reads the clock anyway.
    if (this.#answeredFrom === 0) this.#answeredFrom = began;
    else this.#count(this.#responseTimes, RESPONSE_TIMES, this.#read() - began);
  }

  /** Recording has been switched off: what lies between now and its next beginning is nobody's. */
  #forget(): void {
    this.#since = 0;
    this.#sums[SINCE] = 0;
    this.#answeredFrom = 0;
    this.#watchedUntil = 0;
  }

  #answered(now: number): void {
    this.#count(this.#responseTimes, RESPONSE_TIMES, now - this.#answeredFrom);
    this.#answeredFrom = 0;
  }

  #count(histogram: Uint32Array, which: number, micros: number): void {
    histogram[bucketOf(micros)]!++;
    this.#sums[HISTOGRAM_SUMS + which]! += micros;
  }

  #read(): number {
    const now = nowMicros();
    this.#reading = now;
    if (this.#watching) {
      this.#watching = false;
      this.#watchedUntil = now;
    }
    return now;
  }
}

/** A dead thread's leadership is given up by recovery: the promotion is from the dead one's lane all the same. */
export function recordRevocation(words: Int32Array, dead: number): void {
  words[PROMOTER] = dead + 1;
  new Float64Array(words.buffer)[PROMOTED_AT] = nowMicros();
}

/** Switches recording on or off for all threads. */
export function setRecording(control: SharedArrayBuffer, on: boolean): void {
  Atomics.store(new Int32Array(control), RECORDING, on ? 1 : 0);
}
