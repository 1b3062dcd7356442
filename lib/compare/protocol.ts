/**
 * The protocol of the comparison's websocket: JSON texts. What each server's dashboard sends (dashboard/protocol.ts) is passed on as it is.
 *
 *   page                                 comparison
 *     ├── upgrade, offering COMPARE_PROTOCOL and the token ──▶│
 *     │◀───────────────────────────────────────────── hello ──┤  once
 *     │◀──────────────────────────── server: hello, frames ───┤  of each server's dashboard
 *     │◀─────────────────────────────────────────── answers ──┤  four times a second, while load is sent
     │◀─────────────────────────────────────────── figures ──┤  twice a second
 *     ├── set the load ──────────────────────────────────────▶│
 *
 * This file also runs in the browser.
 */
import type { ServerMessage } from '../dashboard/protocol.js';
import type { AnswerTuple } from './load-messages.js';
import type { Mix } from './mixes.js';

export const COMPARE_PROTOCOL = 'paceline-compare.1';

/** The rates that the page offers, in requests per second to each server. */
export const RATES = [50, 100, 200, 500, 1000, 2000] as const;
export const RATE_MIN = 1;
export const RATE_MAX = 5000;

/** One of the models that are compared. */
export interface Model {
  /** Its strategy, and its threads where two have the same strategy. */
  readonly name: string;
  readonly strategy: string;
  readonly title: string;
  /** One sentence, and where it is from. */
  readonly summary: string;
  readonly source: string;
  readonly threads: number;
  /** Where it serves, and its own dashboard, with the token. */
  readonly url: string;
  readonly dashboard: string;
}

export interface CompareHello {
  readonly type: 'hello';
  readonly version: string;
  readonly node: string;
  /** The processor of the machine, and how many cores of it the servers may use. */
  readonly processor: string;
  readonly cores: number;
  readonly app: string;
  readonly models: readonly Model[];
  readonly mixes: readonly Mix[];
}

/** What is sent now. */
export interface LoadState {
  /** The name of a mix. */
  readonly mix: string;
  readonly rate: number;
  readonly turns: boolean;
  readonly running: boolean;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly count: number;
}

/** The figures of one server. What was not measured is null. */
export interface Figures {
  readonly asked: number;
  readonly answered: number;
  readonly failed: number;
  /** Requests that are out now, and how long the oldest has been, in milliseconds. */
  readonly out: number;
  readonly oldestMs: number;
  /** Answers for each second in which the server was asked. */
  readonly perSecond: number | null;
  /** By the numbers of the mix's kinds, and after them that of its burst; in milliseconds from when a request was due. */
  readonly latencies: readonly (Latency | null)[];
  /** Of the requests that hold no thread: the share that took BEHIND_MS or longer while one that does was out or had just been. */
  readonly behind: number | null;
  /** For each answer, without the main thread. */
  readonly cpuUs: number | null;
  readonly switches: number | null;
  /** For each request, as the server counts them. */
  readonly wakeUps: number | null;
  /** Requests that had arrived and that no thread had taken: mean and peak of the frames. */
  readonly waiting: number | null;
  readonly waitingPeak: number | null;
  /** From an event's arrival until a thread takes it, as the server measures it: the mean of the 99th percentiles of seconds. */
  readonly queueMs: number | null;
}

/** A request that answered later than this had waited: a fast handler takes a fraction of a millisecond. */
export const BEHIND_MS = 5;

export interface FiguresMessage {
  readonly type: 'figures';
  readonly load: LoadState;
  /** The time that the figures are of, in milliseconds; shorter after the load has changed. */
  readonly overMs: number;
  /** The shares of the machine's cores that were busy: with everything that runs on it, and with the comparison's own processes. */
  readonly busy: { readonly all: number; readonly own: number };
  /** The share of the requests that were sent late, by the process that sends them. */
  readonly ownLate: number;
  /** Null for a server that has ended. */
  readonly figures: readonly (Figures | null)[];
}

/** The answers of each server since the last message, by the order in which they came; some of them where they are many. */
export interface AnswersMessage {
  readonly type: 'answers';
  readonly answers: readonly (readonly AnswerTuple[])[];
}

export type CompareMessage =
  | CompareHello
  | FiguresMessage
  | AnswersMessage
  | { readonly type: 'server'; readonly server: number; readonly message: ServerMessage };

/** What is left out stays as it is. */
export interface SetLoad extends Partial<LoadState> {
  readonly type: 'load';
}
