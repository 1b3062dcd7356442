/**
 * Whether any thread is free for handlers that block: neither engaged nor inside a handler. While none is, requests of blocking
 * routes run on engaged threads, and what waits there is stalled. In models other than leader-followers no thread is engaged.
 *
 * The states of threads change too often to be sampled, so the time that a thread spent outside of handlers since the last
 * observation decides. Whether it is engaged changes seldom; a thread counts as engaged if it was at both ends.
 */
import { FOLLOWER, LEADER_STATE, type Observation, type ObservedThread } from './observation.js';

/** For how long no thread must have been free. Under load that may happen for a moment at any time. */
const SHORTAGE_MS = 200;
/** A thread that was outside of handlers for less than this share of the time had no room for another one. */
const MIN_FREE_SHARE = 0.1;
/** For how long a request of a blocking route counts as recent. */
const RECENT_MS = 2000;
/** What was observed longer ago than this is not compared. */
const MAX_APART_MS = 1500;

/** No thread is free, and routes that block are called. */
export interface Shortage {
  /** How long no thread has been free. */
  readonly ms: number;
  /** The blocking routes that were called meanwhile; at least one. */
  readonly routes: readonly string[];
}

export class FreeThreads {
  #before: Observation | null = null;
  /** Since when no thread has been free; 0 while one is. */
  #since = 0;
  /** When a request of a blocking route was last seen, or had ended. */
  readonly #calledAt = new Map<string, number>();

  /** To be called with each observation. @returns null if there is no shortage */
  update(observation: Observation): Shortage | null {
    const { at, threads, engaged } = observation;
    const before = this.#before;
    this.#before = observation;
    if (before === null || at <= before.at || at - before.at > MAX_APART_MS) {
      this.#since = 0;
      this.#calledAt.clear();
      return null;
    }
    this.#noteCalls(before, observation);
    const minFreeMs = MIN_FREE_SHARE * (at - before.at);
    const earlier = (id: number) => before.threads.find((thread) => thread.id === id);
    if (threads.some((thread) => freeMs(earlier(thread.id), thread) > minFreeMs)) {
      this.#since = 0;
      return null;
    }
    if (this.#since === 0) this.#since = before.at;
    const ms = at - this.#since;
    const routes = [...this.#calledAt.keys()];
    return ms >= SHORTAGE_MS && engaged > 0 && routes.length > 0 ? { ms, routes } : null;
  }

  #noteCalls(before: Observation, { at, routes, threads }: Observation): void {
    for (const { learned } of threads) if (learned?.blocking) this.#calledAt.set(learned.name, at);
    const calls = new Map(before.routes.map((route) => [route.name, route.calls]));
    for (const { name, blocking, calls: now } of routes) {
      if (blocking && now > (calls.get(name) ?? 0)) this.#calledAt.set(name, at);
    }
    for (const [name, calledAt] of this.#calledAt) if (at - calledAt > RECENT_MS) this.#calledAt.delete(name);
  }
}

/** For how long between two observations a thread was free. */
function freeMs(before: ObservedThread | undefined, now: ObservedThread): number {
  if (before === undefined || (before.engaged && now.engaged)) return 0;
  return outsideMs(now) - outsideMs(before);
}

const outsideMs = ({ timesMs }: ObservedThread): number => timesMs[FOLLOWER]! + timesMs[LEADER_STATE]!;
