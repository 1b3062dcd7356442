/**
 * What a thread records of itself, all through one seam: `transition(from, to)`. It feeds the ring of transitions, the time
 * spent in each state, and the histograms. Hand-overs of connections are marks in the same ring. Recording is on while the word
 * RECORDING says so; while it is off only the clock is read, which others need as well (the date of responses).
 *
 * Reading the clock is the cost (35 ns where a request takes 7000), so one reading serves as many purposes as it can:
 *
 *   leader ── takes an event from the list at once: no reading, its leadership counts as 0 µs ──▶ processing
 *          └─ filled the list first: the reading of `refilled` ─────────────────────────────────▶ processing
 *   processing ── one reading: also the end of the request answered meanwhile ──────────────────▶ leader, follower
 *
 * Owner of the words PROMOTER, PROMOTED_AT, READY_SINCE and RECORDING, and of the thread's sums (except the bytes) and
 * histograms.
 */
import { bucketOf } from '../memory/histogram.js';
import {
  ownReadyList,
  PROMOTED_AT,
  PROMOTER,
  READY_SINCE,
  RECORDING,
  REQUEST_TO,
  threadArea,
} from '../memory/layout.js';
import { classCount, classCountsOf, classSumsOf } from '../memory/request-classes.js';
import {
  HISTOGRAM_SUMS,
  histogramOf,
  LOOP_DELAYS,
  PROMOTION_TIMES,
  QUEUE_WAITS,
  REQUEST_SINCE,
  RESPONSE_TIMES,
  SINCE,
  STATE_TIMES,
  sumsOf,
} from '../memory/sums.js';
import { NO_MICROS, nowMicros } from '../sys/clock.js';
import { LEADER_STATE, PROCESSING } from './thread-state.js';
import { MARK_BEGUN, MARK_GIVEN, MARK_TAKEN, Transitions } from './transitions.js';

/**
 * A request that begins when its thread has been processing for this long is marked: what came before held the thread, and would seem to be
 * one with it.
 */
const MIN_MARKED_MICROS = 1000;

export class Recorder {
  readonly #words: Int32Array;
  readonly #times: Float64Array;
  /** `#times`, or a view that has the thread's own READY_SINCE in the place of the shared one. */
  readonly #readyTimes: Float64Array;
  readonly #thread: number;
  readonly #requestTo: number;
  readonly #transitions: Transitions;
  readonly #sums: Float64Array;
  readonly #responseTimes: Uint32Array;
  readonly #promotionTimes: Uint32Array;
  readonly #queueWaits: Uint32Array;
  readonly #loopDelays: Uint32Array;
  readonly #classCounts: Uint32Array;
  readonly #classSums: Float64Array;
  /** The clock at the last change of state; 0 while nothing is recorded. */
  #since: number;
  /** The clock's last reading, and whether nothing that takes time was done since. */
  #reading = NO_MICROS;
  #readingIsCurrent = false;
  /** When the thread's own loop was last polled; 0 if unknown. `#loopPolled`: the next reading is that time. */
  #loopPolledAt = NO_MICROS;
  #loopPolled = false;
  /** When the request arrived that was answered since the last reading, and its class; 0 for none. */
  #answeredSince = NO_MICROS;
  #answeredClass = 0;
  /** A request has begun in this state, or something else took time: the next request needs a reading of its own. */
  #nextNeedsReading = false;

  readonly #promotes: boolean;

