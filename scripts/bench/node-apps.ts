// What a request costs an app of node:http that is not changed for paceline, against the same app in node:cluster: the hello
// worlds of Express and Fastify, and the real requests of requests.ts by Express. `http` is the same server file in one process.

import { loadWithWrk, WRK_COLUMNS } from './load.js';
import { wrkScript } from './real-requests.js';
import type { Scenario } from './scenario.js';
import type { Setup } from './setups.js';
import { NODE_RUNTIMES } from './targets.js';
import { judgeBothWays, judgeErrors, judgeReference, REFERENCE } from './verdict.js';

/** Lower than those of `hello`: the framework's own cost is in both. */
const MARKS = { minRequests: 1.15, maxCpu: 0.85 };

export const NODE_APP_SCENARIOS: readonly Scenario[] = [
  requests('express-hello', "Express's hello world", 'express-hello'),
  requests('fastify-hello', "Fastify's hello world", 'fastify-hello'),
  express('real-get'),
  express('real-post'),
];

function express(kind: 'real-get' | 'real-post'): Scenario {
  return {
    ...requests(`express-${kind}`, `the requests of ${kind} to an Express app`, 'express-shop', kind),
    group: 'express-real',
  };
}

/** Requests of a kind, or of /hello. */
function requests(name: string, what: string, setup: Setup, kind?: 'real-get' | 'real-post'): Scenario {
  return {
    name,
    title: ({ connections, seconds }) => `${what}; ${connections} connections, wrk -t1, ${seconds} s a round`,
    columns: WRK_COLUMNS,
    targets: ['paceline-2', 'paceline-file-2', REFERENCE, 'http'],
    needs: 'wrk',
    warmsUp: true,
    setup,
    appliesTo: ({ kind: target }) => NODE_RUNTIMES.includes(target),
    run: (server, settings) =>
      loadWithWrk(server, '/hello', { ...settings, script: kind && wrkScript(kind) }),
    judge: (paceline, rival) => [
      ...judgeBothWays(paceline, rival, (result) => [
        ...judgeReference(result, rival(REFERENCE), MARKS),
        ...judgeErrors([result]),
      ]),
      ...judgeErrors([rival(REFERENCE)]),
    ],
  };
}
