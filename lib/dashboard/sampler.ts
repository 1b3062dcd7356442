/**
 * Samples the data plane whenever a frame is due, and once a second as long as the server runs, so that the curves of a page
 * that opens show the last minutes.
 */
import type { Logger } from '../logger.js';
import type { Health } from '../observe/health.js';
import type { Observation, Observed } from '../observe/observation.js';
import { GroupHealth } from './group-health.js';
import { guardedInterval } from './guarded-interval.js';
import type { Death, Percentiles, Point, Slowest } from './protocol.js';
import {
  busyBetween,
  outcomesBetween,
  percentilesBetween,
  pointBetween,
  round,
  type Totals,
  totalsOf,
} from './rates.js';
import { SlowestRequest } from './slowest.js';

const SAMPLE_MS = 1000;
/** Five minutes. */
const HISTORY_POINTS = 300;
/**
 * The last second begins at the newest sample that is at least this old: a little less than a second, because a timer of one
 * second fires some milliseconds early or late.
 */
const WINDOW_MS = 900;
/** For how long a sample is reused by those that need no new one: a health check that asks without end costs no more. */
const RECENT_MS = 50;

/** One observation, with the rates of the second before it. */
export interface Sample {
  readonly observation: Observation;
  readonly point: Point;
  /** Of each thread: the share of the second spent processing, and the delay of its event loop. */
  readonly busy: readonly number[];
  readonly loopDelays: readonly (Percentiles | null)[];
  /** The share of the second's requests that failed; null without requests. */
  readonly errorRate: number | null;
  readonly slowest: Slowest | null;
  readonly health: Health;
}

export class Sampler implements Disposable {
  readonly #observed: Observed;
  readonly #history: Point[] = [];
  readonly #timer: NodeJS.Timeout;
  readonly #health: GroupHealth;
  readonly #slowest = new SlowestRequest();
  /** By time; all but the first are within the window. */
  #window: Totals[];
  #last: Sample | null = null;

  /** @param deaths the newest deaths of threads; the caller adds to it later */
  constructor(observed: Observed, logger: Logger, deaths: readonly Death[]) {
    this.#observed = observed;
    this.#health = new GroupHealth(deaths);
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
    const busy = busyBetween(before, now);
    const { requests, errors } = outcomesBetween(before, now);
    this.#last = {
      observation,
      point: pointBetween(before, now, this.#longestQueue()),
      busy,
      loopDelays: now.loopDelays.map((delays, thread) =>
        percentilesBetween(before.loopDelays[thread]!, delays),
      ),
      errorRate: requests === 0 ? null : round(Math.min(1, errors / requests), 10_000),
      slowest: this.#slowest.update(observation, before, now),
      health: this.#health.update(observation, { busy, requests, errors }),
    };
    return this.#last;
  }

  /** The last sample, if it is recent, or else a new one. */
  recent(): Sample {
    const last = this.#last;
    return last !== null && this.#observed.now() - last.observation.at < RECENT_MS ? last : this.sample();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #longestQueue(): number | null {
    const lengths = this.#window.map(({ queue }) => queue).filter((length) => length !== null);
    return lengths.length === 0 ? null : Math.max(...lengths);
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
