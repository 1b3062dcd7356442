/** The dashboard of a real server: it shows what the server does, answers whatever the threads do, and closes last. */
import { createServer as createTcpServer } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CLOSE_SERVER_STOPS } from '../../../lib/dashboard/protocol.js';
import { createServer } from '../../../lib/index.js';
import { checkTrace } from '../../../scripts/trace-check.js';
import { DashboardProbe } from '../../support/dashboard/probe.js';
import { parseMetrics } from '../../support/dashboard/prometheus.js';
import { Gate } from '../../support/server/gate.js';
import { fixture, Running } from '../../support/server/running.js';
import { range, until, within } from '../../support/server/wait.js';

const dashboard = { port: 0 };

/** Requests `path` again and again on some connections until it is disposed of. */
async function load(running: Running, path: string, connections: number): Promise<AsyncDisposable> {
  const clients = await running.connectMany(connections);
  let going = true;
  const loops = clients.map(async (client) => {
    while (going) await client.get(path);
  });
  return {
    async [Symbol.asyncDispose]() {
      going = false;
      await Promise.all(loops);
    },
  };
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const other = createTcpServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  await new Promise((resolve) => other.close(resolve));
  return port;
}

test('without the option there is no dashboard', async () => {
  await using running = await Running.start('web', { threads: 1 });
  assert.is(running.server.dashboard, null);
});

test('the dashboard shows what the server does', async () => {
  await using running = await Running.start('web', { threads: 3, dashboard });
  await using probe = new DashboardProbe(running);
  const { host, port, url } = running.server.dashboard!;
  assert.is(url, `http://${host}:${port}/#${probe.token}`);
  const subscriber = await probe.openClient();
  await running.get('/text');
  const frame = await subscriber.frame('the request', ({ threads }) =>
    threads.some(({ counters }) => counters.requests! > 0),
  );
  assert.is(frame.set, 'serving');
  const { app, threads, load: mayLoad, strategy } = subscriber.hello;
  assert.match(app, /fixtures\/server\/web\.js$/);
  assert.equal([threads, mayLoad, strategy.name], [3, false, 'leader-followers']);
  const listed = (await (await probe.get('/api/threads')).json()) as { id: number; requests: number }[];
  assert.equal(
    listed.map(({ id }) => id),
    [0, 1, 2],
  );
  assert.is(
    listed.reduce((sum, { requests }) => sum + requests, 0),
    1,
  );
  const metrics = parseMetrics(await (await probe.get('/metrics')).text());
  const requests = metrics.get('paceline_requests_total')!.samples.reduce((sum, { value }) => sum + value, 0);
  assert.is(requests, 1);
});

test('with every thread blocked frames continue and warn of the route by name, and /healthz answers', async () => {
  await using running = await Running.start('web', { threads: 2, dashboard });
  await using probe = new DashboardProbe(running);
  using gate = new Gate();
  const subscriber = await probe.openClient();
  const held = (await running.connectMany(2)).map((client) => client.get(`/hold?gate=${gate.path}`));
  await gate.entered(2);
  const frame = await subscriber.frame('the warning', ({ warnings }) =>
    warnings.some(({ id }) => id === 'all-blocked'),
  );
  assert.equal(
    frame.threads.map(({ state }) => state),
    ['processing', 'processing'],
  );
  for (const { route } of frame.threads) assert.match(route, /^GET \/hold\?gate=/);
  assert.match(frame.warnings.find(({ id }) => id === 'all-blocked')!.what, /GET \/hold/);
  for (const path of ['/healthz', '/metrics', '/api/threads']) assert.is((await probe.get(path)).status, 200);
  const { seq } = await subscriber.frame('come');
  await subscriber.frame('come ten times more', (later) => later.seq >= seq + 10);
  assert.equal(checkTrace(await (await probe.get('/api/trace?ms=0')).text()).faults, []);
  assert.is(gate.arrivals, 2, 'nobody left the gate meanwhile');
  gate.release(2);
  await Promise.all(held);
  await subscriber.frame('no warning any more', ({ warnings }) => warnings.length === 0);
});

test('a trace and the metrics of a server under load are valid', async () => {
  await using running = await Running.start('web', { threads: 4, dashboard });
  await using probe = new DashboardProbe(running);
  await using _fast = await load(running, '/text', 8);
  await using _later = await load(running, '/async', 4);
  const [trace, metrics] = await Promise.all([
    probe.get('/api/trace?ms=1000').then((response) => response.text()),
    probe.get('/metrics').then((response) => response.text()),
  ]);
  const { faults, summary } = checkTrace(trace);
  assert.equal(faults, [], summary);
  assert.match(summary, / of 4 threads /);
  parseMetrics(metrics);
});

test('the death of a thread is shown with its reason', async () => {
  await using running = await Running.start('web', { threads: 2, dashboard });
  await using probe = new DashboardProbe(running);
  const subscriber = await probe.openClient();
  const client = await running.connect();
  void client.get('/uncaught').catch(() => {});
  const { warnings } = await subscriber.frame('the death', (frame) =>
    frame.warnings.some(({ id }) => id === 'thread-died'),
  );
  assert.match(
    warnings.find(({ id }) => id === 'thread-died')!.what,
    /^Thread [01] died .*: thrown in a timer\.$/,
  );
});

