/** Traces: they contain what was observed, and nothing is made up for what was not. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TraceWriter } from '../../../lib/dashboard/trace.js';
import type { ObservedMark, ObservedTransition } from '../../../lib/observe/observation.js';
import type { StrategyName } from '../../../lib/strategies/descriptions.js';
import { checkTrace } from '../../../scripts/trace-check.js';
import { FakeObserved } from '../../support/dashboard/fake-observed.js';
import { TestDashboard } from '../../support/dashboard/test-dashboard.js';
import { range, until } from '../../support/server/wait.js';

const FOLLOWER = 2;
const LEADER = 3;
const PROCESSING = 4;
/** The traces of these specs begin here, in milliseconds. */
const BASE = 1_700_000_000_000;

interface Event {
  readonly ph: string;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly name: string;
  readonly id: number;
  readonly args: {
    readonly name?: string;
    readonly missed?: number;
    readonly value?: number;
    readonly handOver?: string;
    readonly request?: string;
  };
}

/** Times are in milliseconds from the beginning. */
const change = (thread: number, from: number, to: number, at: number, promoter = -1): ObservedTransition => ({
  thread,
  from,
  to,
  at: BASE + at,
  promoter,
});

class Recording {
  readonly observed: FakeObserved;
  readonly writer: TraceWriter;
  text = '';

  constructor(
    first: ObservedTransition[] = [],
    readAt = 0,
    maxEvents?: number,
    strategy: StrategyName = 'leader-followers',
  ) {
    this.observed = new FakeObserved(3, strategy);
    this.observed.clock = BASE + readAt;
    for (const thread of this.observed.seen.threads) thread.since = BASE - 5000;
    const facts = { pid: 7, name: 'paceline demo', threads: 3 };
    const batch = { transitions: first, marks: [], missed: [9, 9, 9] };
    this.writer = new TraceWriter(facts, batch, this.observed.observe(), BASE + readAt, maxEvents);
  }

  add(
    readAt: number,
    transitions: ObservedTransition[],
    missed = [0, 0, 0],
    marks: ObservedMark[] = [],
  ): void {
    this.writer.add({ transitions, marks, missed });
    // In parts, as for a busy server.
    while (!this.writer.release(BASE + readAt, 1)) this.text += this.writer.take();
    this.text += this.writer.take();
  }

  end(stopped = ''): { events: Event[]; otherData: Record<string, unknown>; faults: readonly string[] } {
    this.writer.end(stopped);
    this.text += this.writer.take();
    const { traceEvents, otherData } = JSON.parse(this.text) as {
      traceEvents: Event[];
      otherData: Record<string, unknown>;
    };
    return { events: traceEvents, otherData, faults: checkTrace(this.text).faults };
  }
}

const slices = (events: Event[], thread: number): [string, number, number][] =>
  events
    .filter(({ ph, tid }) => ph === 'X' && tid === thread + 1)
    .map(({ name, ts, dur }) => [name, ts / 1000, dur / 1000]);

test('states become slices that follow each other, from the first observation to the last', () => {
  const recording = new Recording();
  recording.add(100, [change(0, LEADER, PROCESSING, 10), change(1, FOLLOWER, LEADER, 10.012, 0)]);
  recording.add(200, [change(0, PROCESSING, FOLLOWER, 150)]);
  const { events, otherData, faults } = recording.end();
  assert.equal(faults, []);
  assert.equal(slices(events, 0), [
    ['leader', 0, 10],
    ['processing', 10, 140],
    ['follower', 150, 50],
  ]);
  assert.equal(slices(events, 1), [
    ['follower', 0, 10.012],
    ['leader', 10.012, 189.988],
  ]);
  assert.equal(slices(events, 2), [['follower', 0, 200]]);
  assert.equal(otherData, {
    startedAt: new Date(BASE).toISOString(),
    threads: 3,
    missedTransitions: 0,
    truncated: '',
  });
});

test('threads and states have the names of the model', () => {
  const recording = new Recording([], 0, undefined, 'half-sync-half-reactive');
  recording.observed.seen.queue = { current: 5, peak: 6, limit: 1024 };
  recording.add(100, [change(1, FOLLOWER, PROCESSING, 10), change(1, PROCESSING, FOLLOWER, 20)]);
  recording.writer.count(recording.observed.observe());
  const { events, faults } = recording.end();
  assert.equal(faults, []);
  const named = events.filter(({ name }) => name === 'thread_name').map(({ args }) => args.name);
  assert.equal(named, ['reactor 0', 'worker 1', 'worker 2']);
  assert.equal(slices(events, 0), [['waiting', 0, 100]]);
  assert.equal(slices(events, 1), [
    ['idle', 0, 10],
    ['processing', 10, 10],
    ['idle', 20, 80],
  ]);
  const queue = events.filter(({ ph, name }) => ph === 'C' && name === 'request queue');
  assert.is(queue.at(-1)!.args.value, 5);
});

