/** What must hold when a round is over and its clients are gone, by what the process says of itself. */
import { awaitNoViolations, leftovers } from '../campaign/invariants.js';
import type { ChaosContext } from './context.js';
import { SERVER_NAMES, type ServerName, type Status } from './messages.js';
import type { TargetProcess } from './target-process.js';

/** For how long what is wrong may still become right: replacements may wait 10 s for their turn. */
const SETTLE_MS = 40_000;

/**
 * Resolves once nothing is wrong any more.
 *
 * @param before the descriptors of a process that has served, and where nobody is connected
 * @throws with everything that stays wrong
 */
export function awaitInvariants(
  context: ChaosContext,
  process: TargetProcess,
  before: Status['descriptors'] | null,
): Promise<Status> {
  const violationsIn = (status: Status) => [
    ...leftoversOfRound(status, before),
    ...disagreements(context, status),
  ];
  return awaitNoViolations(() => process.status(), violationsIn, SETTLE_MS);
}

/** What the round has left behind. */
function leftoversOfRound(status: Status, before: Status['descriptors'] | null): string[] {
  const wrong = SERVER_NAMES.flatMap((name) =>
    [...leftovers(status.servers[name]), ...status.servers[name].violations].map(
      (what) => `${name}: ${what}`,
    ),
  );
  for (const [kind, count] of Object.entries(status.descriptors)) {
    const known = before === null ? count : (before[kind] ?? 0);
    if (count > known) wrong.push(`${count} descriptors lead to ${kind}, and ${known} did before`);
  }
  return wrong;
}

/** Where the server's counters do not agree with themselves or with what the clients saw. */
function disagreements(context: ChaosContext, status: Status): string[] {
  const wrong = [];
  for (const name of SERVER_NAMES) {
    const server = status.servers[name];
    const { verified, cuts } = context.tallies[name];
    const requests = server.threads.reduce((total, thread) => total + thread.requests, 0);
    if (name === 'web' && requests < verified)
      wrong.push(`${name}: ${requests} requests were counted, and ${verified} answers verified`);
    // One more for each death: what an acceptor has in hand when it dies counts for none of its thread's.
    const lost = server.lost + server.deaths;
    if (cuts > lost)
      wrong.push(`${name}: ${cuts} clients were cut off, and ${lost} can have been lost with threads`);
  }
  return [...wrong, ...undueDeaths(context, status)];
}

/** Threads may die where the campaign killed them or a fault was one to die of, and nowhere else. */
function undueDeaths(context: ChaosContext, { servers, stepDeaths, terminated }: Status): string[] {
  const deaths = SERVER_NAMES.reduce((total, name) => total + servers[name].deaths, 0);
  const lethal = SERVER_NAMES.reduce((total, name) => total + context.tallies[name].lethal, 0);
  const killed = stepDeaths.reduce((total, count) => total + count, 0) + terminated;
  if (deaths <= lethal + killed) return [];
  return [`${deaths} threads have died, of which ${killed} were killed and ${lethal} had reason to`];
}

/** What one server and its clients came to, in a line. */
export function summary(context: ChaosContext, name: ServerName, status: Status): string {
  const { deaths, lost } = status.servers[name];
  const { verified, cuts } = context.tallies[name];
  return `${name}: ${verified} verified, ${deaths} deaths, ${lost} connections lost, ${cuts} of them clients'`;
}
