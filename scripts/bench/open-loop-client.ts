// The client of the open loop: requests are due by a schedule, whatever the answers take, and an answer's latency counts from
// when its request was due. So a stall of the server shows in all requests that were due during it ("coordinated omission" is
// what a closed loop does: it asks nothing meanwhile).
//
// A connection carries one request at a time. A request that is due while all of them wait for answers is sent on the first one
// that becomes free; the time until then is part of its latency.
//
// Requests whose own handler takes long (long-requests.ts) are answered late by any server: they count as answers, and their
// latencies are not among the others'.

import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { startBeats } from '../../lib/compare/beats.js';
import { Connection } from './connection.js';
import { type Figures, percentile } from './figures.js';
import { isHeld, type OpenKind, requestOf } from './long-requests.js';

export interface OpenLoopJob {
  readonly kind: 'open-loop';
  readonly port: number;
  readonly request: OpenKind;
  readonly connections: number;
  readonly ratePerSecond: number;
  readonly seconds: number;
  /** An answer is late after so many milliseconds. */
  readonly lateMs: number;
}

/** After its due time, and with a connection free, a request that the client sends later than this is the client's own doing. */
const OWN_LATENESS_MS = 2;
const BEAT_MS = 0.25;
/** From the start of the client to the first request: connecting, and the first beats, are over by then. */
const START_MS = 200;
/** How long answers may be outstanding at the end; later ones count as unanswered, with the time until then as their latency. */
const LAST_ANSWER_MS = 2000;
const REQUESTS_MADE = 4096;

interface Idle {
  readonly connection: Connection;
  readonly sinceMs: number;
}

class Schedule {
  readonly #job: OpenLoopJob;
  readonly #requests: readonly Buffer[];
  readonly #idle: Idle[] = [];
  readonly #startMs: number;
  readonly #total: number;
  /** By the number of the request; 0 is unanswered. */
  readonly #latencies: Float64Array;
  #sent = 0;
  #answered = 0;
  #lastAnswerMs = 0;
  #ownLate = 0;
  #errors = 0;
  #finish: () => void = () => {};

  constructor(job: OpenLoopJob, connections: readonly Connection[]) {
    this.#job = job;
    this.#requests = Array.from({ length: REQUESTS_MADE }, (_, index) => requestOf(job.request, index + 1));
    this.#startMs = performance.now() + START_MS;
    this.#total = job.ratePerSecond * job.seconds;
    this.#latencies = new Float64Array(this.#total);
    for (const connection of connections) this.#idle.push({ connection, sinceMs: 0 });
  }

  /** Settles when all requests are answered. */
  readonly finished = new Promise<void>((resolve) => {
    this.#finish = resolve;
  });

  /** How long the schedule takes from now on. */
  get lengthMs(): number {
    return this.#startMs - performance.now() + this.#job.seconds * 1000;
  }

  /** Sends what is due and has a connection. */
  pump(): void {
    const nowMs = performance.now();
    while (this.#sent < this.#total && this.#idle.length > 0 && this.#dueMs(this.#sent) <= nowMs) {
      // In turns, so that all processes of a server have their share.
      const { connection, sinceMs } = this.#idle.shift()!;
      if (nowMs - Math.max(this.#dueMs(this.#sent), sinceMs) > OWN_LATENESS_MS) this.#ownLate += 1;
      void this.#ask(connection, this.#sent);
      this.#sent += 1;
    }
  }

  async #ask(connection: Connection, number: number): Promise<void> {
    const { ok } = await connection.answer(this.#requests[number % REQUESTS_MADE]!);
    const nowMs = performance.now();
    this.#latencies[number] = nowMs - this.#dueMs(number);
    this.#answered += 1;
    this.#lastAnswerMs = nowMs;
    if (!ok) this.#errors += 1;
    if (!connection.lost) this.#idle.push({ connection, sinceMs: nowMs });
    if (this.#answered === this.#total) this.#finish();
    this.pump();
  }

  /** The figures up to now. */
  figures(): Figures {
    const nowMs = performance.now();
    const { lateMs, seconds } = this.#job;
    const latencies = this.#latencies
      .map((latency, number) => latency || nowMs - this.#dueMs(number))
      .filter((_latency, number) => !isHeld(this.#job.request, (number % REQUESTS_MADE) + 1))
      .sort();
    return {
      answered: this.#answered,
      // A server that is slower than the schedule still answers when all are due.
      answeredPerSecond: this.#answered / Math.max(seconds, (this.#lastAnswerMs - this.#startMs) / 1000),
      p50Ms: percentile(latencies, 0.5),
      p90Ms: percentile(latencies, 0.9),
      p99Ms: percentile(latencies, 0.99),
      p999Ms: percentile(latencies, 0.999),
      maxMs: latencies.at(-1)!,
      late: latencies.filter((latency) => latency > lateMs).length,
      unanswered: this.#total - this.#answered,
      ownLatePercent: (this.#ownLate / this.#total) * 100,
      errors: this.#errors,
    };
  }

  #dueMs(number: number): number {
    return this.#startMs + (number * 1000) / this.#job.ratePerSecond;
  }
}

/**
 * For how long this thread has wanted a processor so far, in milliseconds: running, or ready and waiting for one (proc(5),
 * schedstat, of the main thread). Where the kernel does not say, its time on one is all that is known.
 */
function wantedMs(): number {
  try {
    const [running, waiting] = readFileSync('/proc/self/schedstat', 'utf8').split(' ');
    return (Number(running) + Number(waiting)) / 1e6;
  } catch {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  }
}

/** Sends all requests of a schedule, and waits for their answers for a bounded time. */
export async function openLoop(job: OpenLoopJob): Promise<Figures> {
  const connections = Array.from({ length: job.connections }, () => new Connection(job.port));
  await Promise.all(connections.map((connection) => connection.answer(requestOf(job.request, 1))));
  const schedule = new Schedule(job, connections);
  const metronome = startBeats(BEAT_MS, () => schedule.pump());
  const before = wantedMs();
  const startMs = performance.now();
  await Promise.race([schedule.finished, delay(schedule.lengthMs + LAST_ANSWER_MS)]);
  const ownBusyPercent = ((wantedMs() - before) / (performance.now() - startMs)) * 100;
  const figures = { ...schedule.figures(), ownBusyPercent };
  await metronome.terminate();
  for (const connection of connections) connection.close();
  return figures;
}
