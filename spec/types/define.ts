/** The types of config files and of `defineApp`. */
import {
  type Config,
  defineApp,
  defineConfig,
  type FetchContext,
  type TcpConnection,
} from '../../lib/index.js';
import type { OptionName } from '../../lib/options/option-table.js';
import { expectType } from './expect.js';

/** Every option that a config file has, and no other key. */
export const keys: Record<keyof Config, true> &
  Record<Exclude<OptionName, 'config' | 'dashboardToken'>, true> = {
  app: true,
  port: true,
  host: true,
  listen: true,
  threads: true,
  groups: true,
  strategy: true,
  maxConnections: true,
  maxHeaderSize: true,
  maxBodySize: true,
  maxRequestsPerSocket: true,
  headersTimeout: true,
  requestTimeout: true,
  keepAliveTimeout: true,
  sendTimeout: true,
  drainTimeout: true,
  dashboard: true,
  dashboardTokenFile: true,
  dashboardShowQueries: true,
  readyWhenDegraded: true,
  accessLog: true,
  accessLogSample: true,
  logLevel: true,
  logFormat: true,
};

export const config: Config = defineConfig({
  app: new URL('file:///app.ts'),
  port: process.env.PORT,
  listen: ['3000', '[::1]:3000', 'unix:/run/app.sock', 'fd:3'],
  threads: { min: 2, max: 8 },
  maxBodySize: 'unlimited',
  dashboard: 'localhost:0',
  accessLog: 'json',
  logLevel: 'warn',
});

export function refusesWhatIsNoSetting(): void {
  // @ts-expect-error: the name is misspelled
  defineConfig({ keepaliveTimeout: 1 });
  // @ts-expect-error: a time is a number of milliseconds
  defineConfig({ drainTimeout: '10s' });
  // @ts-expect-error: an address is text here, and not an object as in listen()
  defineConfig({ listen: { port: 3000 } });
  // @ts-expect-error: a text, and not an object as in createServer
  defineConfig({ dashboard: { port: 0 } });
  // @ts-expect-error: there is no such level
  defineConfig({ logLevel: 'loud' });
}

export const app = defineApp({
  fetch(request, context) {
    expectType<Request>()(request);
    expectType<FetchContext>()(context);
    return 'text';
  },
});
// What is defined keeps its own type.
expectType<string>()(app.fetch({} as Request, {} as FetchContext));

export const tcpApp = defineApp({
  data(connection, bytes) {
    expectType<TcpConnection>()(connection);
    expectType<Uint8Array>()(bytes);
  },
});

// @ts-expect-error: an app has a `fetch`, or a `data`
defineApp({});
