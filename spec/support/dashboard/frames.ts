/** Frames and hellos as the dashboard's server sends them: those of an idle server, with the changes that a spec makes. */
import {
  type Frame,
  type Hello,
  type Point,
  STATES,
  type StrategyInfo,
  type ThreadRow,
  type TransitionTuple,
} from '../../../lib/dashboard/protocol.js';

export const INTERVAL_MS = 100;

export const point = (at: number, changed: Partial<Point> = {}): Point => ({
  at,
  requests: 0,
  promotions: 0,
  bytesIn: 0,
  bytesOut: 0,
  accepted: 0,
  dropped: 0,
  errors: 0,
  wakeUpsPerRequest: null,
  responseMs: null,
  queueMs: null,
  queue: null,
  promotionMs: null,
  ...changed,
});

export const row = (id: number, changed: Partial<ThreadRow> = {}): ThreadRow => ({
  id,
  role: 'peer',
  state: 'follower',
  since: 0,
  heldMs: 0,
  requestSince: 0,
  engaged: false,
  busy: 0,
  timesMs: STATES.map(() => 0),
  connections: null,
  connection: -1,
  route: '',
  missed: 0,
  loopDelayMs: null,
  counters: {},
  ...changed,
});

const gauge = { current: 0, peak: 0, limit: 1 };

export const frame = (
  seq: number,
  at: number,
  threads: readonly ThreadRow[],
  transitions: readonly TransitionTuple[] = [],
): Frame => ({
  type: 'frame',
  seq,
  at,
  set: 'serving',
  verdict: { level: 'healthy', text: 'Healthy: 2 of 2 threads free', since: at, reasons: [] },
  free: 2,
  handlers: 2,
  waiting: 0,
  errorRate: null,
  deaths: [],
  slowest: null,
  leader: { thread: -1, since: at },
  threads,
  transitions,
  marks: [],
  gauges: { handles: gauge, ready: gauge, connections: gauge, pool: gauge, descriptors: gauge },
  queue: null,
  active: 0,
  idle: 0,
  engaged: 0,
  routes: [],
  routesLeft: 0,
  point: point(at),
  warnings: [],
  load: { fast: 0, blocking: 0, cpu: 0 },
  dashboard: { clients: 1, droppedClients: 0 },
});

export const LEADER_FOLLOWERS: StrategyInfo = {
  name: 'leader-followers',
  title: 'Leader/Followers',
  summary: 'Threads take turns.',
  source: 'A book',
  promotes: true,
  queue: null,
};

export const hello = (startedAt: number, history: readonly Point[] = []): Hello => ({
  type: 'hello',
  version: '0',
  node: 'v20.0.0',
  pid: 1,
  startedAt,
  url: 'http://127.0.0.1:3000',
  app: 'demo',
  strategy: LEADER_FOLLOWERS,
  threads: 2,
  groups: 1,
  roles: ['peer', 'peer'],
  names: ['thread 0', 'thread 1'],
  stateWords: { peer: STATES },
  intervalMs: INTERVAL_MS,
  load: true,
  history,
  transitions: [],
  marks: [],
  deaths: [],
});
