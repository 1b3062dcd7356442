/**
 * The protocol of the dashboard's websocket: JSON texts, the same for the page (dashboard/page) and for `paceline top`.
 *
 *   client                               server
 *     ├── upgrade, offering PROTOCOL and the token ──▶│  refused before 101 unless Host, Origin and token are right
 *     │◀────────────────────────────────────── hello ─┤  once
 *     │◀────────────────────────────────────── frame ─┤  every intervalMs
 *     ├── watch a thread ────────────────────────────▶│
 *     │◀───────────────────────────────────── detail ─┤  after each frame, while a thread is watched
 *     ├── load on | off ─────────────────────────────▶│  the demo app only
 *
 * Times are milliseconds since the epoch with microseconds as the fraction; durations have their unit in their names.
 * This file also runs in the browser, so it imports types only.
 */
import type { Death, Slowest, Verdict, Warning } from '../observe/verdict.js';

export type { Death, HealthLevel, Slowest, Verdict, Warning } from '../observe/verdict.js';

/** The websocket subprotocol; the token is offered as a second one, with `TOKEN_PREFIX` before it. */
export const PROTOCOL = 'paceline.3';
export const TOKEN_PREFIX = 'token.';

/** Close codes of the websocket (RFC 6455, 7.4: 4000 to 4999 are for applications). */
export const CLOSE_TOO_SLOW = 4001;
export const CLOSE_BAD_MESSAGE = 4002;
export const CLOSE_SERVER_STOPS = 1001;

/**
 * The states of a thread have these names in every concurrency model. A `leader` waits for the events of a handle set, a `follower` for
 * another thread; the words to show are in the hello.
 */
export type State = 'dead' | 'starting' | 'follower' | 'leader' | 'processing';
/** The order of the numbers in `timesMs` and of the state numbers in transitions. */
export const STATES: readonly State[] = ['dead', 'starting', 'follower', 'leader', 'processing'];

export interface Hello {
  readonly type: 'hello';
  readonly version: string;
  readonly node: string;
  readonly pid: number;
  /** When the server started. A page that reconnects and finds another time clears its history. */
  readonly startedAt: number;
  /** Where the app listens, as a URL. */
  readonly url: string;
  /** The app's module or directory, as the user named it; 'demo' for the built-in one. */
  readonly app: string;
  readonly strategy: StrategyInfo;
  readonly threads: number;
  /** How many groups of equally many threads these are, one after the other. */
  readonly groups: number;
  /** What each thread is in the model, and what it is called: `worker`, `worker 3`. */
  readonly roles: readonly string[];
  readonly names: readonly string[];
  /** By role: the words for the states, in the order of STATES. */
  readonly stateWords: Readonly<Record<string, readonly string[]>>;
  /** Between two frames. */
  readonly intervalMs: number;
  /** Whether the load buttons work: only on the demo app. */
  readonly load: boolean;
  /** One point a second for the last minutes, oldest first, so that the curves of a new page are not empty. */
  readonly history: readonly Point[];
  /**
   * What the rings still hold of the time before the first frame, by time: the newest MAX_OF_A_THREAD of each thread, of these the
   * newest MAX_HELLO_TRANSITIONS, so that the lanes of a new page do not begin empty.
   */
  readonly transitions: readonly TransitionTuple[];
  readonly marks: readonly MarkTuple[];
  /** The deaths of threads before the first frame, oldest first: the newest MAX_DEATHS. */
  readonly deaths: readonly Death[];
}

/** A concurrency model. */
export interface StrategyInfo {
  /** As the option `strategy` has it. */
  readonly name: string;
  /** The name in the literature, what the threads do, in a sentence, and where the model is described. */
  readonly title: string;
  readonly summary: string;
  readonly source: string;
  /** Whether threads take turns in waiting, so that one promotes another. */
  readonly promotes: boolean;
  /** What `queue` of a frame is; null in models without one. */
  readonly queue: string | null;
}

