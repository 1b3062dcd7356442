/**
 * What a change costs: two built checkouts, measured alternately in many short rounds, so that whatever else the machine does
 * affects both. Prints quartiles, and the ratio of each second figure to the first.
 *
 *   node dist/scripts/measure/alternate.js DIR_BEFORE DIR_AFTER [--rounds N] [--seconds N] [--only real,hello,mixed,idle]
 *
 * real: the requests of real-get and real-post in turns, 64 connections, 2 threads. hello: /hello, 64 connections, 2 threads.
 * mixed: 16 connections that ask /hello every 2 ms beside 2 that block a thread for 20 ms at a time, 4 threads. idle: 1000
 * connections that say nothing for 10 s, 8 threads, in an eighth of the rounds. Both checkouts serve the apps of this build.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cleanUpAtExit, collectOutput, endChildren, startChild, stopChild } from '../bench/children.js';
import type { Job } from '../bench/client.js';
import type { Figures } from '../bench/figures.js';
import { loadWithClient, loadWithWrk } from '../bench/load.js';
import { takeSnapshot, useBetween } from '../bench/process-stats.js';
import { wrkScript } from '../bench/real-requests.js';
import { appFile } from '../bench/servers/apps.js';
import type { Server } from '../bench/targets.js';

const START_MS = 15_000;
const WARM_UP_SECONDS = 3;
const IDLE_SECONDS = 10;
const IDLE_CONNECTIONS = 1000;
const IDLE_SHARE = 8;
/** From the last connection to the measurement of idling: garbage collection after opening them is over by then. */
const SETTLE_MS = 5000;
const COMMAND = 'dist/lib/cli/main.js';
/** Keeps idle connections for longer than the measurement takes, which the command does not. */
const SERVER = 'dist/scripts/bench/servers/paceline-server.js';

interface Measure {
  readonly threads: number;
  /** The app, of those beside the servers of the benchmark; without one, what a checkout's own server has. */
  readonly app?: string;
  readonly columns: readonly (readonly [key: string, title: string, digits: number])[];
  /** How many rounds it gets, of `all` that the others get. */
  readonly rounds: (all: number) => number;
  readonly run: (server: Server, seconds: number) => Promise<Figures>;
}

const MEASURES: Readonly<Record<string, Measure>> = {
  real: {
    threads: 2,
    app: 'real-app',
    columns: [
      ['getCpuUs', 'GET: CPU us', 2],
      ['getPerSecond', 'GET: requests/s', 0],
      ['getP99Ms', 'GET: p99 ms', 2],
      ['postCpuUs', 'POST: CPU us', 2],
      ['postPerSecond', 'POST: requests/s', 0],
      ['postP99Ms', 'POST: p99 ms', 2],
    ],
    rounds: (all) => all,
    run: measureReal,
  },
  hello: {
    threads: 2,
    app: 'handler',
    columns: [
      ['cpuUsPerRequest', 'CPU us/request', 2],
      ['requestsPerSecond', 'requests/s', 0],
      ['p99Ms', 'p99 ms', 2],
    ],
    rounds: (all) => all,
    run: (server, seconds) => loadWithWrk(server, '/hello', { connections: 64, seconds }),
  },
  mixed: {
    threads: 4,
    app: 'handler',
    columns: [
      ['p50Ms', 'p50 ms', 2],
      ['p99Ms', 'p99 ms', 2],
      ['cpuUsPerRequest', 'CPU us/request', 1],
      ['fastPerSecond', 'requests/s', 0],
    ],
    rounds: (all) => all,
    run: measureMixed,
  },
  idle: {
    threads: 8,
    columns: [
      ['cpuMs', `CPU ms in ${IDLE_SECONDS} s`, 2],
      ['switches', 'switches', 0],
    ],
    rounds: (all) => Math.max(Math.floor(all / IDLE_SHARE), 1),
    run: measureIdle,
  },
};

async function measureReal(server: Server, seconds: number): Promise<Figures> {
  const load = (kind: 'real-get' | 'real-post') =>
    loadWithWrk(server, '/hello', { connections: 64, seconds, script: wrkScript(kind) });
  const get = await load('real-get');
  const post = await load('real-post');
  return {
    getCpuUs: get.cpuUsPerRequest!,
    getPerSecond: get.requestsPerSecond!,
    getP99Ms: get.p99Ms!,
    postCpuUs: post.cpuUsPerRequest!,
    postPerSecond: post.requestsPerSecond!,
    postP99Ms: post.p99Ms!,
  };
}

