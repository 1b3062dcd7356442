/**
 * The options of `createServer`, and the one place that validates them. Everything is checked before a thread starts, so a
 * mistake is reported once, by the name of the option. Nothing here loads native code, so this file works on every platform.
 */
import type { Logger } from '../logger.js';
import { resolveApp } from './app-url.js';
import { checkToken } from './dashboard-token.js';
import { checkGroups } from './groups.js';
import { PORT_MAX } from './host-port.js';
import { checkBoolean } from './option-kinds.js';
import {
  type AccessLog,
  DASHBOARD_DEFAULT,
  type NumberOption,
  type OptionRow,
  SERVER_OPTIONS,
} from './option-table.js';
import { resolveStrategy, type StrategyName, threadsOf } from './strategy.js';
import type { ThreadRange } from './thread-range.js';
import { optionError, refuseUnknownNames, show, wholeNumber } from './validate.js';

/** The options of `createServer`. Each may be left out; `undefined` counts as left out. */
export interface ServerOptions {
  /**
   * The app module: a URL (`file:` or `data:`), or a path, which is relative to the working directory. Every thread
   * loads it. A directory means its files, served as they are. Default: the built-in demo app.
   */
  app?: string | URL | undefined;
  /**
   * How many threads process requests: a number, `'MIN:MAX'` or `{ min, max }`, each from 1 to 128. The set does not
   * grow and shrink yet, so a range starts MAX threads and keeps them. Default: the larger of 4 and 1.5 times the cores
   * available: one for each core, and others that stand ready for handlers that block. Each takes some 20 MB.
   */
  threads?: number | string | ThreadRange | undefined;
  /**
   * How many independent thread sets, the groups, share each port, from 1 to 16: each has its own memory, handle set and listening sockets,
   * and as many threads as `threads` says; all groups together have at most 128. The kernel deals connections to the groups
   * (SO_REUSEPORT), without regard to their load. `maxConnections` is divided among them. For machines on which one set is the limit:
   * see docs/SCALING.md. Default: 1.
   */
  groups?: number | undefined;
  /** Which concurrency model to run. Default, and the only one in this version: `'leader-followers'`. */
  strategy?: StrategyName | undefined;
  /**
   * How many connections may be open at once, from 1 to 1048576. Each one has a fixed record in shared memory and a
   * file descriptor, so memory for all of them is reserved at the start. Default: 16384.
   */
  maxConnections?: number | undefined;
  /**
   * The longest request head (request line and fields), in bytes, from 256 to 65535. A longer one is answered with
   * 431 (RFC 6585, section 5). Default: 16384, as in Node.
   */
  maxHeaderSize?: number | undefined;
  /**
   * The longest request body, in bytes, from 0; `Infinity` for no limit. A longer one is answered with 413
   * (RFC 9110, section 15.5.14). Default: 16777216 (16 MiB). A body is usually held in memory as a whole, one for
   * each thread that processes a request, so the default bounds 128 threads at 2 GiB. It is still above what forms,
   * JSON and pictures need. Raise it for uploads.
   */
  maxBodySize?: number | undefined;
  /** How many requests one connection may make; 0 for any number. Default: 0, as in Node. */
  maxRequestsPerSocket?: number | undefined;
  /**
   * How long a client may take to send a complete head, in milliseconds, from its first byte (or from connecting, for the
   * first one); 0 for no limit. The client gets 408 and the end of the connection. Default: 60,000, as in Node.
   * Each timeout is at most a day (86,400,000). All are checked in ticks of a quarter of the shortest one, a second at most,
   * so they may be late by that much.
   */
  headersTimeout?: number | undefined;
  /** How long a client may take to send a complete request, in milliseconds; 0 for no limit. Default: 300,000, as in Node. */
  requestTimeout?: number | undefined;
  /** How long a connection may be idle between requests, in milliseconds; 0 for no limit. Default: 5000, as in Node. */
  keepAliveTimeout?: number | undefined;
  /**
   * How long a client may take to accept the next part of a response, in milliseconds; 0 for no limit. Node has no such
   * limit; without one, a client that stops reading keeps its connection open forever. Default: 60,000.
   */
  sendTimeout?: number | undefined;
  /**
   * How long `server.close()` lets requests in flight finish, in milliseconds, unless it is told otherwise; 0 for not at all.
   * Default: 10,000.
   */
  drainTimeout?: number | undefined;
  /**
   * The dashboard: a page, metrics, health checks and traces on a port of their own, served by the main thread. Default:
   * false, none; `{}` takes the defaults below. The token at the end of `server.dashboard.url` gives access to what requests
   * the threads process; without it, clients see numbers only.
   */
  dashboard?: DashboardOptions | false | undefined;
  /**
   * Whether the dashboard's `/readyz` answers 200 while the server is degraded: it serves, but slowly or with few free threads. In an
   * outage it always answers 503. Default: true.
   */
  readyWhenDegraded?: boolean | undefined;
  /**
   * The access log, a line for each response on standard output: in the Common or Combined Log Format, or as JSON. Lines are dropped
   * and counted where standard output does not keep up. Default: `'off'`.
   */
  accessLog?: AccessLog | undefined;
  /** The share of the requests that the access log has, from 0 to 1; they are chosen at random. Default: 1. */
  accessLogSample?: number | undefined;
  /**
   * Where the server reports what it does: an object with `error`, `warn`, `info` and `debug`, each called with a message and an object
   * of fields; a logger of pino or bunyan, or `console`, as it is; false for nowhere. Default: errors and warnings on standard error.
   */
  logger?: Logger | false | undefined;
}

