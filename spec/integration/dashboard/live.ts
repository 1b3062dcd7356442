/** The websocket's messages, and how clients that break the rules are disconnected. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CLOSE_BAD_MESSAGE,
  CLOSE_SERVER_STOPS,
  CLOSE_TOO_SLOW,
  MARKS,
  MAX_MARKS,
  MAX_ROUTES,
  MAX_TRANSITIONS,
  STATES,
} from '../../../lib/dashboard/protocol.js';
import { DESCRIPTIONS, type StrategyDescription } from '../../../lib/strategies/descriptions.js';
import { FakeObserved, now, routeOf } from '../../support/dashboard/fake-observed.js';
import { type DashboardClient, TestDashboard } from '../../support/dashboard/test-dashboard.js';
import { range, until, within } from '../../support/server/wait.js';

const pick = ({ title, summary, source }: StrategyDescription) => ({ title, summary, source });

const FOLLOWER = 2;
const LEADER = 3;
const PROCESSING = 4;

test('a hello comes first, and describes the server', async () => {
  await using dashboard = await TestDashboard.start();
  const client = await dashboard.openClient();
  await client.frame('come');
  const { version, history, transitions, marks, deaths, ...hello } = client.hello;
  assert.match(version, /^\d+\.\d+\.\d+/);
  assert.ok(Array.isArray(history));
  assert.equal([transitions, marks, deaths], [[], [], []]);
  assert.equal(hello, {
    type: 'hello',
    node: process.version,
    pid: process.pid,
    startedAt: dashboard.monitored.startedAt,
    url: 'http://127.0.0.1:8080',
    app: '/srv/app.js',
    strategy: {
      name: 'leader-followers',
      ...pick(DESCRIPTIONS['leader-followers']),
      promotes: true,
      queue: null,
    },
    threads: 4,
    roles: ['peer', 'peer', 'peer', 'peer'],
    groups: 1,
    names: ['thread 0', 'thread 1', 'thread 2', 'thread 3'],
    stateWords: { peer: STATES },
    intervalMs: 100,
    load: false,
  });
});

test('a hello has the roles of another model, and frames its queue', async () => {
  const observed = new FakeObserved(3, 'half-sync-half-reactive');
  observed.seen.queue = { current: 7, peak: 9, limit: 1024 };
  await using dashboard = await TestDashboard.start({ observed });
  const client = await dashboard.openClient();
  const { queue, free, handlers, threads, point } = await client.frame('come');
  const { strategy, roles, names, stateWords } = client.hello;
  const name = 'half-sync-half-reactive';
  const words = ['dead', 'starting', 'idle', 'waiting', 'processing'];
  assert.equal(strategy, { name, ...pick(DESCRIPTIONS[name]), promotes: false, queue: 'request queue' });
  assert.equal(roles, ['reactor', 'worker', 'worker']);
  assert.equal(names, ['reactor 0', 'worker 1', 'worker 2']);
  assert.equal(stateWords, { reactor: words, worker: words });
  assert.equal(queue, { current: 7, peak: 9, limit: 1024 });
  assert.is(point.queue, 7);
  assert.equal([free, handlers], [2, 2], 'the reactor runs no handler');
  assert.equal(
    threads.map(({ role }) => role),
    roles,
  );
});

test('frames are numbered in steps of one, and are the same for all clients', async () => {
  await using dashboard = await TestDashboard.start({ pace: { intervalMs: 10 } });
  const viewers = await Promise.all(range(3).map(() => dashboard.openClient()));
  await Promise.all(viewers.map((client) => client.frame('come late', ({ seq }) => seq >= 10)));
  for (const { frames } of viewers) {
    frames.forEach(({ seq }, index) => {
      if (index > 0) assert.is(seq, frames[index - 1]!.seq + 1);
    });
  }
  const [one, other] = viewers.map(({ frames }) => frames.find(({ seq }) => seq === 9));
  assert.equal(one, other);
});

test('no frames are made while there is no client', async () => {
  await using dashboard = await TestDashboard.start({ pace: { intervalMs: 5 } });
  assert.is(dashboard.observed.readers, 0);
  const client = await dashboard.openClient();
  await client.frame('come');
  assert.is(dashboard.observed.readers, 2, 'one for the frames, one for the hello');
  await client.close();
  const other = await dashboard.openClient();
  await other.frame('come');
  assert.is(dashboard.observed.readers, 4, 'the reader of the one before is gone');
});

test('what the lanes need is in the hello or in a frame after it, and never in both', async () => {
  await using dashboard = await TestDashboard.start();
  const { observed, server } = dashboard;
  const death = (thread: number) => ({ thread, at: now(), reason: 'boom' });
  const [past, later] = [death(3), death(2)];
  observed.tell(0, FOLLOWER, PROCESSING, 1000);
  observed.handOver(0, 1, 1001);
  server.died(past);
  const first = await dashboard.openClient();
  await first.frame('come');
  observed.tell(1, FOLLOWER, PROCESSING, 2000);
  server.died(later);
  const frame = await first.frame('the transition', ({ transitions }) => transitions.length > 0);
  assert.equal([frame.transitions.map(([thread]) => thread), frame.deaths], [[1], [later]]);
  const other = await dashboard.openClient();
  await other.frame('come');
  const seen = ({ hello, frames }: DashboardClient) => [hello, ...frames];
  const threads = (client: DashboardClient) =>
    seen(client).flatMap(({ transitions }) => transitions.map(([thread]) => thread));
  const deaths = (client: DashboardClient) => seen(client).flatMap(({ deaths }) => deaths);
  assert.equal(
    [threads(first), threads(other)],
    [
      [0, 1],
      [0, 1],
    ],
  );
  assert.equal(
    [deaths(first), deaths(other)],
    [
      [past, later],
      [past, later],
    ],
  );
  assert.is(first.hello.marks.length, 2);
  assert.is(other.hello.transitions.length, 2);
});

test('a frame carries the verdict and the figures that it is about', async () => {
  await using dashboard = await TestDashboard.start();
  const { observed } = dashboard;
  const client = await dashboard.openClient();
  const since = now() - 4000;
  for (const thread of observed.seen.threads) {
    const request = {
      state: 'processing',
      since,
      requestSince: since,
      route: 'GET /render',
      connection: 31,
    } as const;
    Object.assign(thread, request);
  }
  Object.assign(observed.seen.threads[1]!, { requestSince: since + 1000, route: 'GET /other' });
  observed.seen.leader = -1;
  observed.seen.waiting = 7;
  const frame = await client.frame('an outage', ({ verdict }) => verdict.level === 'outage');
  assert.match(
    frame.verdict.text,
    /^Outage: all 4 threads held by GET \/render and 1 other route for [3-9]\.\d s; 7 requests wait$/,
  );
  assert.equal(
    frame.warnings.map(({ id }) => id),
    frame.verdict.reasons,
  );
  assert.equal([frame.free, frame.waiting, frame.errorRate], [0, 7, null]);
  const [one, other] = frame.threads;
  assert.ok(Math.abs(one!.heldMs - other!.heldMs - 1000) < 0.01);
  assert.ok(Math.abs(other!.requestSince - since - 1000) < 0.01);
  const { ms, ...slowest } = frame.slowest!;
  assert.equal(slowest, { route: 'GET /render', running: true, thread: 0 });
  assert.ok(Math.abs(ms - one!.heldMs) < 0.01);
});

test('a frame carries states, transitions and gauges', async () => {
  await using dashboard = await TestDashboard.start();
  const { observed } = dashboard;
  const client = await dashboard.openClient();
  const at = now();
  observed.tell(0, LEADER, PROCESSING, at);
  observed.tell(1, FOLLOWER, LEADER, at + 0.012, 0);
  observed.miss(2, 5);
  observed.seen.leader = 1;
  observed.seen.leaderSince = at + 0.012;
  observed.seen.connections = { current: 7, peak: 9, limit: 100 };
  observed.seen.active = 2;
  observed.seen.engaged = 1;
  observed.seen.threads[2]!.engaged = true;
  Object.assign(observed.seen.threads[0]!, { connection: 31, route: `GET /${'x'.repeat(200)}` });
  const frame = await client.frame('transitions', ({ transitions }) => transitions.length > 0);
  assert.is(frame.set, 'serving');
  assert.is(frame.leader.thread, 1);
  assert.equal(
    frame.transitions.map(([thread, from, to, , promoter]) => [thread, from, to, promoter]),
    [
      [0, LEADER, PROCESSING, -1],
      [1, FOLLOWER, LEADER, 0],
    ],
  );
  assert.ok(Math.abs(frame.transitions[1]![3] - at - 0.012) < 0.002);
  assert.equal(
    frame.threads.map(({ missed }) => missed),
    [0, 0, 5, 0],
  );
  assert.equal(
    frame.threads.map(({ state }) => state),
    ['processing', 'leader', 'follower', 'follower'],
  );
  assert.equal(frame.gauges.connections, { current: 7, peak: 9, limit: 100 });
  assert.equal([frame.active, frame.idle], [2, 5]);
  assert.is(frame.engaged, 1);
  assert.equal(
    frame.threads.map(({ engaged }) => engaged),
    [false, false, true, false],
  );
  assert.is(frame.threads[0]!.connection, 31);
  assert.is(frame.threads[0]!.route.length, 120);
  assert.is(frame.dashboard.clients, 1);
});

test('a frame carries both sides of hand-overs, the newest if they are many', async () => {
  await using dashboard = await TestDashboard.start();
  const { observed } = dashboard;
  const client = await dashboard.openClient();
  const at = now();
  observed.handOver(0, 3, at);
  const frame = await client.frame('marks', ({ marks }) => marks.length > 0);
  assert.equal(
    frame.marks.map(([thread, kind]) => [thread, MARKS[kind]]),
    [
      [0, 'given'],
      [3, 'taken'],
    ],
  );
  assert.ok(Math.abs(frame.marks[0]![2] - at) < 0.002);
  assert.equal(frame.transitions, []);
  for (const index of range(MAX_MARKS)) observed.handOver(1, 2, at + 1 + index);
  const { marks } = await client.frame('many marks', ({ marks }) => marks.length > 2);
  assert.is(marks.length, MAX_MARKS);
  assert.ok(Math.abs(marks.at(-1)![2] - at - MAX_MARKS) < 0.002);
});

test('a frame carries the routes that block first, and no more than it has room for', async () => {
  await using dashboard = await TestDashboard.start();
  const client = await dashboard.openClient();
  const name = '<img src=x>"\\';
  const quick = range(MAX_ROUTES).map((index) => routeOf(`GET /${index}`, { blocking: false }));
  dashboard.observed.seen.routes = [...quick, routeOf(name, { calls: 7, typicalMs: 1.23456, handOvers: 5 })];
  const { routes, routesLeft } = await client.frame('routes', ({ routes }) => routes.length > 0);
  assert.equal(routes[0], {
    name,
    blocking: true,
    declared: false,
    calls: 7,
    typicalMs: 1.235,
    longestMs: 30,
    handOvers: 5,
  });
  assert.equal(
    routes.slice(1).map((route) => route.name),
    quick.slice(0, MAX_ROUTES - 1).map((route) => route.name),
  );
  assert.is(routesLeft, 1);
});

test('a shortage of free threads becomes a warning', async () => {
  await using dashboard = await TestDashboard.start({ pace: { intervalMs: 10 } });
  const { seen } = dashboard.observed;
  for (const thread of seen.threads) thread.engaged = true;
  seen.engaged = seen.threads.length;
  const client = await dashboard.openClient();
  const warned = client.frame('a warning', ({ warnings }) =>
    warnings.some(({ id }) => id === 'no-free-thread'),
  );
  const calls = setInterval(() => {
    seen.routes = [routeOf('GET /block', { calls: (seen.routes[0]?.calls ?? 0) + 1 })];
  }, 5);
  try {
    assert.match((await warned).warnings[0]!.what, /and GET \/block blocks threads/);
  } finally {
    clearInterval(calls);
  }
});

test('of more transitions than a frame may have, it has the newest; the others count as missed', async () => {
  await using dashboard = await TestDashboard.start();
  const client = await dashboard.openClient();
  for (const index of range(MAX_TRANSITIONS + 10)) {
    dashboard.observed.tell(
      3,
      index % 2 === 0 ? FOLLOWER : PROCESSING,
      index % 2 === 0 ? PROCESSING : FOLLOWER,
      now(),
    );
  }
  const frame = await client.frame('transitions', ({ transitions }) => transitions.length > 0);
  assert.is(frame.transitions.length, MAX_TRANSITIONS);
  assert.is(frame.threads[3]!.missed, 10);
});

test('the detail of a selected thread is sent until it is deselected', async () => {
  await using dashboard = await TestDashboard.start({ pace: { intervalMs: 10 } });
  const [client, other] = [await dashboard.openClient(), await dashboard.openClient()];
  dashboard.observed.took(2, 'responses', 10, 3);
  dashboard.observed.took(2, 'loopDelays', 1000);
  for (const index of range(300)) dashboard.observed.tell(2, FOLLOWER, PROCESSING, 1000 + index);
  dashboard.observed.tell(1, FOLLOWER, PROCESSING);
  client.send({ type: 'watch', thread: 2 });
  await until('details come', () => client.details.some(({ transitions }) => transitions.length > 0));
  const detail = client.details.at(-1)!;
  assert.is(detail.thread, 2);
  assert.is(detail.transitions.length, 100);
  assert.is(detail.transitions.at(-1)![3], 1299);
  assert.equal(detail.responseMs, [[0.011, 3]]);
  assert.is(detail.loopDelayMs[0]![1], 1);
  client.send({ type: 'watch', thread: 1 });
  await until('the other thread comes', () => client.details.at(-1)!.thread === 1);
  client.send({ type: 'watch', thread: -1 });
  await client.frame('come');
  await client.frame('come');
  const { length } = client.details;
  await client.frame('come');
  assert.is(client.details.length, length);
  assert.is(other.details.length, 0, 'who does not watch gets none');
});

async function closedFor(client: DashboardClient, code: number): Promise<void> {
  assert.is(await within('the websocket closes', client.closed), code);
}

test('an invalid message disconnects its sender and no other client', async () => {
  await using dashboard = await TestDashboard.start({ pace: { intervalMs: 10 } });
  const good = await dashboard.openClient();
  for (const message of [
    '',
    'watch',
    '[]',
    'null',
    '1',
    '{}',
    '{"type":"watch"}',
    '{"type":"watch","thread":"1"}',
    '{"type":"watch","thread":1.5}',
    '{"type":"watch","thread":4}',
    '{"type":"watch","thread":-2}',
    '{"type":"watch","thread":1e999}',
    '{"type":"load","kind":"fast"}',
    '{"type":"load","kind":"constructor","on":true}',
    '{"type":"hello"}',
    '{"__proto__":{"type":"watch","thread":1}}',
  ]) {
    const bad = await dashboard.openClient();
    bad.send(message);
    await closedFor(bad, CLOSE_BAD_MESSAGE);
  }
  const binary = await dashboard.openClient();
  binary.socket.send(Buffer.from('{"type":"watch","thread":1}'), { binary: true });
  await closedFor(binary, CLOSE_BAD_MESSAGE);
  const long = await dashboard.openClient();
  long.send(`{"type":"watch","thread":1,"x":"${'x'.repeat(5000)}"}`);
  await closedFor(long, 1009);
  await good.frame('come');
  assert.equal(dashboard.log, []);
});

test('load is refused if the app is not the demo', async () => {
  await using dashboard = await TestDashboard.start();
  const client = await dashboard.openClient();
  client.send({ type: 'load', kind: 'fast', on: true });
  await closedFor(client, CLOSE_BAD_MESSAGE);
});

test('more messages than a person can send disconnect their sender', async () => {
  await using dashboard = await TestDashboard.start();
  const [good, bad] = [await dashboard.openClient(), await dashboard.openClient()];
  for (const _ of range(1000)) bad.send({ type: 'watch', thread: 1 });
  await closedFor(bad, CLOSE_BAD_MESSAGE);
  await good.frame('come');
});

test('bytes that are not websocket frames disconnect their sender only', async () => {
  await using dashboard = await TestDashboard.start();
  const [good, bad] = [await dashboard.openClient(), await dashboard.openClient()];
  (bad.socket as unknown as { _socket: NodeJS.WritableStream })._socket.write(Buffer.alloc(64, 0xff));
  await closedFor(bad, 1002);
  await good.frame('come');
  assert.equal(dashboard.log, []);
});

/** Stops reading, so that messages fill the kernel's buffers and then the server's. */
const stopReading = ({ socket }: DashboardClient): void => socket.pause();

