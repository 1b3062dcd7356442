/**
 * What the control plane observes of the data plane: read from shared memory without a lock, while the threads run. Each
 * number is correct by itself; numbers that change together may be some microseconds apart.
 *
 * Times are milliseconds since the epoch, with microseconds as the fraction.
 */
import type { Counter } from '../memory/counters.js';
import type { ThreadState } from '../set/thread-state.js';
import type { Role, StrategyName } from '../strategies/descriptions.js';

/** The terms of an observation, for readers that do not know the layout of shared memory. */
export type { Counter } from '../memory/counters.js';
export { HISTOGRAM_BUCKETS, upperBoundUs } from '../memory/histogram.js';
export { TRANSITION_CAPACITY } from '../memory/layout.js';
export {
  CLASS_BOUNDS,
  CLASS_BUCKETS,
  classBoundUs,
  isBlockingClass,
  REQUEST_CLASSES,
  statusOfClass,
} from '../memory/request-classes.js';
export { FOLLOWER, LEADER_STATE, PROCESSING, STATE_NAMES } from '../set/thread-state.js';

/** The histograms of each thread, by name; buckets as in memory/histogram.ts, in microseconds. */
export const HISTOGRAMS = ['responses', 'promotions', 'queueWaits', 'loopDelays'] as const;
export type HistogramName = (typeof HISTOGRAMS)[number];

export interface Observation {
  readonly at: number;
  readonly strategy: StrategyName;
  readonly set: 'starting' | 'serving' | 'draining' | 'stopping';
  /**
   * The thread that waits for the events of the shared handle set: the leader, or the one thread that always does. -1 for none at this
   * moment, and since when. If there is none: since when that is certain, which is the newest change of the state of any thread that may
   * wait there, because the one that did has changed its state since.
   */
  readonly leader: number;
  readonly leaderSince: number;
  readonly threads: readonly ObservedThread[];
  readonly handles: Level;
  readonly ready: Level;
  /** The queue from which workers take or, where each has its own, the longest of them; null in models without one. */
  readonly queue: Level | null;
  readonly connections: Level;
  readonly pool: Level;
  readonly descriptors: Level;
  /** Connections that a thread is inside, or that are bound to one. */
  readonly active: number;
  /** Threads that are engaged. */
  readonly engaged: number;
  /** Requests that no thread has taken yet: see waiting.ts. */
  readonly waiting: number;
  /** How many of them nobody has accepted, by the cookie of the listening socket, which several groups may have. */
  readonly acceptQueues: ReadonlyMap<number, number>;
  /** The routes of the route table, those that have held threads longest in total first. */
  readonly routes: readonly ObservedRoute[];
  /** Of a server with several groups, what was observed of each; left out where there is one. */
  readonly groups?: readonly Observation[];
}

/** A route that has held its thread for long, or that the app has declared. */
export interface ObservedRoute {
  /** Method and path as lib/routes folds them, or the declared pattern. Clients choose the text. */
  readonly name: string;
  readonly blocking: boolean;
  /** The app has declared the class. */
  readonly declared: boolean;
  /** Requests since the route was learned. */
  readonly calls: number;
  /** How long a request holds its thread without returning to the event loop. */
  readonly typicalMs: number;
  readonly longestMs: number;
  readonly handOvers: number;
}

/** The peak is the highest value observed or recorded since the start. */
export interface Level {
  readonly current: number;
  readonly peak: number;
  readonly limit: number;
}

