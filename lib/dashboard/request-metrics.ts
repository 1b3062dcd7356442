/** Metrics of requests by their class and route, and of what each thread has of time and memory. */
import {
  CLASS_BOUNDS,
  CLASS_BUCKETS,
  classBoundUs,
  isBlockingClass,
  type Observation,
  type ObservedThread,
  PROCESSING,
  REQUEST_CLASSES,
  statusOfClass,
} from '../observe/observation.js';
import { type Labels, labelled, labelsOf, type Sample, type View } from './metric-view.js';
import { sum } from './rates.js';
import { type RouteTotal, RouteTotals } from './route-totals.js';

const US_PER_SECOND = 1e6;
const MS_PER_SECOND = 1000;

/** They remember what was exported last: one for each text. */
export function requestViews(): View[] {
  return [classView(), ...routeViews(), ...heapViews(), utilizationView()];
}

/** Of all threads together: the values do not depend on which thread takes an event. */
function classView(): View {
  return {
    name: 'paceline_request_class_duration_seconds',
    help: 'As paceline_request_duration_seconds, by whether the route is known to block its thread, and by the first digit of the status',
    type: 'histogram',
    samples: ({ threads }) =>
      Array.from({ length: REQUEST_CLASSES }, (_, number) => classSamples(threads, number)).flat(),
  };
}

function classSamples(threads: readonly ObservedThread[], number: number): Sample[] {
  const labels: Labels = {
    route_class: isBlockingClass(number) ? 'blocking' : 'ordinary',
    status_class: `${statusOfClass(number)}xx`,
  };
  const samples: Sample[] = [];
  let total = 0;
  for (let bucket = 0; bucket < CLASS_BUCKETS; bucket++) {
    total += sum(threads, ({ requestClasses }) => requestClasses.counts[number * CLASS_BUCKETS + bucket]!);
    const le = bucket === CLASS_BOUNDS ? '+Inf' : classBoundUs(bucket) / US_PER_SECOND;
    samples.push([`_bucket${labelled({ ...labels, le })}`, total]);
  }
  const sumUs = sum(threads, ({ requestClasses }) => requestClasses.sumsUs[number]!);
  samples.push([`_sum${labelled(labels)}`, sumUs / US_PER_SECOND], [`_count${labelled(labels)}`, total]);
  return samples;
}

function routeViews(): View[] {
  const totals = new RouteTotals();
  let at = 0;
  let current: ReadonlyMap<string, RouteTotal> = new Map();
  const view = (
    base: string,
    help: string,
    type: View['type'],
    read: (total: RouteTotal) => number,
  ): View => ({
    name: `paceline_route_${base}`,
    help,
    type,
    samples: (observation) => {
      // One update for all of a text's views.
      if (observation.at !== at) current = totals.update(observation.routes, observation.at);
      at = observation.at;
      return [...current].map(([route, total]) => [labelled({ route }), read(total)]);
    },
  });
  return [
    view('requests_total', 'Requests of the routes in the route table', 'counter', ({ calls }) => calls),
    view(
      'hand_overs_total',
      'Of these, handed over to a free thread',
      'counter',
      ({ handOvers }) => handOvers,
    ),
    view(
      'hold_seconds',
      'How long a request of the route typically holds its thread; 0 while unknown',
      'gauge',
      ({ typicalMs }) => typicalMs / MS_PER_SECOND,
    ),
  ];
}

function heapViews(): View[] {
  const view = (base: string, help: string, read: (thread: ObservedThread) => number): View => ({
    name: `paceline_thread_heap_${base}_bytes`,
    help,
    type: 'gauge',
    samples: ({ threads }) =>
      threads
        .filter(({ heap }) => heap.limit > 0)
        .map((thread) => [labelled(labelsOf(thread)), read(thread)]),
  });
  return [
    view('used', "The thread's JavaScript heap in use, as the thread last looked", ({ heap }) => heap.used),
    view('limit', "What the thread's JavaScript heap may grow to", ({ heap }) => heap.limit),
  ];
}

/** The share of the time since the text before, or since the start. */
function utilizationView(): View {
  let before: Observation | null = null;
  return {
    name: 'paceline_event_loop_utilization_ratio',
    help: 'The share of the time in which the thread ran handlers or its event loop, since the last scrape',
    type: 'gauge',
    samples: (observation) => {
      const last = before;
      before = observation;
      return observation.threads.map((thread) => [
        labelled(labelsOf(thread)),
        utilization(thread, last?.threads[thread.id]),
      ]);
    },
  };
}

function utilization({ timesMs }: ObservedThread, last: ObservedThread | undefined): number {
  const since = timesMs.map((ms, state) => Math.max(0, ms - (last?.timesMs[state] ?? 0)));
  const total = sum(since, (ms) => ms);
  return total === 0 ? 0 : since[PROCESSING]! / total;
}
