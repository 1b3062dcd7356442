// Requests whose handlers take their time, in a closed loop; at fixed rates they are in open-loop.ts.

import { loadWithWrk, WRK_COLUMNS } from './load.js';
import { blockingScript, LONG_TITLES, PATHS } from './long-requests.js';
import type { Scenario } from './scenario.js';
import { BLOCKING_RUNTIMES, FETCH_RUNTIMES, servers } from './targets.js';

const CPU_CONNECTIONS = 16;

const closedLoop = { columns: WRK_COLUMNS, needs: 'wrk', warmsUp: true, setup: 'handler' } as const;

export const LONG_SCENARIOS: readonly Scenario[] = [
  {
    ...closedLoop,
    name: 'blocking',
    title: ({ connections, seconds }) =>
      `${LONG_TITLES.blocking}; ${connections} connections, wrk -t1, ${seconds} s a round`,
    targets: servers(4),
    appliesTo: ({ kind }) => BLOCKING_RUNTIMES.includes(kind),
    run: (server, settings) => loadWithWrk(server, '/hello', { ...settings, script: blockingScript() }),
  },
  {
    ...closedLoop,
    name: 'cpu',
    title: ({ seconds }) =>
      `${LONG_TITLES.cpu}; ${CPU_CONNECTIONS} connections, wrk -t1, ${seconds} s a round`,
    targets: servers(2),
    appliesTo: ({ kind }) => BLOCKING_RUNTIMES.includes(kind),
    run: (server, { seconds }) =>
      loadWithWrk(server, PATHS.cpu(1), { connections: CPU_CONNECTIONS, seconds }),
  },
  {
    ...closedLoop,
    name: 'async',
    title: ({ connections, seconds }) =>
      `${LONG_TITLES.async}; ${connections} connections, wrk -t1, ${seconds} s a round`,
    targets: servers(2),
    appliesTo: ({ kind }) => FETCH_RUNTIMES.includes(kind),
    run: (server, settings) => loadWithWrk(server, PATHS.async(1), settings),
  },
];
