/** Functions that give a config file and an app module their types. Each returns what it gets. */
import type { LogFormat, LogLevel } from './options/option-table.js';
import type { ServerOptions } from './options/server-options.js';
import type { TcpApp } from './tcp/app.js';
import type { FetchApp } from './web/context.js';

/** The options that the config file has as `createServer` has them. */
type SharedOptions = Pick<
  ServerOptions,
  | 'threads'
  | 'strategy'
  | 'maxConnections'
  | 'maxHeaderSize'
  | 'maxRequestsPerSocket'
  | 'headersTimeout'
  | 'requestTimeout'
  | 'keepAliveTimeout'
  | 'sendTimeout'
  | 'drainTimeout'
  | 'readyWhenDegraded'
  | 'accessLog'
  | 'accessLogSample'
>;

/**
 * The settings of a config file, as docs/options.md lists them. The command line and the environment go before them; `undefined` counts
 * as left out.
 */
export interface Config extends SharedOptions {
  /** The app module, or a directory of files to serve: a URL, or a path, which is relative to the config file. */
  app?: string | URL | undefined;
  /** The port to listen on; 0 takes any free one. Default: 8080. */
  port?: number | string | undefined;
  /** The address to listen on. Default: 127.0.0.1. */
  host?: string | undefined;
  /** Addresses to listen on in place of port and host, or after them: `HOST:PORT`, `PORT`, `unix:PATH` or `fd:N`. */
  listen?: string | readonly string[] | undefined;
  /** The largest request body in bytes, or no limit. Default: 16777216 (16 MiB). */
  maxBodySize?: number | 'unlimited' | undefined;
  /** `HOST:PORT` where the dashboard listens, or `'off'`. Default: 127.0.0.1:9080, or any free port where that one is taken. */
  dashboard?: string | undefined;
  /** The file that has the dashboard's token. Default: a new token at each start. */
  dashboardTokenFile?: string | undefined;
  /** Whether the dashboard and logs show the values of the queries of requests, which may be secrets. Default: false. */
  dashboardShowQueries?: boolean | undefined;
  /** How much is logged. Default: `'info'`. */
  logLevel?: LogLevel | undefined;
  /** The format of the log. Default: `'pretty'` on a terminal, `'json'` elsewhere. */
  logFormat?: LogFormat | undefined;
}

/**
 * For the default export of a config file: editors and the compiler check it.
 *
 * ```ts
 * import { defineConfig } from 'paceline';
 * export default defineConfig({ app: './app.ts', port: 3000 });
 * ```
 */
export const defineConfig = (config: Config): Config => config;

/**
 * For the default export of an app module: the parameters of its handlers have their types.
 *
 * ```ts
 * import { defineApp } from 'paceline';
 * export default defineApp({ fetch: (request, { thread }) => new Response(`hello from thread ${thread}\n`) });
 * ```
 */
export const defineApp = <App extends FetchApp | TcpApp>(app: App): App => app;
