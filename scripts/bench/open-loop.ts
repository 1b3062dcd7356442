// The latency of answers at fixed rates, which a closed loop can't tell: there a slow server is asked less.

import type { Figures } from './figures.js';
import { loadWithClient } from './load.js';
import { takeSnapshot, useBetween } from './process-stats.js';
import type { RequestKind } from './real-requests.js';
import type { Column, Phase, Result, Scenario, Settings } from './scenario.js';
import type { Setup } from './start.js';
import { RUNTIMES, type Server } from './targets.js';
import { medianOf } from './verdict.js';

const CONNECTIONS = 64;
const LATE_MS = 10;
const WARM_UP_SECONDS = 1;
const ROUND_GRACE_MS = 5000;
/** From here on the client's own delays, and not the server's, are what its figures say. */
const MAX_OWN_LATE_PERCENT = 1;
const MAX_OWN_BUSY_PERCENT = 80;

const COLUMNS: readonly Column[] = [
  { key: 'answeredPerSecond', title: 'answers/s', digits: 0 },
  { key: 'p50Ms', title: 'p50 ms', digits: 2 },
  { key: 'p99Ms', title: 'p99 ms', digits: 2 },
  { key: 'p999Ms', title: 'p99.9 ms', digits: 2 },
  { key: 'maxMs', title: 'max ms', digits: 1 },
  { key: 'late', title: `later than ${LATE_MS} ms`, digits: 0 },
  { key: 'unanswered', title: 'unanswered', digits: 0 },
  { key: 'cpuUs', title: 'CPU us/request', digits: 1 },
  { key: 'ownBusyPercent', title: 'client busy %', digits: 0 },
];

export const OPEN_LOOP_SCENARIOS: readonly Scenario[] = [
  openLoop('real-get', 'the requests of real-get', 'real'),
  openLoop('hello', 'GET /hello by a small handler', 'handler'),
];

function openLoop(request: RequestKind, what: string, setup: Setup): Scenario {
  return {
    name: `open-${request}`,
    title: ({ seconds }) =>
      `${what} at fixed rates, ${CONNECTIONS} connections, ${seconds} s each; latencies from when each request was due`,
    columns: COLUMNS,
    phases: phasesOf,
    group: 'open',
    onRequest: true,
    targets: ['paceline-2', 'cluster-2', 'fastify-2', 'bun-2'],
    setup,
    appliesTo: ({ kind }) => RUNTIMES.includes(kind),
    run: (server, settings) => measure(server, settings, request),
    remarks: whatTheClientMissed,
  };
}

function phasesOf({ rates }: Settings): Phase[] {
  return rates.map((rate) => ({ key: `${rate}`, title: `${rate}/s` }));
}

/** One rate after the other; each is warmed up, because what the rate before leaves behind differs. */
async function measure(server: Server, { rates, seconds }: Settings, request: RequestKind): Promise<Figures> {
  const all: Figures = { errors: 0 };
  for (const ratePerSecond of rates) {
    await measureRate(server, request, ratePerSecond, WARM_UP_SECONDS);
    const figures = await measureRate(server, request, ratePerSecond, seconds);
    for (const [key, value] of Object.entries(figures)) all[`${ratePerSecond}.${key}`] = value;
    all.errors! += figures.errors!;
  }
  return all;
}

async function measureRate(
  { port, pid }: Server,
  request: RequestKind,
  ratePerSecond: number,
  seconds: number,
): Promise<Figures> {
  const load = { request, connections: CONNECTIONS, ratePerSecond, seconds, lateMs: LATE_MS };
  const before = takeSnapshot(pid);
  const figures = await loadWithClient({ kind: 'open-loop', port, ...load }, seconds * 1000 + ROUND_GRACE_MS);
  const { cpuUs } = useBetween(before, takeSnapshot(pid));
  return { ...figures, cpuUs: cpuUs / figures.answered! };
}

/** A line for each rate that the client, and not the server, was too slow for. */
function whatTheClientMissed(result: Result, settings: Settings): string[] {
  return phasesOf(settings).flatMap(({ key, title }) => {
    const late = medianOf(`${key}.ownLatePercent`, result);
    const busy = medianOf(`${key}.ownBusyPercent`, result);
    if (late <= MAX_OWN_LATE_PERCENT && busy <= MAX_OWN_BUSY_PERCENT) return [];
    return [
      `${result.target}, ${title}: the client did not keep the schedule (it was late by itself with ${late.toFixed(1)} % of the requests, and ran or waited for a processor for ${busy.toFixed(0)} % of the time); these are not the server's latencies alone`,
    ];
  });
}
