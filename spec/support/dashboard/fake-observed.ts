/** A fake data plane: a spec sets its numbers and adds its transitions. */

import type { MonitoredServer } from '../../../lib/dashboard/monitored-server.js';
import { COUNTERS, type Counter } from '../../../lib/memory/counters.js';
import { bucketOf, HISTOGRAM_BUCKETS } from '../../../lib/memory/histogram.js';
import type {
  HistogramName,
  Level,
  Observation,
  Observed,
  ObservedMark,
  ObservedRoute,
  ObservedThread,
  ObservedTransition,
  ThreadInfo,
  TransitionSource,
} from '../../../lib/observe/observation.js';
import { CLASS_BUCKETS, HISTOGRAMS, REQUEST_CLASSES } from '../../../lib/observe/observation.js';
import { STATE_NAMES } from '../../../lib/set/thread-state.js';
import { DESCRIPTIONS, roleOf, type StrategyName } from '../../../lib/strategies/descriptions.js';
import { range } from '../server/wait.js';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export type FakeThread = Writable<Omit<ObservedThread, 'counters' | 'timesMs' | 'sumsUs'>> & {
  counters: Record<Counter, number>;
  timesMs: number[];
  sumsUs: Record<HistogramName, number>;
};

export type FakeObservation = Writable<Omit<Observation, 'threads'>> & { threads: FakeThread[] };

const level = (current: number, limit: number): Level => ({ current, peak: current, limit });

export const now = (): number => performance.timeOrigin + performance.now();

export class FakeObserved implements Observed {
  readonly seen: FakeObservation;
  /** The time of the clock; the real time if null. */
  clock: number | null = null;
  readonly #told: ObservedTransition[] = [];
  readonly #marks: ObservedMark[] = [];
  readonly #missed: number[];
  readers = 0;

  constructor(threads = 4, strategy: StrategyName = 'leader-followers') {
    const at = now();
    this.#missed = range(threads).map(() => 0);
    this.seen = {
      at,
      strategy,
      set: 'serving',
      leader: 0,
      leaderSince: at,
      threads: range(threads).map((id) => threadOf(id, at, strategy)),
      handles: level(3, 65_536),
      ready: level(0, 512),
      queue: null,
      connections: level(0, 16_384),
      pool: level(0, 32_768),
      descriptors: level(30, 65_536),
      active: 0,
      engaged: 0,
      waiting: 0,
      acceptQueues: new Map(),
      routes: [],
    };
  }

  now(): number {
    return this.clock ?? now();
  }

  observe(): Observation {
    this.seen.at = this.now();
    return { ...this.seen, threads: this.seen.threads.map((thread) => ({ ...thread })) };
  }

  readTransitions(past = false): TransitionSource {
    this.readers++;
    let [told, marked] = past ? [0, 0] : [this.#told.length, this.#marks.length];
    let missedBefore = [...this.#missed];
    const next = () => {
      const batch = {
        transitions: this.#told.slice(told),
        marks: this.#marks.slice(marked),
        missed: this.#missed.map((count, thread) => count - missedBefore[thread]!),
      };
      [told, marked] = [this.#told.length, this.#marks.length];
      missedBefore = [...this.#missed];
      return batch;
    };
    return { next, nextOldest: next };
  }

  /** Adds a transition to the next batch, and changes the thread's state. */
  tell(thread: number, from: number, to: number, at = now(), promoter = -1): void {
    this.#told.push({ thread, from, to, at, promoter });
    this.seen.threads[thread]!.state = STATE_NAMES[to]!;
    this.seen.threads[thread]!.since = at;
  }

  /** Adds both sides of a hand-over to the next batch. */
  handOver(from: number, to: number, at = now()): void {
    this.#marks.push({ thread: from, kind: 'given', at }, { thread: to, kind: 'taken', at });
  }

  miss(thread: number, count: number): void {
    this.#missed[thread]! += count;
  }

  /** Counts a duration. */
  took(thread: number, histogram: HistogramName, us: number, times = 1): void {
    this.seen.threads[thread]!.histograms[histogram][bucketOf(us)]! += times;
    this.seen.threads[thread]!.sumsUs[histogram] += us * times;
  }
}

/** A learned route that blocks, with the changes that a spec makes. */
export const routeOf = (name: string, changed: Partial<ObservedRoute> = {}): ObservedRoute => ({
  name,
  blocking: true,
  declared: false,
  calls: 1,
  typicalMs: 20,
  longestMs: 30,
  handOvers: 0,
  ...changed,
});

function threadOf(id: number, at: number, strategy: StrategyName): FakeThread {
  return {
    id,
    role: roleOf(strategy, id),
    handles: id >= DESCRIPTIONS[strategy].ioThreads,
    state: id === 0 ? 'leader' : 'follower',
    since: at,
    engaged: false,
    timesMs: STATE_NAMES.map(() => 0),
    counters: Object.fromEntries(COUNTERS.map((name) => [name, 0])) as Record<Counter, number>,
    bytesIn: 0,
    bytesOut: 0,
    own: null,
    connection: -1,
    route: '',
    requestSince: 0,
    learned: null,
    histograms: Object.fromEntries(
      HISTOGRAMS.map((name) => [name, new Float64Array(HISTOGRAM_BUCKETS)]),
    ) as Record<HistogramName, Float64Array>,
    requestClasses: {
      counts: new Float64Array(REQUEST_CLASSES * CLASS_BUCKETS),
      sumsUs: new Float64Array(REQUEST_CLASSES),
    },
    heap: { used: 0, limit: 0 },
    sumsUs: Object.fromEntries(HISTOGRAMS.map((name) => [name, 0])) as Record<HistogramName, number>,
  };
}

export function monitoredServerOf(
  observed: FakeObserved,
  more: Partial<MonitoredServer> = {},
): MonitoredServer {
  return {
    observed,
    threads: () =>
      observed.seen.threads.map(
        ({ id, role, state, counters }) => ({ id, role, state, ...counters }) as ThreadInfo,
      ),
    startedAt: now(),
    url: 'http://127.0.0.1:8080',
    app: '/srv/app.js',
    strategy: observed.seen.strategy,
    loadTarget: null,
    ...more,
  };
}
