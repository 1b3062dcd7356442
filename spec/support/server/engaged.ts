/** Servers of fixtures/server/hand-overs.ts, some threads of which are engaged by requests that stay pending. */
import type { Counter } from '../../../lib/memory/counters.js';
import type { ServerOptions } from '../../../lib/options/server-options.js';
import { hostsOf } from '../../../lib/set/engagement.js';
import type { RouteDeclaration } from '../../../lib/web/context.js';
import { Gate } from './gate.js';
import type { Client } from './http-client.js';
import { Running } from './running.js';
import { range, until } from './wait.js';

/** What blocks: declared, so that nothing has to be learned. */
export const BLOCKING: RouteDeclaration = { blocking: ['/block/**'], nonBlocking: ['/plain/**'] };
export const NON_BLOCKING: RouteDeclaration = { nonBlocking: ['/**'] };

/** @param routes undefined for no declaration */
export function startHandOvers(
  routes: RouteDeclaration | undefined,
  options: Omit<ServerOptions, 'app'> = {},
): Promise<Running> {
  const query = routes === undefined ? '' : `?routes=${encodeURIComponent(JSON.stringify(routes))}`;
  return Running.start(`hand-overs${query}`, options);
}

/** Of all calls of `engage`. */
let shared: Gate | undefined;
process.once('exit', () => shared?.[Symbol.dispose]());

/**
 * Leaves a pending request in each of some threads, by a request in every thread at once. Default: in all hosts.
 *
 * @param path of a route that blocks, to have the threads reserved instead of engaged
 * @returns the clients that wait: each is answered once it has sent one more byte
 */
export async function engage(
  running: Running,
  threads = range(hostsOf(running.server.threads().length)),
  path = '/plain/occupy',
): Promise<Client[]> {
  shared ??= new Gate();
  const gate = shared;
  const before = gate.arrivals;
  const { length } = running.server.threads();
  const clients = await running.connectMany(length);
  const target = `${path}?gate=${gate.path}&threads=${threads.join()}`;
  for (const client of clients)
    void client.send(`POST ${target} HTTP/1.1\r\nhost: test\r\ncontent-length: 1\r\n\r\n`);
  await gate.entered(before + length);
  gate.release(length);
  const free = () => clients.filter(({ waiting }) => waiting > 0);
  await until('the other threads are free', () => free().length === length - threads.length);
  const waiting = clients.filter((client) => client.waiting === 0);
  await Promise.all(free().map((client) => client.close()));
  await atRest(running);
  return waiting;
}

/** Resolves once all threads but so many are at rest: only parked ones are free. */
export const atRest = (running: Running, but = 0): Promise<void> =>
  until(
    `all threads but ${but} are at rest`,
    () =>
      running.server.threads().filter(({ state }) => state !== 'processing').length >=
      running.server.threads().length - but,
  );

/** A request without a body. */
export const request = (target: string, method = 'GET'): string =>
  `${method} ${target} HTTP/1.1\r\nhost: test\r\n\r\n`;

/** The sum of a counter over all threads. */
export const total = (running: Running, counter: Counter): number =>
  running.server.threads().reduce((sum, thread) => sum + thread[counter], 0);

/** Resolves once as many hand-overs were taken as were given. */
export const allTaken = (running: Running): Promise<void> =>
  until('every hand-over is taken', () => total(running, 'handOvers') === total(running, 'handOversTaken'));

/** Resolves once so many connections are left, every thread is at rest, and nothing is saved. */
export async function isIdleWith(running: Running, connections: number): Promise<void> {
  await running.connections(connections);
  await running.idle();
  await until('no block of the pool is in use', () => running.server.pool()!.current === 0);
}
