/** What every campaign requires of a server when a round is over: its clients have left nothing behind. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ThreadInfo } from '../../lib/observe/observation.js';
import type { Client } from '../../spec/support/server/http-client.js';
import { range } from '../../spec/support/server/wait.js';

/** Between two polls. */
const POLL_MS = 20;
/** Connections for each thread, among which it gets one at least: those with the fewest connections get the next. */
const MAX_ASKED = 10;
/** States of a thread that is inside no connection. */
const AT_REST = ['leader', 'follower'];

/** A server's own account of itself between rounds. */
export interface ServerStatus {
  readonly threads: readonly ThreadInfo[];
  readonly connections: number;
  readonly blocks: number;
}

/**
 * Polls a status until it has no violations.
 *
 * @param limitMs how long violations may take to disappear
 * @returns the last status
 * @throws with the violations that remain
 */
export async function awaitNoViolations<S>(
  read: () => Promise<S>,
  violationsIn: (status: S) => readonly string[],
  limitMs: number,
): Promise<S> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const seen = await read();
    const wrong = violationsIn(seen);
    if (wrong.length === 0) return seen;
    if (performance.now() > endMs) throw new Error(wrong.join('\n'));
    await delay(POLL_MS);
  }
}

/** What is left in a server although all of its clients have gone. */
export function leftovers({ threads, connections, blocks }: ServerStatus): string[] {
  const wrong = [];
  if (connections !== 0) wrong.push(`${connections} connections are open`);
  if (blocks !== 0) wrong.push(`${blocks} blocks of the pool are in use`);
  for (const { id, state } of threads) if (!AT_REST.includes(state)) wrong.push(`thread ${id} is ${state}`);
  const open = threads.reduce((sum, { accepted, closed }) => sum + accepted - closed, 0);
  if (open !== 0) wrong.push(`${open} more connections were accepted than closed`);
  return wrong;
}

/**
 * Proves that every thread serves: no handler leaves the barrier before all have arrived.
 *
 * @param ask sends a request that waits at one barrier for `threads` handlers, and returns the answer
 * @throws when a thread answers twice, or not at all
 */
export async function askEveryThread(
  what: string,
  threads: number,
  connect: () => Promise<Client>,
  ask: (client: Client) => Promise<string>,
): Promise<void> {
  const answers = await Promise.all(
    range(threads).map(async () => {
      const client = await connect();
      // Needs no timeout: the barrier has one, and its answer says so.
      const answer = await ask(client);
      await client.close();
      return answer;
    }),
  );
  if (new Set(answers).size !== threads || answers.some((answer) => !/^\d+$/.test(answer)))
    throw new Error(`not every thread of ${what} answers: ${answers.join()}`);
}

/**
 * The same where connections are dealt to threads by load, which changes at any time: asks on one connection after the other until all threads
 * have answered.
 *
 * @param ask sends a request that waits for nobody, and returns the number of its thread
 * @throws when a thread does not answer
 */
export async function askThreadsInTurn(
  what: string,
  threads: number,
  connect: () => Promise<Client>,
  ask: (client: Client) => Promise<string>,
): Promise<void> {
  const clients: Client[] = [];
  const seen = new Set<string>();
  try {
    while (seen.size < threads && clients.length < threads * MAX_ASKED) {
      const client = await connect();
      clients.push(client);
      seen.add(await ask(client));
    }
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
  if (seen.size < threads)
    throw new Error(
      `not every thread of ${what} answers: ${clients.length} connections met ${[...seen].join()}`,
    );
}
