/**
 * The verdict on a real server, whose threads really block: its words, the figures, the warnings, /readyz and the metrics agree, and all of
 * them are true.
 */
import { connect } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Frame, MARKS } from '../../../lib/dashboard/protocol.js';
import { DashboardProbe } from '../../support/dashboard/probe.js';
import { parseMetrics } from '../../support/dashboard/prometheus.js';
import type { DashboardClient } from '../../support/dashboard/test-dashboard.js';
import { Gate } from '../../support/server/gate.js';
import { Running } from '../../support/server/running.js';
import { range, WATCHDOG_MS } from '../../support/server/wait.js';

const dashboard = { port: 0 };
const THREADS = 4;

/** What /readyz and /metrics say. */
interface Said {
  readonly ready: string;
  readonly level: string;
  readonly free: number;
  readonly waiting: number;
}

async function ask(probe: DashboardProbe): Promise<Said> {
  const ready = await probe.get('/readyz');
  const families = parseMetrics(await (await probe.get('/metrics')).text());
  const samples = (family: string) => families.get(family)!.samples;
  const levels = samples('paceline_health').filter(({ value }) => value === 1);
  assert.is(levels.length, 1, 'one level');
  return {
    ready: `${ready.status} ${(await ready.text()).trimEnd()}`,
    level: levels[0]!.labels.level!,
    free: samples('paceline_threads_free')[0]!.value,
    waiting: samples('paceline_requests_waiting')[0]!.value,
  };
}

/** Asks until the answers are these: the metrics may be half a second old. */
async function says(probe: DashboardProbe, expected: Said): Promise<void> {
  const endMs = performance.now() + WATCHDOG_MS;
  let said = await ask(probe);
  while (JSON.stringify(said) !== JSON.stringify(expected) && performance.now() < endMs)
    said = await ask(probe);
  assert.equal(said, expected);
}

/** Within each frame, all that is said of health agrees. */
function agree(frames: readonly Frame[]): void {
  for (const { verdict, warnings, free, waiting, threads, at } of frames) {
    assert.ok(verdict.text.toLowerCase().startsWith(`${verdict.level}: `), verdict.text);
    assert.equal(
      warnings.map(({ id }) => id),
      verdict.reasons,
    );
    const rows = threads.filter(
      ({ state, heldMs, busy }) => state !== 'dead' && state !== 'starting' && heldMs === 0 && busy < 0.9,
    );
    assert.is(free, rows.length);
    const said = /(\d+) of (\d+) threads? free/.exec(verdict.text);
    if (said !== null) assert.equal([Number(said[1]), Number(said[2])], [free, threads.length]);
    else assert.is(verdict.level, 'outage');
    const waits = /(\d+|no) requests? waits?/.exec(verdict.text);
    if (waits !== null) assert.is(waits[1] === 'no' ? 0 : Number(waits[1]), waiting);
    for (const { heldMs, requestSince, state } of threads) {
      assert.ok(heldMs === 0 || state === 'processing');
      if (heldMs > 0 && requestSince > 0) assert.ok(Math.abs(at - requestSince - heldMs) < 0.01);
    }
  }
}

/** Has so many threads held by requests at the gate. @returns their answers */
async function hold(running: Running, gate: Gate, threads: number): Promise<Promise<unknown>[]> {
  const before = gate.arrivals;
  const answers: Promise<unknown>[] = [];
  for (const index of range(threads)) {
    const answer = (await running.connect()).get(`/hold?gate=${gate.path}`);
    // It fails too if something before it has failed, and would hide that.
    answer.catch(() => {});
    answers.push(answer);
    await gate.entered(before + index + 1);
  }
  return answers;
}

const withLevel = (client: DashboardClient, level: string): Promise<Frame> =>
  client.frame(level, ({ verdict }) => verdict.level === level);

test('healthy, degraded by a long handler, and healthy again', async () => {
  await using running = await Running.start('web', { threads: THREADS, dashboard });
  await using probe = new DashboardProbe(running);
  using gate = new Gate();
  const client = await probe.openClient();
  const healthy = await withLevel(client, 'healthy');
  assert.is(healthy.verdict.text, 'Healthy: 4 of 4 threads free');
  assert.equal([healthy.errorRate, healthy.slowest], [null, null]);
  await says(probe, { ready: '200 serving', level: 'healthy', free: 4, waiting: 0 });

  const answers = await hold(running, gate, 1);
  const held = await client.frame('a held thread', ({ free }) => free === 3);
  assert.is(held.verdict.text, 'Healthy: 3 of 4 threads free');
  const { verdict, slowest, threads } = await withLevel(client, 'degraded');
  assert.match(
    verdict.text,
    /^Degraded: thread \d held by GET \/hold\?gate=\* for \d+\.\d s; 3 of 4 threads free$/,
  );
  assert.equal(verdict.reasons, ['long-handler']);
  const { id, heldMs } = threads.find((thread) => thread.heldMs > 0)!;
  assert.equal(slowest, { ms: heldMs, route: 'GET /hold?gate=*', running: true, thread: id });
  await says(probe, { ready: '200 serving, degraded: long-handler', level: 'degraded', free: 3, waiting: 0 });

  gate.release();
  await Promise.all(answers);
  const after = await withLevel(client, 'healthy');
  assert.ok(after.slowest !== null && !after.slowest.running && after.slowest.ms > 1000);
  assert.equal([after.slowest.route, after.slowest.thread], ['GET /hold?gate=*', id]);
  assert.is(after.errorRate, 0);
  await says(probe, { ready: '200 serving', level: 'healthy', free: 4, waiting: 0 });
  agree(client.frames);
});