test('while the app loads the server is alive and not ready', async () => {
  const port = await freePort();
  const server = createServer({ app: fixture('loads-late'), threads: 1, dashboard: { port } });
  using gate = new Gate();
  process.env.PACELINE_SPEC_GATE = gate.path;
  const listening = server.listen({ port: 0 });
  await gate.entered(1);
  const get = (path: string) =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } });
  assert.is((await get('/healthz')).status, 200);
  const ready = await get('/readyz');
  assert.equal([ready.status, await ready.text()], [503, 'starting\n']);
  gate.release();
  await listening;
  assert.is((await get('/readyz')).status, 200);
  await server.close();
});

test('while the server drains the dashboard works and /readyz is 503; the dashboard closes last', async () => {
  const running = await Running.start('web', { threads: 2, dashboard });
  await using probe = new DashboardProbe(running);
  using gate = new Gate();
  const subscriber = await probe.openClient();
  const client = await running.connect();
  const held = client.get(`/hold?gate=${gate.path}`);
  await gate.entered(1);
  const closed = running.server.close({ drainMs: 60_000 });
  const frame = await subscriber.frame('the draining', ({ set }) => set === 'draining');
  assert.is(frame.load.fast, 0);
  const ready = await probe.get('/readyz');
  assert.equal([ready.status, await ready.text()], [503, 'draining\n']);
  for (const path of ['/healthz', '/metrics', '/api/threads'])
    assert.is((await probe.get(path)).status, 200, path);
  assert.ok(running.server.dashboard !== null);
  gate.release();
  await held;
  await client.close();
  await closed;
  assert.is(await subscriber.closed, CLOSE_SERVER_STOPS);
  assert.is(running.server.dashboard, null);
  await probe.get('/healthz').then(
    () => assert.unreachable('it still answers'),
    () => {},
  );
});

test('a dashboard port that is taken fails the start, and nothing is left listening', async () => {
  const other = createTcpServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  const appPort = await freePort();
  const server = createServer({ app: fixture('web'), threads: 1, dashboard: { port } });
  const error = await server.listen({ port: appPort }).catch((thrown: Error & { code: string }) => thrown);
  assert.is((error as { code: string }).code, 'PACELINE_ADDRESS_IN_USE');
  assert.match((error as Error).message, /for the dashboard is taken/);
  assert.is(server.dashboard, null);
  await fetch(`http://127.0.0.1:${appPort}/text`).then(
    () => assert.unreachable('the app listens'),
    () => {},
  );
  const fallback = createServer({
    app: fixture('web'),
    threads: 1,
    dashboard: { port, anyPortIfTaken: true },
  });
  await fallback.listen({ port: 0 });
  assert.is.not(fallback.dashboard!.port, port);
  await fallback.close();
  await new Promise((resolve) => other.close(resolve));
});

test('a start that fails leaves no dashboard', async () => {
  const port = await freePort();
  const server = createServer({ app: fixture('throws'), threads: 1, dashboard: { port } });
  await server.listen({ port: 0 }).then(
    () => assert.unreachable('it started'),
    () => {},
  );
  assert.is(server.dashboard, null);
  await fetch(`http://127.0.0.1:${port}/healthz`).then(
    () => assert.unreachable('the dashboard is left'),
    () => {},
  );
});

test('a dashboard that other machines can reach causes a warning', async () => {
  await using running = await Running.start('web', { threads: 1, dashboard: { host: '0.0.0.0', port: 0 } });
  assert.match(
    running.log.map(({ message }) => message).join(),
    /the dashboard listens on 0\.0\.0\.0: who reaches it/,
  );
  await using quiet = await Running.start('web', { threads: 1, dashboard });
  assert.equal(
    quiet.log.filter(({ level }) => level === 'warn').map(({ message }) => message),
    [],
  );
});

test("the demo's load makes requests until it is stopped", async () => {
  const server = createServer({ threads: 4, dashboard });
  await server.listen({ port: 0 });
  {
    await using probe = new DashboardProbe({ server });
    const subscriber = await probe.openClient();
    await subscriber.frame('come');
    assert.equal([subscriber.hello.app, subscriber.hello.load], ['demo', true]);
    subscriber.send({ type: 'load', kind: 'fast', on: true });
    const loaded = await subscriber.frame('requests', ({ point }) => point.requests > 0);
    assert.ok(loaded.load.fast > loaded.at, 'it says when it ends');
    assert.equal([loaded.load.blocking, loaded.load.cpu], [0, 0]);
    subscriber.send({ type: 'load', kind: 'blocking', on: true });
    await subscriber.frame('a blocked thread', ({ threads }) =>
      threads.some(({ route }) => route === 'GET /block?ms=*'),
    );
    subscriber.send({ type: 'load', kind: 'fast', on: false });
    subscriber.send({ type: 'load', kind: 'blocking', on: false });
    await subscriber.frame('neither load', ({ load: { fast, blocking } }) => fast === 0 && blocking === 0);
    await until('the load is gone', () => server.connections === 0);
    subscriber.send({ type: 'load', kind: 'cpu', on: true });
    await subscriber.frame('the load on the CPU', ({ threads }) =>
      threads.some(({ route }) => route === 'GET /spin?ms=*'),
    );
  }
  // With a load under way: it stops with the server.
  await within('the server closes', server.close({ drainMs: 5000 }));
});

test('many pages come and go while the server works', async () => {
  await using running = await Running.start('web', { threads: 2, dashboard });
  await using probe = new DashboardProbe(running);
  await using _load = await load(running, '/text', 2);
  for (const _round of range(5)) {
    const viewers = await Promise.all(range(8).map(() => probe.openClient()));
    await Promise.all(viewers.map((subscriber) => subscriber.frame('come')));
    await Promise.all(viewers.map((subscriber) => subscriber.close()));
  }
  assert.is((await probe.get('/healthz')).status, 200);
});

test.run();
