/** Observations of a working server: states, counters, durations, the current request, and the rings. */
import { connect } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ControlPlane } from '../../../lib/control/plane.js';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { upperBoundUs } from '../../../lib/memory/histogram.js';
import {
  ENGAGED,
  INPUT_BYTES,
  REQUEST_AT,
  REQUEST_TO,
  STATE,
  threadArea,
} from '../../../lib/memory/layout.js';
import type { Observation, ObservedThread } from '../../../lib/observe/observation.js';
import { Observer } from '../../../lib/observe/observer.js';
import { resolveOptions, type ServerOptions } from '../../../lib/options/server-options.js';
import { routeHash } from '../../../lib/routes/route-key.js';
import { RouteTable } from '../../../lib/routes/route-table.js';
import { FOLLOWER, LEADER_STATE, PROCESSING, STATE_NAMES } from '../../../lib/set/thread-state.js';
import { MARK_GIVEN, MARK_TAKEN, Transitions } from '../../../lib/set/transitions.js';
import { Gate } from '../../support/server/gate.js';
import { Client } from '../../support/server/http-client.js';
import { fixture } from '../../support/server/running.js';
import { until } from '../../support/server/wait.js';

/** A control plane with the demo app, without a server object. */
async function withPlane(
  options: ServerOptions,
  spec: (plane: ControlPlane, port: number) => Promise<void>,
): Promise<void> {
  const plane = await ControlPlane.open(resolveOptions(options), [{ port: 0 }], {
    transition: () => {},
    threadStart: () => {},
    threadExit: () => {},
    serving: () => {},
    listening: () => {},
    released: () => {},
    error: (error) => {
      throw error;
    },
  });
  try {
    await plane.start();
    await spec(plane, plane.listening.address.port);
  } finally {
    await plane.stop(2000);
  }
}

const client = (port: number): Promise<Client> => Client.connect({ host: '127.0.0.1', port });
const total = (seen: Observation, count: (thread: ObservedThread) => number): number =>
  seen.threads.reduce((sum, thread) => sum + count(thread), 0);
const counted = (histogram: Float64Array): number => histogram.reduce((sum, count) => sum + count, 0);

test('requests, bytes, responses by class and durations are counted while recording is on', () =>
  withPlane({ threads: 2 }, async (plane, port) => {
    plane.record(true);
    const one = await client(port);
    for (let round = 0; round < 20; round++) await one.get('/hello');
    await one.get('/nothing-here');
    const seen = () => plane.observer.observe();
    assert.is(
      total(seen(), ({ counters }) => counters.requests),
      21,
    );
    assert.is(
      total(seen(), ({ counters }) => counters.responses2xx),
      20,
    );
    assert.is(
      total(seen(), ({ counters }) => counters.responses4xx),
      1,
    );
    assert.is(
      total(seen(), ({ counters }) => counters.accepted),
      1,
    );
    assert.ok(total(seen(), ({ bytesIn }) => bytesIn) > 21 * 'GET /hello HTTP/1.1'.length);
    assert.ok(total(seen(), ({ bytesOut }) => bytesOut) > 20 * 'hello world\n'.length);
    // The last request is counted with its thread's next change of state.
    await until(
      'all durations',
      () => total(seen(), ({ histograms }) => counted(histograms.responses)) === 21,
    );
    assert.ok(total(seen(), ({ histograms }) => counted(histograms.queueWaits)) > 0);
    assert.is(seen().connections.current, 1);
    assert.is(seen().connections.peak, 1);
    await one.close();
    await until('it is closed', () => total(seen(), ({ counters }) => counters.closed) === 1);
  }));

test('a response of 30 ms is counted as 30 ms', () =>
  withPlane({ threads: 2 }, async (plane, port) => {
    plane.record(true);
    const one = await client(port);
    for (const path of ['/block?ms=30', '/sleep?ms=30', '/block?ms=30']) await one.get(path);
    const slow = () =>
      total(plane.observer.observe(), ({ histograms }) =>
        histograms.responses.reduce(
          (sum, count, bucket) => sum + (upperBoundUs(bucket) > 29_000 ? count : 0),
          0,
        ),
      );
    await until('all three', () => slow() === 3);
    const spent = plane.observer.observe().threads.map(({ timesMs }) => timesMs[PROCESSING]!);
    assert.ok(spent[0]! + spent[1]! > 59, 'the two that blocked are time of processing');
    await one.close();
  }));

