/** The messages between the campaign and its target process. */

import type { ThreadInfo } from '../../lib/observe/observation.js';
import type { ServerOptions } from '../../lib/options/server-options.js';
import type { StrategyName } from '../../lib/strategies/descriptions.js';

export type ServerName = 'web' | 'tcp';
export const SERVER_NAMES: readonly ServerName[] = ['web', 'tcp'];

/** How a process is to be set up. */
export interface Setup {
  readonly host: string;
  readonly strategy: StrategyName;
  readonly threads: number;
  /** The folder of the web app's files. */
  readonly root: string;
  /** Whether the apps listen to `uncaughtException`, and whether the TCP app has an `error` handler. */
  readonly handled: boolean;
  readonly errorHandler: boolean;
  /** Whether the web app declares most of its routes to block, so that requests are handed over all the time. */
  readonly blocking: boolean;
  /** Whether a listener to transitions is installed. */
  readonly transitions: boolean;
  readonly options: Omit<ServerOptions, 'app' | 'strategy' | 'threads' | 'logger'>;
}

export type Question =
  | { readonly ask: 'start'; readonly setup: Setup }
  | { readonly ask: 'status' }
  /** Arms steps: pairs of a step and a count. */
  | { readonly ask: 'arm'; readonly steps: readonly (readonly [number, number])[] }
  | { readonly ask: 'disarm' }
  /** Terminates one of the threads that have joined. */
  | { readonly ask: 'terminate'; readonly which: number }
  | { readonly ask: 'close'; readonly drainMs: number };

export interface Ports {
  readonly web: number;
  readonly tcp: number;
  /** Of the dashboard, where there is one. */
  readonly dashboard: number | null;
}

/** The status of one server. */
export interface TargetServerStatus {
  readonly threads: readonly ThreadInfo[];
  readonly connections: number;
  readonly blocks: number;
  /** Since the start: threads that died, and connections that were lost with them. */
  readonly deaths: number;
  readonly lost: number;
  /** Impossible transitions, and errors that the server reports. */
  readonly violations: readonly string[];
}

export interface Status {
  readonly servers: Readonly<Record<ServerName, TargetServerStatus>>;
  /** The process's descriptors, by what they lead to. */
  readonly descriptors: Readonly<Record<string, number>>;
  readonly residentBytes: number;
  /** Threads that died at each step, and terminations that were carried out. */
  readonly stepDeaths: readonly number[];
  readonly terminated: number;
  readonly passed: readonly boolean[];
  /** The last lines of the log. */
  readonly log: readonly string[];
}

export type Answer = Ports | Status | null;