/** Where the dashboard listens. */
export interface DashboardOptions {
  /**
   * A name or an address of this machine. Requests must name it in their Host field, so it should be the name that clients
   * use. Default: 127.0.0.1, because the connection is not encrypted.
   */
  host?: string | undefined;
  /** 0 takes any free port. Default: 9080. */
  port?: number | undefined;
  /** Takes any free port, with a warning, if `port` is taken. Default: false, so that `listen()` fails. */
  anyPortIfTaken?: boolean | undefined;
  /**
   * The token that gives access to everything the dashboard shows: 16 to 256 characters out of A-Z, a-z, 0-9 and `. _ ~ -`. With a fixed
   * one, an open page connects again after a restart. Default: a new one at each start.
   */
  token?: string | undefined;
  /**
   * Shows the values of the queries of requests, which may be secrets. Default: false, so that `/reset?token=…` is shown as
   * `/reset?token=*`.
   */
  showQueries?: boolean | undefined;
}

/** {@link ServerOptions}, checked and with the defaults filled in. */
export interface ResolvedOptions {
  /** The URL to `import()` in each thread. */
  readonly app: string;
  /** The app as the user named it; 'demo' for the built-in one. */
  readonly appName: string;
  /** Of each group. */
  readonly threads: ThreadRange;
  readonly groups: number;
  readonly strategy: StrategyName;
  readonly maxConnections: number;
  /** In bytes. */
  readonly maxHeaderSize: number;
  /** In bytes; may be `Infinity`. */
  readonly maxBodySize: number;
  readonly maxRequestsPerSocket: number;
  /** In milliseconds, 0 for no limit; the others too. */
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly keepAliveTimeout: number;
  readonly sendTimeout: number;
  readonly drainTimeout: number;
  readonly dashboard: ResolvedDashboard | false;
  /** Whether /readyz answers 200 while the server is degraded. */
  readonly readyWhenDegraded: boolean;
  readonly accessLog: AccessLog;
  /** From 0 to 1. */
  readonly accessLogSample: number;
  readonly logger: Logger;
  /** Whether `paceline dev` runs the server: clients are shown the errors of handlers. */
  readonly dev: boolean;
}

export interface ResolvedDashboard {
  readonly host: string;
  readonly port: number;
  readonly anyPortIfTaken: boolean;
  /** Null for a new one. */
  readonly token: string | null;
  readonly showQueries: boolean;
}

/** What only the command may ask for. */
export interface InternalOptions {
  /** See {@link ResolvedOptions.dev}. Default: false. */
  readonly dev?: boolean;
}

/** The name of the built-in app, on the dashboard for example. */
export const DEMO_NAME = 'demo';

/** Fails to compile when the table lacks a name of {@link ServerOptions} or has one that is not there. */
const TABLE = SERVER_OPTIONS satisfies Readonly<Record<Exclude<keyof ServerOptions, 'logger'>, OptionRow>>;
const TABLE_NAMES = Object.keys(TABLE) as (keyof typeof TABLE)[];
const OPTION_NAMES: readonly (keyof ServerOptions)[] = [...TABLE_NAMES, 'logger'];

const LOGGER_METHODS = ['error', 'warn', 'info', 'debug'] as const satisfies readonly (keyof Logger)[];

