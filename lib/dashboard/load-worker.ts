/** One kind of load: some kept-alive connections, each with one request after another. Runs until it is terminated. */
import { Agent, get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';
import type { LoadPlan } from './loads.js';
import type { LoadTarget } from './monitored-server.js';

/** Delay after a failed request: the server may be closing. */
const RETRY_MS = 250;

const { host, port, path, connections } = workerData as LoadPlan & LoadTarget;
const agent = new Agent({ keepAlive: true, maxSockets: connections });

function request(): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ host, port, path, agent }, (response) => {
      response.resume();
      response.on('close', resolve);
      response.on('error', reject);
    }).on('error', reject);
  });
}

async function loop(): Promise<never> {
  for (;;) await request().catch(() => delay(RETRY_MS));
}

await Promise.all(Array.from({ length: connections }, loop));
