// The load of the waiting scenarios: connections that wait for an answer's promise or for a stream's ticks, in turns alone
// and beside connections that block their thread, on one server within the same seconds. Part of the client process.
//
// A round is a sequence of slices with pauses between them: nothing that one slice causes falls into the next one. What
// was asked, or was due, within a slice counts for its phase, whenever it arrived.

import { setTimeout as delay } from 'node:timers/promises';
import { Connection, requestFor } from './connection.js';
import { type Figures, percentile } from './figures.js';
import { takeSnapshot, useBetween } from './process-stats.js';
import { TickStream, type Ticks } from './tick-stream.js';

/** Connections that keep asking `/block`, and the name of the phase in which they do. */
export interface Blockers {
  readonly key: string;
  readonly connections: number;
  readonly blockMs: number;
}

interface Turns {
  readonly port: number;
  /** The server's process, for the CPU that it uses. */
  readonly pid: number;
  readonly beside: readonly Blockers[];
  /** How long each phase is measured, in slices of at most a second. */
  readonly seconds: number;
  /** What counts as late, in milliseconds. */
  readonly lateMs: number;
}

export type WaitingJob = Turns &
  (
    | { kind: 'waiting-sleep'; connections: number; sleepMs: number }
    | { kind: 'waiting-ticks'; streams: number; tickMs: number }
  );

/** The phase without blockers. */
export const ALONE = 'alone';

interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

interface Slice extends Span {
  readonly phase: string;
  readonly cpuUs: number;
  /** The span of {@link cpuUs}, which begins before the slice and ends after it. */
  readonly cpuSpan: Span;
  readonly blocks: number;
  readonly errors: number;
}

/** What was waited for, when it was asked or due, and how long it took or how late it was. */
interface Waits {
  readonly atMs: number[];
  readonly waitMs: number[];
}

/** Before and after a slice. The first covers the client's own reading of /proc, the second what is still under way. */
const PAUSE_MS = 50;

/** What is not counted: long enough that the server has seen every blocking route often. */
const WARM_UP_MS = 600;

/** Connections that ask `/sleep` again as soon as they are answered. */
export async function waitForAnswers(job: WaitingJob & { kind: 'waiting-sleep' }): Promise<Figures> {
  const waits: Waits = { atMs: [], waitMs: [] };
  const request = requestFor(`/sleep?ms=${job.sleepMs}`);
  let over = false;
  let errors = 0;
  const ask = async (connection: Connection) => {
    while (!over && !connection.lost) {
      const atMs = performance.now();
      const { waitMs, ok } = await connection.answer(request);
      if (ok) {
        waits.atMs.push(atMs);
        waits.waitMs.push(waitMs);
      } else errors += 1;
    }
    connection.close();
  };
  const asking = Array.from({ length: job.connections }, () => ask(new Connection(job.port)));
  const slices = await runTurns(job);
  over = true;
  await Promise.all(asking);
  return figuresOf(job, slices, waits, errors);
}

/**
 * Streams whose ticks are due at fixed times. A stream's schedule is the earliest one that is consistent with all of its
 * arrivals, so its most punctual tick is on time and every other one as late as it is.
 */
export async function waitForTicks(job: WaitingJob & { kind: 'waiting-ticks' }): Promise<Figures> {
  const { streams: count, tickMs, port, lateMs } = job;
  const streams: TickStream[] = [];
  while (streams.length < count) {
    streams.push(new TickStream(port, tickMs));
    // Evenly over an interval, as streams that were opened at different times are.
    await delay(tickMs / count);
  }
  const slices = await runTurns(job);
  const endMs = slices.at(-1)!.endMs;
  for (const stream of streams) stream.close();

  const waits: Waits = { atMs: [], waitMs: [] };
  const sentLateMs: number[] = [];
  let errors = 0;
  for (const { arrivedMs, sentMs, broken } of streams) {
    const firstMs = scheduleOf(arrivedMs, tickMs);
    const firstSentMs = scheduleOf(sentMs, tickMs);
    // A tick that was due and never came.
    if (broken || firstMs + arrivedMs.length * tickMs < endMs) errors += 1;
    for (let number = 0; number < arrivedMs.length; number += 1) {
      const dueMs = firstMs + number * tickMs;
      waits.atMs.push(dueMs);
      waits.waitMs.push(arrivedMs[number]! - dueMs);
      sentLateMs.push(sentMs[number]! - (firstSentMs + number * tickMs));
    }
  }
  const figures = figuresOf(job, slices, waits, errors);
  const sent: Waits = { atMs: waits.atMs, waitMs: sentLateMs };
  for (const phase of phasesOf(job)) {
    figures[`${phase}.sentLatePercent`] = latePercent(within(ofPhase(slices, phase), sent), lateMs);
  }
  return figures;
}

