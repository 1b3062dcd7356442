/**
 * What a thread costs in memory: the resident memory (VmRSS) of the command without a dashboard, with 1, 2, 4, 8 and 16
 * threads, when it listens and after every thread has answered some hundred requests. The medians of some starts.
 *
 *   node dist/scripts/measure/thread-memory.js [APP [PATH]]
 *
 * APP is a fetch-style module, the demo if there is none; PATH is what is requested, /hello by default. A larger app:
 *
 *   node dist/scripts/measure/thread-memory.js dist/spec/fixtures/http/hono.js /users/1
 */
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { DEMO_APP_URL } from '../../lib/demo/app-url.js';
import { cleanUpAtExit, collectOutput, endChildren, startChild, stopChild } from '../bench/children.js';
import { Connection, requestFor } from '../bench/connection.js';
import { residentBytes } from '../bench/process-stats.js';
import { median } from '../bench/report.js';
import { PACELINE } from '../bench/targets.js';

const THREADS = [1, 2, 4, 8, 16];
const STARTS = 3;
const START_MS = 15_000;
/** More than threads, so that each of them always has a request to take. */
const CONNECTIONS = 64;
const REQUESTS_A_THREAD = 300;
/** From listening, and from the last answer, to the measurement. */
const SETTLE_MS = 1500;
const MIB = 1024 * 1024;

const BLOCKING_APP = fileURLToPath(new URL('./blocking-app.js', import.meta.url));
const [app, path = '/hello'] = process.argv.slice(2);
const appUrl = app === undefined ? DEMO_APP_URL : pathToFileURL(resolve(app));

/** Resident MiB of a server that has just been started, and of one that has answered requests on every thread. */
async function measure(threads: number): Promise<{ fresh: number; used: number }> {
  const args = [PACELINE, BLOCKING_APP, '--port', '0', '--threads', `${threads}`, '--dashboard', 'off'];
  const child = startChild(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PACELINE_MEASURED_APP: appUrl.href },
  });
  const output = collectOutput(child);
  const port = await portOf(output);
  await delay(SETTLE_MS);
  const fresh = residentBytes(child.pid!) / MIB;
  await request(port, threads * REQUESTS_A_THREAD);
  await delay(SETTLE_MS);
  const used = residentBytes(child.pid!) / MIB;
  await stopChild(child);
  return { fresh, used };
}

async function portOf(output: () => string): Promise<number> {
  for (const end = Date.now() + START_MS; Date.now() < end; await delay(50)) {
    const port = Number(/listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(output())?.[1] ?? 0);
    if (port > 0) return port;
  }
  throw new Error(`the server does not listen: ${output().trim()}`);
}

/** @throws where an answer is not a 200 */
async function request(port: number, count: number): Promise<void> {
  const bytes = requestFor(path);
  let left = count;
  const ask = async (connection: Connection) => {
    while (left-- > 0) {
      const { ok } = await connection.answer(bytes);
      if (!ok) throw new Error(`${path} was not answered with a 200`);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, () => ask(new Connection(port))));
}

cleanUpAtExit();
try {
  console.log(`node ${process.version}, ${appUrl.pathname}, ${path}; MiB, medians of ${STARTS} starts`);
  console.log('threads   listening   after requests   for each added thread');
  let before: { threads: number; used: number } | undefined;
  for (const threads of THREADS) {
    const starts: Awaited<ReturnType<typeof measure>>[] = [];
    for (let start = 0; start < STARTS; start++) starts.push(await measure(threads));
    const fresh = median(starts.map((memory) => memory.fresh));
    const used = median(starts.map((memory) => memory.used));
    const added = before ? ((used - before.used) / (threads - before.threads)).toFixed(1) : '';
    console.log(
      `${`${threads}`.padStart(7)}   ${fresh.toFixed(1).padStart(9)}   ${used.toFixed(1).padStart(14)}   ${added.padStart(21)}`,
    );
    before = { threads, used };
  }
} finally {
  await endChildren();
}
