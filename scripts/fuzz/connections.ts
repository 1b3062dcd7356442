/** Fuzzes the connection code: a real server, many clients at once, and a look at what they left behind. */
import { readdirSync, readlinkSync } from 'node:fs';
import { createServer, type Server, type ThreadExit } from '../../lib/server.js';
import { oneOf, type Random } from '../../spec/support/random.js';
import { Client } from '../../spec/support/server/http-client.js';
import { fixture } from '../../spec/support/server/running.js';
import { until } from '../../spec/support/server/wait.js';
import { carryOut, type Plan, planOf } from './client.js';

const CLIENTS = 120;
const TIMEOUTS_MS = [0, 60, 150, 300];

/** What the descriptors of this process lead to, by number. */
function descriptors(): Map<string, string> {
  const links = new Map<string, string>();
  for (const number of readdirSync('/proc/self/fd')) {
    try {
      const link = readlinkSync(`/proc/self/fd/${number}`);
      // With its first socket a loop opens this as a spare, for when descriptors run out (libuv, uv__stream_init).
      if (link !== '/dev/null') links.set(number, link);
    } catch {
      // The one of the listing itself.
    }
  }
  return links;
}

/** @throws with what is wrong, when one of the clients did harm */
export async function fuzzConnections(random: Random): Promise<void> {
  const before = descriptors();
  const options = {
    threads: 1 + random(5),
    maxConnections: oneOf(random, [16_384, 16_384, 40]),
    maxHeaderSize: oneOf(random, [16_384, 16_384, 2000]),
    maxBodySize: oneOf(random, [16_777_216, 16_777_216, 3000]),
    maxRequestsPerSocket: oneOf(random, [0, 0, 2]),
    // Clients that only read on are ended by these.
    headersTimeout: oneOf(random, TIMEOUTS_MS),
    requestTimeout: oneOf(random, TIMEOUTS_MS),
    keepAliveTimeout: oneOf(random, TIMEOUTS_MS),
    sendTimeout: oneOf(random, TIMEOUTS_MS),
  };
  const exits: ThreadExit[] = [];
  const server = createServer({ app: fixture('../http/fuzzed'), ...options });
  server.on('threadExit', (exit) => exits.push(exit));
  server.on('error', (error) => exits.push({ thread: -1, exitCode: -1, error, connectionsLost: 0 }));
  await server.listen({ port: 0 });
  const { port } = server.address() as { port: number };
  const plans = Array.from({ length: CLIENTS }, (_, index) => planOf(random, `${index}-${random(2 ** 31)}`));
  try {
    await allOf(plans, port);
    if (exits.length > 0) throw new Error(`a thread died: ${describe(exits[0]!)}`);
    await leftBehind(server, port);
    if (exits.length > 0) throw new Error(`a thread died: ${describe(exits[0]!)}`);
  } catch (error) {
    throw new Error(`${(error as Error).message}; options ${JSON.stringify(options)}`, { cause: error });
  } finally {
    exits.length = 0;
    await server.close({ drainMs: 0 });
  }
  await until('the server’s descriptors are closed', () => descriptors().size <= before.size).catch(() => {
    const left = [...descriptors()].filter(([number, link]) => before.get(number) !== link);
    throw new Error(`descriptors were left open: ${JSON.stringify(left)}`);
  });
}

async function allOf(plans: readonly Plan[], port: number): Promise<void> {
  await Promise.all(
    plans.map(async (plan) => {
      try {
        await carryOut(plan, port);
      } catch (error) {
        throw new Error(`${(error as Error).message}, after ${show(plan)}`);
      }
    }),
  );
}

/** The server is as it was: it answers, all connections are closed, and no block of the pool is out. */
async function leftBehind(server: Server, port: number): Promise<void> {
  await until('all connections are closed', () => server.connections === 0);
  const client = await Client.connect({ host: '127.0.0.1', port });
  const { status, text } = await client.get('/pool');
  await client.close();
  if (status !== 200 || text !== '0')
    throw new Error(`a fresh request got ${status}, with ${text} blocks out of the pool`);
  await until('the last connection is closed', () => server.connections === 0);
  const dead = server.threads().filter(({ state }) => state === 'dead' || state === 'starting');
  if (dead.length > 0) throw new Error(`thread ${dead[0]!.id} is ${dead[0]!.state}`);
}

function describe({ thread, exitCode, error }: ThreadExit): string {
  return `thread ${thread} with ${exitCode}: ${error instanceof Error ? error.stack : String(error)}`;
}

function show({ stream, pace, end, pieces }: Plan): string {
  return `${stream}, ${pace}, ${end}: ${JSON.stringify(Buffer.concat(pieces).toString('latin1').slice(0, 1000))}`;
}
