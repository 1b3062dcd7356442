/** What a command line asks for. */
import type { HostAndPort } from '../options/host-port.js';
import type { OptionName, OptionSetting } from '../options/option-table.js';

/** The settings of a run, checked. An undefined setting was not given and has its default elsewhere. */
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

/** What the meaning of a command line depends on besides the line itself. */
export interface CommandContext {
  readonly environment: Environment;
  readonly workingDirectory: string;
}
