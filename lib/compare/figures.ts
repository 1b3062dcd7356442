/** The figures of the servers, over a window of time. */
import type { AnswerTuple, LoadReport, ServerReport } from './load-messages.js';
import type { Mix } from './mixes.js';
import { type ProcessUse, useBetween } from './process-use.js';
import { BEHIND_MS, type Figures, type Latency } from './protocol.js';
import type { Load } from './schedule.js';

/** What a server itself counts, from its frames. */
export interface Counted {
  /** Since the start. */
  readonly requests: number;
  readonly wakeUps: number;
  /** Now, and the most since the last reading. */
  readonly waiting: number;
  readonly waitingPeak: number;
  /** From an event's arrival until a thread takes it: the 99th percentile of the last second. */
  readonly queueMs: number | null;
}

/** A report, and at the same time what each server had used and counted. */
export interface Reading {
  readonly report: LoadReport;
  readonly uses: readonly ProcessUse[];
  /** Null for a server of which no frame has come. */
  readonly counted: readonly (Counted | null)[];
}

export class FiguresWindow {
  readonly #maxMs: number;
  /** The first one is only what the others are compared with. */
  #readings: Reading[] = [];

  /** @param maxMs how far back the figures reach; Infinity for all of a load */
  constructor(maxMs: number) {
    this.#maxMs = maxMs;
  }

  add(reading: Reading): void {
    const { epoch, elapsedMs } = reading.report;
    if (this.#readings[0]?.report.epoch !== epoch) this.#readings = [];
    this.#readings.push(reading);
    const inWindow = this.#readings.findIndex(({ report }) => elapsedMs - report.elapsedMs <= this.#maxMs);
    this.#readings.splice(0, inWindow);
  }

  clear(): void {
    this.#readings = [];
  }

  get overMs(): number {
    const [first] = this.#readings;
    return first === undefined ? 0 : this.#readings.at(-1)!.report.elapsedMs - first.report.elapsedMs;
  }

  /** The share of all requests that were sent late by the process that sends them. */
  get ownLate(): number {
    const reports = this.#readings.slice(1).map(({ report }) => report);
    const asked = sum(reports.flatMap(({ servers }) => servers.map((server) => server.asked)));
    return asked === 0 ? 0 : sum(reports.map(({ ownLate }) => ownLate)) / asked;
  }

  of(server: number, { mix, rate, turns }: Load): Figures {
    const [first] = this.#readings;
    const last = this.#readings.at(-1);
    const reports = this.#readings.slice(1).map(({ report }) => report.servers[server]!);
    const answers = reports.flatMap((report) => report.answers);
    const asked = sum(reports.map((report) => report.asked));
    // In turns the time in which this server was asked: how many of its turns the window has is not the same for all.
    const askedMs = turns ? (asked * 1000) / (rate + (mix.burst?.connections ?? 0)) : this.overMs;
    const { out = 0, oldestMs = 0 } = last?.report.servers[server] ?? {};
    return {
      asked,
      answered: answers.length,
      failed: sum(reports.map(({ failed }) => failed)),
      out,
      oldestMs,
      perSecond: askedMs > 0 ? (answers.length * 1000) / askedMs : null,
      latencies: latenciesOf(answers, mix),
      behind: behindOf(answers, mix),
      ...useFor(answers.length, first?.uses[server], last?.uses[server]),
      ...countsOf(this.#readings.map(({ counted }) => counted[server] ?? null)),
    };
  }
}

function latenciesOf(answers: readonly AnswerTuple[], { kinds, burst }: Mix): (Latency | null)[] {
  const numbers = [...kinds, ...(burst === null ? [] : [burst])].map((_, index) => index);
  return numbers.map((number) => latencyOf(answers.filter(([, , kind]) => kind === number)));
}

function latencyOf(answers: readonly AnswerTuple[]): Latency | null {
  const sorted = Float64Array.from(answers, ([, latencyMs]) => latencyMs).sort();
  const count = sorted.length;
  if (count === 0) return null;
  // The nearest rank.
  const at = (share: number): number => sorted[Math.max(Math.ceil(count * share) - 1, 0)]!;
  return { p50: at(0.5), p99: at(0.99), max: at(1), count };
}

function behindOf(answers: readonly AnswerTuple[], { kinds }: Mix): number | null {
  if (!kinds.some(({ holds }) => holds)) return null;
  const others = answers.filter(([, , kind]) => kinds[kind]?.holds === false);
  const late = others.filter(([, latencyMs, , behind]) => behind === 1 && latencyMs >= BEHIND_MS);
  return others.length === 0 ? null : late.length / others.length;
}

function useFor(
  answered: number,
  before: ProcessUse | undefined,
  after: ProcessUse | undefined,
): Pick<Figures, 'cpuUs' | 'switches'> {
  if (before === undefined || after === undefined || answered === 0) return { cpuUs: null, switches: null };
  const { cpuUs, switches } = useBetween(before, after);
  return { cpuUs: cpuUs / answered, switches: switches / answered };
}

function countsOf(
  counts: readonly (Counted | null)[],
): Pick<Figures, 'wakeUps' | 'waiting' | 'waitingPeak' | 'queueMs'> {
  const known = counts.filter((counted) => counted !== null);
  const [first] = known;
  if (first === undefined) return { wakeUps: null, waiting: null, waitingPeak: null, queueMs: null };
  const last = known.at(-1)!;
  const requests = last.requests - first.requests;
  const waiting = known.map((counted) => counted.waiting);
  const queueMs = known.map((counted) => counted.queueMs).filter((ms) => ms !== null);
  return {
    wakeUps: requests > 0 ? (last.wakeUps - first.wakeUps) / requests : null,
    waiting: sum(waiting) / waiting.length,
    waitingPeak: Math.max(...known.map((counted) => counted.waitingPeak)),
    queueMs: queueMs.length > 0 ? sum(queueMs) / queueMs.length : null,
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** The newest answers of a report that a page draws: all that took long, and of the others as many as there is room for. */
export function drawn({ answers }: ServerReport, max: number): readonly AnswerTuple[] {
  if (answers.length <= max) return answers;
  const every = Math.ceil(answers.length / max);
  return answers
    .filter(([, latencyMs], index) => latencyMs >= BEHIND_MS || index % every === 0)
    .slice(0, 2 * max);
}
