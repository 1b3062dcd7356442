/**
 * The metrics for Prometheus (text format 0.0.4). The data plane counts in shared memory, so nothing is counted here: each
 * metric is a view of an observation, and prom-client supplies the metrics of the process. With many threads there are
 * thousands of lines, so one text serves all requests within MAX_AGE_MS.
 *
 * Histograms are log-linear with some hundred buckets. The buckets for Prometheus have powers of two microseconds as bounds,
 * which are bounds of the histograms as well, so no count is estimated.
 */
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Health } from '../observe/health.js';
import { wordsOf } from '../observe/model.js';
import {
  type Counter,
  HISTOGRAM_BUCKETS,
  type HistogramName,
  type Level,
  type Observation,
  type ObservedThread,
  upperBoundUs,
} from '../observe/observation.js';
import { HEALTH_LEVELS } from '../observe/verdict.js';
import { DESCRIPTIONS } from '../strategies/descriptions.js';
import { CachedValue } from './cached-value.js';
import { type Labels, labelled, labelsOf, type Sample, type View, written } from './metric-view.js';
import type { MonitoredServer } from './monitored-server.js';
import { STATES } from './protocol.js';
import { mergeHistograms, sum } from './rates.js';
import { requestViews } from './request-metrics.js';

interface Build {
  readonly version: string;
  readonly node: string;
}

/** What one text is made of. */
interface Look {
  readonly observation: Observation;
  readonly health: Health;
}

/**
 * For how long a text is reused, in milliseconds. Scrapers ask every few seconds; one that asks more often, or several at the
 * same time, get the same text.
 */
const MAX_AGE_MS = 500;

/** Each counter of a thread: the metric's name without `paceline_` and `_total`, its help text, and labels. */
const THREAD_COUNTERS: Readonly<Record<Counter, readonly [name: string, help: string, labels?: Labels]>> = {
  events: ['events', 'Events processed'],
  requests: ['requests', 'Requests answered'],
  wakeUps: ['wake_ups', 'Followers that the thread woke to lead'],
  parks: ['parks', 'Times the thread parked'],
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
  headsRefused: ['heads_refused', 'Unfinished request heads refused because the memory for them was full'],
  handOvers: [
    'hand_overs',
    'Connections that the thread handed over to a free thread before their handler was called',
  ],
  handOversTaken: ['hand_overs_taken', 'Connections handed over that the thread took'],
  accessLost: ['access_log_lost', 'Lines of the access log that were lost because standard output was full'],
  requestsCut: ['requests_cut', 'Requests under way at the end of the drain time, which were cut'],
};

/** 32 µs to 16.8 s, doubling. */
const BOUNDS_US = Array.from({ length: 20 }, (_, index) => 2 ** (5 + index));
/** For each bound, the index of the first bucket beyond it. */
const BOUND_BUCKETS = BOUNDS_US.map((boundUs) => {
  let bucket = 0;
  while (bucket < HISTOGRAM_BUCKETS && upperBoundUs(bucket) <= boundUs) bucket++;
  return bucket;
});

export class Metrics {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #look: () => Look;
  readonly #views: readonly View[];
  readonly #text = new CachedValue(() => this.#make(), MAX_AGE_MS);

  /** @param look an observation, and the health that was found in it */
  constructor(monitored: MonitoredServer, build: Build, look: () => Look) {
    this.#look = look;
    this.#views = [
      ...threadViews(),
      ...histogramViews(),
      ...requestViews(),
      ...healthViews(),
      ...setViews(),
      ...buildViews(monitored, build),
    ];
  }

  /** The text, at most MAX_AGE_MS old. */
  text(): Promise<Buffer> {
    return this.#text.get();
  }

  async #make(): Promise<Buffer> {
    const { observation, health } = this.#look();
    const own = this.#views.map((view) => written(view, observation, health)).join('');
    return Buffer.from(own + (await processRegistry().metrics()));
  }
}

