/** What a command line asks for. */
import type { HostAndPort } from '../options/host-port.js';
import type { StrategyName } from '../options/strategy.js';
import type { ThreadRange } from '../options/thread-range.js';
import type { LogFormat, LogLevel } from './log.js';

/** The settings of a run, checked. What is undefined was not asked for and has a default elsewhere. */
export interface Settings {
  readonly app: string | undefined;
  readonly port: number;
  readonly host: string;
  readonly threads: ThreadRange | undefined;
  readonly strategy: StrategyName | undefined;
  readonly dashboard: HostAndPort | 'off' | undefined;
  readonly logLevel: LogLevel;
  /** Undefined: pretty on a terminal, JSON elsewhere. */
  readonly logFormat: LogFormat | undefined;
}

/** The dashboard that `paceline top` shows, and the token that the dashboard's server printed. */
export interface TopTarget extends HostAndPort {
  readonly token: string;
}

export type Command =
  | { readonly action: 'help' }
  | { readonly action: 'version' }
  | { readonly action: 'top'; readonly target: TopTarget }
  | { readonly action: 'run'; readonly settings: Settings };

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a command line is given: what else its meaning depends on. */
export interface CommandContext {
  readonly environment: Environment;
  readonly workingDirectory: string;
}
