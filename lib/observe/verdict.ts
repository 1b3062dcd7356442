/**
 * What is said about the server's health, wherever it is said: the headline, the warnings, /readyz, the metrics and `paceline top`.
 * The rules are in health.ts. This file also runs in the browser, as a part of dashboard/protocol.ts, so it imports nothing.
 */

export type HealthLevel = 'healthy' | 'degraded' | 'outage';
/** From the best to the worst. */
export const HEALTH_LEVELS: readonly HealthLevel[] = ['healthy', 'degraded', 'outage'];

export interface Verdict {
  readonly level: HealthLevel;
  /**
   * One line that begins with the level: 'Healthy: 3 of 4 threads free', 'Outage: all 4 threads held by GET /render for 6.1 s; 212
   * requests wait'.
   */
  readonly text: string;
  /** Since when the level has been the same, in milliseconds since the epoch. */
  readonly since: number;
  /** Those of the warnings shown at the same time that make the level, the worst first. */
  readonly reasons: readonly Warning['id'][];
}

export interface Warning {
  readonly id:
    | 'no-thread'
    | 'all-blocked'
    | 'no-leader'
    | 'io-thread'
    | 'worker-stalled'
    | 'few-free-threads'
    | 'no-free-thread'
    | 'long-handler'
    | 'errors'
    | 'ready-list'
    | 'request-queue'
    | 'connections'
    | 'descriptors'
    | 'pool'
    | 'thread-died';
  /** The problem, as a sentence. */
  readonly what: string;
  /** What to do about it, as a sentence. */
  readonly advice: string;
}

/** The end of a thread that was not told to end. */
export interface Death {
  readonly thread: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The error that it threw, on one line; '' if that is unknown. */
  readonly reason: string;
}

/** The slowest request of the last second, those that still run included. */
export interface Slowest {
  /** From its arrival in its thread to the last byte passed to the kernel, or until now. */
  readonly ms: number;
  /** Method and target; '' if that is unknown, as for a request that was too short to be observed. */
  readonly route: string;
  readonly running: boolean;
  readonly thread: number;
}
