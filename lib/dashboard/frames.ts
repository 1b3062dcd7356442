/** Makes the websocket's messages from observations; protocol.ts says what they mean. */

import { heldMs } from '../observe/health.js';
import type {
  ObservedMark,
  ObservedRoute,
  ObservedThread,
  ObservedTransition,
  TransitionBatch,
} from '../observe/observation.js';
import {
  type Death,
  type Detail,
  type Frame,
  type Gauge,
  MARKS,
  MAX_MARKS,
  MAX_ROUTES,
  MAX_TRANSITIONS,
  type MarkTuple,
  type RouteRow,
  STATES,
  type ThreadRow,
  type TransitionTuple,
} from './protocol.js';
import { barsOf, round } from './rates.js';
import type { Sample } from './sampler.js';

/** A longer route is cut. */
const ROUTE_LENGTH = 120;

/** The fields of a frame besides the sample and the transitions. */
export type FrameExtras = Pick<Frame, 'seq' | 'load' | 'dashboard'> & {
  /** Since the last frame. */
  readonly deaths: readonly Death[];
};

export function frameOf(sample: Sample, batch: TransitionBatch, extras: FrameExtras): Frame {
  const { observation, health } = sample;
  const { at, set, leader, leaderSince, threads, handles, ready, queue, connections, pool, descriptors } =
    observation;
  const newest = batch.transitions.slice(-MAX_TRANSITIONS);
  const missed = [...batch.missed];
  for (const { thread } of batch.transitions.slice(0, -MAX_TRANSITIONS))
    missed[thread] = (missed[thread] ?? 0) + 1;
  return {
    type: 'frame',
    seq: extras.seq,
    at: micros(at),
    set: set === 'starting' ? 'serving' : set,
    verdict: { ...health.verdict, since: micros(health.verdict.since) },
    free: health.free,
    handlers: health.handlers,
    waiting: observation.waiting,
    errorRate: sample.errorRate,
    deaths: extras.deaths,
    slowest: sample.slowest,
    leader: { thread: leader, since: micros(leaderSince) },
    threads: threads.map((thread) => rowOf(thread, sample, missed[thread.id] ?? 0)),
    transitions: newest.map(tupleOf),
    marks: batch.marks.slice(-MAX_MARKS).map(markOf),
    gauges: {
      handles: gaugeOf(handles),
      ready: gaugeOf(ready),
      connections: gaugeOf(connections),
      pool: gaugeOf(pool),
      descriptors: gaugeOf(descriptors),
    },
    queue: queue && gaugeOf(queue),
    active: observation.active,
    idle: Math.max(0, connections.current - observation.active),
    engaged: observation.engaged,
    routes: routesOf(observation.routes),
    routesLeft: Math.max(0, observation.routes.length - MAX_ROUTES),
    point: sample.point,
    warnings: health.warnings,
    load: extras.load,
    dashboard: extras.dashboard,
  };
}

export function detailOf(thread: ObservedThread, transitions: readonly TransitionTuple[]): Detail {
  const { responses, promotions, queueWaits, loopDelays } = thread.histograms;
  return {
    type: 'detail',
    thread: thread.id,
    transitions,
    responseMs: barsOf(responses),
    promotionMs: barsOf(promotions),
    queueMs: barsOf(queueWaits),
    loopDelayMs: barsOf(loopDelays),
  };
}

export const tupleOf = ({ thread, from, to, at, promoter }: ObservedTransition): TransitionTuple => [
  thread,
  from,
  to,
  micros(at),
  promoter,
];

export const markOf = ({ thread, kind, at }: ObservedMark): MarkTuple => [
  thread,
  MARKS.indexOf(kind),
  micros(at),
];

function rowOf(thread: ObservedThread, { observation, busy, loopDelays }: Sample, missed: number): ThreadRow {
  const { id, role, state, since, requestSince, engaged, timesMs, own, connection, route, counters } = thread;
  return {
    id,
    role,
    state,
    since: micros(since),
    heldMs: round(heldMs(thread, observation.at), 1000),
    requestSince: micros(requestSince),
    engaged,
    busy: busy[id] ?? 0,
    timesMs: STATES.map((_, number) => round(timesMs[number] ?? 0, 1000)),
    connections: own === null ? null : own.connections,
    connection,
    route: route.length > ROUTE_LENGTH ? `${route.slice(0, ROUTE_LENGTH - 1)}…` : route,
    missed,
    loopDelayMs: loopDelays[id] ?? null,
    counters,
  };
}

function routesOf(routes: readonly ObservedRoute[]): RouteRow[] {
  // The sort is stable: among equals, the order of the observation.
  const blockingFirst = routes.toSorted((a, b) => Number(b.blocking) - Number(a.blocking));
  return blockingFirst.slice(0, MAX_ROUTES).map(({ typicalMs, longestMs, ...same }) => ({
    ...same,
    typicalMs: round(typicalMs, 1000),
    longestMs: round(longestMs, 1000),
  }));
}

const gaugeOf = ({ current, peak, limit }: Gauge): Gauge => ({ current, peak, limit });

const micros = (ms: number): number => round(ms, 1000);
