// The client of the scenarios whose load wrk cannot generate. It runs as a process of its own (forked by load.ts), so its
// event loop serves nothing but the measurement. It receives one job as a message, and sends back one result.

import { setTimeout as delay } from 'node:timers/promises';
import { Connection, requestFor } from './connection.js';
import { type Figures, percentile } from './figures.js';
import { type OpenLoopJob, openLoop } from './open-loop-client.js';
import { type WaitingJob, waitForAnswers, waitForTicks } from './waiting-client.js';

export type Job =
  | {
      kind: 'mixed';
      port: number;
      fast: number;
      slow: number;
      blockMs: number;
      paceMs: number;
      seconds: number;
    }
  | { kind: 'stall'; port: number; blockers: number; blockMs: number; kept: number; fresh: number }
  | {
      kind: 'idle';
      port: number;
      connections: number;
      /** How many loopback addresses the connections come from. */
      sources: number;
    }
  | { kind: 'probe'; port: number; paceMs: number }
  | { kind: 'health-checks'; port: number; paceMs: number; checks: number; lastAnswerMs: number }
  | OpenLoopJob
  | WaitingJob;

export type ClientMessage = { ready: true } | { figures: Figures };

/** From the first blocking request to the other requests, so that every blocker is inside its handler by then. */
const BLOCKED_AFTER_MS = 100;

/** Between the requests of a connection during a stall: frequent enough to sample all of it. */
const STALL_PACE_MS = 10;

/** Fewer at once than a server's backlog holds: a dropped SYN is repeated only after a second. */
const OPEN_AT_ONCE = 250;

/** A wait that a person notices, in milliseconds. */
const LATE_MS = 100;

/** How long the last probes may still wait for their answers. */
const LAST_ANSWER_MS = 2000;

const HELLO = requestFor('/hello');

/**
 * Fast connections send requests at a steady pace beside slow ones that block their thread with one request after the
 * other. Without the pace, connections that are not stalled would send a hundred times as many requests as those that
 * are, and hide the stalls in every percentile ("coordinated omission"). Slots that a late answer overruns are skipped.
 */
async function mixed(job: Job & { kind: 'mixed' }): Promise<Figures> {
  const latencies = new Float64Array(Math.ceil((job.fast * job.seconds * 1000) / job.paceMs) + job.fast);
  const slow = openMany(job.slow, job.port);
  const fast = openMany(job.fast, job.port);
  await Promise.all([...slow, ...fast].map((connection) => connection.answer(HELLO)));

  let count = 0;
  let blocks = 0;
  let errors = 0;
  const startMs = performance.now() + BLOCKED_AFTER_MS;
  const endMs = startMs + job.seconds * 1000;
  const block = requestFor(`/block?ms=${job.blockMs}`);
  const blockOn = async (connection: Connection) => {
    while (performance.now() < endMs && !connection.lost) {
      const { ok } = await connection.answer(block);
      if (!ok) errors += 1;
      else if (performance.now() >= startMs) blocks += 1;
    }
  };
  const askOn = async (connection: Connection, index: number) => {
    let slotMs = startMs + (index * job.paceMs) / job.fast;
    while (slotMs < endMs && !connection.lost) {
      await delay(Math.max(slotMs - performance.now(), 0));
      const { waitMs, ok } = await connection.answer(HELLO);
      if (ok) latencies[count++] = waitMs;
      else errors += 1;
      // A timer may fire up to a millisecond early; no slot is used twice.
      const slotsPassed = Math.max(Math.floor((performance.now() - slotMs) / job.paceMs), 0);
      slotMs += (slotsPassed + 1) * job.paceMs;
    }
  };
  await Promise.all([...slow.map(blockOn), ...fast.map(askOn)]);
  for (const connection of [...slow, ...fast]) connection.close();

  if (count === 0) throw new Error('no fast request was answered');
  const sorted = latencies.subarray(0, count).sort();
  return {
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    maxMs: sorted[count - 1]!,
    fastPerSecond: count / job.seconds,
    blocksPerSecond: blocks / job.seconds,
    errors,
  };
}

/** While blockers are inside long handlers, kept-alive connections send requests and fresh ones connect. */
async function stall(job: Job & { kind: 'stall' }): Promise<Figures> {
  const blockers = openMany(job.blockers, job.port);
  const kept = openMany(job.kept, job.port);
  await Promise.all([...blockers, ...kept].map((connection) => connection.answer(HELLO)));
  const block = requestFor(`/block?ms=${job.blockMs}`);
  const endMs = performance.now() + job.blockMs;
  const blocked = blockers.map((connection) => connection.answer(block));
  await delay(BLOCKED_AFTER_MS);

  const result = { keptMaxMs: 0, freshMaxMs: 0, answers: 0, late: 0, errors: 0 };
  const note = (figure: 'keptMaxMs' | 'freshMaxMs', { waitMs, ok }: { waitMs: number; ok: boolean }) => {
    result[figure] = Math.max(result[figure], waitMs);
    result.answers += 1;
    if (waitMs > LATE_MS) result.late += 1;
    if (!ok) result.errors += 1;
  };
  const askOn = async (connection: Connection) => {
    do {
      note('keptMaxMs', await connection.answer(HELLO));
      await delay(STALL_PACE_MS);
    } while (performance.now() < endMs && !connection.lost);
  };
  // Fresh connections are spread over the first three quarters of the stall, so that all of them fall into it.
  const askFresh = async (index: number) => {
    await delay((index * job.blockMs * 0.75) / job.fresh);
    const connection = new Connection(job.port);
    note('freshMaxMs', await connection.answer(HELLO));
    connection.close();
  };
  await Promise.all([
    ...kept.map(askOn),
    ...Array.from({ length: job.fresh }, (_, index) => askFresh(index)),
  ]);
  for (const { ok } of await Promise.all(blocked)) if (!ok) result.errors += 1;
  for (const connection of [...blockers, ...kept]) connection.close();
  return result;
}

