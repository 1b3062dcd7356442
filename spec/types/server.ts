/** The types of what a server's methods give back, and of its events. */
import type {
  DashboardInfo,
  Level,
  ListeningAddress,
  PacelineError,
  Server,
  ThreadExit,
  ThreadInfo,
  ThreadState,
  Transition,
} from '../../lib/index.js';
import { expectType } from './expect.js';

export async function tellsOfItself(server: Server): Promise<void> {
  expectType<Promise<void>>()(server.listen());
  expectType<Promise<void>>()(server.close());
  expectType<{ address: string; family: 'IPv4' | 'IPv6'; port: number } | string>()(server.address());
  expectType<ListeningAddress[]>()(server.addresses());
  expectType<'http' | 'https' | 'tcp'>()(server.protocol);
  expectType<number>()(server.connections);
  expectType<ThreadInfo[]>()(server.threads());
  expectType<Level | null>()(server.pool());
  expectType<DashboardInfo | null>()(server.dashboard);
  // A server is disposable, and closes where its block ends.
  await using _disposed = server;
  const address = server.address();
  // @ts-expect-error: it may be the path of a Unix socket
  address.port;
  if (typeof address !== 'string') expectType<number>()(address.port);
}

export function tellsOfItsThreads(server: Server): void {
  for (const thread of server.threads()) {
    expectType<number>()(thread.id);
    expectType<ThreadState>()(thread.state);
    expectType<'dead' | 'starting' | 'follower' | 'leader' | 'processing'>()(thread.state);
    expectType<number>()(thread.requests);
    expectType<number>()(thread.accepted);
    expectType<number>()(thread.responses2xx);
    // @ts-expect-error: there is no such counter
    thread.request;
    // @ts-expect-error: it is a copy, not the thread
    thread.state = 'leader';
  }
}

export function emitsEvents(server: Server): void {
  server.on('transition', (transition) => {
    expectType<Transition>()(transition);
    expectType<ThreadState>()(transition.from);
    expectType<number>()(transition.time);
  });
  server.on('threadStart', ({ thread }) => expectType<number>()(thread));
  server.once('threadExit', (exit) => {
    expectType<ThreadExit>()(exit);
    expectType<unknown>()(exit.error);
    expectType<number>()(exit.connectionsLost);
  });
  server.on('error', (error) => expectType<PacelineError>()(error));
  server.on('listening', ({ url, address }) => {
    expectType<string>()(url);
    expectType<ListeningAddress>()(address);
  });
  // @ts-expect-error: there is no such event
  server.on('connection', () => {});
  // @ts-expect-error: no event has such an argument
  server.on('threadStart', (thread: string) => thread);
}