test('with one free thread left the server is degraded, and not ready if it was told so', async () => {
  await using running = await Running.start('web', { threads: THREADS, dashboard, readyWhenDegraded: false });
  await using probe = new DashboardProbe(running);
  using gate = new Gate();
  const client = await probe.openClient();
  const answers = await hold(running, gate, 3);
  const frame = await client.frame('few free threads', ({ verdict }) =>
    verdict.reasons.includes('few-free-threads'),
  );
  assert.is(frame.free, 1);
  assert.is(await running.get('/text'), 'hello', 'it still answers');
  await says(probe, {
    ready: '503 degraded: few-free-threads, long-handler',
    level: 'degraded',
    free: 1,
    waiting: 0,
  });
  gate.release(3);
  await Promise.all(answers);
  await withLevel(client, 'healthy');
  agree(client.frames);
});

test('an outage names the route, its duration and the requests that wait, wherever they wait', async () => {
  await using running = await Running.start('web', { threads: THREADS, dashboard });
  await using probe = new DashboardProbe(running);
  using gate = new Gate();
  const client = await probe.openClient();
  const accepted = await running.connectMany(3);
  for (const one of accepted) await one.get('/text');
  const answers = await hold(running, gate, THREADS);
  const waits = accepted.map((one) => one.get('/text'));
  const late = await running.connectMany(5);
  waits.push(...late.map((one) => one.get('/text')));

  const outage = await client.frame(
    'the outage',
    ({ verdict, waiting }) => verdict.level === 'outage' && waiting === 8,
  );
  assert.match(
    outage.verdict.text,
    /^Outage: all 4 threads held by GET \/hold for \d+\.\d s; 8 requests wait$/,
  );
  assert.is(outage.free, 0);
  await says(probe, {
    ready: '503 outage: all-blocked',
    level: 'outage',
    free: 0,
    waiting: 8,
  });
  const later = await client.frame('come');
  assert.is(later.verdict.since, outage.verdict.since, 'since when is kept');
  const shortest = Math.min(...later.threads.map(({ heldMs }) => heldMs));
  assert.ok(later.verdict.text.includes(` for ${(shortest / 1000).toFixed(1)} s;`), later.verdict.text);

  gate.release(THREADS);
  await Promise.all([...answers, ...waits]);
  const { waiting } = await withLevel(client, 'healthy');
  assert.is(waiting, 0);
  await says(probe, { ready: '200 serving', level: 'healthy', free: 4, waiting: 0 });
  agree(client.frames);
});

test('a death degrades for some time, and is in one frame', async () => {
  await using running = await Running.start('web', { threads: THREADS, dashboard });
  await using probe = new DashboardProbe(running);
  const client = await probe.openClient();
  void (await running.connect()).get('/uncaught').catch(() => {});
  const { verdict, deaths } = await client.frame('the death', ({ deaths }) => deaths.length > 0);
  assert.is(verdict.level, 'degraded');
  assert.ok(verdict.reasons.includes('thread-died'));
  assert.match(verdict.text, /^Degraded: (.*, and|thread) .* free/);
  assert.is(deaths.length, 1);
  assert.is(deaths[0]!.reason, 'thrown in a timer');
  await client.frame('the replacement', ({ free }) => free === THREADS);
  await says(probe, { ready: '200 serving, degraded: thread-died', level: 'degraded', free: 4, waiting: 0 });
  assert.equal(
    client.frames.flatMap(({ deaths }) => deaths),
    deaths,
  );
  const other = await probe.openClient();
  await other.frame('come');
  assert.equal(other.hello.deaths, deaths);
  agree(client.frames);
});

test('a limit that is near degrades, until it is no longer', async () => {
  await using running = await Running.start('web', { threads: 2, dashboard, maxConnections: 20 });
  await using probe = new DashboardProbe(running);
  const client = await probe.openClient();
  const sockets = range(17).map(() => connect(running.target as { host: string; port: number }));
  const { verdict } = await withLevel(client, 'degraded');
  assert.is(verdict.text, 'Degraded: the table of connections is 85 % full; 2 of 2 threads free');
  await says(probe, { ready: '200 serving, degraded: connections', level: 'degraded', free: 2, waiting: 0 });
  for (const socket of sockets) socket.destroy();
  await withLevel(client, 'healthy');
  agree(client.frames);
});

test('two long requests in a row in one thread are two: each has its own time, and something is between them', async () => {
  await using running = await Running.start('web', { threads: 1, dashboard });
  await using probe = new DashboardProbe(running);
  using gate = new Gate();
  const client = await probe.openClient();
  const connection = await running.connect();
  const request = `GET /hold?gate=${gate.path} HTTP/1.1\r\nhost: a\r\n\r\n`;
  void connection.send(request + request);
  await gate.entered(1);
  const first = await client.frame('the first', ({ threads }) => threads[0]!.heldMs > 400);
  gate.release();
  await gate.entered(2);
  const isSecond = ({ threads }: Frame) => threads[0]!.requestSince > first.at;
  const second = await client.frame('the second', (frame) => isSecond(frame) && frame.threads[0]!.heldMs > 0);
  assert.ok(second.threads[0]!.heldMs < second.at - first.at);
  const began = second.threads[0]!.requestSince;
  gate.release();
  await connection.answer();
  await connection.answer();
  const isNear = (at: number) => Math.abs(at - began) < 1;
  const between = client.frames.flatMap(({ transitions, marks }) => [
    ...transitions.filter(([, , , at]) => isNear(at)).map(() => 'transition'),
    ...marks.filter(([, , at]) => isNear(at)).map(([, kind]) => MARKS[kind]),
  ]);
  assert.ok(between.length > 0, 'a transition or a mark');
});

test.run();
