/**
 * Bystanders and health checks, in a thread of their own, so that their waits measure the server and not the attackers' event
 * loop. Starts at once; reports when it is told to stop.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { exchangeOf } from '../../spec/support/proxies/bystander.js';
import { type Random, randomOf } from '../../spec/support/random.js';
import { Client } from '../../spec/support/server/http-client.js';
import { range } from '../../spec/support/server/wait.js';
import type { ProbeReport, ProbeTarget } from './messages.js';

/** An address that no attacker uses. */
const ADDRESS = '127.77.0.1';
const BYSTANDERS = 3;
/** Between the pieces of a request, so that the server has to save the first one. */
const PIECES_MS = 3;
/** Between two health checks. */
const CHECK_MS = 10;

const { host, server, dashboard, seed } = workerData as ProbeTarget;
const wrong: string[] = [];
let verified = 0;
let checks = 0;
let maxAnswerMs = 0;
let maxCheckMs = 0;
let isOver = false;

async function bystander(number: number, random: Random): Promise<void> {
  const client = await Client.connect({ host, port: server, localAddress: ADDRESS });
  for (let turn = 0; !isOver; turn++) {
    const { what, pieces, check } = exchangeOf(random, `bystander-${number}-${turn}`);
    const began = performance.now();
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) await delay(PIECES_MS);
      void client.send(piece);
    }
    const found = check(await client.answer());
    maxAnswerMs = Math.max(maxAnswerMs, performance.now() - began);
    if (found !== undefined) wrong.push(`${what}: ${found}`);
    else verified++;
    if (client.waiting > 0) wrong.push(`${what}: ${client.waiting} bytes behind the answer`);
  }
  await client.close();
}

/** What the answers begin with: a server that is attacked may be degraded. */
const CHECKS = { '/healthz': 'alive', '/readyz': 'serving' };

async function healthChecks(): Promise<void> {
  while (!isOver) {
    for (const [path, expected] of Object.entries(CHECKS)) {
      const began = performance.now();
      const client = await Client.connect({ host: '127.0.0.1', port: dashboard, localAddress: ADDRESS });
      void client.send(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${dashboard}\r\nconnection: close\r\n\r\n`);
      const { text } = await client.answer();
      maxCheckMs = Math.max(maxCheckMs, performance.now() - began);
      if (!text.startsWith(expected)) wrong.push(`${path} answers ${JSON.stringify(text)}`);
      checks++;
      await client.close();
    }
    await delay(CHECK_MS);
  }
}

parentPort!.once('message', () => {
  isOver = true;
});
const random = randomOf(seed);
const all = [
  ...range(BYSTANDERS).map((number) => bystander(number, randomOf(random(2 ** 31)))),
  healthChecks(),
].map((each, index) =>
  each.catch((error: Error) => {
    wrong.push(`${index < BYSTANDERS ? 'a bystander' : 'a health check'}: ${error.message}`);
  }),
);
parentPort!.postMessage('running');
await Promise.all(all);
parentPort!.postMessage({ verified, checks, maxAnswerMs, maxCheckMs, wrong } satisfies ProbeReport);
