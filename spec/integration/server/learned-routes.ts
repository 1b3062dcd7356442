/** What a server learns about its routes from their requests, as its metrics tell. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startHandOvers } from '../../support/server/engaged.js';
import type { Running } from '../../support/server/running.js';
import { range } from '../../support/server/wait.js';

const THREADS = 2;
/** As long as a synchronous database call or the rendering of a page. */
const LONG_MS = 30;
/** Each thread's first long call counts little; a few more, and a route of that length is known. */
const MAX_CALLS = 20;
/** The mean of a route of LONG_MS falls below what is forgotten within 400; on a busy machine some of those take long, too. */
const MAX_CHEAP_CALLS = 5000;

const start = (): Promise<Running> => startHandOvers(undefined, { threads: THREADS, dashboard: { port: 0 } });

async function blockingRoutes({ server }: Running): Promise<number> {
  const { url } = server.dashboard!;
  const answer = await fetch(new URL('/metrics', url), {
    headers: { authorization: `Bearer ${new URL(url).hash.slice(1)}` },
  });
  return Number(/^paceline_blocking_routes (\d+)$/m.exec(await answer.text())![1]);
}

/** Requests the target, or that of each call, until so many routes block. */
async function requestUntil(
  running: Running,
  target: string | ((call: number) => string),
  routes: number,
  max: number,
): Promise<void> {
  for (const call of range(max)) {
    await running.get(typeof target === 'string' ? target : target(call));
    if ((await blockingRoutes(running)) === routes) return;
  }
  throw new Error(`${await blockingRoutes(running)} routes block after ${max} requests`);
}

for (const [what, target] of [
  ['before its handler returns', '/plain/spin'],
  ['after an await', '/plain/spin-later'],
  ['for a chunk of its stream', '/plain/spin-chunks'],
] as const) {
  test(`a route that holds its thread ${what} is learned, and forgotten once it is fast`, async () => {
    await using running = await start();
    assert.is(await blockingRoutes(running), 0);
    await requestUntil(running, `${target}?ms=${LONG_MS}`, 1, MAX_CALLS);
    // Another query is the same route.
    await requestUntil(running, `${target}?ms=0`, 0, MAX_CHEAP_CALLS);
  });
}

test('a route that is long for every other query blocks all the time', async () => {
  await using running = await start();
  await requestUntil(running, `/plain/spin?ms=${LONG_MS}`, 1, MAX_CALLS);
  for (const call of range(10)) {
    await running.get(`/plain/spin?ms=${call % 2 === 0 ? 1 : LONG_MS}`);
    assert.is(await blockingRoutes(running), 1);
  }
});

test('segments that vary are one route', async () => {
  await using running = await start();
  const target = (id: number) => `/plain/spin/${id}?ms=${LONG_MS}`;
  // On a busy machine a call counts less: the time that its thread waits for a core is subtracted.
  await requestUntil(running, target, 1, MAX_CALLS);
  for (const id of range(6)) await running.get(target(MAX_CALLS + id));
  assert.is(await blockingRoutes(running), 1);
});

test('clients that invent paths fill no table, and cannot hide a route that blocks', async () => {
  await using running = await start();
  await requestUntil(running, `/plain/spin?ms=${LONG_MS}`, 1, MAX_CALLS);
  const [client] = await running.connectMany(1);
  for (const id of range(2000)) await client!.get(`/invented-${id}`);
  assert.is(await blockingRoutes(running), 1);
});

test.run();
