/**
 * What limits a thread set as threads and cores grow (docs/SCALING.md): the steps that only the leader takes, one event at a time; what a
 * cache line costs to get from another core; and what a whole request costs with more threads and groups. Prints a model's prediction.
 *
 *   node dist/scripts/measure/scaling.js [--seconds S] [--slices N] [--threads 2,4,8,…] [--cpu MICROS]
 *
 * Every figure is the least of several slices, as other work on the machine only adds to it. wrk has to be installed, unless the CPU that a
 * request takes is given.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { TCP_CONNECTION } from '../../lib/connection/event-handler.js';
import { createServer, type Server } from '../../lib/index.js';
import { allocateMemory } from '../../lib/memory/allocation.js';
import { Engagement } from '../../lib/set/engagement.js';
import { HandleSet, INTEREST_INPUT } from '../../lib/set/handle-set.js';
import { eventBits, HandleTable } from '../../lib/set/handle-table.js';
import { ParkingLot } from '../../lib/set/parking-lot.js';
import { Recorder } from '../../lib/set/recorder.js';
import { ThreadSet } from '../../lib/set/thread-set.js';
import { closeDescriptor, createEventCounter, signalEventCounter } from '../../lib/sys/descriptor.js';
import { epollCreate } from '../../lib/sys/epoll.js';
import { runWrk } from '../bench/wrk.js';

const BATCHES = [1, 8, 64];
const CONNECTIONS = 64;
/** Short slices: some are free of interruptions also on a busy machine. */
const SLICE_EVENTS = 256;
const SLICE_TRIPS = 100;
const SHORT_SLICES = 200;
/** Lines that a new leader gets from the core of the last one: LEADER, the list's index, its event, and the handle's record. */
const HAND_OVER_LINES = 4;
const CORES = [8, 32, 128];
/** Of each group, where the prediction has several. */
const CORES_OF_A_GROUP = 8;

// ---- the leader's part -------------------------------------------------------------------------------------------------

/** Microseconds of one event, in a set of so many places: asking the kernel, taking, claiming, promoting, joining. Nobody is parked. */
function serialMicros(threads: number, batch: number, slices: number): number {
  const memory = allocateMemory(threads, 4096);
  const { control } = memory;
  const table = new HandleTable(memory.handles);
  const epoll = epollCreate();
  const doorbells = Array.from({ length: threads }, createEventCounter);
  const handles = new HandleSet(control, table, epoll, 0);
  const engagement = new Engagement(control, 0, { threads, timeoutMs: () => -1 });
  const lot = new ParkingLot(control, doorbells);
  const set = new ThreadSet(control, 0, lot, new Recorder(control, 0), engagement);
  const fds = Array.from({ length: batch }, createEventCounter);
  for (const fd of fds) {
    handles.registerHandle(fd, TCP_CONNECTION, INTEREST_INPUT);
    signalEventCounter(fd);
  }
  const { ready } = handles;
  const slice = (rounds: number): number => {
    let events = 0;
    const began = process.hrtime.bigint();
    for (let round = 0; round < rounds; round++) {
      set.join();
      // They are signalled for good, and edges are made by registering them anew; the kernel reports what is ready then.
      for (const fd of fds) handles.resumeHandle(fd, INTEREST_INPUT);
      ready.refill();
      while (ready.take()) {
        if (!set.leading) set.join();
        table.claim(ready.fd, ready.generation, eventBits(ready.events), 0);
        set.promoteNewLeader();
        table.leave(ready.fd);
        events++;
      }
    }
    return Number(process.hrtime.bigint() - began) / 1000 / events;
  };
  const resume = (rounds: number): number => {
    const began = process.hrtime.bigint();
    for (let round = 0; round < rounds; round++) {
      for (const fd of fds) handles.resumeHandle(fd, INTEREST_INPUT);
    }
    return Number(process.hrtime.bigint() - began) / 1000 / (rounds * batch);
  };
  const rounds = Math.ceil(SLICE_EVENTS / batch);
  // Compiles both first.
  for (let warm = 0; warm < SHORT_SLICES; warm++) slice(rounds);
  const all = least(slices, () => slice(rounds));
  const rearm = least(slices, () => resume(rounds));
  for (const fd of [...fds, ...doorbells, epoll]) closeDescriptor(fd);
  return all - rearm;
}

/** Microseconds until a line that one core has written is read by the other: half a round trip between two threads that spin. */
async function lineMicros(slices: number): Promise<number> {
  const words = new Int32Array(new SharedArrayBuffer(256));
  const worker = new Worker(new URL(import.meta.url), { workerData: { words, turns: SLICE_TRIPS * slices } });
  await new Promise((resolve) => worker.once('online', resolve));
  let turn = 0;
  const micros = least(slices, () => {
    const began = process.hrtime.bigint();
    for (let trip = 0; trip < SLICE_TRIPS; trip++) {
      Atomics.store(words, 0, ++turn);
      while (Atomics.load(words, 32) !== turn);
    }
    return Number(process.hrtime.bigint() - began) / 1000 / SLICE_TRIPS / 2;
  });
  await worker.terminate();
  return micros;
}

function answerTurns({ words, turns }: { words: Int32Array; turns: number }): void {
  for (let turn = 1; turn <= turns; turn++) {
    while (Atomics.load(words, 0) !== turn);
    Atomics.store(words, 32, turn);
  }
  parentPort!.close();
}

// ---- whole requests ----------------------------------------------------------------------------------------------------

