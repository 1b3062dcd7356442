// The latency of answers at fixed rates, which a closed loop can't tell: there a slow server is asked less.

import type { Figures } from './figures.js';
import { costOfRequests, loadWithClient } from './load.js';
import { LONG_TITLES, type OpenKind } from './long-requests.js';
import { takeSnapshot } from './process-stats.js';
import type { Column, Phase, Result, Scenario, Settings } from './scenario.js';
import type { Setup } from './setups.js';
import { BLOCKING_RUNTIMES, FETCH_RUNTIMES, type Kind, RUNTIMES, type Server, servers } from './targets.js';
import { medianOf } from './verdict.js';

const CONNECTIONS = 64;
const LATE_MS = 10;
const ROUND_GRACE_MS = 5000;
/** Of a client at one rate, beyond the measuring: its start, and the last answers. */
const OWN_SECONDS = 0.5;
/** From here on the client's own delays, and not the server's, are what its figures say. */
const MAX_OWN_LATE_PERCENT = 1;
const MAX_OWN_BUSY_PERCENT = 80;

const COLUMNS: readonly Column[] = [
  { key: 'answeredPerSecond', title: 'answers/s', digits: 0 },
  { key: 'p50Ms', title: 'p50 ms', digits: 2 },
  { key: 'p90Ms', title: 'p90 ms', digits: 2 },
  { key: 'p99Ms', title: 'p99 ms', digits: 2 },
  { key: 'p999Ms', title: 'p99.9 ms', digits: 2 },
  { key: 'maxMs', title: 'max ms', digits: 1 },
  { key: 'late', title: `later than ${LATE_MS} ms`, digits: 0 },
  { key: 'unanswered', title: 'unanswered', digits: 0 },
  { key: 'cpuUsPerRequest', title: 'CPU µs/request', digits: 1 },
  { key: 'switchesPerRequest', title: 'switches/request', digits: 3 },
  { key: 'ownBusyPercent', title: 'client busy %', digits: 0 },
];

/** The higher one is half of what the slowest of the targets sustains on two cores that the client shares. */
const DEFAULT_RATES: readonly number[] = [5000, 10_000];

export const OPEN_LOOP_SCENARIOS: readonly Scenario[] = [
  openLoop('hello', 'GET /hello by a small handler', { handlers: 2, kinds: RUNTIMES }),
  openLoop('real-get', 'the requests of real-get', { setup: 'real', handlers: 2, kinds: RUNTIMES }),
  openLoop('blocking', LONG_TITLES.blocking, {
    rates: [500, 2000],
    handlers: 4,
    kinds: BLOCKING_RUNTIMES,
    note: '; latencies of those that do not block',
  }),
  openLoop('cpu', LONG_TITLES.cpu, { rates: [300], handlers: 2, kinds: BLOCKING_RUNTIMES }),
  openLoop('async', LONG_TITLES.async, { rates: [4000], handlers: 2, kinds: FETCH_RUNTIMES }),
];

interface Plan {
  readonly setup?: Setup;
  readonly rates?: readonly number[];
  /** Threads or processes for handlers. */
  readonly handlers: number;
  readonly kinds: readonly Kind[];
  /** Which of the requests the latencies are of, where not of all. */
  readonly note?: string;
}

function openLoop(request: OpenKind, what: string, plan: Plan): Scenario {
  const { setup = 'handler', rates = DEFAULT_RATES, handlers, kinds, note = '' } = plan;
  const ratesOf = (settings: Settings) => settings.rates ?? rates;
  return {
    name: `open-${request}`,
    title: ({ seconds }) =>
      `${what} at fixed rates, ${CONNECTIONS} connections, ${seconds} s each${note || '; latencies'} from when each was due`,
    columns: COLUMNS,
    phases: (settings) => phasesOf(ratesOf(settings)),
    group: 'open',
    warmsUp: true,
    ownRounds: 2,
    targets: servers(handlers),
    setup,
    appliesTo: ({ kind }) => kinds.includes(kind),
    roundSeconds: (settings) => ratesOf(settings).length * (settings.seconds + OWN_SECONDS),
    run: (server, settings) => measure(server, settings.seconds, ratesOf(settings), request),
    remarks: (result, settings) => whatTheClientMissed(result, ratesOf(settings)),
  };
}

function phasesOf(rates: readonly number[]): Phase[] {
  return rates.map((rate) => ({ key: `${rate}`, title: `${rate}/s` }));
}

/** One rate after the other. */
async function measure(
  server: Server,
  seconds: number,
  rates: readonly number[],
  request: OpenKind,
): Promise<Figures> {
  const all: Figures = { errors: 0 };
  for (const ratePerSecond of rates) {
    const figures = await measureRate(server, request, ratePerSecond, seconds);
    for (const [key, value] of Object.entries(figures)) all[`${ratePerSecond}.${key}`] = value;
    all.errors! += figures.errors!;
  }
  return all;
}

async function measureRate(
  { port, pid }: Server,
  request: OpenKind,
  ratePerSecond: number,
  seconds: number,
): Promise<Figures> {
  const load = { request, connections: CONNECTIONS, ratePerSecond, seconds, lateMs: LATE_MS };
  const before = takeSnapshot(pid);
  const figures = await loadWithClient({ kind: 'open-loop', port, ...load }, seconds * 1000 + ROUND_GRACE_MS);
  return { ...figures, ...costOfRequests(pid, before, figures.answered!) };
}

/** A line for each rate that the client, and not the server, was too slow for. */
function whatTheClientMissed(result: Result, rates: readonly number[]): string[] {
  return phasesOf(rates).flatMap(({ key, title }) => {
    const late = medianOf(`${key}.ownLatePercent`, result);
    const busy = medianOf(`${key}.ownBusyPercent`, result);
    if (late <= MAX_OWN_LATE_PERCENT && busy <= MAX_OWN_BUSY_PERCENT) return [];
    return [
      `${result.target}, ${title}: the client did not keep the schedule (it was late by itself with ${late.toFixed(1)} % of the requests, and ran or waited for a processor for ${busy.toFixed(0)} % of the time); these are not the server's latencies alone`,
    ];
  });
}
