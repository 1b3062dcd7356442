/** I6: close() finishes what is in flight, cuts off what does not end, and resolves. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { PacelineError } from '../../../lib/errors.js';
import { createServer } from '../../../lib/server.js';
import { Gate } from '../../support/server/gate.js';
import { Client } from '../../support/server/http-client.js';
import { fixture, Running } from '../../support/server/running.js';
import { until } from '../../support/server/wait.js';

const LONG_MS = 60_000;
const SHORT_MS = 100;

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'resolved',
    (error: PacelineError) => error.code,
  );

for (const path of ['/hold', '/hold-later']) {
  test(`close() waits for the response of ${path}, and its client gets all of it`, async () => {
    await using running = await Running.start('web', { threads: 2 });
    using gate = new Gate();
    const client = await running.connect();
    const answer = client.get(`${path}?gate=${gate.path}`);
    await gate.entered(1);
    let closed = false;
    const closing = running.server.close({ drainMs: LONG_MS }).then(() => {
      closed = true;
    });
    await until('new connections are refused', () => running.server.connections === 1);
    assert.is(closed, false);
    gate.release();
    const { status, text, headers } = await answer;
    assert.is(status, 200);
    assert.match(text, /^\d$/);
    assert.is(headers.get('connection'), 'close', 'the client is told not to use the connection again');
    assert.is((await client.rest()).length, 0);
    await closing;
    assert.is(running.server.connections, 0);
  });
}

test('close() waits for a large response to a slow reader', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const client = await running.connect();
  client.socket.pause();
  const before = running.server.threads();
  await client.send('GET /large-bytes?bytes=8000000 HTTP/1.1\r\nhost: test\r\n\r\n');
  await until('the response has begun', () =>
    running.server.threads().some(({ requests }, id) => requests > before[id]!.requests),
  );
  const closing = running.server.close({ drainMs: LONG_MS });
  client.socket.resume();
  assert.is((await client.answer()).body.length, 8_000_000);
  await client.rest();
  await closing;
});

test('close() waits for a streamed response that began before', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const client = await running.connect();
  client.socket.pause();
  await client.send('GET /stream?chunks=200 HTTP/1.1\r\nhost: test\r\n\r\n');
  await until('the response has begun', () => running.server.threads().some(({ requests }) => requests > 0));
  const closing = running.server.close({ drainMs: LONG_MS });
  client.socket.resume();
  assert.is((await client.answer()).body.length, 200 * 64 * 1024);
  await client.rest();
  await closing;
});

test('idle keep-alive connections are closed at once', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const clients = await running.connectMany(50);
  await Promise.all(clients.map((client) => client.get('/text')));
  const untouched = await running.connect();
  await running.connections(51);
  // If it waited for any of them, the watchdog would fail the spec.
  const closing = running.server.close({ drainMs: LONG_MS });
  for (const client of [...clients, untouched]) assert.is((await client.rest()).length, 0);
  await closing;
});

test('the first request of a connection that was made before is answered', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const [idle, untouched] = await running.connectMany(2);
  await idle!.get('/text');
  await running.connections(2);
  const closing = running.server.close({ drainMs: LONG_MS });
  // By then the threads have looked at all connections.
  await idle!.rest();
  const { status, headers } = await untouched!.get('/text');
  assert.equal([status, headers.get('connection')], [200, 'close']);
  await closing;
});

test('close() refuses new connections while it drains', async () => {
  await using running = await Running.start('web', { threads: 2 });
  using gate = new Gate();
  const client = await running.connect();
  const answer = client.get(`/hold?gate=${gate.path}`);
  await gate.entered(1);
  const closing = running.server.close({ drainMs: LONG_MS });
  let refused = '';
  while (refused === '') {
    // Until the listening handle is closed the kernel still takes connections, which then end unserved.
    const late = await Client.connect(running.target).catch((error: NodeJS.ErrnoException) => {
      refused = error.code!;
    });
    if (late !== undefined) await late.close();
  }
  assert.is(refused, 'ECONNREFUSED');
  gate.release();
  assert.is((await answer).status, 200);
  await closing;
});

test('past drainMs an async handler that never ends is cut off', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const client = await running.connect();
  await client.send('GET /never HTTP/1.1\r\nhost: test\r\n\r\n');
  await running.connections(1);
  await running.server.close({ drainMs: SHORT_MS });
  assert.is((await client.rest()).length, 0);
  assert.equal(
    running.server.threads().map(({ state }) => state),
    ['dead', 'dead'],
  );
});

test('past drainMs synchronous handlers that never end are cut off', async () => {
  await using running = await Running.start('web', { threads: 3 });
  using gate = new Gate();
  const clients = await running.connectMany(3);
  for (const client of clients) {
    await client.send(`GET /forever HTTP/1.1\r\nhost: test\r\nx-gate: ${gate.path}\r\n\r\n`);
  }
  await gate.entered(3);
  gate.release(3);
  await running.server.close({ drainMs: SHORT_MS });
  for (const client of clients) assert.is((await client.rest()).length, 0);
  assert.is(running.server.connections, 0);
});

test('close({ drainMs: 0 }) ends at once, whatever is in flight', async () => {
  await using running = await Running.start('web', { threads: 3 });
  const clients = await running.connectMany(3);
  for (const path of ['/forever', '/never', '/text']) {
    await clients.pop()!.send(`GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`);
  }
  await running.connections(3);
  await running.server.close({ drainMs: 0 });
  assert.is(running.server.connections, 0);
});

test('a request that is half sent when draining begins is still answered', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const client = await running.connect();
  await client.send('GET /text HTTP/1.1\r\nhos');
  // Events are taken in order: a thread has taken its part before this one, and no thread is inside it afterwards.
  assert.is(await running.get('/text'), 'hello');
  await running.idle();
  const closing = running.server.close({ drainMs: LONG_MS });
  await client.send('t: test\r\n\r\n');
  const { text, headers } = await client.answer();
  assert.is(text, 'hello');
  assert.is(headers.get('connection'), 'close');
  await closing;
});

test('listen() works once, and close() any number of times', async () => {
  const server = createServer({ app: fixture('web'), threads: 1 });
  assert.throws(
    () => server.address(),
    (error: PacelineError) => error.code === 'PACELINE_STATE',
  );
  const listening = server.listen({ port: 0 });
  assert.is(await codeOf(server.listen({ port: 0 })), 'PACELINE_STATE');
  assert.is(await codeOf(server.close()), 'PACELINE_STATE', 'not while listen() is under way');
  await listening;
  assert.is(await codeOf(server.listen({ port: 0 })), 'PACELINE_STATE');
  assert.is(await codeOf(server.close({ drainMs: -1 })), 'PACELINE_OPTION');
  assert.is(await codeOf(server.close({ drainMs: Number.NaN })), 'PACELINE_OPTION');
  const first = server.close();
  assert.is(server.close(), first);
  await first;
  await server.close();
  assert.is(await codeOf(server.listen({ port: 0 })), 'PACELINE_STATE');
});

test('close() before listen() resolves, and the server does not listen after it', async () => {
  const server = createServer({ app: fixture('web'), threads: 1 });
  await server.close();
  assert.equal(server.threads(), []);
  assert.is(await codeOf(server.listen({ port: 0 })), 'PACELINE_STATE');
});

test('`await using` closes the server', async () => {
  let target = { host: '', port: 0 };
  {
    await using server = createServer({ app: fixture('web'), threads: 1 });
    await server.listen({ port: 0 });
    const { address, port } = server.address() as { address: string; port: number };
    target = { host: address, port };
    await (await Client.connect(target)).close();
  }
  assert.is(await codeOf(Client.connect(target)), 'ECONNREFUSED');
});

test.run();
