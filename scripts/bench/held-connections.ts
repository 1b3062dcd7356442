// What 10,000 idle connections cost a server: memory, and throughput of the active ones.

import { setTimeout as delay } from 'node:timers/promises';
import type { Job } from './client.js';
import type { Figures } from './figures.js';
import { loadWithClient, loadWithWrk } from './load.js';
import { residentBytes, settled } from './process-stats.js';
import type { Judgement, Result, Scenario, Settings } from './scenario.js';
import { type Kind, type Server, servers } from './targets.js';
import { judgeErrors, judgement, medianOf, percent } from './verdict.js';

const HELD = 10_000;
/** Loopback addresses that the connections come from, so that a run does not use up the ports of one. */
const SOURCES = 10;
const WARM_UP_SECONDS = 1;
const SETTLE_MS = 1000;
/** Beyond the measuring, for 10,000 handshakes on a busy machine. */
const OPEN_LIMIT_MS = 20_000;
/** A round's connecting, twice, and its warming up. */
const OWN_SECONDS = 8;
/** They hold as many as others whose figures are here, or none for long enough. */
const LEFT_OUT: readonly Kind[] = ['paceline-file', 'piscina', 'floor-node'];
/** What the idle connections may cost: of the requests/s without them, and resident bytes each. */
const MIN_BESIDE_RATIO = 0.95;
const MAX_BYTES_PER_CONNECTION = 2048;

export const HELD_SCENARIOS: readonly Scenario[] = [
  {
    name: 'idle-10k',
    title: ({ connections, seconds }) =>
      `GET /hello, ${connections} connections, ${seconds} s alone, beside ${HELD} idle ones, and alone again`,
    columns: [
      { key: 'requestsPerSecond', title: 'requests/s', digits: 0 },
      { key: 'aloneRequestsPerSecond', title: 'alone requests/s', digits: 0 },
      { key: 'throughputRatio', title: 'ratio to alone', digits: 3 },
      { key: 'cpuUsPerRequest', title: 'CPU µs/request', digits: 2 },
      { key: 'aloneCpuUsPerRequest', title: 'alone CPU µs', digits: 2 },
      { key: 'residentMiB', title: 'resident MiB', digits: 1 },
      { key: 'bytesPerConnection', title: 'bytes/connection', digits: 0 },
      { key: 'open', title: 'still open', digits: 0 },
    ],
    bars: ['bytesPerConnection', 'requestsPerSecond', 'throughputRatio'],
    needs: 'wrk',
    setup: 'held',
    freshServer: true,
    ownRounds: 1,
    targets: servers(2),
    appliesTo: ({ kind }) => !LEFT_OUT.includes(kind),
    roundSeconds: ({ seconds }) => 3 * seconds + OWN_SECONDS,
    run: measureHeld,
    judge: judgeHeld,
  },
];

/**
 * Memory first, while the server is new: after a load the garbage collector frees more than the connections take. What
 * serving the first 10,000 requests leaves in the heaps counts too, so this is an upper bound; the kernel's own memory
 * for sockets is left out. Then alone, beside, alone: a steady drift of the machine's speed cancels out of the ratio.
 */
async function measureHeld(server: Server, { connections, seconds }: Settings): Promise<Figures> {
  const bytesNew = residentBytes(server.pid);
  let bytesHolding = 0;
  await holding(server, 0, async () => {
    bytesHolding = residentBytes(server.pid);
  });
  // It still closes the connections that the client has reset.
  await settled(server.pid);
  await loadWithWrk(server, '/hello', { connections, seconds: WARM_UP_SECONDS });
  const first = await loadWithWrk(server, '/hello', { connections, seconds });
  let beside: Figures = {};
  const client = await holding(server, seconds, async () => {
    beside = await loadWithWrk(server, '/hello', { connections, seconds });
  });
  await delay(SETTLE_MS);
  const second = await loadWithWrk(server, '/hello', { connections, seconds });
  const alone = (key: string) => (first[key]! + second[key]!) / 2;
  return {
    requestsPerSecond: beside.requestsPerSecond!,
    aloneRequestsPerSecond: alone('requestsPerSecond'),
    throughputRatio: beside.requestsPerSecond! / alone('requestsPerSecond'),
    cpuUsPerRequest: beside.cpuUsPerRequest!,
    aloneCpuUsPerRequest: alone('cpuUsPerRequest'),
    residentMiB: bytesHolding / 1024 / 1024,
    bytesPerConnection: (bytesHolding - bytesNew) / HELD,
    open: client.open!,
    errors: client.errors! + (HELD - client.open!) + beside.errors! + first.errors! + second.errors!,
  };
}

/** Holds the idle connections while `measure` runs. */
function holding(server: Server, seconds: number, measure: () => Promise<void>): Promise<Figures> {
  const job: Job = { kind: 'idle', port: server.port, connections: HELD, sources: SOURCES };
  return loadWithClient(job, seconds * 1000 + OPEN_LIMIT_MS, async () => {
    await delay(SETTLE_MS);
    await measure();
  });
}

function judgeHeld(paceline: Result): Judgement[] {
  const speed = medianOf('throughputRatio', paceline);
  const bytes = medianOf('bytesPerConnection', paceline);
  return [
    judgement(
      speed >= MIN_BESIDE_RATIO,
      `${paceline.target} keeps ${percent(speed)} of its requests/s beside idle connections (target: at least ${percent(MIN_BESIDE_RATIO)})`,
    ),
    judgement(
      bytes <= MAX_BYTES_PER_CONNECTION,
      `an idle connection takes ${bytes.toFixed(0)} bytes of resident memory (target: at most ${MAX_BYTES_PER_CONNECTION})`,
    ),
    ...judgeErrors([paceline]),
  ];
}
