// What being observed costs: recording, and an open page; and whether the page stays live while every thread is blocked.

import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { PROTOCOL, type ServerMessage, TOKEN_PREFIX } from '../../lib/dashboard/protocol.js';
import { stopChild } from './children.js';
import type { Figures } from './figures.js';
import { loadWithWrk } from './load.js';
import type { Column, Judgement, Result, Scenario, Settings } from './scenario.js';
import { start } from './start.js';
import type { Server } from './targets.js';
import { judgeErrors, judgement, medianOf } from './verdict.js';

const WARM_UP_SECONDS = 1;
const BLOCK_MS = 5000;
const PROBE_PACE_MS = 50;
/** What being observed may cost, of CPU a request and of requests/s. */
const MAX_RECORDING = 0.02;
const MAX_WATCHED = 0.05;
/** With every thread blocked: the longest wait for /healthz, and for the next frame, which is three of its intervals. */
const MAX_HEALTH_MS = 50;
const MAX_GAP_MS = 300;

const COST_COLUMNS: readonly Column[] = [
  { key: 'offCpuUs', title: 'off CPU us/request', digits: 2 },
  { key: 'recordingCpuRatio', title: 'recording, CPU', digits: 3 },
  { key: 'recordingSpeedRatio', title: 'recording, requests/s', digits: 3 },
  { key: 'watchedCpuRatio', title: 'page open, CPU', digits: 3 },
  { key: 'watchedSpeedRatio', title: 'page open, requests/s', digits: 3 },
];

export const DASHBOARD_SCENARIOS: readonly Scenario[] = [
  {
    name: 'recording',
    title: ({ connections, seconds }) =>
      `GET /hello, ${connections} connections, ${seconds} s each: dashboard off, recording, a page open, and back`,
    columns: COST_COLUMNS,
    needs: 'wrk',
    setup: 'dashboard',
    freshServer: true,
    appliesTo: ({ kind }) => kind === 'paceline',
    run: measureRecording,
    judge: judgeRecording,
  },
  {
    name: 'blocked',
    title: () => `every thread blocked for ${BLOCK_MS / 1000} s: the page's frames, and /healthz`,
    columns: [
      { key: 'frames', title: 'frames', digits: 0 },
      { key: 'maxGapMs', title: 'max gap ms', digits: 1 },
      { key: 'asked', title: '/healthz asked', digits: 0 },
      { key: 'maxMs', title: 'max answer ms', digits: 1 },
    ],
    setup: 'dashboard',
    freshServer: true,
    appliesTo: ({ kind }) => kind === 'paceline',
    run: measureBlocked,
    judge: judgeBlocked,
  },
];

/** Off, recording, watched, watched, recording, off: a steady drift of the machine's speed cancels out of the ratios. */
async function measureRecording(recording: Server, { connections, seconds }: Settings): Promise<Figures> {
  const off = await start(recording.target, 'handler');
  const ask = (server: Server, time = seconds) =>
    loadWithWrk(server, '/hello', { connections, seconds: time });
  const results: Record<'off' | 'recording' | 'watched', Figures[]> = { off: [], recording: [], watched: [] };
  try {
    for (const server of [off, recording, off, recording]) await ask(server, WARM_UP_SECONDS);
    results.off.push(await ask(off));
    results.recording.push(await ask(recording));
    const page = await openPage(recording);
    results.watched.push(await ask(recording), await ask(recording));
    page.close();
    results.recording.push(await ask(recording));
    results.off.push(await ask(off));
  } finally {
    await stopChild(off.child);
  }
  const mean = (which: keyof typeof results, key: string) =>
    results[which].reduce((sum, figures) => sum + figures[key]!, 0) / results[which].length;
  const ratio = (which: keyof typeof results, key: string) => mean(which, key) / mean('off', key);
  return {
    offCpuUs: mean('off', 'cpuUsPerRequest'),
    recordingCpuRatio: ratio('recording', 'cpuUsPerRequest'),
    recordingSpeedRatio: ratio('recording', 'requestsPerSecond'),
    watchedCpuRatio: ratio('watched', 'cpuUsPerRequest'),
    watchedSpeedRatio: ratio('watched', 'requestsPerSecond'),
    errors: Object.values(results)
      .flat()
      .reduce((sum, { errors }) => sum + (errors ?? 0), 0),
  };
}

