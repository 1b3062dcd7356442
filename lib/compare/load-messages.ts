/** What the comparison and the process that sends the load tell each other. */
import type { Load } from './schedule.js';

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** To the process. A load replaces the one before, of which no more is reported; null stops. */
export type LoadOrder =
  | { readonly type: 'start'; readonly targets: readonly Target[] }
  | { readonly type: 'load'; readonly epoch: number; readonly load: Load | null };

/** An answer: when it was due (milliseconds since the epoch), how long it took from then, its kind, and whether it was `behind`. */
export type AnswerTuple = readonly [dueAt: number, latencyMs: number, kind: number, behind: 0 | 1];

/** Of one server, since the last report. */
export interface ServerReport {
  readonly asked: number;
  readonly answers: readonly AnswerTuple[];
  /** Lost connections, answers of 400 and above, and requests that were not sent because too many were out. */
  readonly failed: number;
  /** Requests that are out now, and how long the oldest has been. */
  readonly out: number;
  readonly oldestMs: number;
}

/** What has happened since the last report. */
export interface LoadReport {
  readonly epoch: number;
  /** Since the schedule began. */
  readonly elapsedMs: number;
  /** Requests that the process itself sent late. */
  readonly ownLate: number;
  readonly servers: readonly ServerReport[];
}