/** One point of the curves, for the second before it. Rates are per second; percentiles are null if nothing was counted. */
export interface Point {
  readonly at: number;
  readonly requests: number;
  readonly promotions: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Connections accepted. */
  readonly accepted: number;
  /** Connections that the server closed for a timeout, an error or a limit. */
  readonly dropped: number;
  /** Responses of 5xx, handlers that threw, messages refused. */
  readonly errors: number;
  /** Wake-ups of followers for each request. */
  readonly wakeUpsPerRequest: number | null;
  /** From the arrival of a request's event in its thread to the last byte passed to the kernel. */
  readonly responseMs: Percentiles | null;
  /** From an event's arrival in the ready list until a thread that processes it takes it, from there or from the queue. */
  readonly queueMs: Percentiles | null;
  /** The length of the queue: the largest that was observed. Null in models without one. */
  readonly queue: number | null;
  /** From the moment a thread gives leadership up until another one leads. */
  readonly promotionMs: Percentiles | null;
}

export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  readonly count: number;
}

export interface Frame {
  readonly type: 'frame';
  /** Increases by one with each frame. */
  readonly seq: number;
  readonly at: number;
  /** The state of the set: `draining` while the server closes. */
  readonly set: 'serving' | 'draining' | 'stopping';
  /** The server's health in one line. Its level is the one of /readyz and the metrics. */
  readonly verdict: Verdict;
  /**
   * Threads that could take a request: neither held by a handler (`heldMs` is 0), nor busy for MIN_BUSY of the last second or more, nor
   * dead or starting. And how many there are that run handlers.
   */
  readonly free: number;
  readonly handlers: number;
  /** Requests that no thread has taken yet: connections with unread input, and connections not accepted yet. */
  readonly waiting: number;
  /** The share of the requests of the last second that failed (5xx, or their handler threw), from 0 to 1; null without requests. */
  readonly errorRate: number | null;
  /** Since the last frame, oldest first. */
  readonly deaths: readonly Death[];
  /** Of the last second; null without requests. */
  readonly slowest: Slowest | null;
  /** The thread that waits for the events of the shared handle set, -1 for none at this moment, and since when. */
  readonly leader: { readonly thread: number; readonly since: number };
  readonly threads: readonly ThreadRow[];
  /**
   * Changes of state since the last frame, by time: the newest MAX_TRANSITIONS of them. If a thread's `missed` is above 0
   * there were more, and its lane is drawn from `timesMs`.
   */
  readonly transitions: readonly TransitionTuple[];
  /** Marks since the last frame, by time: the newest MAX_MARKS of them. */
  readonly marks: readonly MarkTuple[];
  readonly gauges: {
    /** Handles in the table: connections, the listening socket, the timer and wake-up handles. */
    readonly handles: Gauge;
    /** Events in the ready list. */
    readonly ready: Gauge;
    readonly connections: Gauge;
    /** Blocks of shared memory that hold partial input. */
    readonly pool: Gauge;
    /** File descriptors of the process. */
    readonly descriptors: Gauge;
  };
  /** The queue from which workers take or, where each has its own, the longest of them; null in models without one. How long events wait is `point.queueMs`. */
  readonly queue: Gauge | null;
  /** Connections that a thread is inside or that are bound to one, and the others. */
  readonly active: number;
  readonly idle: number;
  /** Threads that are engaged. */
  readonly engaged: number;
  /** Learned and declared routes, those that block first: at most MAX_ROUTES, and how many more there are. */
  readonly routes: readonly RouteRow[];
  readonly routesLeft: number;
  /** For the last second. */
  readonly point: Point;
  /** Present and imminent problems, each with advice. */
  readonly warnings: readonly Warning[];
  readonly load: LoadState;
  readonly dashboard: { readonly clients: number; readonly droppedClients: number };
}

export const MAX_TRANSITIONS = 2000;
export const MAX_HELLO_TRANSITIONS = 8000;
/** Transitions of one thread in one frame: a tenth of a second on a screen cannot show more. */
export const MAX_OF_A_THREAD = 200;
export const MAX_DEATHS = 100;

