/** What is counted and said of the requests that are under way at the end of the drain time. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gate } from '../../support/server/gate.js';
import { Running } from '../../support/server/running.js';
import { until } from '../../support/server/wait.js';

const SHORT_MS = 100;
const LONG_MS = 60_000;

const warnings = ({ log }: Running) => log.filter(({ level }) => level === 'warn' || level === 'error');

const cutOf = ({ server }: Running) =>
  server.threads().reduce((sum, { requestsCut }) => sum + requestsCut, 0);

test('requests that await are named by their routes, without their queries', async () => {
  await using running = await Running.start('web', { threads: 2 });
  using gate = new Gate();
  const clients = await running.connectMany(3);
  for (const client of clients)
    await client.send(`GET /never?token=secret&gate=${gate.path} HTTP/1.1\r\nhost: test\r\n\r\n`);
  await gate.entered(3);
  await running.server.close({ drainMs: SHORT_MS });
  for (const client of clients) assert.is((await client.rest()).length, 0);
  const [summary, ...others] = warnings(running);
  assert.equal(others, []);
  assert.is(summary!.message, 'closed; 3 requests were cut after 0.1 s: GET /never (3)');
  assert.equal(summary!.fields, { requests: 3, routes: { 'GET /never': 3 } });
  assert.is(cutOf(running), 3);
});

test('a response that its client does not accept is cut, as is a stream', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const clients = await running.connectMany(2);
  for (const { socket } of clients) socket.pause();
  await clients[0]!.send('GET /large-bytes?bytes=8000000 HTTP/1.1\r\nhost: test\r\n\r\n');
  await clients[1]!.send('GET /stream?chunks=200 HTTP/1.1\r\nhost: test\r\n\r\n');
  const requests = () => running.server.threads().reduce((sum, thread) => sum + thread.requests, 0);
  await until('both responses have begun', () => requests() === 2);
  await running.server.close({ drainMs: SHORT_MS });
  const message = 'closed; 2 requests were cut after 0.1 s: GET /stream and 1 more';
  assert.is(warnings(running)[0]!.message, message);
});

test('a request that blocks its thread is cut with it', async () => {
  await using running = await Running.start('web', { threads: 2 });
  using gate = new Gate();
  const client = await running.connect();
  await client.send(`GET /hold?gate=${gate.path} HTTP/1.1\r\nhost: test\r\n\r\n`);
  await gate.entered(1);
  // The gate blocks in a native call, which returns before the terminated thread ends.
  const closing = running.server.close({ drainMs: SHORT_MS });
  await until('its thread is terminated', () => warnings(running).length > 0);
  gate.release();
  await closing;
  assert.is((await client.rest()).length, 0);
  const [terminated, summary] = warnings(running).map(({ message }) => message);
  assert.match(
    terminated!,
    /^thread \d has not ended after the drain time, and is terminated: it is inside GET \/hold$/,
  );
  assert.is(summary, 'closed; 1 request was cut after 0.1 s: GET /hold');
  assert.is(cutOf(running), 1);
});

test('nothing is said where every response was sent, or nothing was under way', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const client = await running.connect();
  await client.get('/text');
  await client.send('GET /text HTTP/1.1\r\n');
  await running.server.close({ drainMs: SHORT_MS });
  assert.equal(warnings(running), []);
  const other = await Running.start('web', { threads: 2 });
  await other.server.close({ drainMs: LONG_MS });
  assert.equal(warnings(other), []);
});

test.run();