  /**
   * @param promotes whether threads promote each other. Default: they do
   * @param hasOwnList whether the thread has a ready list of its own. Default: it takes from the shared one
   */
  constructor(control: SharedArrayBuffer, thread: number, promotes = true, hasOwnList = false) {
    this.#promotes = promotes;
    this.#words = new Int32Array(control);
    this.#times = new Float64Array(control);
    this.#readyTimes = hasOwnList ? new Float64Array(control, ownReadyList(thread) * 4) : this.#times;
    this.#thread = thread;
    this.#requestTo = threadArea(thread) + REQUEST_TO;
    this.#transitions = new Transitions(control, thread);
    this.#sums = sumsOf(control, thread);
    this.#responseTimes = histogramOf(control, thread, RESPONSE_TIMES);
    this.#promotionTimes = histogramOf(control, thread, PROMOTION_TIMES);
    this.#queueWaits = histogramOf(control, thread, QUEUE_WAITS);
    this.#loopDelays = histogramOf(control, thread, LOOP_DELAYS);
    this.#classCounts = classCountsOf(control, thread);
    this.#classSums = classSumsOf(control, thread);
    this.#since = this.#sums[SINCE]!;
  }

  /** The clock's last reading, made during this event, in microseconds of sys/clock.ts. */
  get micros(): number {
    return this.#reading;
  }