/** Thread, from, to (numbers as in STATES), time, and for a change to leader the thread that gave leadership up (-1: none). */
export type TransitionTuple = readonly [
  thread: number,
  from: number,
  to: number,
  at: number,
  promoter: number,
];

export const MAX_MARKS = 500;

/**
 * Thread, kind (a number of MARKS), time. A hand-over has two marks, before its handler is called: `given` on the one thread, `taken` on
 * the other. `begun`: after a request that held the thread, another one begins without a change of state between them.
 */
export type MarkTuple = readonly [thread: number, kind: number, at: number];
export const MARKS = ['given', 'taken', 'begun'] as const;

export const MAX_ROUTES = 20;

/** A route that has held its thread for long, or that the app has declared. */
export interface RouteRow {
  /** Method and path, with `*` for each segment that varies, or the declared pattern. */
  readonly name: string;
  /** Whether its requests run on free threads. */
  readonly blocking: boolean;
  /** Whether the app has declared that; otherwise it was learned. */
  readonly declared: boolean;
  /** Requests since it was learned. */
  readonly calls: number;
  /** How long a request holds its thread without returning to the event loop: a moving mean, and the maximum. */
  readonly typicalMs: number;
  readonly longestMs: number;
  /** Requests handed over to a free thread. */
  readonly handOvers: number;
}

export interface Gauge {
  readonly current: number;
  readonly peak: number;
  readonly limit: number;
}

export interface ThreadRow {
  readonly id: number;
  readonly role: string;
  readonly state: State;
  /** When it entered that state. */
  readonly since: number;
  /** How long its present handler, or other work without a break, has held it; 0 if that is less than MIN_HELD_MS. */
  readonly heldMs: number;
  /** When the request that it processes began, 0 for none. */
  readonly requestSince: number;
  /** Whether others depend on the thread: a handler that blocked it would stall requests that wait on it. */
  readonly engaged: boolean;
  /** Share of the last second spent processing, from 0 to 1. */
  readonly busy: number;
  /** Time in each state since the thread's slot exists, in the order of STATES, in milliseconds. */
  readonly timesMs: readonly number[];
  /** Open connections that belong to it, in models in which they belong to threads; else null. */
  readonly connections: number | null;
  /** The connection that it is inside (a file descriptor), -1 for none. */
  readonly connection: number;
  /** Method and target of the request that it processes, '' for none. Cut at 120 characters; values of the query are `*`. */
  readonly route: string;
  /** Transitions that were overwritten before they could go into this frame. */
  readonly missed: number;
  /** The delay of its own event loop, over the last second; null if the loop did not run. */
  readonly loopDelayMs: Percentiles | null;
  /** Counters since the start, see memory/counters.ts. */
  readonly counters: Readonly<Record<string, number>>;
}

export const LOADS = ['fast', 'blocking', 'cpu'] as const;
export type Load = (typeof LOADS)[number];
/** When each kind of load ends by itself; 0 while it is off. */
export type LoadState = Readonly<Record<Load, number>>;

/** The details of one thread. */
export interface Detail {
  readonly type: 'detail';
  readonly thread: number;
  /** Its last transitions, oldest first. */
  readonly transitions: readonly TransitionTuple[];
  /** Since the start: the upper bound of each bucket in milliseconds with its count; empty buckets are left out. */
  readonly responseMs: readonly HistogramBar[];
  readonly promotionMs: readonly HistogramBar[];
  readonly queueMs: readonly HistogramBar[];
  readonly loopDelayMs: readonly HistogramBar[];
}

export type HistogramBar = readonly [upToMs: number, count: number];

export type ServerMessage = Hello | Frame | Detail;

export type ClientMessage =
  /** -1: no thread. */
  | { readonly type: 'watch'; readonly thread: number }
  | { readonly type: 'load'; readonly kind: Load; readonly on: boolean };
