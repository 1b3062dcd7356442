/** The types of `createServer`'s options, of listen() and of close(). */
import { pino } from 'pino';
import {
  createServer,
  type DashboardOptions,
  type ListenOptions,
  type Logger,
  type Server,
  type ServerOptions,
} from '../../lib/index.js';
import { expectType } from './expect.js';

export async function takesOptions(): Promise<void> {
  expectType<Server>()(createServer());
  expectType<Server>()(createServer({}));
  const logger: Logger = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };
  createServer({
    app: new URL('file:///app.js'),
    threads: 4,
    groups: 2,
    strategy: 'reactor',
    maxConnections: 100,
    maxHeaderSize: 16_384,
    maxBodySize: Number.POSITIVE_INFINITY,
    maxRequestsPerSocket: 0,
    headersTimeout: 1,
    requestTimeout: 1,
    keepAliveTimeout: 1,
    sendTimeout: 1,
    drainTimeout: 1,
    dashboard: {
      host: '127.0.0.1',
      port: 0,
      anyPortIfTaken: true,
      token: '0123456789abcdef',
      showQueries: true,
    },
    readyWhenDegraded: false,
    accessLog: 'combined',
    accessLogSample: 0.1,
    logger,
  } satisfies Required<ServerOptions>);
  createServer({ app: './app.js', threads: '2:8', dashboard: false });
  createServer({ threads: { min: 2, max: 8 }, dashboard: {} });
  // What is undefined counts as left out.
  createServer({ threads: undefined, dashboard: undefined, logger: undefined });
  // A program passes console, and options that it has made optional itself.
  createServer({ logger: console });
  createServer({ logger: false });
  createServer({ logger: pino() });
  const server = createServer({} as Partial<ServerOptions>);
  await server.listen();
  await server.listen({ port: 0, host: '::1' });
  await server.listen({ path: '/run/app.sock' });
  await server.listen({ fd: 3 });
  await server.listen([{ port: 0 }, { path: '/run/app.sock' }, { fd: 3 }] as const);
  await server.listen([] as ListenOptions[]);
  await server.close();
  await server.close({ drainMs: 1000 });
}

export function refusesWhatIsNoOption(): void {
  // @ts-expect-error: the name is misspelled
  createServer({ keepaliveTimeout: 1 });
  // @ts-expect-error: the app is a module, which every thread loads, and no function
  createServer({ app: () => new Response() });
  // @ts-expect-error: there is no such strategy
  createServer({ strategy: 'proactor' });
  // @ts-expect-error: a range has two ends
  createServer({ threads: { min: 1 } });
  // @ts-expect-error: a list of numbers is no range
  createServer({ threads: [1, 2] });
  // @ts-expect-error: a time is a number of milliseconds
  createServer({ headersTimeout: '60s' });
  // @ts-expect-error: a size is a number of bytes
  createServer({ maxBodySize: '1mb' });
  // @ts-expect-error: the dashboard has options, or is off
  createServer({ dashboard: true });
  // @ts-expect-error: a switch is true or false
  createServer({ readyWhenDegraded: 'true' });
  // @ts-expect-error: there is no such format
  createServer({ accessLog: 'nginx' });
  // @ts-expect-error: only silence has a value of its own
  createServer({ logger: true });
  // @ts-expect-error: a port is a number
  createServer({ dashboard: { port: '9080' } });
  // @ts-expect-error: a logger has all four levels
  createServer({ logger: { error: () => {} } });
  // @ts-expect-error: options are an object
  createServer('./app.js');
  // @ts-expect-error: where it listens is for listen()
  createServer({ port: 8080 });
}

export function refusesWhatIsNoAddress(server: Server): void {
  // @ts-expect-error: a port is a number
  void server.listen({ port: '8080' });
  // @ts-expect-error: options, and not the port alone as in node:net
  void server.listen(8080);
  // @ts-expect-error: a port and a path are two addresses
  void server.listen({ port: 0, path: '/run/app.sock' });
  // @ts-expect-error: so are a path and a descriptor
  void server.listen({ path: '/run/app.sock', fd: 3 });
  // @ts-expect-error: the name is misspelled
  void server.close({ drain: 1 });
  ({ port: 0, host: 'localhost' }) satisfies ListenOptions;
  ({ port: 0 }) satisfies DashboardOptions;
}