const ignore = (): void => {};
const NO_LOGGER: Logger = { error: ignore, warn: ignore, info: ignore, debug: ignore };

/**
 * Checks `options` and fills in the defaults.
 *
 * @throws PacelineError `PACELINE_OPTION` for a value that an option cannot have, or a name that is no option;
 * `PACELINE_APP_LOAD` for an app path where there is nothing.
 */
export function resolveOptions(
  options: ServerOptions = {},
  { dev = false }: InternalOptions = {},
): ResolvedOptions {
  if (typeof options !== 'object' || options === null) {
    throw optionError(`the options must be an object, not ${show(options)}`);
  }
  refuseUnknownNames(Object.keys(options), OPTION_NAMES, 'option');
  const number = (name: NumberOption): number => resolveNumber(options[name], name);
  const app = resolveApp(options.app);
  const strategy = resolveStrategy(options.strategy);
  const groups = number('groups');
  const threads = threadsOf(strategy, options.threads, groups);
  const maxConnections = number('maxConnections');
  checkGroups(groups, threads.max, maxConnections);
  return {
    app,
    appName: options.app === undefined ? DEMO_NAME : String(options.app),
    threads,
    groups,
    strategy,
    maxConnections,
    maxHeaderSize: number('maxHeaderSize'),
    maxBodySize: number('maxBodySize'),
    maxRequestsPerSocket: number('maxRequestsPerSocket'),
    headersTimeout: number('headersTimeout'),
    requestTimeout: number('requestTimeout'),
    keepAliveTimeout: number('keepAliveTimeout'),
    sendTimeout: number('sendTimeout'),
    drainTimeout: number('drainTimeout'),
    dashboard: resolveDashboard(options.dashboard),
    readyWhenDegraded: resolveByTable('readyWhenDegraded', options.readyWhenDegraded),
    accessLog: resolveByTable('accessLog', options.accessLog),
    accessLogSample: resolveByTable('accessLogSample', options.accessLogSample),
    logger: resolveLogger(options.logger),
    dev,
  };
}

/** For an option whose values are the same for `createServer` as in the config file. */
function resolveByTable<Name extends 'readyWhenDegraded' | 'accessLog' | 'accessLogSample'>(
  name: Name,
  value: unknown,
): ResolvedOptions[Name] {
  const row: OptionRow = TABLE[name];
  return (value === undefined ? row.default : row.kind.check(value, name)) as ResolvedOptions[Name];
}

function resolveNumber(value: unknown, name: NumberOption): number {
  const { kind, default: byDefault } = TABLE[name];
  if (value === undefined) return byDefault;
  if (kind.unlimited && value === Number.POSITIVE_INFINITY) return value;
  return wholeNumber(value, name, kind.min, kind.max);
}

function resolveDashboard(value: unknown): ResolvedDashboard | false {
  if (value === undefined || value === false) return false;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw optionError(
      `dashboard must be an object, as in { port: ${DASHBOARD_DEFAULT.port} }, or false, not ${show(value)}`,
    );
  }
  refuseUnknownNames(
    Object.keys(value),
    ['host', 'port', 'anyPortIfTaken', 'token', 'showQueries'],
    'member of dashboard',
  );
  const {
    host = DASHBOARD_DEFAULT.host,
    port = DASHBOARD_DEFAULT.port,
    anyPortIfTaken = false,
    token,
    showQueries = false,
  } = value as Record<string, unknown>;
  if (typeof host !== 'string' || host === '') {
    throw optionError(`dashboard.host must be a name or an address, not ${show(host)}`);
  }
  return {
    host,
    port: wholeNumber(port, 'dashboard.port', 0, PORT_MAX),
    anyPortIfTaken: checkBoolean(anyPortIfTaken, 'dashboard.anyPortIfTaken'),
    token: token === undefined ? null : checkToken(token, 'dashboard.token'),
    showQueries: checkBoolean(showQueries, 'dashboard.showQueries'),
  };
}

function resolveLogger(value: unknown): Logger {
  if (value === undefined || value === false) return NO_LOGGER;
  const logger = value as Partial<Logger> | null;
  for (const method of LOGGER_METHODS) {
    if (typeof logger?.[method] !== 'function') {
      throw optionError(
        `logger must be false, or an object with the functions ${LOGGER_METHODS.join(', ')}; ${method} is none`,
      );
    }
  }
  return logger as Logger;
}
