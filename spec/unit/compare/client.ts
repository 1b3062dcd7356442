/** The client of the open loop, against a server of node:http. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Client } from '../../../lib/compare/client.js';
import type { AnswerTuple, ServerReport } from '../../../lib/compare/load-messages.js';
import type { Mix } from '../../../lib/compare/mixes.js';
import { until, WATCHDOG_MS } from '../../support/server/wait.js';

const mix: Mix = {
  name: 'spec',
  title: '',
  about: '',
  kinds: [
    { name: 'fast', path: '/fast', weight: 1, holds: false },
    { name: 'held', path: '/held', weight: 1, holds: true },
    { name: 'missing', path: '/missing', weight: 1, holds: false },
  ],
  burst: { name: 'new', path: '/fast', connections: 1 },
};
const [FAST, HELD, MISSING, NEW] = [0, 1, 2, 3];

/** Answers at once, except /held, which is answered when release() is called. */
async function start() {
  const held: ServerResponse[] = [];
  const sockets = new Set<unknown>();
  const http = createServer(({ url, socket }: IncomingMessage, response) => {
    sockets.add(socket);
    if (url === '/held') held.push(response);
    else response.writeHead(url === '/missing' ? 404 : 200).end('ok');
  });
  // A connection that is idle for long, because the machine is busy, stays.
  http.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const client = new Client({ host: '127.0.0.1', port: (http.address() as AddressInfo).port });
  const all: AnswerTuple[] = [];
  let failed = 0;
  const take = (): ServerReport => {
    const report = client.report(performance.now());
    all.push(...report.answers);
    failed += report.failed;
    return report;
  };
  return {
    client,
    sockets,
    take,
    answers: async (count: number) => {
      await until(`${count} answers have come`, () => {
        take();
        return all.length + failed >= count;
      });
      return { all, failed };
    },
    arrived: () => until('the request has arrived', () => held.length > 0),
    release: () => held.splice(0).map((response) => response.end('ok')),
    [Symbol.asyncDispose]: async () => {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

test('an answer has when it was due, how long it took from then, and its kind', async () => {
  await using server = await start();
  // Due before the clock's origin: what has never happened is earlier still.
  const dueMs = -100;
  server.client.send(mix, FAST, dueMs);
  const { all } = await server.answers(1);
  const [[dueAt, latencyMs, kind, behind]] = all as [AnswerTuple];
  assert.ok(Math.abs(dueAt - performance.timeOrigin - dueMs) < 0.01);
  assert.ok(latencyMs >= 100);
  assert.equal([kind, behind], [FAST, 0]);
});

test('an answer of 404 has failed, and so has a request that nobody accepts', async () => {
  const server = await start();
  server.client.send(mix, MISSING, performance.now());
  assert.equal(await server.answers(1), { all: [], failed: 1 });
  await server[Symbol.asyncDispose]();
  server.client.send(mix, FAST, performance.now());
  server.client.send(mix, NEW, performance.now());
  assert.is((await server.answers(3)).failed, 3);
});

test('what is answered while a request holds its thread is behind it, and so is what was due before its answer', async () => {
  await using server = await start();
  server.client.send(mix, HELD, performance.now());
  await server.arrived();
  server.client.send(mix, FAST, performance.now());
  const { all } = await server.answers(1);
  assert.is(all[0]![3], 1);
  const { out, oldestMs } = server.take();
  assert.is(out, 1);
  assert.ok(oldestMs > 0);
  const before = performance.now();
  server.release();
  await server.answers(2);
  server.client.send(mix, FAST, before);
  await server.answers(3);
  server.client.send(mix, FAST, performance.now());
  await server.answers(4);
  assert.equal(
    all.map(([, , kind, behind]) => [kind, behind]),
    [
      [FAST, 1],
      [HELD, 0],
      [FAST, 1],
      [FAST, 0],
    ],
  );
});

test('connections are opened before the first request and take turns; those of a burst are new', async () => {
  await using server = await start();
  await server.client.open(mix, WATCHDOG_MS);
  const opened = server.sockets.size;
  assert.ok(opened > 1);
  for (let n = 0; n < opened * 2; n++) server.client.send(mix, FAST, performance.now());
  await server.answers(opened * 2);
  assert.is(server.sockets.size, opened);
  server.client.send(mix, NEW, performance.now());
  server.client.send(mix, NEW, performance.now());
  await server.answers(opened * 2 + 2);
  assert.is(server.sockets.size, opened + 2);
});

test('a load that begins forgets what is out from the one before', async () => {
  await using server = await start();
  server.client.send(mix, HELD, performance.now());
  await server.arrived();
  server.client.begin();
  server.release();
  server.client.send(mix, FAST, performance.now());
  const { all } = await server.answers(1);
  assert.equal(
    all.map(([, , kind, behind]) => [kind, behind]),
    [[FAST, 0]],
  );
  assert.is(server.take().out, 0);
});

test.run();
