/** The messages between the campaign, its target process and the probe. */
import type { ThreadInfo } from '../../lib/observe/observation.js';
import type { StrategyName } from '../../lib/strategies/descriptions.js';

/** How the process is to be set up. */
export interface Setup {
  readonly host: string;
  readonly strategy: StrategyName;
  readonly threads: number;
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly sendTimeout: number;
}

/** Where its server and the dashboard listen. */
export interface Ports {
  readonly server: number;
  readonly dashboard: number;
}

/** The target's account of itself. */
export interface Status {
  readonly threads: readonly ThreadInfo[];
  readonly connections: number;
  readonly blocks: number;
  readonly blocksPeak: number;
  readonly deaths: number;
  /** Errors of the server's own, and deaths of threads. */
  readonly violations: readonly string[];
}

export type Question =
  | { readonly ask: 'start'; readonly setup: Setup }
  | { readonly ask: 'status' | 'close' };
export type Answer = Ports | Status;

/** What the probe saw while the attacks went on. */
export interface ProbeReport {
  /** Answers to bystanders that were correct in every byte. */
  readonly verified: number;
  readonly maxAnswerMs: number;
  /** Health checks that were answered. */
  readonly checks: number;
  readonly maxCheckMs: number;
  readonly wrong: readonly string[];
}

export interface ProbeTarget extends Ports {
  readonly host: string;
  readonly seed: number;
}