test('a client that does not read is dropped and counted, and the others continue', async () => {
  await using dashboard = await TestDashboard.start({
    pace: { intervalMs: 2, slowBytes: 65_536, slowMs: 20 },
  });
  const [good, slow] = [await dashboard.openClient(), await dashboard.openClient()];
  stopReading(slow);
  // Large frames fill the kernel's buffers soon.
  const fill = setInterval(() => {
    for (const _ of range(MAX_TRANSITIONS)) dashboard.observed.tell(1, FOLLOWER, PROCESSING);
  }, 2);
  try {
    await good.frame('a dropped client', ({ dashboard }) => dashboard.droppedClients === 1);
  } finally {
    clearInterval(fill);
  }
  const { seq } = good.frames.at(-1)!;
  const after = await good.frame('come after that', (frame) => frame.seq > seq + 3);
  assert.is(after.dashboard.clients, 1);
  slow.socket.resume();
  const code = await within('the slow one ends', slow.closed);
  assert.ok(code === CLOSE_TOO_SLOW || code === 1006, `closed with ${code}`);
});

test('a client that answers no ping is dropped and counted', async () => {
  await using dashboard = await TestDashboard.start({ pace: { intervalMs: 5, pingMs: 30 } });
  const [good, silent] = [await dashboard.openClient(), await dashboard.openClient()];
  silent.socket.pong = () => {};
  await good.frame('a dropped client', ({ dashboard }) => dashboard.droppedClients === 1);
  await closedFor(silent, CLOSE_TOO_SLOW);
});

test('every client is told that the server stops', async () => {
  const dashboard = await TestDashboard.start();
  const viewers = await Promise.all(range(3).map(() => dashboard.openClient()));
  await dashboard.server.close();
  for (const client of viewers) await closedFor(client, CLOSE_SERVER_STOPS);
});

test.run();