async function measureBlocked(server: Server): Promise<Figures> {
  const page = await openPage(server);
  const blockers = Array.from({ length: server.target.workers }, () =>
    fetch(`http://127.0.0.1:${server.port}/block?ms=${BLOCK_MS}`),
  );
  await page.until(
    (message) => message.type === 'frame' && message.threads.every(({ state }) => state === 'processing'),
  );
  const first = page.arrivals.length;
  const health = new URL('/healthz', server.dashboard);
  const tookMs: number[] = [];
  const endMs = performance.now() + BLOCK_MS * 0.9;
  while (performance.now() < endMs) {
    const startMs = performance.now();
    const { status } = await fetch(health);
    if (status !== 200) throw new Error(`/healthz answered ${status}`);
    tookMs.push(performance.now() - startMs);
    await delay(PROBE_PACE_MS);
  }
  const arrivals = page.arrivals.slice(first - 1);
  page.close();
  await Promise.all(blockers);
  return {
    frames: arrivals.length - 1,
    maxGapMs: Math.max(...arrivals.slice(1).map((at, index) => at - arrivals[index]!)),
    asked: tookMs.length,
    maxMs: Math.max(...tookMs),
  };
}

function judgeRecording(paceline: Result): Judgement[] {
  const cost = (which: string, max: number) => {
    const cpu = medianOf(`${which}CpuRatio`, paceline) - 1;
    const speed = 1 - medianOf(`${which}SpeedRatio`, paceline);
    return judgement(
      Math.max(cpu, speed) <= max,
      `${which} costs ${paceline.target} ${percentOf(cpu)} of CPU a request and ${percentOf(speed)} of requests/s (target: at most ${percentOf(max)} each)`,
    );
  };
  return [cost('recording', MAX_RECORDING), cost('watched', MAX_WATCHED), ...judgeErrors([paceline])];
}

const percentOf = (share: number): string => `${(share * 100).toFixed(1)} %`;

function judgeBlocked(paceline: Result): Judgement[] {
  const max = (key: string) => Math.max(...paceline.rounds.map((figures) => figures[key]!));
  return [
    judgement(
      max('maxGapMs') <= MAX_GAP_MS,
      `with every thread blocked no frame came later than ${max('maxGapMs').toFixed(0)} ms after the one before (target: ${MAX_GAP_MS} ms)`,
    ),
    judgement(
      max('maxMs') <= MAX_HEALTH_MS,
      `/healthz answered within ${max('maxMs').toFixed(1)} ms (target: ${MAX_HEALTH_MS} ms)`,
    ),
  ];
}

/** What a page does with the socket: it receives and parses every frame. (Drawing takes the browser's CPU.) */
async function openPage({ dashboard }: Server) {
  const url = new URL(dashboard!);
  const socket = new WebSocket(`ws://${url.host}/ws`, [PROTOCOL, TOKEN_PREFIX + url.hash.slice(1)], {
    origin: url.origin,
  });
  const arrivals: number[] = [];
  let check: (message: ServerMessage) => void = () => {};
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as ServerMessage;
    if (message.type === 'frame') arrivals.push(performance.now());
    check(message);
  });
  const until = (wanted: (message: ServerMessage) => boolean) =>
    new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('the dashboard closed the page')));
      check = (message) => {
        if (wanted(message)) resolve();
      };
    });
  await until(({ type }) => type === 'frame');
  return { arrivals, until, close: () => socket.terminate() };
}
