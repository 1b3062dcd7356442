/**
 * The counters of each thread. The words lie in the thread's area from COUNTS on, in this order; only the thread writes them
 * (the control plane, once it is dead), with plain adds; they are readable from any thread. They wrap at 2^32;
 * observe/totals.ts makes totals of them.
 */
import { COUNTS, threadArea } from './layout.js';

export const COUNTERS = [
  'events',
  'requests',
  'wakeUps',
  'parks',
  'kernelWaits',
  'kernelPolls',
  'leaderships',
  'reclaims',
  'handOffs',
  'loopPasses',
  'errors',
  'promotions',
  'accepted',
  'closed',
  'dropped',
  'responses1xx',
  'responses2xx',
  'responses3xx',
  'responses4xx',
  'responses5xx',
  'headsRefused',
  'handOvers',
  'handOversTaken',
  'accessLost',
  'requestsCut',
] as const;
export type Counter = (typeof COUNTERS)[number];

/** Events processed. */
export const EVENTS = 0;
/** Messages (HTTP requests) answered. */
export const REQUESTS = 1;
/** Followers that this thread woke to lead. */
export const WAKE_UPS = 2;
/** Times it parked. */
export const PARKS = 3;
/** Times it blocked in the kernel as leader. */
export const KERNEL_WAITS = 4;
/** Times it polled there without blocking. */
export const KERNEL_POLLS = 5;
/** Times it became leader. */
export const LEADERSHIPS = 6;
/** Leaderships taken right after processing, without having parked; the others were given by a promotion. */
export const RECLAIMS = 7;
/** Events handed off to the thread that their handle is bound to. */
export const HAND_OFFS = 8;
/** Passes through its own event loop. */
export const LOOP_PASSES = 9;
/** Handlers that threw, and messages refused. */
export const ERRORS = 10;
/** Times it gave leadership up to process an event. */
export const PROMOTIONS = 11;
/** Connections accepted, closed, and of these: ended by the server for a timeout, an error or a limit. */
export const ACCEPTED = 12;
export const CLOSED = 13;
export const DROPPED = 14;
/** Responses by the first digit of their status: this, plus the digit, less one. */
export const RESPONSES = 15;
/** Unfinished heads refused for lack of memory: the oldest ones while the pool was nearly full, any once it was full. */
export const HEADS_REFUSED = 20;
/** Connections that this thread handed over to a free thread before their handler was called, and those it took over. */
export const HAND_OVERS = 21;
export const HAND_OVERS_TAKEN = 22;
/** Lines of the access log that were lost, because standard output was full. */
export const ACCESS_LOST = 23;
/** Requests that were under way at the end of the drain time, and were cut. */
export const REQUESTS_CUT = 24;

/** A thread's own counters, indexed by the constants above. */
export function countersOf(control: SharedArrayBuffer, thread: number): Int32Array {
  return new Int32Array(control, (threadArea(thread) + COUNTS) * 4, COUNTERS.length);
}

/** A snapshot of a thread's counters. */
export function readCounters(control: SharedArrayBuffer, thread: number): Record<Counter, number> {
  const words = countersOf(control, thread);
  return Object.fromEntries(COUNTERS.map((name, index) => [name, words[index]! >>> 0])) as Record<
    Counter,
    number
  >;
}