export interface ObservedThread {
  readonly id: number;
  /** The number of its group; left out where the server has one. */
  readonly group?: number;
  readonly role: Role;
  /** Whether it runs handlers of connections. */
  readonly handles: boolean;
  readonly state: ThreadState;
  readonly since: number;
  /**
   * Whether others depend on the thread: it has connections whose requests wait, timers due soon, or input and output of its
   * own. Only in leader-followers, which keeps handlers that block away from such threads.
   */
  readonly engaged: boolean;
  /** Milliseconds in each state, indexed as in set/thread-state.ts; the time in the current state is included. */
  readonly timesMs: readonly number[];
  /** Since the start of the server, replacements included. They never wrap. */
  readonly counters: Readonly<Record<Counter, number>>;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Open connections of the thread's own handle set, and how many of their requests wait for it; null without such a set. */
  readonly own: { readonly connections: number; readonly waiting: number } | null;
  /** The descriptor that it is inside, -1 for none. */
  readonly connection: number;
  /**
   * Method and target of the request that it processes, with `*` for the values of the query; '' for none, or if it changed while it was
   * read.
   */
  readonly route: string;
  /**
   * When that request began; 0 for none. Another request may have begun in the same state, so it is not earlier than `since`, and may be
   * later.
   */
  readonly requestSince: number;
  /** The learned route of that request; null if none is known. */
  readonly learned: ObservedRoute | null;
  /** Since the start as well. Views that the next observation changes: copy what is compared later. */
  readonly histograms: Readonly<Record<HistogramName, Float64Array>>;
  /** Requests by the classes of memory/request-classes.ts; of the same kind. */
  readonly requestClasses: { readonly counts: Float64Array; readonly sumsUs: Float64Array };
  /** Bytes of the thread's heap in use, as the thread last looked, and what they may grow to; 0 before. */
  readonly heap: { readonly used: number; readonly limit: number };
  /** The sums of the values in the histograms, in microseconds. */
  readonly sumsUs: Readonly<Record<HistogramName, number>>;
}

/** A change of state, as the ring records it. */
export interface ObservedTransition {
  readonly thread: number;
  readonly from: number;
  readonly to: number;
  readonly at: number;
  /** For a change to leader: the thread that gave leadership up; -1 for none or unknown. */
  readonly promoter: number;
}

/**
 * A moment at which a thread handed a connection over to another one, or took one that was handed over, or began a further request
 * after one that held it, without a change of its state between them.
 */
export interface ObservedMark {
  readonly thread: number;
  readonly kind: 'given' | 'taken' | 'begun';
  readonly at: number;
}

export interface ThreadInfo extends Readonly<Record<Counter, number>> {
  /** The thread's number, from 0. A replacement inherits it. */
  readonly id: number;
  /** The number of its group, from 0; left out where the server has one. */
  readonly group?: number;
  /** What the thread is in the concurrency model: `peer` in leader-followers. */
  readonly role: Role;
  /** The names are those of leader-followers in every model: a `leader` waits for events, a `follower` for another thread. */
  readonly state: ThreadState;
}

export interface Transition {
  readonly thread: number;
  readonly from: ThreadState;
  readonly to: ThreadState;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** What was read from the rings since the call before. */
export interface TransitionBatch {
  /** Of all threads, by time. */
  readonly transitions: readonly ObservedTransition[];
  /** Of all threads, by time. They take room in the rings, and count there, as transitions do. */
  readonly marks: readonly ObservedMark[];
  /** For each thread, how many of both were overwritten before they were read. */
  readonly missed: readonly number[];
}

/** A reader of the rings of all threads. */
export interface TransitionSource {
  /**
   * The transitions since the last call.
   *
   * @param max how many of each thread are read, the newest ones; the others count as missed. All of them, ten times a second
   * under load, took 20 ms of CPU a second and 60 kB a frame, the newest 200 of each thread 8 ms and 12 kB
   */
  next(max?: number): TransitionBatch;
  /** The same, but reads the oldest `max` of each thread and leaves the others for the next call. */
  nextOldest(max: number): TransitionBatch;
}

/** The source of observations; the dashboard depends on this interface. */
export interface Observed {
  /** The clock of all these times. */
  now(): number;
  observe(): Observation;
  /**
   * A new, independent reader of the rings. It begins now or, with `past`, with what the rings still hold, and returns every
   * transition once.
   */
  readTransitions(past?: boolean): TransitionSource;
}