function threadViews(): View[] {
  const views = new Map<string, View>();
  for (const [counter, [base, help, labels]] of Object.entries(THREAD_COUNTERS)) {
    const name = `paceline_${base}_total`;
    const before = views.get(name);
    const own = ({ threads }: Observation): Sample[] =>
      threads.map((thread) => [
        labelled({ ...labelsOf(thread), ...labels }),
        thread.counters[counter as Counter],
      ]);
    views.set(name, {
      name,
      help: before?.help ?? help,
      type: 'counter',
      samples: (observation, health) => [
        ...(before?.samples(observation, health) ?? []),
        ...own(observation),
      ],
    });
  }
  return [
    ...views.values(),
    eachThread('promotions_received_total', 'Times the thread led after another one had', ({ histograms }) =>
      histograms.promotions.reduce((total, count) => total + count, 0),
    ),
    eachThread('received_bytes_total', 'Bytes received from clients', ({ bytesIn }) => bytesIn),
    eachThread('sent_bytes_total', 'Bytes given to the kernel for clients', ({ bytesOut }) => bytesOut),
    {
      name: 'paceline_thread_seconds_total',
      help: 'Time that the thread spent in each state, in the words of the concurrency model',
      type: 'counter',
      samples: ({ threads }) =>
        threads.flatMap((thread) =>
          wordsOf(thread.role).map(
            (state, number): Sample => [
              labelled({ ...labelsOf(thread), state, role: thread.role }),
              thread.timesMs[number]! / 1000,
            ],
          ),
        ),
    },
    {
      name: 'paceline_thread_state',
      help: '1 for the state that the thread is in, 0 for the others',
      type: 'gauge',
      samples: ({ threads }) =>
        threads.flatMap((thread) =>
          wordsOf(thread.role).map(
            (state, number): Sample => [
              labelled({ ...labelsOf(thread), state, role: thread.role }),
              Number(STATES[number] === thread.state),
            ],
          ),
        ),
    },
    {
      name: 'paceline_thread_connections',
      help: 'Open connections that belong to the thread',
      type: 'gauge',
      samples: ({ threads }) =>
        threads.flatMap(({ id, own }): Sample[] =>
          own === null ? [] : [[labelled({ thread: id }), own.connections]],
        ),
    },
    {
      name: 'paceline_event_loop_delay_seconds',
      help: "How late the thread's own event loop ran",
      type: 'histogram',
      samples: ({ threads }) =>
        threads.flatMap((thread) =>
          histogramSamples(thread.histograms.loopDelays, thread.sumsUs.loopDelays, labelsOf(thread)),
        ),
    },
  ];
}

function eachThread(base: string, help: string, read: (thread: ObservedThread) => number): View {
  return {
    name: `paceline_${base}`,
    help,
    type: 'counter',
    samples: ({ threads }) => threads.map((thread) => [labelled(labelsOf(thread)), read(thread)]),
  };
}

/** Of all threads together: the values do not depend on which thread takes an event. */
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
      "From an event's arrival in the ready list to its being taken by the thread that processes it",
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
    samples: ({ threads }) =>
      histogramSamples(
        mergeHistograms(threads.map(({ histograms }) => histograms[histogram])),
        sum(threads, ({ sumsUs }) => sumsUs[histogram]),
        {},
      ),
  };
}

function histogramSamples(counts: Float64Array, sumUs: number, labels: Labels): Sample[] {
  const samples: Sample[] = [];
  let total = 0;
  let bucket = 0;
  for (const [index, end] of BOUND_BUCKETS.entries()) {
    for (; bucket < end; bucket++) total += counts[bucket]!;
    samples.push([`_bucket${labelled({ ...labels, le: BOUNDS_US[index]! / 1e6 })}`, total]);
  }
  for (; bucket < counts.length; bucket++) total += counts[bucket]!;
  samples.push([`_bucket${labelled({ ...labels, le: '+Inf' })}`, total]);
  samples.push([`_sum${labelled(labels)}`, sumUs / 1e6]);
  samples.push([`_count${labelled(labels)}`, total]);
  return samples;
}

function gauge(base: string, help: string, read: (observation: Observation) => number, labels = {}): View {
  return {
    name: `paceline_${base}`,
    help,
    type: 'gauge',
    samples: (observation) => [[labelled(labels), read(observation)]],
  };
}