  /**
   * The one seam: called before leadership is vacated, and after it is taken.
   *
   * @param tookEvent whether a leader that begins to process has taken an event
   */
  transition(from: number, to: number, tookEvent = false): void {
    const now = this.#readingIsCurrent ? this.#reading : this.#read();
    // An event that a new leader takes from the list now is taken at this time.
    this.#readingIsCurrent = to === LEADER_STATE;
    if (this.#words[RECORDING] === 0) {
      if (this.#since !== 0) this.#reset();
      return;
    }
    const sums = this.#sums;
    if (this.#since !== 0) sums[STATE_TIMES + from]! += now - this.#since;
    this.#since = now;
    sums[SINCE] = now;
    if (this.#answeredSince !== 0) this.#countResponse(now);
    this.#nextNeedsReading = false;
    if (to === LEADER_STATE) {
      this.#leadershipBegan(from, now);
      return;
    }
    if (to === PROCESSING) this.#words[this.#requestTo] = 0;
    if (from === LEADER_STATE) this.#leadershipEnded(to === PROCESSING && tookEvent, now);
    this.#transitions.record(from, to, now, 0, 0);
  }

  #leadershipBegan(from: number, now: number): void {
    const promoter = this.#promotes ? this.#words[PROMOTER]! : 0;
    const tookMicros = promoter === 0 ? 0 : Math.max(0, now - this.#times[PROMOTED_AT]!);
    if (promoter !== 0 && promoter !== this.#thread + 1)
      this.#count(this.#promotionTimes, PROMOTION_TIMES, tookMicros);
    this.#transitions.record(from, LEADER_STATE, now, promoter, tookMicros);
  }

  #leadershipEnded(tookEvent: boolean, now: number): void {
    const words = this.#words;
    if (this.#promotes) {
      words[PROMOTER] = this.#thread + 1;
      this.#times[PROMOTED_AT] = now;
    }
    if (!tookEvent) return;
    this.#count(this.#queueWaits, QUEUE_WAITS, Math.max(0, now - this.#readyTimes[READY_SINCE]!));
  }

  /**
   * The thread has taken an entry from the request queue, and begins to process it.
   *
   * @param since when it was put: the low 32 bits of the microseconds of sys/clock.ts
   */
  tookEntry(since: number): void {
    if (this.#words[RECORDING] !== 0)
      this.#count(this.#queueWaits, QUEUE_WAITS, Math.max(0, ((this.#reading | 0) - since) | 0));
  }

  /** The leader has filled the ready list. */
  refilled(): void {
    this.#readyTimes[READY_SINCE] = this.#read();
    this.#readingIsCurrent = true;
  }

  /** The thread has blocked, and polled its own loop meanwhile: the last reading is no longer current. */
  waited(): void {
    this.#readingIsCurrent = false;
    this.#loopPolled = true;
  }

  /** Reads the clock for `micros`, where no change of state did. */
  refresh(): number {
    return this.#read();
  }

  /** The thread's own loop has run. */
  turnBegan(): void {
    this.#readingIsCurrent = false;
    this.#nextNeedsReading = true;
    this.#loopPolled = true;
  }

  /** The thread's own loop is about to run. */
  turnEnds(): void {
    if (this.#words[RECORDING] === 0) return;
    const now = this.#read();
    if (this.#answeredSince !== 0) this.#countResponse(now);
    if (this.#loopPolledAt !== 0) this.#count(this.#loopDelays, LOOP_DELAYS, now - this.#loopPolledAt);
  }

  /** A request is complete enough to be processed. @returns the argument for `requestEnded`; 0 while nothing is recorded */
  requestBegan(): number {
    if (this.#since === 0) return 0;
    if (!this.#nextNeedsReading) {
      this.#nextNeedsReading = true;
      return this.#since;
    }
    const now = this.#read();
    if (this.#answeredSince !== 0) this.#countResponse(now);
    this.#furtherBegan(now);
    return now;
  }

  /** A request begins in a state in which there was another one, or other work. */
  #furtherBegan(now: number): void {
    const sums = this.#sums;
    const before = Math.max(this.#since, sums[REQUEST_SINCE]!);
    sums[REQUEST_SINCE] = now;
    if (now - before >= MIN_MARKED_MICROS) this.#transitions.mark(MARK_BEGUN, now);
  }

  /**
   * The response is complete.
   *
   * @param began as `requestBegan` returned it
   * @param requestClass of memory/request-classes.ts
   */
  requestEnded(began: number, requestClass: number): void {
    if (began === 0 || this.#since === 0) return;
    // The change of state that comes next reads the clock anyway.
    if (this.#answeredSince === 0) {
      this.#answeredSince = began;
      this.#answeredClass = requestClass;
    } else this.#countRequest(requestClass, this.#read() - began);
  }

  /** The thread has handed a connection over to another one. To be called while it is processing. */
  handedOver(): void {
    this.#mark(MARK_GIVEN);
  }

  /** The thread has taken a connection that was handed over. To be called while it is processing. */
  tookHandOver(): void {
    this.#mark(MARK_TAKEN);
  }

  /** Marks are rare enough, and worth a reading of the clock: their place between two changes of state is what they show. */
  #mark(kind: number): void {
    if (this.#words[RECORDING] !== 0) this.#transitions.mark(kind, this.#read());
  }

  /** Recording was switched off: the time until it begins again belongs to no state. */
  #reset(): void {
    this.#since = 0;
    this.#sums[SINCE] = 0;
    this.#answeredSince = 0;
    this.#loopPolledAt = 0;
  }

  #countResponse(now: number): void {
    this.#countRequest(this.#answeredClass, now - this.#answeredSince);
    this.#answeredSince = 0;
  }

  #countRequest(requestClass: number, micros: number): void {
    this.#count(this.#responseTimes, RESPONSE_TIMES, micros);
    this.#classCounts[classCount(requestClass, micros)]!++;
    this.#classSums[requestClass]! += micros;
  }

  #count(histogram: Uint32Array, which: number, micros: number): void {
    histogram[bucketOf(micros)]!++;
    this.#sums[HISTOGRAM_SUMS + which]! += micros;
  }

  #read(): number {
    const now = nowMicros();
    this.#reading = now;
    if (this.#loopPolled) {
      this.#loopPolled = false;
      this.#loopPolledAt = now;
    }
    return now;
  }
}

/** Recovery revokes a dead thread's leadership: the promotion that follows counts as the dead thread's. */
export function recordRevocation(words: Int32Array, dead: number): void {
  words[PROMOTER] = dead + 1;
  new Float64Array(words.buffer)[PROMOTED_AT] = nowMicros();
}

/** Switches recording on or off for all threads. */
export function setRecording(control: SharedArrayBuffer, on: boolean): void {
  Atomics.store(new Int32Array(control), RECORDING, on ? 1 : 0);
}
