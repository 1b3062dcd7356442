// What is measured by default, and the list of all scenarios. A scenario's columns say which of its figures the report
// prints, and how.

import { setTimeout as delay } from 'node:timers/promises';
import type { Job } from './client.js';
import { CONTROL_SCENARIOS } from './control.js';
import { DASHBOARD_SCENARIOS } from './dashboards.js';
import type { Figures } from './figures.js';
import { HELD_SCENARIOS } from './held-connections.js';
import { loadWithClient, loadWithWrk, WRK_COLUMNS } from './load.js';
import { OPEN_LOOP_SCENARIOS } from './open-loop.js';
import { takeSnapshot, useBetween } from './process-stats.js';
import { REQUEST_SCENARIOS } from './requests.js';
import type { Column, Scenario, Settings } from './scenario.js';
import { SLOW_SCENARIOS } from './slow-clients.js';
import { STATIC_SCENARIOS } from './static-files.js';
import { FETCH_RUNTIMES, RUNTIMES, type Server, type Target } from './targets.js';
import { WAITING_SCENARIOS } from './waiting.js';

const BLOCK_MS = 20;
const PACE_MS = 2;
const STALL_MS = 2000;
const FAST = 16;
const SLOW = 2;
const KEPT = 32;
const FRESH = 40;
const IDLE_CONNECTIONS = 1000;
const SETTLE_MS = 25_000;

const STALL_COLUMNS: readonly Column[] = [
  { key: 'keptMaxMs', title: 'max kept ms', digits: 1 },
  { key: 'freshMaxMs', title: 'max fresh ms', digits: 1 },
  { key: 'answers', title: 'answers', digits: 0 },
  { key: 'late', title: 'later than 100 ms', digits: 0 },
];

const servesAnything = ({ kind }: Target) => RUNTIMES.includes(kind) || kind === 'nginx';
const runsHandler = ({ kind }: Target) => FETCH_RUNTIMES.includes(kind);

export const SCENARIOS: readonly Scenario[] = [
  ...REQUEST_SCENARIOS,
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
  {
    name: 'stall',
    title: () =>
      `one handler blocks for ${STALL_MS} ms while ${KEPT} kept and ${FRESH} fresh connections ask /hello`,
    columns: STALL_COLUMNS,
    appliesTo: runsHandler,
    run: (server) => measureStall(server, 1),
  },
  {
    name: 'stall-3',
    title: () => `as stall, with three of the four threads blocked`,
    columns: STALL_COLUMNS,
    appliesTo: ({ kind, workers }) => kind === 'paceline' && workers === 4,
    run: (server) => measureStall(server, 3),
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
    maxRounds: 2,
    threads: 8,
    setup: 'held',
    appliesTo: servesAnything,
    run: measureIdle,
  },
  {
    name: 'async',
    title: ({ connections, seconds }) =>
      `GET /sleep?ms=1 (a timer), ${connections} connections, wrk -t1, ${seconds} s a round`,
    columns: WRK_COLUMNS,
    needs: 'wrk',
    warmsUp: true,
    appliesTo: runsHandler,
    run: (server, settings) => loadWithWrk(server, '/sleep?ms=1', settings),
  },
  ...OPEN_LOOP_SCENARIOS,
  ...STATIC_SCENARIOS,
  ...HELD_SCENARIOS,
  ...SLOW_SCENARIOS,
  ...DASHBOARD_SCENARIOS,
  ...CONTROL_SCENARIOS,
  ...WAITING_SCENARIOS,
];

/** Runs a round that does not count, if the scenario asks for one. */
export async function warmUp(scenario: Scenario, server: Server, settings: Settings): Promise<void> {
  if (scenario.warmsUp) await scenario.run(server, { ...settings, seconds: 1 });
}

function measureStall({ port }: Server, blockers: number): Promise<Figures> {
  // A server with all workers blocked serves the blockers one after the other.
  return loadWithClient(
    { kind: 'stall', port, blockers, blockMs: STALL_MS, kept: KEPT, fresh: FRESH },
    STALL_MS * blockers,
  );
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
