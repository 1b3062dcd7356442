/** What must hold when a round is over and its clients are gone, judged by the status of the process. */
import { awaitNoViolations, leftovers } from '../campaign/invariants.js';
import type { ChaosContext } from './context.js';
import { SERVER_NAMES, type ServerName, type Status } from './messages.js';
import type { TargetProcess } from './target-process.js';

/** How long violations may take to disappear: the start of a replacement may be delayed by 10 s. */
const SETTLE_MS = 40_000;

/**
 * Resolves once all invariants hold.
 *
 * @param before the descriptors of the process after it has served, with no client connected
 * @throws with the violations that remain
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

/** What the round has left behind in the process. */
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

/** Where the server's counters contradict each other, or the counts of the clients. */
function disagreements(context: ChaosContext, status: Status): string[] {
  const wrong = [];
  for (const name of SERVER_NAMES) {
    const server = status.servers[name];
    const { verified, cuts } = context.tallies[name];
    const requests = server.threads.reduce((total, thread) => total + thread.requests, 0);
    if (name === 'web' && requests < verified)
      wrong.push(`${name}: ${requests} requests were counted, and ${verified} answers verified`);
    // One more for each death: a connection that a dying acceptor has just accepted is not counted as its thread's.
    const lost = server.lost + server.deaths;
    if (cuts > lost)
      wrong.push(`${name}: ${cuts} clients were cut off, and ${lost} can have been lost with threads`);
  }
  return [...wrong, ...undueDeaths(context, status)];
}

/** Threads may die only where the campaign killed them, or of a lethal fault. */
function undueDeaths(context: ChaosContext, { servers, stepDeaths, terminated }: Status): string[] {
  const deaths = SERVER_NAMES.reduce((total, name) => total + servers[name].deaths, 0);
  const lethal = SERVER_NAMES.reduce((total, name) => total + context.tallies[name].lethal, 0);
  const killed = stepDeaths.reduce((total, count) => total + count, 0) + terminated;
  if (deaths <= lethal + killed) return [];
  return [`${deaths} threads have died, of which ${killed} were killed and ${lethal} had reason to`];
}

/** The counts of one server and its clients, in a line. */
export function summary(context: ChaosContext, name: ServerName, status: Status): string {
  const { deaths, lost } = status.servers[name];
  const { verified, cuts } = context.tallies[name];
  return `${name}: ${verified} verified, ${deaths} deaths, ${lost} connections lost, ${cuts} of them clients'`;
}
