// What is measured: each scenario plays one round against one running server and returns its figures by name. Its
// columns say which of them the report prints, and how.

import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startChild, stopChild } from './children.js';
import type { ClientMessage, Figures, Job } from './client.js';
import type { BenchOptions } from './options.js';
import { takeSnapshot, useBetween } from './process-stats.js';
import type { Server, Target } from './targets.js';
import { runWrk } from './wrk.js';

export interface Column {
  readonly key: string;
  readonly title: string;
  readonly digits: number;
}

export interface Scenario {
  readonly name: string;
  readonly title: (options: BenchOptions) => string;
  readonly columns: readonly Column[];
  readonly needsWrk?: true;
  /** Rounds beyond this number are left out. */
  readonly mostRounds?: number;
  /** The threads that a paceline target gets here, in place of its own number. */
  readonly threads?: number;
  readonly appliesTo: (target: Target) => boolean;
  readonly run: (server: Server, options: BenchOptions) => Promise<Figures>;
}

const CLIENT = fileURLToPath(new URL('./client.js', import.meta.url));
const CLIENT_GRACE_MS = 15_000;
const BLOCK_MS = 20;
const PACE_MS = 2;
const STALL_MS = 2000;
const FAST = 16;
const SLOW = 2;
const KEPT = 32;
const FRESH = 40;
const IDLE_CONNECTIONS = 1000;
const SETTLE_MS = 500;

const WRK_COLUMNS: readonly Column[] = [
  { key: 'requestsPerSecond', title: 'requests/s', digits: 0 },
  { key: 'cpuUsPerRequest', title: 'CPU us/request', digits: 2 },
  { key: 'p50Ms', title: 'p50 ms', digits: 2 },
  { key: 'p99Ms', title: 'p99 ms', digits: 2 },
  { key: 'switchesPerRequest', title: 'switches/request', digits: 3 },
];

const STALL_COLUMNS: readonly Column[] = [
  { key: 'keptMaxMs', title: 'longest kept ms', digits: 1 },
  { key: 'freshMaxMs', title: 'longest fresh ms', digits: 1 },
  { key: 'answers', title: 'answers', digits: 0 },
  { key: 'late', title: 'later than 100 ms', digits: 0 },
];

const everyTarget = () => true;
const runsJavaScript = ({ kind }: Target) => kind !== 'nginx';

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'hello',
    title: ({ connections, seconds }) =>
      `GET /hello, ${connections} connections, wrk -t1, ${seconds} s a round`,
    columns: WRK_COLUMNS,
    needsWrk: true,
    appliesTo: everyTarget,
    run: (server, options) => playWrk(server, '/hello', options),
  },
  {
    name: 'mixed',
    title: ({ seconds }) =>
      `${FAST} connections ask /hello every ${PACE_MS} ms beside ${SLOW} that keep asking /block?ms=${BLOCK_MS}, ${seconds} s a round; the fast ones`,
    columns: [
      { key: 'p50Ms', title: 'p50 ms', digits: 2 },
      { key: 'p99Ms', title: 'p99 ms', digits: 2 },
      { key: 'maxMs', title: 'max ms', digits: 1 },
      { key: 'fastPerSecond', title: 'requests/s', digits: 0 },
      { key: 'blocksPerSecond', title: 'blocks/s', digits: 0 },
    ],
    appliesTo: runsJavaScript,
    run: ({ port }, { seconds }) =>
      playClient(
        { kind: 'mixed', port, fast: FAST, slow: SLOW, blockMs: BLOCK_MS, paceMs: PACE_MS, seconds },
        seconds * 1000,
      ),
  },
  {
    name: 'stall',
    title: () =>
      `one handler blocks for ${STALL_MS} ms while ${KEPT} kept and ${FRESH} fresh connections ask /hello`,
    columns: STALL_COLUMNS,
    appliesTo: runsJavaScript,
    run: (server) => playStall(server, 1),
  },
  {
    name: 'stall-3',
    title: () => `as stall, with three of the four threads blocked`,
    columns: STALL_COLUMNS,
    appliesTo: ({ kind, workers }) => kind === 'paceline' && workers === 4,
    run: (server) => playStall(server, 3),
  },
  {
    name: 'idle',
    title: ({ idleSeconds }) =>
      `${IDLE_CONNECTIONS} idle connections for ${idleSeconds} s (paceline: 8 threads)`,
    columns: [
      { key: 'cpuMs', title: 'CPU ms', digits: 2 },
      { key: 'switches', title: 'switches', digits: 0 },
      { key: 'open', title: 'still open', digits: 0 },
    ],
    mostRounds: 2,
    threads: 8,
    appliesTo: everyTarget,
    run: playIdle,
  },
  {
    name: 'async',
    title: ({ connections, seconds }) =>
      `GET /sleep?ms=1 (a timer), ${connections} connections, wrk -t1, ${seconds} s a round`,
    columns: WRK_COLUMNS,
    needsWrk: true,
    appliesTo: runsJavaScript,
    run: (server, options) => playWrk(server, '/sleep?ms=1', options),
  },
];

