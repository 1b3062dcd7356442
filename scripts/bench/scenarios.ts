// The list of all scenarios, and of those that a run measures where none are named. A scenario's columns say which of its
// figures the report prints, and how.

import { setTimeout as delay } from 'node:timers/promises';
import type { Job } from './client.js';
import { CONTROL_SCENARIOS } from './control.js';
import { DASHBOARD_SCENARIOS } from './dashboards.js';
import type { Figures } from './figures.js';
import { HELD_SCENARIOS } from './held-connections.js';
import { loadWithClient } from './load.js';
import { LONG_SCENARIOS } from './long-scenarios.js';
import { NODE_APP_SCENARIOS } from './node-apps.js';
import { OPEN_LOOP_SCENARIOS } from './open-loop.js';
import { takeSnapshot, useBetween } from './process-stats.js';
import { REQUEST_SCENARIOS } from './requests.js';
import type { Scenario, Settings } from './scenario.js';
import { SLOW_SCENARIOS } from './slow-clients.js';
import { STALL_SCENARIOS } from './stall.js';
import { STARTUP_SCENARIO } from './startup.js';
import { STATIC_SCENARIOS } from './static-files.js';
import { BLOCKING_RUNTIMES, type Extent, RUNTIMES, type Server, type Target } from './targets.js';
import { TCP_SCENARIOS } from './tcp.js';
import { WAITING_SCENARIOS } from './waiting.js';

const BLOCK_MS = 20;
const PACE_MS = 2;
const FAST = 16;
const SLOW = 2;
const IDLE_CONNECTIONS = 1000;
const SETTLE_MS = 25_000;

const servesAnything = ({ kind }: Target) => RUNTIMES.includes(kind) || kind === 'nginx';
const runsHandler = ({ kind }: Target) => BLOCKING_RUNTIMES.includes(kind);

export const SCENARIOS: readonly Scenario[] = [
  ...REQUEST_SCENARIOS,
  ...NODE_APP_SCENARIOS,
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
    appliesTo: runsHandler,
    run: ({ port }, { seconds }) =>
      loadWithClient(
        { kind: 'mixed', port, fast: FAST, slow: SLOW, blockMs: BLOCK_MS, paceMs: PACE_MS, seconds },
        seconds * 1000,
      ),
  },
  ...STALL_SCENARIOS,
  {
    name: 'idle',
    title: ({ idleSeconds }) =>
      `${IDLE_CONNECTIONS} idle connections for ${idleSeconds} s (paceline: 8 threads)`,
    columns: [
      { key: 'cpuMs', title: 'CPU ms', digits: 2 },
      { key: 'switches', title: 'switches', digits: 0 },
      { key: 'open', title: 'still open', digits: 0 },
    ],
    maxRounds: 2,
    threads: 8,
    setup: 'held',
    appliesTo: servesAnything,
    run: measureIdle,
  },
  ...LONG_SCENARIOS,
  ...TCP_SCENARIOS,
  ...OPEN_LOOP_SCENARIOS,
  ...STATIC_SCENARIOS,
  ...HELD_SCENARIOS,
  ...SLOW_SCENARIOS,
  ...DASHBOARD_SCENARIOS,
  ...CONTROL_SCENARIOS,
  ...WAITING_SCENARIOS,
  STARTUP_SCENARIO,
];

/** One of each kind of load, in a closed loop. */
const MAIN = [
  'hello',
  'pipelined',
  'real-get',
  'real-post',
  'echo',
  'connect',
  'async',
  'cpu',
  'blocking',
  'waiting-sleep',
  'static-100k',
  'idle-10k',
];

/** The names of the scenarios of an extent. */
export const SUITES: Readonly<Record<Extent, readonly string[]>> = {
  quick: ['hello', 'connect', 'blocking'],
  main: MAIN,
  full: [...MAIN, 'stall', 'open-hello', 'open-async', 'open-cpu', 'open-blocking'],
};

/** Runs a round that does not count, if the scenario asks for one. */
export async function warmUp(scenario: Scenario, server: Server, settings: Settings): Promise<void> {
  if (scenario.warmsUp) await scenario.run(server, { ...settings, seconds: settings.warmUpSeconds });
}

async function measureIdle({ pid, port }: Server, { idleSeconds }: Settings): Promise<Figures> {
  let use = { cpuUs: 0, switches: 0 };
  const job: Job = { kind: 'idle', port, connections: IDLE_CONNECTIONS, sources: 1 };
  const figures = await loadWithClient(job, idleSeconds * 1000, async () => {
    await delay(SETTLE_MS);
    const before = takeSnapshot(pid);
    await delay(idleSeconds * 1000);
    use = useBetween(before, takeSnapshot(pid));
  });
  return { ...figures, cpuMs: use.cpuUs / 1000, switches: use.switches };
}