test('a thread inside a handler has its request, its connection and the time of its start', () =>
  withPlane({ threads: 2 }, async (plane, port) => {
    plane.record(true);
    const one = await client(port);
    const answer = one.get('/block?ms=400');
    const busy = () => plane.observer.observe().threads.find(({ route }) => route !== '');
    await until('the request is seen', () => busy() !== undefined);
    const thread = busy()!;
    assert.is(thread.route, 'GET /block?ms=*');
    assert.is(thread.requestSince, thread.since, 'the request began with the state');
    assert.is(thread.state, 'processing');
    assert.ok(thread.connection > 2);
    assert.is(plane.observer.observe().active, 1);
    await answer;
    await until('it is gone', () => busy() === undefined);
    await one.close();
  }));

test('the values of queries are shown where that is asked for', () =>
  withPlane({ threads: 1, dashboard: { port: 0, showQueries: true } }, async (plane, port) => {
    const one = await client(port);
    const answer = one.get('/block?ms=300');
    const route = () => plane.observer.observe().threads[0]!.route;
    await until('the request is seen', () => route() !== '');
    assert.is(route(), 'GET /block?ms=300');
    await answer;
    await one.close();
  }));

test('a route is never more than a method and a target: other bytes of the input are not shown', () =>
  withPlane({ threads: 1 }, async (plane, port) => {
    plane.record(true);
    const socket = connect({ host: '127.0.0.1', port });
    socket.write(`GET /block?ms=300&${'x'.repeat(500)}=secret HTTP/1.1\r\nhost: a\r\ncookie: secret\r\n\r\n`);
    const route = () => plane.observer.observe().threads[0]!.route;
    await until('it is seen', () => route() !== '');
    assert.is(route().length, 120);
    assert.match(route(), /^GET \/block\?ms=\*&x+$/);
    socket.destroy();
  }));

test('without recording, counters count and durations do not', () =>
  withPlane({ threads: 2 }, async (plane, port) => {
    const one = await client(port);
    await one.get('/hello');
    const seen = plane.observer.observe();
    assert.is(
      total(seen, ({ counters }) => counters.requests),
      1,
    );
    assert.is(
      total(seen, ({ timesMs }) => timesMs.reduce((sum, ms) => sum + ms)),
      0,
    );
    assert.is(
      total(seen, ({ histograms }) => counted(histograms.responses)),
      0,
    );
    await one.close();
  }));

test('promotions name the thread that gave leadership up, and there is never a second leader', () =>
  withPlane({ threads: 3 }, async (plane, port) => {
    plane.record(true);
    const reader = plane.observer.readTransitions();
    const clients = await Promise.all(Array.from({ length: 4 }, () => client(port)));
    for (let round = 0; round < 10; round++) {
      await Promise.all(clients.map((each, index) => each.get(index === 0 ? '/block?ms=5' : '/hello')));
    }
    const { transitions, missed } = reader.next();
    assert.equal(missed, [0, 0, 0]);
    let leader = -1;
    let promotions = 0;
    let lastAt = 0;
    for (const { thread, from, to, at, promoter } of transitions) {
      assert.ok(at >= lastAt);
      lastAt = at;
      if (from === LEADER_STATE && leader === thread) leader = -1;
      if (to !== LEADER_STATE) continue;
      assert.is(leader, -1, `thread ${thread} leads beside ${leader}`);
      leader = thread;
      if (promoter !== -1 && promoter !== thread) promotions++;
    }
    assert.ok(promotions > 0, 'leadership went from thread to thread');
    const states = new Set(transitions.map(({ to }) => to));
    for (const state of [FOLLOWER, LEADER_STATE, PROCESSING])
      assert.ok(states.has(state), STATE_NAMES[state]);
    for (const each of clients) await each.close();
  }));

