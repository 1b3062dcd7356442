/** What must hold when a round is over and its clients are gone, by what the process says of itself. */
import { setTimeout as delay } from 'node:timers/promises';
import type { DisturbedProcess } from './disturbed-process.js';
import type { Field } from './field.js';
import { type Look, SERVER_NAMES, type ServerLook, type ServerName } from './messages.js';

/** Between two looks, and for how long what is wrong may still become right: replacements may wait 10 s for their turn. */
const LOOK_MS = 20;
const SETTLE_MS = 40_000;
/** States of a thread that is inside no connection. */
const AT_REST = ['leader', 'follower'];

/**
 * Resolves once nothing is wrong any more.
 *
 * @param before the descriptors of a process that has served, and where nobody is connected
 * @throws with everything that stays wrong
 */
export async function settle(
  field: Field,
  process: DisturbedProcess,
  before: Look['descriptors'] | null,
): Promise<Look> {
  const endMs = performance.now() + SETTLE_MS;
  for (;;) {
    const look = await process.look();
    const wrong = [...unsettled(look, before), ...disagreements(field, look)];
    if (wrong.length === 0) return look;
    if (performance.now() > endMs) throw new Error(wrong.join('\n'));
    await delay(LOOK_MS);
  }
}

/** What the round has left behind. */
function unsettled(look: Look, before: Look['descriptors'] | null): string[] {
  const wrong = [];
  for (const name of SERVER_NAMES) {
    const { connections, blocks, threads, harm } = look.servers[name];
    if (connections !== 0) wrong.push(`${name}: ${connections} connections are open`);
    if (blocks !== 0) wrong.push(`${name}: ${blocks} blocks of the pool are in use`);
    for (const { id, state } of threads)
      if (!AT_REST.includes(state)) wrong.push(`${name}: thread ${id} is ${state}`);
    wrong.push(...harm.map((what) => `${name}: ${what}`));
  }
  for (const [kind, count] of Object.entries(look.descriptors)) {
    const known = before === null ? count : (before[kind] ?? 0);
    if (count > known) wrong.push(`${count} descriptors lead to ${kind}, and ${known} did before`);
  }
  return wrong;
}

/** Where the server's counters do not agree with themselves or with what the clients saw. */
function disagreements(field: Field, look: Look): string[] {
  const wrong = [];
  for (const name of SERVER_NAMES) {
    const server = look.servers[name];
    const { verified, cuts } = field.tallies[name];
    const difference = sum(server, 'accepted') - sum(server, 'closed');
    if (difference !== 0) wrong.push(`${name}: ${difference} more were accepted than closed`);
    const requests = sum(server, 'requests');
    if (name === 'web' && requests < verified)
      wrong.push(`${name}: ${requests} requests were counted, and ${verified} answers verified`);
    // One more for each death: what an acceptor has in hand when it dies counts for none of its thread's.
    const lost = server.lost + server.deaths;
    if (cuts > lost)
      wrong.push(`${name}: ${cuts} clients were cut off, and ${lost} can have been lost with threads`);
  }
  return [...wrong, ...undueDeaths(field, look)];
}

/** Threads may die where the campaign killed them or a fault was one to die of, and nowhere else. */
function undueDeaths(field: Field, { servers, stepDeaths, terminated }: Look): string[] {
  const deaths = SERVER_NAMES.reduce((total, name) => total + servers[name].deaths, 0);
  const lethal = SERVER_NAMES.reduce((total, name) => total + field.tallies[name].lethal, 0);
  const killed = stepDeaths.reduce((total, count) => total + count, 0) + terminated;
  if (deaths <= lethal + killed) return [];
  return [`${deaths} threads have died, of which ${killed} were killed and ${lethal} had reason to`];
}

const sum = ({ threads }: ServerLook, counter: 'accepted' | 'closed' | 'requests'): number =>
  threads.reduce((total, thread) => total + thread[counter], 0);

/** What one server and its clients came to, in a line. */
export function summary(field: Field, name: ServerName, look: Look): string {
  const { deaths, lost } = look.servers[name];
  const { verified, cuts } = field.tallies[name];
  return `${name}: ${verified} verified, ${deaths} deaths, ${lost} connections lost, ${cuts} of them clients'`;
}
