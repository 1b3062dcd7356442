// Whether the control plane answers under load: /healthz is requested on a fresh connection every 10 ms, as many health
// checks together would, beside each of the things that could keep the main thread from answering.

import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Figures } from './figures.js';
import { loadWithClient } from './load.js';
import { residentBytes } from './process-stats.js';
import type { Column, Judgement, Result, Scenario, Settings } from './scenario.js';
import { FEW_DESCRIPTORS, type Setup } from './setups.js';
import type { Server } from './targets.js';
import { judgement, medianOf } from './verdict.js';
import { runWrk } from './wrk.js';

const PACE_MS = 10;
/** From the beginning of the disturbance to the first check. */
const ONSET_MS = 500;
/** How long the last checks may wait for their answers. */
const LAST_ANSWER_MS = 15_000;
const FLOOD_CONNECTIONS = 64;
const SCRAPERS = 100;
const HALF_SENT = 128;
/** More than the server can accept with its descriptors. */
const CROWD = 2 * FEW_DESCRIPTORS;
/** Handlers that block: the demo's longest. */
const MAX_BLOCK_MS = 10_000;
/** The longest wait of a round for /healthz. */
const MAX_CHECK_MS = 100;

const COLUMNS: readonly Column[] = [
  { key: 'asked', title: 'asked', digits: 0 },
  { key: 'p50Ms', title: 'p50 ms', digits: 2 },
  { key: 'p99Ms', title: 'p99 ms', digits: 1 },
  { key: 'maxMs', title: 'max ms', digits: 1 },
  { key: 'unanswered', title: 'unanswered', digits: 0 },
  { key: 'grownMiB', title: 'grown MiB', digits: 1 },
];

/** Disturbs the server from now on, for at least so many seconds. @returns a function that ends it */
type Disturbance = (server: Server, seconds: number) => () => Promise<unknown>;

export const CONTROL_SCENARIOS: readonly Scenario[] = [
  control('idle', 'nothing', 'control', () => async () => {}),
  control(
    'errors',
    `${FLOOD_CONNECTIONS} connections that ask for a route that throws`,
    'control',
    ({ port }, seconds) => flood(`http://127.0.0.1:${port}/throw`, FLOOD_CONNECTIONS, seconds),
  ),
  control('scrapers', `${SCRAPERS} connections that ask for /metrics`, 'control', ({ dashboard }, seconds) =>
    flood(new URL('/metrics', dashboard).href, SCRAPERS, seconds),
  ),
  control('half-sent', `${HALF_SENT} half-sent requests to the dashboard`, 'control', ({ dashboard }) =>
    hold(Number(new URL(dashboard!).port), HALF_SENT, 'GET /healthz HTTP/1.1\r\nHost: 127'),
  ),
  control(
    'descriptors',
    `${CROWD} connections to a server with ${FEW_DESCRIPTORS} descriptors`,
    'few-descriptors',
    ({ port }) => hold(port, CROWD, ''),
  ),
  control('blocked', 'handlers that block every thread', 'control', ({ port, target }, seconds) => {
    const ms = Math.min((seconds + 1) * 1000, MAX_BLOCK_MS);
    const blockers = Array.from({ length: target.workers }, () =>
      fetch(`http://127.0.0.1:${port}/block?ms=${ms}`).then((response) => response.text()),
    );
    return () => Promise.all(blockers);
  }),
];

function control(part: string, beside: string, setup: Setup, disturb: Disturbance): Scenario {
  return {
    name: `control-${part}`,
    group: 'control',
    title: ({ seconds }) =>
      `/healthz, a fresh connection every ${PACE_MS} ms for ${seconds} s, beside ${beside}`,
    columns: COLUMNS,
    ...(part === 'errors' || part === 'scrapers' ? { needs: 'wrk' as const } : {}),
    setup,
    freshServer: true,
    appliesTo: ({ kind }) => kind === 'paceline',
    run: (server, settings) => measure(server, settings, disturb),
    judge: judgeControl,
  };
}

async function measure(server: Server, { seconds }: Settings, disturb: Disturbance): Promise<Figures> {
  const bytesBefore = residentBytes(server.pid);
  const end = disturb(server, seconds + ONSET_MS / 1000);
  await delay(ONSET_MS);
  const port = Number(new URL(server.dashboard!).port);
  const checks = (seconds * 1000) / PACE_MS;
  const figures = await loadWithClient(
    { kind: 'health-checks', port, paceMs: PACE_MS, checks, lastAnswerMs: LAST_ANSWER_MS },
    seconds * 1000 + LAST_ANSWER_MS,
  );
  const grownMiB = (residentBytes(server.pid) - bytesBefore) / 1024 / 1024;
  await end();
  return { ...figures, grownMiB };
}

/** The longest wait of each round, and the median of these: one round may fall into a pause of the machine, most may not. */
function judgeControl(paceline: Result): Judgement[] {
  const maxMs = medianOf('maxMs', paceline);
  const unanswered = paceline.rounds.reduce((sum, figures) => sum + figures.unanswered!, 0);
  const asked = paceline.rounds.reduce((sum, figures) => sum + figures.asked!, 0);
  return [
    judgement(
      maxMs <= MAX_CHECK_MS,
      `/healthz answered within ${maxMs.toFixed(1)} ms (target: ${MAX_CHECK_MS} ms)`,
    ),
    judgement(unanswered === 0, `${asked - unanswered} of ${asked} checks were answered (target: all)`),
  ];
}

function flood(url: string, connections: number, seconds: number): () => Promise<unknown> {
  const result = runWrk(url, { connections, seconds: Math.ceil(seconds), timeoutSeconds: 30 });
  // The outcome of the flood itself does not matter, so its failure is ignored.
  const over = result.catch(() => {});
  return () => over;
}

/** Holds so many connections that have sent `bytes` and nothing more; those that the server closes are opened again at once. */
function hold(port: number, count: number, bytes: string): () => Promise<unknown> {
  const sockets = new Set<Socket>();
  let holding = true;
  const open = (): void => {
    const socket = connect({ port, host: '127.0.0.1' });
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      if (holding) setTimeout(open, PACE_MS);
    });
    socket.resume();
    if (bytes !== '') socket.write(bytes);
  };
  for (let index = 0; index < count; index++) open();
  return async () => {
    holding = false;
    for (const socket of sockets) socket.resetAndDestroy();
  };
}
