/**
 * The slowest request of the last second, those that still run included. Of a request that has ended, the histograms know its time and its
 * thread; its route is known if it was observed while it ran.
 */
import type { Observation, ObservedThread } from '../observe/observation.js';
import type { Slowest } from './protocol.js';
import { percentilesBetween, round, type Totals } from './rates.js';

/** A request that was seen for less than this share of the slowest time was another one. */
const MIN_SEEN_SHARE = 0.5;

/** A request that a thread was seen processing. */
interface Seen {
  readonly route: string;
  readonly since: number;
  readonly lastAt: number;
}

export class SlowestRequest {
  /** Of each thread: the requests seen in the last second that had been running for the longest. */
  #seen: Seen[][] = [];

  /** To be called with each observation. @param before what the last second began with */
  update({ threads, at }: Observation, before: Totals, now: Totals): Slowest | null {
    this.#note(threads, before.at, at);
    let slowest = longestRunning(threads, at);
    for (const [thread, responses] of now.threadResponses.entries()) {
      const max = percentilesBetween(before.threadResponses[thread]!, responses)?.max ?? 0;
      if (max <= (slowest?.ms ?? 0)) continue;
      slowest = { ms: round(max, 1000), route: this.#routeOf(thread, max), running: false, thread };
    }
    return slowest;
  }

  #note(threads: readonly ObservedThread[], from: number, at: number): void {
    for (const { id, route, requestSince: since } of threads) {
      const seen = (this.#seen[id] ?? []).filter(({ lastAt }) => lastAt >= from);
      if (since > 0) {
        if (seen.at(-1)?.since === since) seen.pop();
        seen.push({ route, since, lastAt: at });
      }
      this.#seen[id] = seen;
    }
  }

  #routeOf(thread: number, ms: number): string {
    const seen = this.#seen[thread] ?? [];
    const own = seen.findLast(
      ({ since, lastAt }) => lastAt - since >= ms * MIN_SEEN_SHARE && lastAt - since <= ms,
    );
    return own?.route ?? '';
  }
}

function longestRunning(threads: readonly ObservedThread[], at: number): Slowest | null {
  const running = threads.filter(({ requestSince }) => requestSince > 0);
  if (running.length === 0) return null;
  const { id, route, requestSince } = running.reduce((one, other) =>
    other.requestSince < one.requestSince ? other : one,
  );
  return { ms: round(Math.max(0, at - requestSince), 1000), route, running: true, thread: id };
}
