/**
 * The table of options: one row for each option of `createServer` and of the command. The rows drive the parsing of the
 * command line, the environment and the config file, the checks and defaults of `createServer`, `paceline --help`, the JSON
 * schema of the config file, docs/options.md and the table in the README. The TSDoc of `ServerOptions` is the reference for
 * embedders: the compiler compares its names with this table, and a spec its defaults.
 */
import { MAX_THREADS } from '../memory/layout.js';
import { STRATEGIES } from '../strategies/descriptions.js';
import { tokens } from './dashboard-token.js';
import { MAX_GROUPS } from './groups.js';
import type { HostAndPort } from './host-port.js';
import { DEFAULT_PORT, listenAddresses } from './listen-options.js';
import {
  addressOrOff,
  booleans,
  choices,
  type NumberKind,
  type OptionKind,
  ports,
  shares,
  texts,
  wholeNumbers,
} from './option-kinds.js';
import { STRATEGY_DEFAULT, strategies } from './strategy.js';
import { THREADS_DEFAULT_MIN, THREADS_PER_CORE, threadRanges } from './thread-range.js';

/** The prefix of the environment variables, except those that other programs use as well. */
export const VARIABLE_PREFIX = 'PACELINE_';

/** The headings under which options are listed, in this order. */
export const OPTION_GROUPS = [
  'App',
  'Address',
  'Threads',
  'Limits',
  'Timeouts',
  'Dashboard and log',
  'Command',
] as const;

export interface OptionRow<Value = unknown> {
  readonly group: (typeof OPTION_GROUPS)[number];
  /** How the command line, the environment and the config file spell it. `createServer` also takes other types. */
  readonly kind: OptionKind<Value>;
  /** What the value is called in the help. */
  readonly metavar: string;
  /** The letter of the short form. */
  readonly short?: string;
  /** One sentence. */
  readonly description: string;
  /** The value if no source has one. */
  readonly default?: Value;
  /** Describes the default where it is not one fixed value. */
  readonly defaultText?: string;
  /** The environment variable, where it is not PACELINE_ and the name. */
  readonly variable?: string;
  /** Whether it is the positional argument of the command line. */
  readonly isPositional?: boolean;
  /** Whether the command line may have it several times; its values are then those of one list. */
  readonly isRepeatable?: boolean;
  /** Whether the command line has no option for it. */
  readonly isNotOnLine?: boolean;
  /** Whether the config file has no key for it. */
  readonly isNotInConfigFile?: boolean;
  /** Another key that the config file may have for it: the one of earlier versions. */
  readonly formerConfigKey?: string;
}

/** The row of a number. `createServer` uses its bounds and its default as well. */
interface NumberRow extends OptionRow<number> {
  readonly kind: NumberKind;
  readonly default: number;
}

/** Room for a request line and a Host field; below, no real client would be served. */
const HEADER_BYTES_MIN = 256;
const HEADER_BYTES_MAX = 65_535;
const CONNECTIONS_MAX = 1_048_576;
/** A day. */
const TIMEOUT_MAX_MS = 86_400_000;
/** What 32 bits can count. */
const COUNT_MAX = 2 ** 31 - 1;

