/** Remembers between two evaluations of the server's health what the rules (observe/health.ts) need of the time before. */
import { FreeThreads } from '../observe/free-threads.js';
import { freeThreads, type Health, healthOf, isFew } from '../observe/health.js';
import type { Observation } from '../observe/observation.js';
import type { Death, Verdict } from './protocol.js';

/** What was observed longer ago than this says nothing of the time since. */
const MAX_APART_MS = 1500;

/** What is known of the last second. */
export interface Second {
  /** Of each thread of the server, by its number: the share of the second that it spent processing. */
  readonly busy: readonly number[];
  /** Answered, and how many of them failed. */
  readonly requests: number;
  readonly errors: number;
}

export class HealthMonitor {
  readonly #deaths: readonly Death[];
  readonly #freeThreads = new FreeThreads();
  #before: Verdict | null = null;
  #observedAt = 0;
  /** Since when only few threads have been free; 0 if more are. */
  #fewSince = 0;

  /** @param deaths the newest deaths of threads; the caller adds to it later */
  constructor(deaths: readonly Death[]) {
    this.#deaths = deaths;
  }

  /** To be called with each observation. */
  update(observation: Observation, second: Second): Health {
    const { at, threads } = observation;
    const handlers = threads.filter(({ handles }) => handles);
    // Threads that start will be free, and more of them would not help.
    const starting = handlers.filter(({ state }) => state === 'starting').length;
    if (!isFew(freeThreads(observation, second.busy) + starting, handlers.length)) this.#fewSince = 0;
    else if (this.#fewSince === 0 || at - this.#observedAt > MAX_APART_MS) this.#fewSince = at;
    this.#observedAt = at;
    const health = healthOf(observation, {
      ...second,
      fewFreeMs: this.#fewSince === 0 ? 0 : at - this.#fewSince,
      shortage: this.#freeThreads.update(observation),
      deaths: this.#deaths,
      before: this.#before,
    });
    this.#before = health.verdict;
    return health;
  }
}
