/**
 * What the control plane sees of the data plane at one moment: read from shared memory, without a lock, while the threads go
 * on. Each number is true by itself; numbers that change together may be some microseconds apart.
 *
 * Times are milliseconds since the epoch, with microseconds behind the point.
 */
import type { Counter } from '../memory/counters.js';
import type { ThreadState } from '../set/thread-state.js';

/** The terms of an observation, for readers that know nothing of shared memory. */
export type { Counter } from '../memory/counters.js';
export { HISTOGRAM_BUCKETS, upperBoundUs } from '../memory/histogram.js';
export { TRANSITION_CAPACITY } from '../memory/layout.js';
export { LEADER_STATE, PROCESSING, STATE_NAMES } from '../set/thread-state.js';

/** The histograms of each thread, by name; buckets as in memory/histogram.ts, in microseconds. */
export const HISTOGRAMS = ['responses', 'promotions', 'queueWaits', 'loopDelays'] as const;
export type HistogramName = (typeof HISTOGRAMS)[number];

export interface Observation {
  readonly at: number;
  readonly set: 'starting' | 'serving' | 'draining' | 'stopping';
  /** The leading thread, -1 for none, and since when. */
  readonly leader: number;
  readonly leaderSince: number;
  readonly threads: readonly ObservedThread[];
  readonly handles: Level;
  readonly ready: Level;
  readonly connections: Level;
  readonly pool: Level;
  readonly descriptors: Level;
  /** Connections that a thread is inside, or that are bound to one. */
  readonly active: number;
}

/** Peaks are of what was seen or noted since the start. */
export interface Level {
  readonly current: number;
  readonly peak: number;
  readonly limit: number;
}

export interface ObservedThread {
  readonly id: number;
  readonly state: ThreadState;
  readonly since: number;
  /** Milliseconds in each state, by the numbers of set/thread-state.ts; the present stay is included. */
  readonly timesMs: readonly number[];
  /** Since the start of the server; replacements count on. They never wrap. */
  readonly counters: Readonly<Record<Counter, number>>;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** The descriptor that it is inside, -1 for none. */
  readonly connection: number;
  /** Method and target of the request that it processes, '' for none or where it changed while it was read. */
  readonly route: string;
  /** Since the start, too. Views: the next observation changes them, so what is compared later is copied. */
  readonly histograms: Readonly<Record<HistogramName, Float64Array>>;
  /** The sums of what the histograms counted, in microseconds. */
  readonly sumsUs: Readonly<Record<HistogramName, number>>;
}

/** A change of state, as the ring has it. */
export interface ObservedTransition {
  readonly thread: number;
  readonly from: number;
  readonly to: number;
  readonly at: number;
  /** For a change to leader: the thread that gave leadership up; -1 for none or not known. */
  readonly promoter: number;
}

export interface ThreadInfo extends Readonly<Record<Counter, number>> {
  /** The thread's number, from 0. A replacement inherits it. */
  readonly id: number;
  readonly state: ThreadState;
}

export interface Transition {
  readonly thread: number;
  readonly from: ThreadState;
  readonly to: ThreadState;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** What came from the rings since the last look. */
export interface TransitionBatch {
  /** Of all threads, by time. */
  readonly transitions: readonly ObservedTransition[];
  /** For each thread, how many were overwritten before they could be read. */
  readonly missed: readonly number[];
}

/** A reader of the rings of all threads. */
export interface TransitionSource {
  /**
   * What has come since the last call.
   *
   * @param max of each thread the newest so many are read, and the others counted as missed: all of them, ten times a second
   * under load, took 20 ms of CPU a second and 60 kB a frame, the newest 200 of each thread 8 ms and 12 kB
   */
  next(max?: number): TransitionBatch;
  /** The same, but of more than `max` of a thread the oldest are read, and the others left for the next call. */
  nextOldest(max: number): TransitionBatch;
}

/** What the dashboard is given to look at. */
export interface Observed {
  /** The clock of all these times. */
  now(): number;
  observe(): Observation;
  /**
   * A reader of the rings of its own, beginning now; or, with `past`, with what the rings still hold. Each reader sees every
   * transition once.
   */
  readTransitions(past?: boolean): TransitionSource;
}