test('a reader that asks for the newest only gets them, and counts the others as missed', () =>
  withPlane({ threads: 1 }, async (plane, port) => {
    plane.record(true);
    const all = plane.observer.readTransitions();
    const few = plane.observer.readTransitions();
    const one = await client(port);
    for (let round = 0; round < 20; round++) await one.get('/hello');
    // An idle server records nothing between the two reads.
    await until('the thread waits again', () => plane.observer.observe().threads[0]!.state === 'leader');
    const everything = all.next().transitions;
    const { transitions, missed } = few.next(10);
    assert.equal(transitions, everything.slice(-10));
    assert.equal(missed, [everything.length - 10]);
    assert.equal(few.next(10), { transitions: [], marks: [], missed: [0] });
    await one.close();
  }));

test('marks of hand-overs are read beside the transitions, not among them', () => {
  const memory = allocateMemory(2, 8);
  const observer = new Observer(memory, { threads: 2, maxConnections: 1, openFiles: 8, started: () => true });
  const reader = observer.readTransitions();
  const [giver, taker] = [0, 1].map((thread) => new Transitions(memory.control, thread));
  giver!.record(LEADER_STATE, PROCESSING, 1000, 0, 0);
  taker!.record(FOLLOWER, PROCESSING, 1500, 0, 0);
  taker!.mark(MARK_TAKEN, 1600);
  giver!.mark(MARK_GIVEN, 1250);
  giver!.record(PROCESSING, FOLLOWER, 1300, 0, 0);
  const { transitions, marks } = reader.next();
  assert.equal(
    transitions.map(({ thread, from, to }) => [thread, from, to]),
    [
      [0, LEADER_STATE, PROCESSING],
      [0, PROCESSING, FOLLOWER],
      [1, FOLLOWER, PROCESSING],
    ],
  );
  assert.equal(
    marks.map(({ thread, kind }) => [thread, kind]),
    [
      [0, 'given'],
      [1, 'taken'],
    ],
  );
  assert.ok(
    Math.abs(marks[0]!.at - transitions[0]!.at - 0.25) < 0.01,
    'a mark has the time at which it was made',
  );
});

test('engaged threads are those whose bit is set', () => {
  const memory = allocateMemory(34, 8);
  const observer = new Observer(memory, {
    threads: 34,
    maxConnections: 1,
    openFiles: 8,
    started: () => true,
  });
  const words = new Int32Array(memory.control);
  assert.is(observer.observe().engaged, 0);
  Atomics.store(words, ENGAGED, 0b10 | (1 << 31));
  Atomics.store(words, ENGAGED + 1, 0b10);
  const { engaged, threads } = observer.observe();
  assert.is(engaged, 3);
  assert.equal(
    threads.filter((thread) => thread.engaged).map(({ id }) => id),
    [1, 31, 33],
  );
});

test('routes are those of the route table, and a thread inside a request of one has it', () => {
  const memory = allocateMemory(2, 8);
  const observer = new Observer(memory, { threads: 2, maxConnections: 1, openFiles: 8, started: () => true });
  assert.equal(observer.observe().routes, []);
  const bytes = Buffer.from('GET /report/17?year=2026');
  const table = new RouteTable(memory.routes, 0);
  table.learn(routeHash(bytes, 0, 3, 4, bytes.length), 8000, () => 'GET /report/*');
  const words = new Int32Array(memory.control);
  const area = threadArea(1);
  words[area + STATE] = PROCESSING;
  words[area + REQUEST_AT] = 100;
  words[area + REQUEST_TO] = 100 + bytes.length;
  bytes.copy(Buffer.from(memory.inputs), INPUT_BYTES + 100);
  const { routes, threads } = observer.observe();
  assert.equal(routes, [
    {
      name: 'GET /report/*',
      blocking: true,
      declared: false,
      calls: 1,
      typicalMs: 8,
      longestMs: 8,
      handOvers: 0,
    },
  ]);
  assert.is(threads[1]!.route, 'GET /report/17?year=*');
  assert.is(threads[1]!.learned, routes[0]);
  assert.is(threads[0]!.learned, null);
  Buffer.from(memory.inputs).write('GET /another/1', INPUT_BYTES + 100);
  assert.is(observer.observe().threads[1]!.learned, null);
});

