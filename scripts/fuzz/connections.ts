/** Fuzzes the connection code: a real server, many clients at once, and a check of what they leave behind. */

import type { Logger } from '../../lib/logger.js';
import { createServer, type Server } from '../../lib/server.js';
import { oneOf, type Random } from '../../spec/support/random.js';
import { type Answer, Client } from '../../spec/support/server/http-client.js';
import { fixture } from '../../spec/support/server/running.js';
import { range, until, WATCHDOG_MS } from '../../spec/support/server/wait.js';
import { Site } from '../../spec/support/static/site.js';
import { descriptorsOf } from '../campaign/descriptors.js';
import { type Address, carryOut, type Plan, planOf } from './client.js';

/** Rounds of clients for each server, and clients of a round, which come all at once. */
const ROUNDS = 3;
const CLIENTS = 120;
/** Requests at once of which one is to be handed over. */
const PROBES = 8;
const TIMEOUTS_MS = [0, 60, 150, 300];
/** Log messages about errors of the app. */
const APPS_ERRORS = ['a handler failed', 'a response body failed'];
/** States of a thread that is inside no connection. */
const AT_REST = ['leader', 'follower'];

/** The counts of one server and its clients. */
export interface Tally {
  readonly connections: number;
  readonly requests: number;
  readonly handOvers: number;
  /** The peak of blocks in use in the pool. */
  readonly poolPeak: number;
}

/** How many descriptors have a target that begins with `start`. */
const leadingTo = (start: string): number =>
  [...descriptorsOf('self').values()].filter((link) => link.startsWith(start)).length;
const SOCKET = 'socket:';

/** Each server has another address, so that ports in TIME_WAIT do not hinder the next one. */
let servers = 0;
const nextHost = (): string => `127.0.0.${2 + (servers++ % 250)}`;

/** @throws with what is wrong when the clients have broken the server */
export async function fuzzConnections(random: Random): Promise<Tally> {
  const before = descriptorsOf('self');
  const options = {
    threads: 1 + random(5),
    maxConnections: oneOf(random, [16_384, 16_384, 40]),
    maxHeaderSize: oneOf(random, [16_384, 16_384, 2000]),
    maxBodySize: oneOf(random, [16_777_216, 16_777_216, 3000]),
    maxRequestsPerSocket: oneOf(random, [0, 0, 2]),
    // These end the connections of clients that only read on.
    headersTimeout: oneOf(random, TIMEOUTS_MS),
    requestTimeout: oneOf(random, TIMEOUTS_MS),
    keepAliveTimeout: oneOf(random, TIMEOUTS_MS),
    sendTimeout: oneOf(random, TIMEOUTS_MS),
  };
  const violations: string[] = [];
  using site = folder();
  // How long a thread may keep an unused file open.
  const recheckMs = oneOf(random, [0, 30]);
  // In half of the batches most requests are of routes that block, and hosts are engaged while the clients come and go.
  const handsOver = random(2) === 0;
  const app = fixture(
    `../http/fuzzed?root=${encodeURIComponent(site.root)}&recheckMs=${recheckMs}${handsOver ? '&blocking' : ''}`,
  );
  const server = createServer({ app, logger: errorCollector(violations), ...options });
  server.on('error', (error) => violations.push(reason(error)));
  await server.listen({ host: nextHost(), port: 0 });
  const { address: host, port } = server.address() as { address: string; port: number };
  const socketsBefore = leadingTo(SOCKET);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const plans = range(CLIENTS).map((index) => planOf(random, `${index}-${random(2 ** 31)}`));
      const engaging = handsOver ? await engage({ host, port }, options.threads) : [];
      if (handsOver && options.threads > 1) await firstHandOver(server, { host, port });
      await allOf(plans, { host, port });
      for (const client of engaging) await client.close();
      await leftBehind(server, { host, port });
      await until('the connections’ sockets are closed', () => leadingTo(SOCKET) <= socketsBefore);
      await until('all files are closed', () => leadingTo(site.root) === 0);
      if (violations.length > 0) throw new Error(violations[0]);
    }
  } catch (error) {
    const first = violations.length > 0 ? violations[0] : (error as Error).message;
    throw new Error(`${first}; options ${JSON.stringify(options)}`, { cause: error });
  } finally {
    await server.close({ drainMs: 0 });
  }
  await until('the server’s descriptors are closed', () => descriptorsOf('self').size <= before.size).catch(
    () => {
      const left = [...descriptorsOf('self')].filter(([number, link]) => before.get(number) !== link);
      throw new Error(`descriptors were left open: ${JSON.stringify(left)}`);
    },
  );
  const requests = server.threads().reduce((sum, thread) => sum + thread.requests, 0);
  return {
    connections: ROUNDS * CLIENTS,
    requests,
    handOvers: handOversOf(server),
    poolPeak: server.pool()!.peak,
  };
}