test('a hand-over is an instant on the track of each of the two threads, and cuts no slice', () => {
  const recording = new Recording();
  const given = { thread: 0, kind: 'given', at: BASE + 11 } as const;
  const taken = { thread: 2, kind: 'taken', at: BASE + 12 } as const;
  const changes = [
    change(0, LEADER, PROCESSING, 10),
    change(2, FOLLOWER, PROCESSING, 11.5),
    change(0, PROCESSING, FOLLOWER, 13),
  ];
  recording.add(100, changes, [0, 0, 0], [given, taken]);
  const { events, faults } = recording.end();
  assert.equal(faults, []);
  assert.equal(
    events.filter(({ ph }) => ph === 'i').map(({ tid, ts, name, args }) => [tid, ts, name, args.handOver]),
    [
      [1, 11_000, 'connection handed over', 'given'],
      [3, 12_000, 'connection taken over', 'taken'],
    ],
  );
  assert.equal(slices(events, 0), [
    ['leader', 0, 10],
    ['processing', 10, 3],
    ['follower', 13, 87],
  ]);
  assert.equal(slices(events, 2), [
    ['follower', 0, 11.5],
    ['processing', 11.5, 88.5],
  ]);
});

test('a promotion flows from the slice of one leader to that of the next', () => {
  const recording = new Recording();
  recording.add(100, [
    change(0, LEADER, PROCESSING, 10),
    change(1, FOLLOWER, LEADER, 11, 0),
    change(1, LEADER, PROCESSING, 12),
    change(1, PROCESSING, LEADER, 13, 1),
  ]);
  const { events, faults } = recording.end();
  assert.equal(faults, []);
  const flows = events
    .filter(({ ph }) => ph === 's' || ph === 'f')
    .map(({ ph, tid, ts, id }) => [ph, tid, ts, id]);
  assert.equal(flows, [
    ['s', 1, 0, 1],
    ['f', 2, 11_000, 1],
  ]);
});

test('a promoter whose transition comes after its successor leads is its source all the same', () => {
  const recording = new Recording();
  recording.add(100, [change(1, FOLLOWER, LEADER, 10, 0)]);
  recording.add(200, [change(0, LEADER, PROCESSING, 10.001)]);
  const { events } = recording.end();
  const flows = events.filter(({ ph }) => ph === 's' || ph === 'f').map(({ ph, tid }) => [ph, tid]);
  assert.equal(flows, [
    ['s', 1],
    ['f', 2],
  ]);
});

test('the batches of threads are sorted by time', () => {
  const recording = new Recording();
  recording.add(20, [change(0, LEADER, PROCESSING, 10)]);
  recording.add(21, [
    change(2, FOLLOWER, LEADER, 9, -1),
    change(2, LEADER, PROCESSING, 9.5),
    change(1, FOLLOWER, LEADER, 11, 0),
  ]);
  const { events } = recording.end();
  const order = events.filter(({ ph }) => ph === 'X').map(({ ts, dur }) => ts + dur);
  assert.equal(
    order.slice(0, 4),
    [...order.slice(0, 4)].sort((a, b) => a - b),
  );
});

test('where transitions were overwritten, no slice spans the hole, and an event says how many', () => {
  const recording = new Recording();
  recording.add(50, [change(2, FOLLOWER, PROCESSING, 30)]);
  recording.add(100, [change(2, PROCESSING, FOLLOWER, 90), change(2, FOLLOWER, PROCESSING, 95)], [0, 0, 40]);
  const { events, otherData, faults } = recording.end();
  assert.equal(faults, []);
  assert.equal(slices(events, 2), [
    ['follower', 0, 30],
    ['processing', 30, 20],
    ['follower', 90, 5],
    ['processing', 95, 5],
  ]);
  const holes = events.filter(({ ph }) => ph === 'i');
  assert.equal(
    holes.map(({ tid, ts, args }) => [tid, ts, args.missed]),
    [[3, 50_000, 40]],
  );
  assert.is(otherData.missedTransitions, 40);
});