interface Figures {
  readonly cpuMicros: number;
  readonly perRequest: Readonly<Record<string, number>>;
}

const SHOWN = ['leaderships', 'reclaims', 'wakeUps', 'parks', 'kernelPolls', 'kernelWaits'] as const;

async function requestFigures(
  options: { threads: number; groups: number },
  seconds: number,
  slices: number,
): Promise<Figures> {
  await using server = createServer({ ...options, logger: false });
  await server.listen({ port: 0 });
  const { port } = server.address() as { port: number };
  const url = `http://127.0.0.1:${port}/hello`;
  await runWrk(url, { connections: CONNECTIONS, seconds: 1 });
  let best: Figures | undefined;
  for (let slice = 0; slice < slices; slice++) {
    const [before, cpuBefore] = [totals(server), cpuMicros()];
    await runWrk(url, { connections: CONNECTIONS, seconds });
    const [cpu, after] = [cpuMicros() - cpuBefore, totals(server)];
    const requests = after.requests! - before.requests!;
    const perRequest = Object.fromEntries(
      SHOWN.map((name) => [name, (after[name]! - before[name]!) / requests]),
    );
    const figures = { cpuMicros: cpu / requests, perRequest };
    if (best === undefined || figures.cpuMicros < best.cpuMicros) best = figures;
  }
  return best!;
}

function totals(server: Server): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const thread of server.threads()) {
    for (const [name, value] of Object.entries(thread)) {
      if (typeof value === 'number') sum[name] = (sum[name] ?? 0) + value;
    }
  }
  return sum;
}

/** Microseconds on a CPU of all threads of this process (/proc/PID/task/TID/schedstat). */
function cpuMicros(): number {
  let nanos = 0;
  for (const id of readdirSync('/proc/self/task')) {
    nanos += Number(readFileSync(`/proc/self/task/${id}/schedstat`, 'utf8').split(' ')[0]);
  }
  return nanos / 1000;
}

// ---- the model ---------------------------------------------------------------------------------------------------------

/**
 * Requests a second of so many cores: each has `cpu` microseconds of work a request, of which the leader's part, with its hand-over to
 * another core, is done by one thread of a set at a time.
 */
function predicted(cores: number, groups: number, cpu: number, serial: number): number {
  const coresOfEach = cores / groups;
  return (groups * 1e6) / Math.max(cpu / coresOfEach, serial);
}

function predict(work: string, cpu: number, serial: number): void {
  for (const cores of CORES) {
    const groups = Math.max(1, cores / CORES_OF_A_GROUP);
    const rate = (count: number) =>
      Math.round(predicted(cores, count, cpu, serial) / 1000).toLocaleString('en');
    console.log(`  ${work.padEnd(26)} ${cores} cores: ${rate(1)}k/s; ${groups} groups: ${rate(groups)}k/s`);
  }
}

function least(times: number, measure: () => number): number {
  let min = Number.POSITIVE_INFINITY;
  for (let time = 0; time < times; time++) min = Math.min(min, measure());
  return min;
}

const format = (micros: number): string => micros.toFixed(2);

/** Prints what requests cost. @returns the least CPU of one, in microseconds */
async function measureRequests(counts: readonly number[], seconds: number, slices: number): Promise<number> {
  console.log(`requests of ${CONNECTIONS} connections: µs of CPU; each request's ${SHOWN.join(', ')}`);
  let cpu = Number.POSITIVE_INFINITY;
  for (const { threads, groups } of [
    ...counts.map((threads) => ({ threads, groups: 1 })),
    ...counts.filter((count) => count > 2).map((count) => ({ threads: count / 2, groups: 2 })),
  ]) {
    const { cpuMicros, perRequest } = await requestFigures({ threads, groups }, seconds, slices);
    if (groups === 1) cpu = Math.min(cpu, cpuMicros);
    const shown = SHOWN.map((name) => perRequest[name]!.toFixed(3)).join(' ');
    console.log(`  ${groups} of ${threads} threads: ${format(cpuMicros)}; ${shown}`);
  }
  return cpu;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '2' },
      slices: { type: 'string', default: '10' },
      threads: { type: 'string', default: '2,4,8,16,32,64' },
      cpu: { type: 'string' },
    },
  });
  const [seconds, slices] = [Number(values.seconds), Number(values.slices)];
  const counts = values.threads.split(',').map(Number);
  console.log('the leader, µs an event, by events of a batch:', BATCHES.join(', '));
  const serial = new Map(
    counts.map((count) => [count, BATCHES.map((batch) => serialMicros(count, batch, slices * SHORT_SLICES))]),
  );
  for (const [count, micros] of serial) console.log(`  ${count} threads: ${micros.map(format).join(', ')}`);
  const line = await lineMicros(slices * SHORT_SLICES);
  console.log(`a cache line from another core: ${format(line)} µs`);
  const cpu = values.cpu === undefined ? await measureRequests(counts, seconds, slices) : Number(values.cpu);
  const many = serial.get(counts.at(-1)!)![1]!;
  const handedOver = many + HAND_OVER_LINES * line;
  console.log(`predicted, ${format(handedOver)} µs serial, of which ${format(many)} by one core:`);
  predict('hello', cpu, handedOver);
  predict('20 µs of a handler more', cpu + 20, handedOver);
  predict('1 ms of a handler more', cpu + 1000, handedOver);
}

if (isMainThread) await main();
else answerTurns(workerData);