/** When tick 0 was due: the max that makes no tick early. */
function scheduleOf(timesMs: Ticks['arrivedMs'], tickMs: number): number {
  return timesMs.reduce((first, timeMs, number) => Math.min(first, timeMs - number * tickMs), Infinity);
}

/** Alone, beside the first blockers, alone, beside the next ones, and over again; every phase gets the same time. */
async function runTurns(job: WaitingJob): Promise<Slice[]> {
  const connections = new Map(
    job.beside.map(({ key, connections: count }) => [
      key,
      Array.from({ length: count }, () => new Connection(job.port)),
    ]),
  );
  const besideSlice = (blockers: Blockers, ms: number) =>
    runSlice(job.pid, blockers.key, ms, connections.get(blockers.key)!, blockers.blockMs);
  for (const blockers of job.beside) await besideSlice(blockers, WARM_UP_MS);

  const slices: Slice[] = [];
  for (let second = 0; second < job.seconds; second += 1) {
    for (const blockers of job.beside) {
      slices.push(await runSlice(job.pid, ALONE, 1000 / job.beside.length));
      slices.push(await besideSlice(blockers, 1000));
    }
  }
  for (const connection of [...connections.values()].flat()) connection.close();
  return slices;
}

async function runSlice(
  pid: number,
  phase: string,
  ms: number,
  blockers: readonly Connection[] = [],
  blockMs = 0,
): Promise<Slice> {
  const before = takeSnapshot(pid);
  const cpuStartMs = performance.now();
  await delay(PAUSE_MS);
  const startMs = performance.now();
  const endMs = startMs + ms;
  const request = requestFor(`/block?ms=${blockMs}`);
  let blocks = 0;
  let errors = 0;
  const keepBlocking = async (connection: Connection) => {
    while (performance.now() < endMs && !connection.lost) {
      const { ok } = await connection.answer(request);
      if (ok) blocks += 1;
      else errors += 1;
    }
  };
  await Promise.all([delay(ms), ...blockers.map(keepBlocking)]);
  await delay(PAUSE_MS);
  const cpuSpan = { startMs: cpuStartMs, endMs: performance.now() };
  const { cpuUs } = useBetween(before, takeSnapshot(pid));
  return { phase, startMs, endMs, cpuUs, cpuSpan, blocks, errors };
}

/** The figures of every phase, named `PHASE.FIGURE`. */
function figuresOf(job: WaitingJob, slices: readonly Slice[], waits: Waits, failed: number): Figures {
  const figures: Figures = { errors: failed + sum(slices.map(({ errors }) => errors)) };
  for (const phase of phasesOf(job)) {
    const own = ofPhase(slices, phase);
    const sorted = within(own, waits).sort();
    if (sorted.length === 0) throw new Error(`nothing arrived in the phase ${phase}`);
    const blocks = sum(own.map((slice) => slice.blocks));
    const isLate = (waitMs: number) => waitMs > job.lateMs;
    const requests =
      blocks +
      within(
        own.map(({ cpuSpan }) => cpuSpan),
        waits,
      ).length;
    Object.assign(figures, {
      [`${phase}.latePercent`]: latePercent(sorted, job.lateMs),
      [`${phase}.lateTimePercent`]: (100 * sum(sorted.filter(isLate))) / sum(sorted),
      [`${phase}.p50Ms`]: percentile(sorted, 0.5),
      [`${phase}.p99Ms`]: percentile(sorted, 0.99),
      [`${phase}.maxMs`]: sorted.at(-1)!,
      [`${phase}.count`]: sorted.length,
      [`${phase}.blocksPerSecond`]: (blocks * 1000) / sum(own.map(({ startMs, endMs }) => endMs - startMs)),
      [`${phase}.cpuUs`]: sum(own.map(({ cpuUs }) => cpuUs)) / requests,
    });
  }
  return figures;
}

function phasesOf({ beside }: WaitingJob): string[] {
  return [ALONE, ...beside.map(({ key }) => key)];
}

function ofPhase(slices: readonly Slice[], phase: string): Slice[] {
  return slices.filter((slice) => slice.phase === phase);
}

/** The waits that began in one of the spans. */
function within(spans: readonly Span[], { atMs, waitMs }: Waits): Float64Array {
  return Float64Array.from(
    waitMs.filter((_, index) =>
      spans.some(({ startMs, endMs }) => atMs[index]! >= startMs && atMs[index]! < endMs),
    ),
  );
}

function latePercent(waits: Float64Array, lateMs: number): number {
  return (100 * waits.filter((waitMs) => waitMs > lateMs).length) / waits.length;
}

function sum(values: readonly number[] | Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