async function measureMixed({ port, pid }: Server, seconds: number): Promise<Figures> {
  const before = takeSnapshot(pid);
  const job: Job = { kind: 'mixed', port, fast: 16, slow: 2, blockMs: 20, paceMs: 2, seconds };
  const figures = await loadWithClient(job, seconds * 1000);
  const use = useBetween(before, takeSnapshot(pid));
  const requests = (figures.fastPerSecond! + figures.blocksPerSecond!) * seconds;
  return { ...figures, cpuUsPerRequest: use.cpuUs / requests };
}

async function measureIdle({ port, pid }: Server): Promise<Figures> {
  let use = { cpuUs: 0, switches: 0 };
  const job: Job = { kind: 'idle', port, connections: IDLE_CONNECTIONS, sources: 1 };
  await loadWithClient(job, IDLE_SECONDS * 1000 + SETTLE_MS, async () => {
    await delay(SETTLE_MS);
    const before = takeSnapshot(pid);
    await delay(IDLE_SECONDS * 1000);
    use = useBetween(before, takeSnapshot(pid));
  });
  return { cpuMs: use.cpuUs / 1000, switches: use.switches };
}

/** Starts the server of a checkout. @throws when it does not listen */
async function start(checkout: string, { threads, app }: Measure): Promise<Server> {
  const args = app
    ? [COMMAND, fileURLToPath(appFile(app)), '--port', '0', '--threads', `${threads}`, '--dashboard', 'off']
    : [SERVER, `${threads}`];
  const [file, ...rest] = args;
  const child = startChild(process.execPath, [join(checkout, file!), ...rest], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = collectOutput(child);
  for (const end = Date.now() + START_MS; Date.now() < end; await delay(50)) {
    const port = Number(/listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(output())?.[1] ?? 0);
    if (port === 0) continue;
    const target = { name: checkout, kind: 'paceline', workers: threads } as const;
    return {
      target,
      child,
      pid: child.pid!,
      port,
      firstAnswerMs: undefined,
      dashboard: undefined,
      runtime: process.execPath,
    };
  }
  throw new Error(`${checkout} does not listen: ${output().trim()}`);
}

/** One measure of all checkouts: both servers are up all the time, so that the two runs of a round follow each other closely. */
async function measure(
  name: string,
  checkouts: readonly string[],
  all: number,
  seconds: number,
): Promise<void> {
  const { threads, columns, rounds, run } = MEASURES[name]!;
  const servers = await Promise.all(checkouts.map((checkout) => start(checkout, MEASURES[name]!)));
  const results: Figures[][] = servers.map(() => []);
  for (const server of servers) {
    await loadWithWrk(server, '/hello', { connections: 64, seconds: WARM_UP_SECONDS });
    if (name === 'real') await measureReal(server, WARM_UP_SECONDS);
  }
  for (let round = 0; round < rounds(all); round++) {
    // The second one runs on the machine as the first one left it, so the order alternates.
    const order = round % 2 === 0 ? [0, 1] : [1, 0];
    for (const index of order) results[index]!.push(await run(servers[index]!, seconds));
  }
  await Promise.all(servers.map(({ child }) => stopChild(child)));
  console.log(`\n${name}: ${rounds(all)} rounds, ${threads} threads; lower quartile, median, upper quartile`);
  for (const [key, title, digits] of columns) {
    const quartiles = results.map((figures) => quartilesOf(figures.map((each) => each[key]!)));
    for (const [index, three] of quartiles.entries()) {
      const ratios = three.map((value, at) => (value / quartiles[0]![at]!).toFixed(3)).join(' ');
      const texts = three.map((value) => value.toFixed(digits).padStart(10)).join(' ');
      console.log(
        `  ${title.padEnd(16)} ${index === 0 ? 'before' : 'after '} ${texts}${index === 0 ? '' : `   ratios ${ratios}`}`,
      );
    }
  }
}

/** The nearest ranks of a quarter, a half and three quarters. */
function quartilesOf(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  return [0.25, 0.5, 0.75].map((share) => sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)]!);
}

cleanUpAtExit();
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '24' },
    seconds: { type: 'string', default: '2' },
    only: { type: 'string', default: Object.keys(MEASURES).join() },
  },
});
const checkouts = positionals.map((directory) => resolve(directory));
const missing = checkouts.filter((checkout) => !existsSync(join(checkout, COMMAND)));
const unknown = values.only.split(',').filter((name) => !(name in MEASURES));
if (checkouts.length !== 2 || missing.length > 0 || unknown.length > 0) {
  console.error(
    'usage: alternate.js DIR_BEFORE DIR_AFTER [--rounds N] [--seconds N] [--only real,hello,mixed,idle]',
  );
  for (const checkout of missing) console.error(`${checkout} is not built (npm run build)`);
  process.exit(2);
}
try {
  for (const name of values.only.split(',')) {
    await measure(name, checkouts, Number(values.rounds), Number(values.seconds));
  }
} finally {
  await endChildren();
}
