/**
 * Samples the data plane whenever a frame is due, and once a second as long as the server runs, so that the curves of a page
 * that opens show the last minutes.
 */
import type { Logger } from '../logger.js';
import type { Observation, Observed } from '../observe/observation.js';
import { guardedInterval } from './guarded-interval.js';
import type { Percentiles, Point } from './protocol.js';
import { busyBetween, percentilesBetween, pointBetween, type Totals, totalsOf } from './rates.js';

const SAMPLE_MS = 1000;
/** Five minutes. */
const HISTORY_POINTS = 300;
/**
 * The last second begins at the newest sample that is at least this old: a little less than a second, because a timer of one
 * second fires some milliseconds early or late.
 */
const WINDOW_MS = 900;

/** One observation, with the rates of the second before it. */
export interface Sample {
  readonly observation: Observation;
  readonly point: Point;
  /** Of each thread: the share of the second spent processing, and the delay of its event loop. */
  readonly busy: readonly number[];
  readonly loopDelays: readonly (Percentiles | null)[];
}

export class Sampler implements Disposable {
  readonly #observed: Observed;
  readonly #history: Point[] = [];
  readonly #timer: NodeJS.Timeout;
  /** By time; all but the first are within the window. */
  #window: Totals[];

  constructor(observed: Observed, logger: Logger) {
    this.#observed = observed;
    this.#window = [totalsOf(observed.observe())];
    this.#timer = guardedInterval(logger, () => this.#addToHistory(), SAMPLE_MS);
  }

  /** One point a second, oldest first. */
  get history(): readonly Point[] {
    return this.#history;
  }

  sample(): Sample {
    const observation = this.#observed.observe();
    const now = totalsOf(observation);
    const before = this.#before(now.at);
    this.#window.push(now);
    return {
      observation,
      point: pointBetween(before, now),
      busy: busyBetween(before, now),
      loopDelays: now.loopDelays.map((delays, thread) =>
        percentilesBetween(before.loopDelays[thread]!, delays),
      ),
    };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #addToHistory(): void {
    this.#history.push(this.sample().point);
    if (this.#history.length > HISTORY_POINTS) this.#history.shift();
  }

  /** The newest totals that are old enough, or the oldest ones; drops everything before them. */
  #before(at: number): Totals {
    const young = this.#window.findIndex((totals) => at - totals.at < WINDOW_MS);
    const first = young < 0 ? this.#window.length - 1 : Math.max(0, young - 1);
    this.#window = this.#window.slice(first);
    return this.#window[0]!;
  }
}
