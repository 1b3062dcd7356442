/** What a command line asks for. */
import type { Mix } from '../compare/mixes.js';
import type { ServerPlan } from '../compare/server-process.js';
import type { HostAndPort } from '../options/host-port.js';
import type { ListenOptions } from '../options/listen-options.js';
import type { OptionName, OptionSetting } from '../options/option-table.js';

/** What `paceline compare` is to do. */
export interface CompareOptions {
  readonly servers: readonly ServerPlan[];
  /** Undefined for the demo app. */
  readonly app: string | undefined;
  readonly mixes: readonly Mix[];
  /** The name of the first one to be sent. */
  readonly mix: string;
  /** Requests per second to each server. */
  readonly rate: number;
  /** Whether the servers are asked one after the other. */
  readonly turns: boolean;
  /** How long to measure before the figures are printed; undefined if the line does not say. */
  readonly seconds: number | undefined;
  readonly json: boolean;
  /** The page's port; undefined for the default, or any free one. */
  readonly port: number | undefined;
}

/** The settings of a run, checked. An undefined setting was not given and has its default elsewhere. */
export type Settings = { readonly [Name in Exclude<OptionName, 'config'>]: OptionSetting<Name> };

/** The dashboard that `paceline top` shows, and the token that the dashboard's server printed. */
export interface TopTarget extends HostAndPort {
  readonly token: string;
}

export type Command =
  | { readonly action: 'help' }
  | { readonly action: 'compare-help' }
  | { readonly action: 'version' }
  | { readonly action: 'top'; readonly target: TopTarget }
  | { readonly action: 'compare'; readonly options: CompareOptions }
  | RunCommand;

export interface RunCommand {
  readonly action: 'run';
  readonly settings: Settings;
  /** Where to listen. */
  readonly addresses: readonly ListenOptions[];
  /** What the app is to find in its environment: PORT and HOST, as far as they are given. */
  readonly environment: Environment;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** What the meaning of a command line depends on besides the line itself. */
export interface CommandContext {
  readonly environment: Environment;
  readonly workingDirectory: string;
}