test('what workers have not taken from the request queue is its length, and waits', () =>
  withPlane({ app: fixture('web'), threads: 2, strategy: 'half-sync-half-reactive' }, async (plane, port) => {
    plane.record(true);
    using gate = new Gate();
    const seen = () => plane.observer.observe();
    assert.equal(
      seen().threads.map(({ role, handles }) => [role, handles]),
      [
        ['reactor', false],
        ['worker', true],
      ],
    );
    const clients = await Promise.all([0, 1, 2].map(() => client(port)));
    const answers = [clients[0]!.get(`/hold?gate=${gate.path}`)];
    await gate.entered(1);
    assert.not.equal(seen().threads[1]!.route, '', 'the worker is inside the handler');
    for (const one of clients.slice(1)) answers.push(one.get('/text'));
    await until('the others are queued', () => seen().queue!.current === 2);
    const { queue, waiting } = seen();
    assert.equal([queue!.limit, queue!.peak >= 2, waiting], [1024, true, 2]);
    await until('the reactor waits meanwhile', () => {
      const { leader, threads } = seen();
      return leader === 0 && threads[0]!.state === 'leader';
    });
    gate.release();
    await Promise.all(answers);
    assert.equal([seen().queue!.current, seen().waiting], [0, 0]);
    assert.ok(counted(seen().threads[1]!.histograms.queueWaits) > 0);
    await Promise.all(clients.map((one) => one.close()));
  }));

test('while a reactor is inside a handler nobody waits for events, and what has come waits', () =>
  withPlane({ app: fixture('web'), strategy: 'reactor' }, async (plane, port) => {
    plane.record(true);
    using gate = new Gate();
    const [one, other] = [await client(port), await client(port)];
    const answers = [one.get(`/hold?gate=${gate.path}`)];
    const seen = () => plane.observer.observe();
    await gate.entered(1);
    answers.push(other.get('/text'));
    await until('the other waits', () => seen().waiting === 1);
    const { leader, leaderSince, queue, threads } = seen();
    assert.equal([leader, leaderSince, queue], [-1, threads[0]!.since, null]);
    gate.release();
    await Promise.all(answers);
    await until('it waits for events', () => seen().leader === 0);
    assert.is(seen().waiting, 0);
    for (const connection of [one, other]) await connection.close();
  }));

test('what workers have not read of their own connections waits for them', () =>
  withPlane({ app: fixture('web'), threads: 3, strategy: 'half-sync-half-async' }, async (plane, port) => {
    plane.record(true);
    using gate = new Gate();
    const seen = () => plane.observer.observe();
    const own = () => seen().threads.map((thread) => thread.own);
    const dealt = () => (own()[1]?.connections ?? 0) + (own()[2]?.connections ?? 0);
    const clients: Client[] = [];
    // A worker that is inside its loop for a millisecond is passed over, so it is not known how many the other one gets first.
    while ([1, 2].some((worker) => (own()[worker]?.connections ?? 0) < 2)) {
      clients.push(await client(port));
      await until('it is dealt', () => dealt() === clients.length);
    }
    assert.is(own()[0], null, 'the acceptor has none');
    const answers = [clients[0]!.get(`/hold?gate=${gate.path}`)];
    await gate.entered(1);
    const { id } = seen().threads.find(({ route }) => route !== '')!;
    for (const one of clients.slice(1)) answers.push(one.get('/text'));
    await until('all its others wait for it', () => {
      const { threads, waiting } = seen();
      const { own } = threads[id]!;
      return own!.waiting === own!.connections - 1 && waiting === own!.waiting;
    });
    gate.release();
    await Promise.all(answers);
    await until('nothing waits', () => seen().waiting === 0);
    assert.is(seen().queue!.current, 0);
    await Promise.all(clients.map((one) => one.close()));
  }));

test('a reader that falls behind counts what it missed', () =>
  withPlane({ threads: 1 }, async (plane, port) => {
    plane.record(true);
    const reader = plane.observer.readTransitions();
    const one = await client(port);
    const made = () => total(plane.observer.observe(), ({ counters }) => counters.promotions);
    while (made() < 3000) await one.get('/hello');
    const { transitions, missed } = reader.next();
    assert.ok(missed[0]! > 0);
    assert.ok(transitions.length <= 4095);
    assert.equal(reader.next().missed, [0]);
    await one.close();
  }));

test.run();
