// What starting costs: the time until the first right answer, CPU and private memory of a server that has just been started,
// and of each of its threads or processes; beside that of threads of node:worker_threads that do nothing, the floor.

import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startChild, stopChild } from './children.js';
import type { Figures } from './figures.js';
import { privateBytes, settled, totalCpuUs } from './process-stats.js';
import type { Judgement, Result, Scenario } from './scenario.js';
import { start } from './start.js';
import type { Server } from './targets.js';
import { medianOf } from './verdict.js';

const MIB = 1024 * 1024;
const EMPTY_WORKERS = fileURLToPath(new URL('./servers/empty-workers.js', import.meta.url));
const COUNTS = [4, 16, 64];

export const STARTUP_SCENARIO: Scenario = {
  name: 'startup',
  title: () =>
    'a start: the first answer, CPU and private memory of all its processes, and of each thread or process beyond the first',
  columns: [
    { key: 'firstAnswerMs', title: 'first answer ms', digits: 0 },
    { key: 'cpuMs', title: 'CPU ms', digits: 0 },
    { key: 'privateMiB', title: 'private MiB', digits: 1 },
    { key: 'addedCpuMs', title: 'each, CPU ms', digits: 1 },
    { key: 'addedMiB', title: 'each, MiB', digits: 2 },
    { key: 'floorCpuMs', title: 'empty Worker, CPU ms', digits: 1 },
    { key: 'floorMiB', title: 'empty Worker, MiB', digits: 2 },
  ],
  targets: COUNTS.flatMap((count) => [`paceline-${count}`, `cluster-${count}`]),
  setup: 'bare',
  freshServer: true,
  appliesTo: ({ kind, workers }) => (kind === 'paceline' || kind === 'cluster') && workers > 1,
  run: measureStart,
  judge: note,
};

interface Cost {
  readonly cpuMs: number;
  readonly privateMiB: number;
}

async function measureStart(server: Server): Promise<Figures> {
  const { target, firstAnswerMs } = server;
  const all = costOf(server.pid);
  const single = await start({ ...target, workers: 1 }, 'bare');
  const one = costOf(single.pid);
  await stopChild(single.child);
  const { cpuMs: addedCpuMs, privateMiB: addedMiB } = perAdded(one, all, target.workers);
  const figures = { firstAnswerMs: firstAnswerMs!, ...all, addedCpuMs, addedMiB };
  if (target.kind !== 'paceline') return figures;
  const floor = perAdded(await emptyWorkers(1), await emptyWorkers(target.workers), target.workers);
  return { ...figures, floorCpuMs: floor.cpuMs, floorMiB: floor.privateMiB };
}

const costOf = (pid: number): Cost => ({
  cpuMs: totalCpuUs(pid) / 1000,
  privateMiB: privateBytes(pid) / MIB,
});

function perAdded(one: Cost, all: Cost, workers: number): Cost {
  const added = workers - 1;
  return {
    cpuMs: (all.cpuMs - one.cpuMs) / added,
    privateMiB: (all.privateMiB - one.privateMiB) / added,
  };
}

async function emptyWorkers(count: number): Promise<Cost> {
  const child = startChild(process.execPath, [EMPTY_WORKERS, `${count}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // It prints once all of them are online.
  await once(child.stdout!, 'data');
  await settled(child.pid!);
  const cost = costOf(child.pid!);
  await stopChild(child);
  return cost;
}

/** Notes what a thread costs beyond an empty one: the floor depends on the version of Node.js. */
function note(paceline: Result): Judgement[] {
  const figure = (key: string, digits: number) => medianOf(key, paceline).toFixed(digits);
  const text = `each added thread of ${paceline.target} costs ${figure('addedCpuMs', 0)} ms of CPU and ${figure('addedMiB', 1)} MiB, an empty Worker ${figure('floorCpuMs', 0)} ms and ${figure('floorMiB', 1)} MiB`;
  return [{ word: 'noted', text }];
}