function folder(): Site {
  const site = new Site({
    'small.txt': 'small',
    'large.bin': new Uint8Array(700_000),
    'page.html': '<p>'.repeat(1000),
    'page.html.gz': 'not really',
    empty: '',
    'folder/index.html': 'index',
    '.hidden': 'hidden',
  });
  return site;
}

/** A logger that collects every error that is not the app's. */
function errorCollector(violations: string[]): Logger {
  return {
    error: (message, fields) => {
      // A count of repetitions may follow the message.
      if (!APPS_ERRORS.some((known) => message.startsWith(known)))
        violations.push(`${message}: ${reason(fields?.error)}`);
    },
    warn: () => {},
    info: () => {},
    debug: () => {},
  };
}

function reason(error: unknown): string {
  return error instanceof Error ? `${error.stack}` : String(error);
}

/** Leaves pending requests, and a thread on which none waits. @returns their clients; the timeouts of the server do not end them */
async function engage({ host, port }: Address, threads: number): Promise<Client[]> {
  const clients = await Promise.all(
    range(Math.max(1, threads - 1)).map(() => Client.connect({ host, port, localAddress: host })),
  );
  for (const client of clients) void client.send('GET /pending HTTP/1.1\r\nhost: a\r\n\r\n');
  return clients;
}

/** Asks for a route that blocks until a request was handed over, so that every such batch has the case. */
async function firstHandOver(server: Server, address: Address): Promise<void> {
  const before = handOversOf(server);
  const endMs = performance.now() + WATCHDOG_MS;
  while (handOversOf(server) === before) {
    if (performance.now() > endMs) throw new Error('no request of a route that blocks was handed over');
    // Several at once, so that an engaged thread is among those that take them.
    await Promise.all(range(PROBES).map(() => answered(address, '/probe')));
  }
}

const handOversOf = (server: Server): number =>
  server.threads().reduce((sum, thread) => sum + thread.handOvers, 0);

async function allOf(plans: readonly Plan[], address: Address): Promise<void> {
  await Promise.all(
    plans.map(async (plan) => {
      try {
        await carryOut(plan, address);
      } catch (error) {
        throw new Error(`${(error as Error).message}, after ${show(plan)}`);
      }
    }),
  );
}

/** Checks that the server is as before: all connections closed, no block of the pool in use, every thread serving. */
async function leftBehind(server: Server, address: Address): Promise<void> {
  await until('all connections are closed', () => server.connections === 0);
  await until('all threads are at rest', () =>
    server.threads().every(({ state }) => AT_REST.includes(state)),
  );
  const { current } = server.pool()!;
  if (current !== 0) throw new Error(`${current} blocks of the pool are still in use`);
  await Promise.all(server.threads().map(() => hello(address)));
  await until('the last connections are closed', () => server.connections === 0);
}

async function hello(address: Address): Promise<void> {
  const { status, text } = await answered(address, '/hello');
  if (status !== 200 || text !== 'hello')
    throw new Error(`a fresh request got ${status} and ${JSON.stringify(text.slice(0, 100))}`);
}

async function answered({ host, port }: Address, path: string): Promise<Answer> {
  const client = await Client.connect({ host, port, localAddress: host });
  const answer = await client.get(path);
  await client.close();
  return answer;
}

function show({ stream, pace, end, pieces }: Plan): string {
  return `${stream}, ${pace}, ${end}: ${JSON.stringify(Buffer.concat(pieces).toString('latin1').slice(0, 1000))}`;
}
