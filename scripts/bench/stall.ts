// Whether requests are delayed while handlers block their threads: of an app in the style of fetch, and of Express.

import type { Figures } from './figures.js';
import { loadWithClient } from './load.js';
import type { Column, Judgement, Result, Scenario } from './scenario.js';
import { BLOCKING_RUNTIMES, NODE_RUNTIMES, type Server, servers } from './targets.js';
import { judgeBothWays, judgeErrors, judgement, medianOf } from './verdict.js';

const STALL_MS = 2000;
const KEPT = 32;
const FRESH = 40;
/** The longest wait of a round for a request that does not block. */
const MAX_WAIT_MS = 100;

const COLUMNS: readonly Column[] = [
  { key: 'keptMaxMs', title: 'max kept ms', digits: 1 },
  { key: 'freshMaxMs', title: 'max fresh ms', digits: 1 },
  { key: 'answers', title: 'answers', digits: 0 },
  { key: 'late', title: 'later than 100 ms', digits: 0 },
];

const WHAT = `one handler blocks for ${STALL_MS} ms while ${KEPT} kept and ${FRESH} fresh connections ask /hello`;

export const STALL_SCENARIOS: readonly Scenario[] = [
  {
    name: 'stall',
    title: () => WHAT,
    columns: COLUMNS,
    bars: ['keptMaxMs', 'freshMaxMs'],
    targets: servers(4),
    appliesTo: ({ kind }) => BLOCKING_RUNTIMES.includes(kind),
    ownRounds: 1,
    roundSeconds: () => STALL_MS / 1000,
    run: (server) => measure(server, 1),
  },
  {
    name: 'stall-3',
    title: () => 'as stall, with three of the four threads blocked',
    columns: COLUMNS,
    appliesTo: ({ kind, workers }) => kind === 'paceline' && workers === 4,
    run: (server) => measure(server, 3),
  },
  {
    name: 'stall-express',
    title: () => `${WHAT} of an Express app`,
    columns: COLUMNS,
    targets: ['paceline', 'paceline-file', 'cluster-2', 'cluster-4', 'http'],
    setup: 'express-shop',
    appliesTo: ({ kind }) => NODE_RUNTIMES.includes(kind),
    run: (server) => measure(server, 1),
    judge: (paceline, rival) => judgeBothWays(paceline, rival, judgeWaits),
  },
];

function measure({ port }: Server, blockers: number): Promise<Figures> {
  // A server with all workers blocked serves the blockers one after the other.
  return loadWithClient(
    { kind: 'stall', port, blockers, blockMs: STALL_MS, kept: KEPT, fresh: FRESH },
    STALL_MS * blockers,
  );
}

/** The longest wait of each round, and the median of these: one round may fall into a pause of the machine, most may not. */
function judgeWaits(result: Result): Judgement[] {
  const maxMs = Math.max(medianOf('keptMaxMs', result), medianOf('freshMaxMs', result));
  return [
    judgement(
      maxMs <= MAX_WAIT_MS,
      `${result.target} answered within ${maxMs.toFixed(1)} ms beside a handler that blocks (target: ${MAX_WAIT_MS} ms)`,
    ),
    ...judgeErrors([result]),
  ];
}