/** From nothing to everything; each level includes the ones before it. */
const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
/** `pretty` for people, `json` (one object a line) for programs. */
const LOG_FORMATS = ['pretty', 'json'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = (typeof LOG_FORMATS)[number];

/** The formats of the access log, as web servers have them: those of Apache, and one JSON object a line. */
const ACCESS_LOGS = ['off', 'common', 'combined', 'json'] as const;
export type AccessLog = (typeof ACCESS_LOGS)[number];

/** Where the dashboard listens unless it is told otherwise. */
export const DASHBOARD_DEFAULT: HostAndPort = { host: '127.0.0.1', port: 9080 };

/** The config files of which one is read unless another one is named. */
export const CONFIG_FILES = ['json', 'js', 'mjs', 'ts', 'mts'].map((type) => `paceline.config.${type}`);

/** The key by which editors find the schema of a config file. It is not a setting. */
export const SCHEMA_KEY = '$schema';

const timeout = (row: { default: number; description: string }): NumberRow => ({
  group: 'Timeouts',
  kind: wholeNumbers({ max: TIMEOUT_MAX_MS, unit: 'ms' }),
  metavar: 'MS',
  ...row,
});

const number = <Row extends NumberRow>(row: Row): NumberRow => row;

/** The options of `createServer`, by their names there; all but `logger`, which has no textual form. */
export const SERVER_OPTIONS = {
  app: {
    group: 'App',
    kind: texts(),
    metavar: 'APP',
    isPositional: true,
    description: 'Module of the app, or a directory of files to serve.',
    defaultText: 'the built-in demo app',
  },
  threads: {
    group: 'Threads',
    kind: threadRanges(),
    metavar: 'N',
    short: 't',
    description: `Threads that process requests: a number from 1 to ${MAX_THREADS}, or MIN:MAX, of which this version always runs MAX.`,
    defaultText: `the larger of ${THREADS_DEFAULT_MIN} and ${THREADS_PER_CORE} times the cores available`,
  },
  groups: number({
    group: 'Threads',
    kind: wholeNumbers({ min: 1, max: MAX_GROUPS }),
    metavar: 'N',
    description:
      'Independent thread sets that share each port, every one with as many threads as threads says; for machines with many cores.',
    default: 1,
  }),
  strategy: {
    group: 'Threads',
    kind: strategies(),
    metavar: 'NAME',
    description: `Concurrency model: ${STRATEGIES.join(', ')}.`,
    default: STRATEGY_DEFAULT,
  },
  maxConnections: number({
    group: 'Limits',
    kind: wholeNumbers({ min: 1, max: CONNECTIONS_MAX }),
    metavar: 'N',
    description: "Connections open at once; further clients wait in the kernel's queue.",
    default: 16_384,
  }),
  maxHeaderSize: number({
    group: 'Limits',
    kind: wholeNumbers({ min: HEADER_BYTES_MIN, max: HEADER_BYTES_MAX, unit: 'bytes' }),
    metavar: 'BYTES',
    description:
      'Largest request head; a larger one is answered with 431, or 414 where the target alone is too long.',
    default: 16_384,
  }),
  maxBodySize: number({
    group: 'Limits',
    kind: wholeNumbers({ max: Number.MAX_SAFE_INTEGER, unit: 'bytes', unlimited: true }),
    metavar: 'BYTES',
    description: 'Largest request body, or unlimited; a larger one is answered with 413.',
    default: 16 * 1024 * 1024,
  }),
  maxRequestsPerSocket: number({
    group: 'Limits',
    kind: wholeNumbers({ max: COUNT_MAX }),
    metavar: 'N',
    description: 'Requests that one connection may make; 0 for any number.',
    default: 0,
  }),
  headersTimeout: timeout({
    description: 'Time for a client to send a complete request head, before 408; 0 for no limit.',
    default: 60_000,
  }),
  requestTimeout: timeout({
    description: 'Time for a client to send a complete request, before 408; 0 for no limit.',
    default: 300_000,
  }),
  keepAliveTimeout: timeout({
    description: 'Time that a connection may be idle between requests; 0 for no limit.',
    default: 5000,
  }),
  sendTimeout: timeout({
    description:
      'Time for a client to accept the next part of a response, before the connection is closed; 0 for no limit.',
    default: 60_000,
  }),
  drainTimeout: timeout({
    description:
      'Time for requests in flight to finish when the server closes, before they are cut; 0 cuts them at once.',
    default: 10_000,
  }),
  dashboard: {
    group: 'Dashboard and log',
    kind: addressOrOff(),
    metavar: 'ADDR',
    description: 'HOST:PORT where the dashboard listens (IPv6 in brackets), or off.',
    defaultText: `${DASHBOARD_DEFAULT.host}:${DASHBOARD_DEFAULT.port}, or any free port where that one is taken`,
  },
  readyWhenDegraded: {
    group: 'Dashboard and log',
    kind: booleans(),
    metavar: 'BOOL',
    description: "Whether the dashboard's /readyz answers 200 while the server is degraded: true or false.",
    default: true,
  },
  accessLog: {
    group: 'Dashboard and log',
    kind: choices(ACCESS_LOGS),
    metavar: 'FORMAT',
    description: `Format of the access log on standard output: ${ACCESS_LOGS.join(', ')}.`,
    default: 'off',
  },
  accessLogSample: {
    group: 'Dashboard and log',
    kind: shares(),
    metavar: 'SHARE',
    description: 'Share of the requests that the access log has, from 0 to 1.',
    default: 1,
  },
} as const satisfies Readonly<Record<string, OptionRow>>;

/** The names of the options of `createServer` that are whole numbers. */
export type NumberOption = {
  [Name in keyof typeof SERVER_OPTIONS]: (typeof SERVER_OPTIONS)[Name] extends NumberRow ? Name : never;
}[keyof typeof SERVER_OPTIONS];

/** The options that only the command has. */
const COMMAND_OPTIONS = {
  port: {
    group: 'Address',
    kind: ports(),
    metavar: 'N',
    short: 'p',
    description: 'Port to listen on; 0 takes any free one.',
    default: DEFAULT_PORT,
    variable: 'PORT',
  },
  host: {
    group: 'Address',
    kind: texts(),
    metavar: 'ADDR',
    short: 'H',
    description: 'Address to listen on.',
    default: '127.0.0.1',
    variable: 'HOST',
  },
  listen: {
    group: 'Address',
    kind: listenAddresses(),
    metavar: 'ADDR',
    isRepeatable: true,
    description:
      'Address to listen on in place of port and host: HOST:PORT, PORT, unix:PATH, or fd:N for an inherited socket; may be given several times.',
    defaultText: 'port and host',
  },
  dashboardToken: {
    group: 'Dashboard and log',
    kind: tokens(),
    metavar: 'TOKEN',
    isNotOnLine: true,
    isNotInConfigFile: true,
    description:
      'Token of the dashboard, of 16 to 256 characters out of A-Z, a-z, 0-9 and . _ ~ -; not on the command line, which other users of the machine can read.',
    defaultText: 'a new one at each start',
  },
  dashboardTokenFile: {
    group: 'Dashboard and log',
    kind: texts(),
    metavar: 'FILE',
    description: 'File that has the token of the dashboard; $PACELINE_DASHBOARD_TOKEN goes before it.',
    defaultText: 'none',
  },
  dashboardShowQueries: {
    group: 'Dashboard and log',
    kind: booleans(),
    metavar: 'BOOL',
    description:
      'Whether the dashboard, top, traces and error logs show the values of the queries of requests, which may be secrets, in place of *: true or false.',
    default: false,
  },
  logLevel: {
    group: 'Dashboard and log',
    kind: choices(LOG_LEVELS),
    metavar: 'LEVEL',
    description: `How much is logged: ${LOG_LEVELS.join(', ')}.`,
    default: 'info',
    formerConfigKey: 'log-level',
  },
  logFormat: {
    group: 'Dashboard and log',
    kind: choices(LOG_FORMATS),
    metavar: 'NAME',
    description: `Format of the log: ${LOG_FORMATS.join(', ')}.`,
    defaultText: 'pretty on a terminal, json elsewhere',
    formerConfigKey: 'log-format',
  },
  config: {
    group: 'Command',
    kind: texts(),
    metavar: 'FILE',
    isNotInConfigFile: true,
    description: 'Config file: JSON, or a module that exports the same object by default.',
    defaultText: 'paceline.config.json, .js, .mjs, .ts or .mts, if there is one',
  },
} as const satisfies Readonly<Record<string, OptionRow>>;

/** The options of the command that take no value. */
export const SWITCHES = {
  help: { short: 'h', description: 'Print the help and exit.' },
  version: { short: 'v', description: 'Print the version and exit.' },
} as const;

const TABLE = { ...SERVER_OPTIONS, ...COMMAND_OPTIONS };

export type OptionName = keyof typeof TABLE;

/** The type of the option's value once it is checked. */
type OptionValue<Name extends OptionName> = ReturnType<(typeof TABLE)[Name]['kind']['check']>;

/** The type of the option's setting: undefined if no source has a value and the default is not one fixed value. */
export type OptionSetting<Name extends OptionName> =
  | OptionValue<Name>
  | ((typeof TABLE)[Name] extends { readonly default: unknown } ? never : undefined);

/** A row together with the names that its option has. */
export interface Option extends OptionRow {
  readonly name: OptionName;
  /** The long form on the command line, without the dashes; undefined for the positional one, and where there is none. */
  readonly flag: string | undefined;
  /** The environment variable. */
  readonly variable: string;
  /** The key in the config file, as in `createServer`. */
  readonly configKey: string | undefined;
}

/** Every option that has a value, in the order of the groups. */
export const OPTIONS: readonly Option[] = OPTION_GROUPS.flatMap((group) =>
  Object.entries<OptionRow>(TABLE)
    .filter(([, row]) => row.group === group)
    .map(([name, row]) => withNames(name as OptionName, row)),
);

function withNames(name: OptionName, row: OptionRow): Option {
  const kebab = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return {
    ...row,
    name,
    flag: row.isPositional || row.isNotOnLine ? undefined : kebab,
    variable: row.variable ?? `${VARIABLE_PREFIX}${kebab.toUpperCase().replaceAll('-', '_')}`,
    configKey: row.isNotInConfigFile ? undefined : name,
  };
}

/** The default in the form that help and docs show. */
export const defaultOf = (row: OptionRow): string => row.defaultText ?? String(row.default);