test('a hole makes no two threads lead at once, and leaves no promotion without its source', () => {
  const recording = new Recording();
  // Thread 0 gave leadership up right after its ring was read, and that was overwritten.
  recording.add(50, [change(1, FOLLOWER, LEADER, 40, 0)]);
  recording.add(100, [change(0, FOLLOWER, LEADER, 95, 1), change(1, LEADER, PROCESSING, 94)], [12, 0, 0]);
  recording.add(150, [change(0, LEADER, PROCESSING, 120), change(2, FOLLOWER, LEADER, 121, 1)], [0, 7, 0]);
  const { events, faults } = recording.end();
  assert.equal(faults, []);
  assert.equal(slices(events, 0), [
    ['leader', 0, 40],
    ['leader', 95, 25],
    ['processing', 120, 30],
  ]);
});

test('what the rings held before the trace began is in it, without the hole before that', () => {
  const recording = new Recording(
    [change(2, FOLLOWER, PROCESSING, 0), change(2, PROCESSING, FOLLOWER, 30)],
    40,
  );
  const { events, otherData, faults } = recording.end();
  assert.equal(faults, []);
  assert.equal(slices(events, 2), [
    ['processing', 0, 30],
    ['follower', 30, 10],
  ]);
  assert.equal(slices(events, 1), [['follower', 0, 40]]);
  assert.is(otherData.missedTransitions, 0);
});

test('a slice is left out if the state that ended is not the one that had begun', () => {
  const recording = new Recording();
  recording.add(100, [change(2, PROCESSING, FOLLOWER, 50)]);
  const { events, faults } = recording.end();
  assert.equal(faults, []);
  assert.equal(slices(events, 2), [['follower', 50, 50]]);
});

test('counters have rates and levels', () => {
  const recording = new Recording();
  const { observed } = recording;
  observed.clock = BASE + 500;
  observed.seen.threads[0]!.counters.requests = 50;
  observed.seen.connections = { current: 3, peak: 3, limit: 9 };
  recording.writer.count(observed.observe());
  recording.add(600, []);
  const { events, faults } = recording.end();
  assert.equal(faults, []);
  const counters = events.filter(({ ph }) => ph === 'C').map(({ name, ts, args }) => [name, ts, args.value]);
  assert.equal(counters, [
    ['connections', 0, 0],
    ['ready list', 0, 0],
    ['requests/s', 500_000, 100],
    ['connections', 500_000, 3],
    ['ready list', 500_000, 0],
  ]);
});

test('a trace that is too long ends at its bound, says so, and is complete', () => {
  const recording = new Recording([], 0, 100);
  for (const step of range(50)) {
    recording.add(100 * step + 100, [
      change(
        2,
        step % 2 === 0 ? FOLLOWER : PROCESSING,
        step % 2 === 0 ? PROCESSING : FOLLOWER,
        100 * step + 1,
      ),
      change(0, step % 2 === 0 ? LEADER : PROCESSING, step % 2 === 0 ? PROCESSING : LEADER, 100 * step + 1),
    ]);
  }
  const { otherData, events, faults } = recording.end();
  assert.equal(faults, []);
  assert.is(otherData.truncated, 'at 100 events');
  assert.ok(events.length < 110, `${events.length}`);
});

test('the check finds faults', () => {
  const event = (more: object) => ({ pid: 1, tid: 1, ts: 0, name: 'x', ...more });
  const slice = (name: string, tid: number, ts: number, dur: number) =>
    event({ ph: 'X', name, tid, ts, dur });
  const name = (tid: number) =>
    event({ ph: 'M', name: 'thread_name', tid, args: { name: `thread ${tid - 1}` } });
  const flow = (ph: string, tid: number, ts: number, id = 1) =>
    event({ ph, tid, ts, id, name: 'promotion', bp: 'e' });
  const whole = [name(1), name(2), slice('leader', 1, 0, 10), slice('leader', 2, 10, 5)];
  const faultsOf = (traceEvents: unknown) =>
    checkTrace(JSON.stringify({ traceEvents, displayTimeUnit: 'ms', otherData: {} })).faults;
  assert.equal(faultsOf(whole), []);
  assert.equal(faultsOf([...whole, flow('s', 1, 0), flow('f', 2, 10)]), []);
  for (const [events, fault] of [
    [[...whole, slice('leader', 2, 12, 9)], /begins inside/],
    [[...whole, slice('leader', 1, 14, 9)], /two lead at once/],
    [[...whole, name(3)], /has no slice/],
    [[...whole, slice('follower', 3, 0, 1)], /has no name/],
    [[...whole, flow('s', 1, 0)], /has no target/],
    [[...whole, flow('f', 2, 10)], /has no source/],
    [[...whole, flow('s', 1, 3), flow('f', 2, 10)], /does not begin on a leader/],
    [[...whole, flow('s', 1, 0), flow('f', 2, 11)], /does not arrive/],
    [[...whole, flow('s', 2, 10), flow('f', 1, 0)], /before its leader steps back/],
    [[...whole, event({ ph: 'X', ts: -1, dur: 1 })], /has no time/],
    [[...whole, event({ ph: 'X', ts: 1.5, dur: 1 })], /has no time/],
    [[...whole, event({ ph: '?' })], /no known kind/],
    [
      [
        ...whole,
        event({ ph: 'C', ts: 5, args: { value: 1 } }),
        event({ ph: 'C', ts: 4, args: { value: 1 } }),
      ],
      /back in time/,
    ],
    [{}, /is no list/],
  ] as const) {
    assert.match(faultsOf(events).join(), fault);
  }
  assert.match(checkTrace('{"traceEvents":[').faults.join(), /no JSON/);
});

