/**
 * What one dispatch of a connection may use of its thread, so that no client and no app occupies a thread (I10). A connection
 * that has spent its budget is bound to its thread and continues after the events of others.
 *
 * Each kind of work costs a number of credits out of one sum, so a mixture is bounded as each kind alone is.
 */
import { NO_MICROS, nowMicros } from '../sys/clock.js';

const CREDITS = 4096;

/** 32 requests. For hello world they take 200 µs, as long as the events of one turn (thread/worker-loop.ts). */
export const REQUEST_COST = CREDITS / 32;
/** 16 receives of 64 KiB: copying them takes about 300 µs. */
export const RECEIVE_COST = CREDITS / 16;
/** 8 parts of a file, of 1 MiB each: sendfile(2) takes about 150 µs for one. */
export const FILE_PART_COST = CREDITS / 8;
/** 1024 parts of a body: a chunked body may come in chunks of one byte, which take 0.5 µs each. */
export const BODY_PART_COST = CREDITS / 1024;
/** 64 attempts to leave the connection at which new events were noted. */
export const NOTED_COST = CREDITS / 64;

/**
 * The time of a dispatch, for requests that cost more than hello world. Other connections wait for it where threads are few; another
 * dispatch costs a connection 2 µs, so longer ones gain nothing.
 */
const MAX_DISPATCH_MS = 5;

/** Work before which the clock is not read, at 35 ns a reading: one receive and the request in it. */
const UNTIMED_CREDITS = RECEIVE_COST + REQUEST_COST;
/** Small work reads the clock once in this many credits. */
const CREDITS_PER_READING = REQUEST_COST;

export class DispatchBudget {
  #spent = 0;
  #endMicros = NO_MICROS;
  /** When the dispatch began, by sys/clock.ts. */
  beganMicros = NO_MICROS;

  /** A dispatch begins with an event. @param micros when, by sys/clock.ts */
  begin(micros: number): void {
    this.#spent = 0;
    this.beganMicros = micros;
    this.#endMicros = micros + MAX_DISPATCH_MS * 1000;
  }

  /** A dispatch begins that continues the last one. Its work has been received already, so the budget starts after one receive. */
  beginAgain(): void {
    this.begin(nowMicros());
    this.#spent = RECEIVE_COST;
  }

  /** @returns false when the budget is spent; the work is then left for the next dispatch */
  spend(cost: number): boolean {
    const before = this.#spent;
    const spent = before + cost;
    if (spent > CREDITS) return false;
    if (
      before >= UNTIMED_CREDITS &&
      Math.floor(spent / CREDITS_PER_READING) !== Math.floor(before / CREDITS_PER_READING) &&
      nowMicros() > this.#endMicros
    ) {
      return false;
    }
    this.#spent = spent;
    return true;
  }
}
