/**
 * From the command line, the environment and the config file to the settings of a run. Each setting is one row of
 * {@link SETTINGS}; the first source that has it decides, and only the value that decides is checked: option,
 * environment, config file, default.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type HostAndPort, hostAndPort, PORT_MAX } from '../options/host-port.js';
import { resolveStrategy } from '../options/strategy.js';
import { resolveThreads } from '../options/thread-range.js';
import { optionError, refuseUnknownNames, show, wholeNumber } from '../options/validate.js';
import type { Command, CommandContext } from './command.js';
import { readLine } from './line.js';
import type { LogFormat, LogLevel } from './log.js';
import { readTopArguments } from './top-arguments.js';

/** A value as a source had it, and what the user calls it there. */
interface Found {
  readonly value: unknown;
  readonly name: string;
}

const CONFIG_FILE = 'paceline.config.json';
const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const satisfies readonly LogLevel[];
const LOG_FORMATS = ['pretty', 'json'] as const satisfies readonly LogFormat[];

/** The settings that have an option and a name in the config file; APP is the one without an option. */
const SETTINGS = [
  'app',
  'port',
  'host',
  'threads',
  'strategy',
  'dashboard',
  'log-level',
  'log-format',
] as const;
type SettingName = (typeof SETTINGS)[number];

const ENVIRONMENT: Partial<Record<SettingName, string>> = { port: 'PORT', host: 'HOST' };

const OPTIONS = {
  port: { type: 'string', short: 'p' },
  host: { type: 'string', short: 'H' },
  threads: { type: 'string', short: 't' },
  strategy: { type: 'string' },
  dashboard: { type: 'string' },
  config: { type: 'string' },
  'log-level': { type: 'string' },
  'log-format': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

/**
 * Reads the command line.
 *
 * @param line the arguments after the command's own name
 * @throws PacelineError `PACELINE_OPTION` where the command was used wrongly
 */
export function readArguments(line: readonly string[], context: CommandContext): Command {
  // A directory of that name can be served as ./top.
  if (line[0] === 'top') return readTopArguments(line.slice(1), context.environment);
  const { options, positional: app } = readLine(line, OPTIONS, 'APP');
  if (options.has('help')) return { action: 'help' };
  if (options.has('version')) return { action: 'version' };
  const config = readConfig(options.get('config'), context.workingDirectory);

  const find = (setting: SettingName): Found => {
    const option = setting === 'app' ? app : options.get(setting);
    if (option !== undefined) return { value: option, name: setting === 'app' ? 'APP' : `--${setting}` };
    const variable = ENVIRONMENT[setting];
    // An empty variable is how a shell or a container file says "not set".
    const inEnvironment = variable && context.environment[variable];
    if (inEnvironment) return { value: inEnvironment, name: variable };
    return { value: config.values[setting], name: `${setting} in ${config.name}` };
  };

  return {
    action: 'run',
    settings: {
      app: readApp(find('app'), app === undefined ? config.directory : context.workingDirectory),
      port: readPort(find('port')) ?? 8080,
      host: readText(find('host')) ?? '127.0.0.1',
      threads: given(find('threads'), resolveThreads),
      strategy: given(find('strategy'), resolveStrategy),
      dashboard: readDashboard(find('dashboard')),
      logLevel: readChoice(find('log-level'), LOG_LEVELS) ?? 'info',
      logFormat: readChoice(find('log-format'), LOG_FORMATS),
    },
  };
}

interface Config {
  readonly values: Readonly<Record<string, unknown>>;
  /** As the user would name the file. */
  readonly name: string;
  /** What a relative APP in it is relative to. */
  readonly directory: string;
}

/** The config file; without one that was asked for, the usual one, which need not exist. */
function readConfig(asked: string | undefined, workingDirectory: string): Config {
  const name = asked ?? CONFIG_FILE;
  const path = resolve(workingDirectory, name);
  const directory = dirname(path);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (asked === undefined && code === 'ENOENT') return { values: {}, name, directory };
    throw optionError(`the config file ${name} cannot be read (${code}); name a file of JSON`, { cause });
  }
  return { values: parseConfig(text, name), name, directory };
}

function parseConfig(text: string, name: string): Config['values'] {
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch (cause) {
    throw optionError(`the config file ${name} must be JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw optionError(`the config file ${name} must be one JSON object, as in { "port": 3000 }`);
  }
  refuseUnknownNames(Object.keys(values), SETTINGS, `setting in ${name} called`);
  return values as Config['values'];
}

/** `resolveValue` for what some source has; nothing where none has it, so that the server's own default counts. */
function given<T>({ value, name }: Found, resolveValue: (value: unknown, name: string) => T): T | undefined {
  return value === undefined ? undefined : resolveValue(value, name);
}

function readText({ value, name }: Found): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value !== '') return value;
  throw optionError(`${name} must be a text that is not empty, not ${show(value)}`);
}

function readApp(found: Found, directory: string): string | undefined {
  const app = readText(found);
  return app === undefined || /^(file|data):/i.test(app) ? app : resolve(directory, app);
}

function readPort({ value, name }: Found): number | undefined {
  if (value === undefined) return undefined;
  const isDigits = typeof value === 'string' && /^\d{1,5}$/.test(value);
  return wholeNumber(isDigits ? Number(value) : value, name, 0, PORT_MAX);
}

function readDashboard(found: Found): HostAndPort | 'off' | undefined {
  const text = readText(found);
  if (text === undefined || text === 'off') return text;
  const address = hostAndPort(text);
  if (address === undefined) {
    throw optionError(`${found.name} must be HOST:PORT (with IPv6 in brackets) or off, not ${show(text)}`);
  }
  return address;
}

function readChoice<T extends string>({ value, name }: Found, choices: readonly T[]): T | undefined {
  if (value === undefined) return undefined;
  const choice = choices.find((candidate) => candidate === value);
  if (choice !== undefined) return choice;
  throw optionError(`${name} must be one of: ${choices.join(', ')}; not ${show(value)}`);
}
