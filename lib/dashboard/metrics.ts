/**
 * The numbers for Prometheus (text format 0.0.4). They live in the data plane's shared memory, so nothing is counted here:
 * each metric is a view that prom-client asks for its values, and all of a scrape are of one observation.
 *
 * Histograms are log-linear with some hundred buckets; Prometheus gets those whose bounds are powers of two microseconds,
 * because these are bounds of theirs too, so no count has to be guessed.
 */
import { collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client';
import type { HistogramName, Level, Observation, ObservedThread } from '../control/observation.js';
import type { Counter } from '../memory/counters.js';
import { HISTOGRAM_BUCKETS, upperBoundUs } from '../memory/histogram.js';
import { STATES } from './protocol.js';
import { mergeHistograms, sum } from './rates.js';
import type { Subject } from './subject.js';

type Labels = Readonly<Record<string, string | number>>;

interface Value {
  readonly value: number;
  readonly labels: Labels;
  /** Where it differs from the metric's: `_bucket`, `_sum` and `_count` of a histogram. */
  readonly metricName?: string;
}

interface View {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  values(observation: Observation): Value[];
}

/** Each counter of a thread: the metric's name without `paceline_` and `_total`, what it counts, and labels. */
const THREAD_COUNTERS: Readonly<Record<Counter, readonly [name: string, help: string, labels?: Labels]>> = {
  events: ['events', 'Events processed'],
  requests: ['requests', 'Requests answered'],
  wakeUps: ['wake_ups', 'Followers that the thread woke to lead'],
  parks: [
    'parks',
    'Times the thread parked: in Atomics.wait, or in the kernel beside its event loop',
    { kind: 'wait' },
  ],
  parksInLoop: ['parks', '', { kind: 'loop' }],
  kernelWaits: ['kernel_waits', 'Times the thread blocked in the kernel as leader'],
  kernelPolls: ['kernel_polls', 'Times the thread looked into the kernel without blocking'],
  leaderships: ['leaderships', 'Times the thread became leader'],
  reclaims: ['reclaims', 'Of these, right after processing, without having parked'],
  handOffs: ['hand_offs', 'Events given to the thread that their handle is bound to'],
  loopPasses: ['loop_passes', "Passes through the thread's own event loop"],
  errors: ['errors', 'Handlers that threw, and messages refused'],
  promotions: ['promotions_given', 'Times the thread gave leadership up to process an event'],
  accepted: ['connections_accepted', 'Connections accepted'],
  closed: ['connections_closed', 'Connections closed'],
  dropped: ['connections_dropped', 'Of these, ended by the server for a timeout, an error or a limit'],
  responses1xx: ['responses', 'Responses by the first digit of their status', { class: '1xx' }],
  responses2xx: ['responses', '', { class: '2xx' }],
  responses3xx: ['responses', '', { class: '3xx' }],
  responses4xx: ['responses', '', { class: '4xx' }],
  responses5xx: ['responses', '', { class: '5xx' }],
};

/** 32 µs to 16.8 s, doubling. */
const BOUNDS_US = Array.from({ length: 20 }, (_, index) => 2 ** (5 + index));
/** For each bound, the first bucket that is beyond it. */
const BOUND_BUCKETS = BOUNDS_US.map((boundUs) => {
  let bucket = 0;
  while (bucket < HISTOGRAM_BUCKETS && upperBoundUs(bucket) <= boundUs) bucket++;
  return bucket;
});

export class Metrics {
  readonly #registry = new Registry();
  readonly #subject: Subject;
  #observation: Observation;

  constructor(subject: Subject, build: { readonly version: string; readonly node: string }) {
    this.#subject = subject;
    this.#observation = subject.observed.observe();
    for (const view of [...threadViews(), ...histogramViews(), ...setViews()]) this.#register(view);
    const registers = [this.#registry];
    new Gauge({
      name: 'paceline_build_info',
      help: 'What runs: always 1',
      labelNames: ['version', 'node', 'strategy'],
      registers,
    }).set({ ...build, strategy: subject.strategy }, 1);
    new Gauge({
      name: 'paceline_start_time_seconds',
      help: 'When the server started, since the epoch',
      registers,
    }).set(subject.startedAt / 1000);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    this.#observation = this.#subject.observed.observe();
    // Both ask their metrics before they first wait, so no other scrape gets between.
    const [own, processWide] = await Promise.all([this.#registry.metrics(), processRegistry().metrics()]);
    return own + processWide;
  }

  /** prom-client asks whatever is registered for get(); its own classes can only be counted up, not shown a total. */
  #register({ name, help, type, values }: View): void {
    const get = async () => ({ name, help, type, aggregator: 'sum', values: values(this.#observation) });
    this.#registry.registerMetric({ name, help, type, get } as unknown as Metric<string>);
  }
}

function threadViews(): View[] {
  const views = new Map<string, View>();
  for (const [counter, [base, help, labels]] of Object.entries(THREAD_COUNTERS)) {
    const name = `paceline_${base}_total`;
    const before = views.get(name);
    const own = ({ threads }: Observation): Value[] =>
      threads.map((thread) => ({
        value: thread.counters[counter as Counter],
        labels: { thread: thread.id, ...labels },
      }));
    views.set(name, {
      name,
      help: before?.help ?? help,
      type: 'counter',
      values: (observation) => [...(before?.values(observation) ?? []), ...own(observation)],
    });
  }
  return [
    ...views.values(),
    eachThread('promotions_received_total', 'Times the thread led after another one had', ({ histograms }) =>
      sum([...histograms.promotions], (count) => count),
    ),
    eachThread('received_bytes_total', 'Bytes received from clients', ({ bytesIn }) => bytesIn),
    eachThread('sent_bytes_total', 'Bytes given to the kernel for clients', ({ bytesOut }) => bytesOut),
    {
      name: 'paceline_thread_seconds_total',
      help: 'Time that the thread spent in each state',
      type: 'counter',
      values: ({ threads }) =>
        threads.flatMap(({ id, timesMs }) =>
          STATES.map((state, number) => ({ value: timesMs[number]! / 1000, labels: { thread: id, state } })),
        ),
    },
    {
      name: 'paceline_thread_state',
      help: '1 for the state that the thread is in, 0 for the others',
      type: 'gauge',
      values: ({ threads }) =>
        threads.flatMap((thread) =>
          STATES.map((state) => ({
            value: Number(thread.state === state),
            labels: { thread: thread.id, state },
          })),
        ),
    },
    {
      name: 'paceline_event_loop_delay_seconds',
      help: "How late the thread's own event loop ran",
      type: 'histogram',
      values: ({ threads }) =>
        threads.flatMap((thread) =>
          histogramValues(
            'paceline_event_loop_delay_seconds',
            thread.histograms.loopDelays,
            thread.sumsUs.loopDelays,
            {
              thread: thread.id,
            },
          ),
        ),
    },
  ];
}

function eachThread(base: string, help: string, read: (thread: ObservedThread) => number): View {
  return {
    name: `paceline_${base}`,
    help,
    type: 'counter',
    values: ({ threads }) =>
      threads.map((thread) => ({ value: read(thread), labels: { thread: thread.id } })),
  };
}

/** Of all threads together: which thread takes an event says nothing about it. */
function histogramViews(): View[] {
  return [
    ofAllThreads(
      'responses',
      'paceline_request_duration_seconds',
      "From the arrival of a request's event in its thread to the last byte given to the kernel",
    ),
    ofAllThreads(
      'queueWaits',
      'paceline_queue_wait_seconds',
      "From an event's arrival in the ready list to a thread's taking it",
    ),
    ofAllThreads(
      'promotions',
      'paceline_promotion_seconds',
      "From giving leadership up to another thread's leading",
    ),
  ];
}

function ofAllThreads(histogram: HistogramName, name: string, help: string): View {
  return {
    name,
    help,
    type: 'histogram',
    values: ({ threads }) =>
      histogramValues(
        name,
        mergeHistograms(threads.map(({ histograms }) => histograms[histogram])),
        sum(threads, ({ sumsUs }) => sumsUs[histogram]),
        {},
      ),
  };
}

function histogramValues(name: string, counts: Uint32Array, sumUs: number, labels: Labels): Value[] {
  const values: Value[] = [];
  const metricName = `${name}_bucket`;
  let total = 0;
  let bucket = 0;
  for (const [index, end] of BOUND_BUCKETS.entries()) {
    for (; bucket < end; bucket++) total += counts[bucket]!;
    values.push({ metricName, value: total, labels: { ...labels, le: BOUNDS_US[index]! / 1e6 } });
  }
  for (; bucket < counts.length; bucket++) total += counts[bucket]!;
  values.push({ metricName, value: total, labels: { ...labels, le: '+Inf' } });
  values.push({ metricName: `${name}_sum`, value: sumUs / 1e6, labels });
  values.push({ metricName: `${name}_count`, value: total, labels });
  return values;
}

function setViews(): View[] {
  const gauge = (base: string, help: string, read: (observation: Observation) => number): View => ({
    name: `paceline_${base}`,
    help,
    type: 'gauge',
    values: (observation) => [{ value: read(observation), labels: {} }],
  });
  const level = (base: string, what: string, levelOf: (observation: Observation) => Level): View[] => [
    gauge(base, what, (observation) => levelOf(observation).current),
    gauge(`${base}_peak`, `${what}: the most so far`, (observation) => levelOf(observation).peak),
    gauge(
      `${base}_limit`,
      `${what}: the most that there may be`,
      (observation) => levelOf(observation).limit,
    ),
  ];
  return [
    gauge('serving', '1 while serving, 0 while the server closes', ({ set }) => Number(set === 'serving')),
    gauge('leader', 'The leading thread, -1 for none', ({ leader }) => leader),
    gauge(
      'connections_active',
      'Connections that a thread is inside, or that are bound to one',
      ({ active }) => active,
    ),
    ...level('connections', 'Open connections', ({ connections }) => connections),
    ...level('handles', 'Handles in the table', ({ handles }) => handles),
    ...level('ready_events', 'Events that wait in the ready list', ({ ready }) => ready),
    ...level('pool_blocks', 'Blocks of shared memory that hold partial input', ({ pool }) => pool),
    gauge('open_fds', 'Open file descriptors', ({ descriptors }) => descriptors.current),
    gauge('max_fds', 'The limit of open file descriptors', ({ descriptors }) => descriptors.limit),
  ];
}

let processMetrics: Registry | null = null;

/**
 * What prom-client collects about the process and its main thread: once for the process, because it never ends
 * collecting, and without what is about Node's own handles (no connection is one) and what the observation has already.
 */
function processRegistry(): Registry {
  if (processMetrics !== null) return processMetrics;
  processMetrics = new Registry();
  collectDefaultMetrics({ register: processMetrics });
  for (const name of UNWANTED) processMetrics.removeSingleMetric(name);
  return processMetrics;
}

const UNWANTED = [
  'process_open_fds',
  'process_max_fds',
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_active_resources',
  'nodejs_active_resources_total',
  // Not a number right after each scrape.
  'nodejs_eventloop_lag_min_seconds',
  'nodejs_eventloop_lag_mean_seconds',
  'nodejs_eventloop_lag_stddev_seconds',
];
