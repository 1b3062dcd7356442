/** The open loop: a stall shows in every request that was due during it, and the client tells its own delays from the server's. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Connection, requestFor } from '../../../scripts/bench/connection.js';
import { openLoop } from '../../../scripts/bench/open-loop-client.js';

const CONNECTIONS = 4;
const RATE = 200;
const LATE_MS = 100;
const STALL_MS = 400;
const HELLO = 'hello world\n';

/** A server that holds all answers for {@link STALL_MS} from the request of a number on. */
async function stallingServer(stallAt: number) {
  const held: ServerResponse[] = [];
  let stalls = false;
  let count = 0;
  const answer = (response: ServerResponse) =>
    response.writeHead(200, { 'Content-Length': HELLO.length }).end(HELLO);
  const server = createServer((_request, response) => {
    count += 1;
    if (count === stallAt) {
      stalls = true;
      setTimeout(() => {
        stalls = false;
        for (const each of held) answer(each);
      }, STALL_MS);
    }
    if (stalls) held.push(response);
    else answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

const job = (port: number) =>
  ({
    kind: 'open-loop',
    port,
    request: 'hello',
    connections: CONNECTIONS,
    ratePerSecond: RATE,
    seconds: 1,
    lateMs: LATE_MS,
  }) as const;

test('the requests that were due during a stall are late, not only those that were sent', async () => {
  const { server, port } = await stallingServer(50);
  const { late, unanswered, errors, answered } = await openLoop(job(port));
  server.closeAllConnections();
  server.close();
  // Whatever is due in the first 300 ms of 400 waits for 100 ms at least; a closed loop has CONNECTIONS late ones.
  const dueThen = ((STALL_MS - LATE_MS) / 1000) * RATE;
  assert.ok(late! >= dueThen - CONNECTIONS - 1, `${late} late of ${dueThen}`);
  assert.equal({ unanswered, errors, answered }, { unanswered: 0, errors: 0, answered: RATE });
});

test('a closed loop sees of the same stall one request of each connection', async () => {
  const { server, port } = await stallingServer(50);
  const endMs = performance.now() + 1000;
  let late = 0;
  const askOn = async (connection: Connection) => {
    while (performance.now() < endMs) {
      const { waitMs } = await connection.answer(requestFor('/hello'));
      if (waitMs > LATE_MS) late += 1;
      await delay((CONNECTIONS * 1000) / RATE);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, () => askOn(new Connection(port))));
  server.closeAllConnections();
  server.close();
  assert.ok(late >= 1 && late < ((STALL_MS - LATE_MS) / 1000) * RATE * 0.5, `${late} late`);
});

test('requests whose handlers block by themselves are answers, but their latencies are not among the others', async () => {
  const blockMs = 1000;
  let blocked = 0;
  const server = createServer(({ url }, response) => {
    const answer = () => response.writeHead(200, { 'Content-Length': HELLO.length }).end(HELLO);
    if (url === '/hello') return void answer();
    blocked += 1;
    setTimeout(answer, blockMs);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { p50Ms, answered, maxMs } = await openLoop({ ...job(port), request: 'blocking', connections: 32 });
  server.closeAllConnections();
  server.close();
  assert.is(answered, RATE);
  assert.ok(blocked > 0 && p50Ms! < blockMs);
  assert.ok(maxMs! < blockMs, `${maxMs} ms, of ${blocked} that blocked`);
});

test('the rate of answers is that of the server where it is slower than the schedule', async () => {
  const answerMs = 40;
  const server = createServer((_request, response) => {
    setTimeout(() => response.writeHead(200, { 'Content-Length': HELLO.length }).end(HELLO), answerMs);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { answeredPerSecond } = await openLoop(job((server.address() as AddressInfo).port));
  server.closeAllConnections();
  server.close();
  const most = (CONNECTIONS * 1000) / answerMs;
  assert.ok(answeredPerSecond! <= most * 1.1, `${answeredPerSecond} of ${most} a second`);
});

test('the client says that it was late itself', async () => {
  const { server, port } = await stallingServer(0);
  const cell = new Int32Array(new SharedArrayBuffer(4));
  // Its own thread stops, with all connections free and requests due.
  const timer = setTimeout(() => Atomics.wait(cell, 0, 0, STALL_MS), 500);
  const { ownLatePercent } = await openLoop(job(port));
  clearTimeout(timer);
  server.closeAllConnections();
  server.close();
  assert.ok(ownLatePercent! > 1, `${ownLatePercent} %`);
});

test.run();