/** Opens connections, sends one request on each, and keeps them until told to finish. */
async function idle(job: Job & { kind: 'idle' }): Promise<Figures> {
  const connections: Connection[] = [];
  let errors = 0;
  while (connections.length < job.connections) {
    const source = sourceAddress((connections.length / OPEN_AT_ONCE) % job.sources);
    const batch = openMany(Math.min(OPEN_AT_ONCE, job.connections - connections.length), job.port, source);
    connections.push(...batch);
    const answers = await Promise.all(batch.map((connection) => connection.answer(HELLO)));
    errors += answers.filter(({ ok }) => !ok).length;
  }
  await untilFinish();
  const open = connections.filter((connection) => !connection.lost).length;
  for (const connection of connections) connection.reset();
  return { open, errors };
}

/**
 * A loopback address that no other client process uses: for a minute (TIME_WAIT) the kernel may take a new connection from the
 * port of a closed one for the old connection, and drop its SYN, which is repeated only after a second.
 */
function sourceAddress(index: number): string {
  return `127.${1 + ((process.pid >> 8) & 0x7f)}.${process.pid & 0xff}.${1 + index}`;
}

/** Sends requests on fresh connections at a steady pace, whether or not earlier ones are answered, until told to finish. */
async function probe(job: Job & { kind: 'probe' }): Promise<Figures> {
  const result = { asked: 0, answered: 0, maxMs: 0, errors: 0 };
  const pending = new Set<Connection>();
  const ask = async () => {
    const connection = new Connection(job.port);
    pending.add(connection);
    result.asked += 1;
    const { waitMs, ok } = await connection.answer(HELLO);
    result.maxMs = Math.max(result.maxMs, waitMs);
    if (ok) result.answered += 1;
    else result.errors += 1;
    pending.delete(connection);
    connection.close();
  };
  const timer = setInterval(ask, job.paceMs);
  await untilFinish();
  clearInterval(timer);
  await delay(LAST_ANSWER_MS);
  // A request without an answer is an error, and has waited at least this long.
  for (const connection of pending) connection.abandon();
  await delay(0);
  return result;
}

/** Requests /healthz on fresh connections at a steady pace, and waits for the answers for a bounded time. */
async function healthChecks({
  port,
  paceMs,
  checks,
  lastAnswerMs,
}: Job & { kind: 'health-checks' }): Promise<Figures> {
  const request = requestFor('/healthz', `127.0.0.1:${port}`);
  const pending = new Set<Connection>();
  const startMs = performance.now();
  const check = async (): Promise<{ waitMs: number; ok: boolean }> => {
    const connection = new Connection(port);
    pending.add(connection);
    const answer = await connection.answer(request);
    pending.delete(connection);
    connection.close();
    return answer;
  };
  const answers: ReturnType<typeof check>[] = [];
  for (let index = 0; index < checks; index += 1) {
    await delay(Math.max(startMs + index * paceMs - performance.now(), 0));
    answers.push(check());
  }
  const all = Promise.all(answers);
  await Promise.race([all, delay(lastAnswerMs)]);
  // A check without an answer has waited at least this long.
  for (const connection of pending) connection.abandon();
  const waits = Float64Array.from(await all, ({ waitMs }) => waitMs).sort();
  return {
    asked: checks,
    p50Ms: percentile(waits, 0.5),
    p99Ms: percentile(waits, 0.99),
    maxMs: waits[checks - 1]!,
    unanswered: (await all).filter(({ ok }) => !ok).length,
  };
}

/** Tells the parent that the client is ready, and waits until it says to finish. */
async function untilFinish(): Promise<void> {
  const finish = new Promise((resolve) => process.once('message', resolve));
  send({ ready: true });
  await finish;
}

function openMany(count: number, port: number, localAddress?: string): Connection[] {
  return Array.from({ length: count }, () => new Connection(port, localAddress));
}

function send(message: ClientMessage): void {
  process.send!(message);
}

function run(job: Job): Promise<Figures> {
  switch (job.kind) {
    case 'mixed':
      return mixed(job);
    case 'stall':
      return stall(job);
    case 'idle':
      return idle(job);
    case 'probe':
      return probe(job);
    case 'health-checks':
      return healthChecks(job);
    case 'open-loop':
      return openLoop(job);
    case 'waiting-sleep':
      return waitForAnswers(job);
    case 'waiting-ticks':
      return waitForTicks(job);
  }
}

// The parent closes the channel when it is done or dies; either way there is nothing left to measure.
process.once('disconnect', () => process.exit());
process.once('message', async (job: Job) => send({ figures: await run(job) }));