const bearer = (token: string): string => `authorization: Bearer ${token}\r\n`;

test('a trace needs the token', async () => {
  await using dashboard = await TestDashboard.start();
  for (const fields of [
    '',
    bearer(''),
    bearer('wrong'),
    `authorization: Basic ${dashboard.token}\r\n`,
    `authorization: ${dashboard.token}\r\n`,
    `${bearer(dashboard.token).trimEnd()} x\r\n`,
    `cookie: token=${dashboard.token}\r\n`,
  ]) {
    const { status, headers, text } = await dashboard.get('/api/trace?ms=0', fields);
    assert.is(status, 401, fields);
    assert.match(headers.get('www-authenticate')!, /^Bearer/);
    assert.not.ok(text.includes(dashboard.token));
  }
  assert.is((await dashboard.get(`/api/trace?ms=0&token=${dashboard.token}`)).status, 401);
});

test('a trace needs ms, from 0 to 30000', async () => {
  await using dashboard = await TestDashboard.start();
  const fields = bearer(dashboard.token);
  for (const query of [
    '',
    '?',
    '?ms',
    '?ms=',
    '?ms=-1',
    '?ms=1.5',
    '?ms=30001',
    '?ms=1e3',
    '?ms=999999',
    '?ms=1&ms=2',
    '?MS=1',
    '?ms=0x1',
  ]) {
    const { status, text } = await dashboard.get(`/api/trace${query}`, fields);
    assert.is(status, 400, query);
    assert.match(text, /from 0 to 30000/);
  }
});

test('a trace of 0 ms is what the rings hold; HEAD records none', async () => {
  await using dashboard = await TestDashboard.start();
  dashboard.observed.tell(0, LEADER, PROCESSING);
  const head = await dashboard.ask('HEAD', '/api/trace?ms=0', bearer(dashboard.token));
  assert.is(head.status, 200);
  assert.is(dashboard.observed.readers, 0);
  const { status, headers, text } = await dashboard.get('/api/trace?ms=0', bearer(dashboard.token));
  assert.is(status, 200);
  assert.is(headers.get('content-type'), 'application/json; charset=utf-8');
  assert.match(headers.get('content-disposition')!, /^attachment; filename="paceline-trace-\d+\.json"$/);
  assert.equal(checkTrace(text).faults, []);
  assert.match(text, /"processing"/);
});

test('one trace at a time; when its client leaves another may be recorded', async () => {
  await using dashboard = await TestDashboard.start();
  const fields = bearer(dashboard.token);
  const first = await dashboard.connect();
  void first.send(`GET /api/trace?ms=30000 HTTP/1.1\r\nhost: ${dashboard.host}\r\n${fields}\r\n`);
  await until('the first trace is being recorded', () => dashboard.observed.readers === 1);
  assert.is((await dashboard.get('/api/trace?ms=0', fields)).status, 409);
  await first.close();
  let status = 0;
  while (status !== 200) ({ status } = await dashboard.get('/api/trace?ms=0', fields));
  assert.equal(dashboard.log, []);
});

test('a dashboard that closes ends a trace as a complete file that says why', async () => {
  const dashboard = await TestDashboard.start();
  const client = await dashboard.connect();
  void client.send(
    `GET /api/trace?ms=30000 HTTP/1.1\r\nhost: ${dashboard.host}\r\n${bearer(dashboard.token)}\r\n`,
  );
  await until('the trace is being recorded', () => dashboard.observed.readers === 1);
  dashboard.observed.tell(0, LEADER, PROCESSING);
  const [{ text }] = await Promise.all([client.answer(), dashboard.server.close()]);
  assert.equal(checkTrace(text).faults, []);
  assert.is(
    (JSON.parse(text) as { otherData: { truncated: string } }).otherData.truncated,
    'the server stopped',
  );
});

test.run();