/** Of what only leader-followers has; absent in other models. */
function gaugeOfLeaders(base: string, help: string, read: (observation: Observation) => number): View {
  return {
    name: `paceline_${base}`,
    help,
    type: 'gauge',
    samples: (observation) => (observation.strategy === 'leader-followers' ? [['', read(observation)]] : []),
  };
}

/** Of the queue from which workers take; absent in models without one. */
function queueGauge(base: string, help: string, read: (queue: Level) => number): View {
  return {
    name: `paceline_request_queue_${base}`,
    help,
    type: 'gauge',
    samples: ({ queue }) => (queue === null ? [] : [['', read(queue)]]),
  };
}

function healthViews(): View[] {
  return [
    {
      name: 'paceline_health',
      help: '1 for the level of the health verdict, 0 for the others',
      type: 'gauge',
      samples: (_, { verdict }) =>
        HEALTH_LEVELS.map((level) => [labelled({ level }), Number(verdict.level === level)]),
    },
    {
      name: 'paceline_threads_free',
      help: 'Threads that could take a request',
      type: 'gauge',
      samples: (_, { free }) => [['', free]],
    },
    gauge('requests_waiting', 'Requests that no thread has taken yet', ({ waiting }) => waiting),
  ];
}

function setViews(): View[] {
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
    {
      name: 'paceline_leader',
      help: 'The leading thread, -1 for none',
      type: 'gauge',
      samples: (observation) =>
        observation.strategy === 'leader-followers' ? ofGroups(observation, ({ leader }) => leader) : [],
    },
    {
      name: 'paceline_group_connections',
      help: 'Open connections of each group',
      type: 'gauge',
      samples: (observation) =>
        observation.groups === undefined
          ? []
          : ofGroups(observation, ({ connections }) => connections.current),
    },
    queueGauge('length', 'Entries that wait in the request queue', ({ current }) => current),
    queueGauge('peak', 'Entries in the request queue: the most so far', ({ peak }) => peak),
    queueGauge('capacity', 'Entries in the request queue: the most that there may be', ({ limit }) => limit),
    gauge(
      'connections_active',
      'Connections that a thread is inside, or that are bound to one',
      ({ active }) => active,
    ),
    gaugeOfLeaders('threads_engaged', 'Threads that others depend on', ({ engaged }) => engaged),
    gauge(
      'blocking_routes',
      'Routes that are known to block their thread',
      ({ routes }) => routes.filter(({ blocking }) => blocking).length,
    ),
    ...level('connections', 'Open connections', ({ connections }) => connections),
    ...level('handles', 'Handles in the table', ({ handles }) => handles),
    ...level('ready_events', 'Events that wait in the ready list', ({ ready }) => ready),
    ...level('pool_blocks', 'Blocks of shared memory that hold partial input', ({ pool }) => pool),
    gauge('open_fds', 'Open file descriptors', ({ descriptors }) => descriptors.current),
    gauge('max_fds', 'The limit of open file descriptors', ({ descriptors }) => descriptors.limit),
  ];
}

/** A value of each group, or of the only one. */
function ofGroups(observation: Observation, read: (observation: Observation) => number): Sample[] {
  const { groups } = observation;
  if (groups === undefined) return [['', read(observation)]];
  return groups.map((each, group) => [labelled({ group }), read(each)]);
}

/** The metrics that do not change. */
function buildViews({ startedAt, strategy }: MonitoredServer, build: Build): View[] {
  return [
    gauge('strategy_info', 'The concurrency model: always 1', () => 1, {
      strategy,
      title: DESCRIPTIONS[strategy].title,
    }),
    gauge('build_info', 'What runs: always 1', () => 1, { ...build, strategy }),
    gauge('start_time_seconds', 'When the server started, since the epoch', () => startedAt / 1000),
  ];
}

let processMetrics: Registry | null = null;

/**
 * The metrics that prom-client collects about the process and its main thread: one registry for the process, because
 * collecting cannot be stopped; without those of Node's own handles (no connection is one) and those of the observation.
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
  // NaN right after each scrape.
  'nodejs_eventloop_lag_min_seconds',
  'nodejs_eventloop_lag_mean_seconds',
  'nodejs_eventloop_lag_stddev_seconds',
];
