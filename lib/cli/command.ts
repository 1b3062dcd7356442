/** What a command line asks for. */
import type { HostAndPort } from '../options/host-port.js';
import type { OptionName, OptionSetting } from '../options/option-table.js';

/** The settings of a run, checked. What is undefined was not asked for and has a default elsewhere. */
export type Settings = { readonly [Name in Exclude<OptionName, 'config'>]: OptionSetting<Name> };

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
