/**
 * Measures for how long user code holds its thread without returning to the event loop, with few readings of the clock: the change of the
 * thread's state after a dispatch needs one anyway.
 *
 *   dispatches:  begin(a) ───────── begin(b) ──────────── end       a held until b began, b until the end
 *   event loop:  loopRuns ─── continues(a) ── continues(b) ── turnBegins       each held since the one before
 *
 * The clock goes on while a thread is ready to run and the system runs something else, so of a long hold that time is subtracted. It is
 * known since the last reading of the thread's scheduling delay only, of which there is one for each turn at most, and one in READ_MICROS.
 *
 * In the event loop, several continuations may run between two marks, and some belong to no holder; all of that time is charged to the
 * holder that ends it.
 */
import { NO_MICROS, nowMicros } from '../sys/clock.js';
import { SchedulingDelay } from '../sys/scheduling.js';

/** Holds of this length are corrected by the scheduling delay. */
const LONG_MICROS = 250;
/** Between two readings of the scheduling delay, which take about 2 µs each. */
const READ_MICROS = 10_000;

/** What is charged with the time, such as a request. */
export interface Holder {
  /** It has held its thread for so long. Called often, with small numbers. */
  held(micros: number): void;
}

export class HoldMeter {
  #holder: Holder | null = null;
  #since = NO_MICROS;
  /** In the event loop, between two turns: the last mark; else 0. */
  #mark = NO_MICROS;
  readonly #schedulingDelay: Pick<SchedulingDelay, 'micros' | 'ranMicros'>;
  /** The last reading, the one before, and when the last one was. */
  #delay = NO_MICROS;
  #delayBefore = NO_MICROS;
  #delayReadAt = NO_MICROS;
  #ranMicros = NO_MICROS;
  #coresAreTaken = false;

  /** @param schedulingDelay of the thread that this object belongs to. Default: the real one; a spec passes its own */
  constructor(schedulingDelay: Pick<SchedulingDelay, 'micros' | 'ranMicros'> = new SchedulingDelay()) {
    this.#schedulingDelay = schedulingDelay;
  }

  /** User code of the holder is about to be called, in a dispatch. @param micros when that began, if it is the first; by sys/clock.ts */
  begin(holder: Holder, micros: number): void {
    if (this.#holder === null) this.#since = micros;
    else {
      const now = nowMicros();
      this.#end(now);
      this.#since = now;
    }
    this.#holder = holder;
  }

  /** The thread does something else; user code that was queued in the meantime has run. @param now by sys/clock.ts */
  end(now: number): void {
    if (this.#holder !== null) this.#end(now);
  }

  /** The same, where the clock was not just read. */
  endNow(): void {
    if (this.#holder !== null) this.#end(nowMicros());
  }

  #end(now: number): void {
    const holder = this.#holder!;
    this.#holder = null;
    holder.held(this.ran(now - this.#since, now));
  }

  /** The thread returns to its event loop. */
  loopRuns(): void {
    const now = nowMicros();
    this.end(now);
    this.#mark = now;
  }

  /** @param now by sys/clock.ts, roughly */
  turnBegins(now: number): void {
    this.#mark = 0;
    if (now - this.#delayReadAt >= READ_MICROS) this.#readDelay(now);
  }

  /** Whether the thread has lately waited for a core for longer than it ran: the system has more to run than it has cores. */
  get coresAreTaken(): boolean {
    return this.#coresAreTaken;
  }

  /** Of the last `micros` until `now`, for how long the thread has run: without the time in which it was ready and did not. */
  ran(micros: number, now: number): number {
    if (micros < LONG_MICROS) return micros;
    // The same time, asked for again, is that of the last reading.
    if (now !== this.#delayReadAt) this.#readDelay(now);
    return Math.max(0, micros - (this.#delay - this.#delayBefore));
  }

  #readDelay(now: number): void {
    this.#delayBefore = this.#delay;
    this.#delay = this.#schedulingDelay.micros();
    const { ranMicros } = this.#schedulingDelay;
    this.#coresAreTaken = this.#delay - this.#delayBefore > ranMicros - this.#ranMicros;
    this.#ranMicros = ranMicros;
    this.#delayReadAt = now;
  }

  /** User code of the holder has just continued, by a promise or a stream. In a dispatch that is measured there. */
  continues(holder: Holder): void {
    if (this.#mark === 0) return;
    const now = nowMicros();
    holder.held(this.ran(now - this.#mark, now));
    this.#mark = now;
  }
}
