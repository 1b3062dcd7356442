// Without HTTP's kept-alive connections: bytes that are echoed over raw TCP, and a connection for each request.

import { loadWithCClient } from './c-client.js';
import { WRK_COLUMNS } from './load.js';
import type { Scenario } from './scenario.js';
import { servers, TCP_RUNTIMES } from './targets.js';

const common = { columns: WRK_COLUMNS, needs: 'gcc', warmsUp: true, targets: servers(2) } as const;

export const TCP_SCENARIOS: readonly Scenario[] = [
  {
    ...common,
    name: 'echo',
    title: ({ connections, seconds }) =>
      `100 bytes echoed over raw TCP, ${connections} connections, ${seconds} s a round`,
    setup: 'echo',
    appliesTo: ({ kind }) => TCP_RUNTIMES.includes(kind),
    run: (server, settings) => loadWithCClient(server, 'echo', settings),
  },
  {
    ...common,
    name: 'connect',
    title: ({ connections, seconds }) =>
      `GET /hello on a connection of its own for each request, ${connections} at a time, ${seconds} s a round; latencies from connect() to the end`,
    appliesTo: ({ kind }) => kind !== 'paceline-file' && kind !== 'floor-node' && kind !== 'piscina',
    run: (server, settings) => loadWithCClient(server, 'connect', settings),
  },
];