/** Gives the compilers of a server their time before anything counts. */
export async function warmUp(scenario: Scenario, server: Server, options: BenchOptions): Promise<void> {
  if (scenario.needsWrk) await scenario.run(server, { ...options, seconds: 1 });
}

async function playWrk({ pid, port }: Server, path: string, options: BenchOptions): Promise<Figures> {
  const before = takeSnapshot(pid);
  const result = await runWrk(`http://127.0.0.1:${port}${path}`, options.connections, options.seconds);
  const use = useBetween(before, takeSnapshot(pid));
  if (result.requests === 0) throw new Error('no request was answered');
  return {
    requestsPerSecond: result.requestsPerSecond,
    cpuUsPerRequest: use.cpuUs / result.requests,
    switchesPerRequest: use.switches / result.requests,
    p50Ms: result.p50Us / 1000,
    p99Ms: result.p99Us / 1000,
    errors: result.errors,
  };
}

function playStall({ port }: Server, blockers: number): Promise<Figures> {
  // A server whose every worker is blocked works off the blockers one after the other.
  return playClient(
    { kind: 'stall', port, blockers, blockMs: STALL_MS, kept: KEPT, fresh: FRESH },
    STALL_MS * blockers,
  );
}

async function playIdle({ pid, port }: Server, { idleSeconds }: BenchOptions): Promise<Figures> {
  let use = { cpuUs: 0, switches: 0 };
  const job: Job = { kind: 'idle', port, connections: IDLE_CONNECTIONS };
  const figures = await playClient(job, idleSeconds * 1000, async () => {
    await delay(SETTLE_MS);
    const before = takeSnapshot(pid);
    await delay(idleSeconds * 1000);
    use = useBetween(before, takeSnapshot(pid));
  });
  return { ...figures, cpuMs: use.cpuUs / 1000, switches: use.switches };
}

/** Has a client of its own process play a job; `whileReady` runs once the client says that it is ready. */
async function playClient(job: Job, expectedMs: number, whileReady?: () => Promise<void>): Promise<Figures> {
  const client = startChild(process.execPath, [CLIENT], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const timer = AbortSignal.timeout(expectedMs + CLIENT_GRACE_MS);
  try {
    client.send(job);
    let message = await nextMessage(client, timer);
    if ('ready' in message) {
      await whileReady?.();
      client.send('finish');
      message = await nextMessage(client, timer);
    }
    if (!('figures' in message)) throw new Error('the client sent something unexpected');
    return message.figures;
  } finally {
    await stopChild(client);
  }
}

function nextMessage(client: ChildProcess, limit: AbortSignal): Promise<ClientMessage> {
  return new Promise((resolve, reject) => {
    client.once('message', (message) => resolve(message as ClientMessage));
    client.once('exit', () => reject(new Error('the client ended without a result')));
    client.once('error', reject);
    limit.addEventListener('abort', () =>
      reject(new Error('the client did not finish in time: a request hangs')),
    );
  });
}
