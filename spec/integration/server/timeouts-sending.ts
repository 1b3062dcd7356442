/** Timeouts while the server sends, or has been busy: readers that do not read, and clients that are not to blame. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gate } from '../../support/server/gate.js';
import { Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

const APP = '../http/patience';
const SHORT_MS = 300;
const MIB = 1024 * 1024;
const LARGE_BYTES = 40 * MIB;
const OFF = { headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 0, sendTimeout: 0 };

const folder = mkdtempSync(join(tmpdir(), 'paceline-timeouts-'));
writeFileSync(join(folder, 'large.bin'), '');
truncateSync(join(folder, 'large.bin'), LARGE_BYTES);
test.after(() => rmSync(folder, { recursive: true }));

const WITH_FILES = `${APP}?root=${encodeURIComponent(folder)}`;
const RESPONSES = [`/large?bytes=${LARGE_BYTES}`, '/endless', '/large.bin'];

/** A connection whose client requests something large and reads none of it. */
async function standStill(running: Running, path: string) {
  const client = await running.connect();
  client.socket.pause();
  await client.send(`GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`);
  return client;
}

/** Resolves once so many responses have begun since the server started. */
function begun(running: Running, count: number): Promise<void> {
  const total = () => running.server.threads().reduce((sum, { requests }) => sum + requests, 0);
  return until(`${count} responses have begun`, () => total() >= count);
}

// ---- sendTimeout ------------------------------------------------------------------------------------------------------

for (const path of RESPONSES) {
  test(`a reader of ${path} that does not read loses its connection, and others are served`, async () => {
    await using running = await Running.start(WITH_FILES, { ...OFF, threads: 2, sendTimeout: SHORT_MS });
    const other = await running.connect();
    const clients = await Promise.all(range(5).map(() => standStill(running, path)));
    await begun(running, 5);
    while (running.server.connections > 1) assert.is((await other.get('/text')).text, 'hello');
    for (const client of clients) client.socket.resume();
    for (const client of clients) assert.ok((await client.rest()).length < LARGE_BYTES);
    assert.is((await other.get('/text')).text, 'hello');
  });
}

test('the source of a stream whose client does not read is cancelled', async () => {
  await using running = await Running.start(APP, { ...OFF, threads: 1, sendTimeout: SHORT_MS });
  await standStill(running, '/endless');
  await begun(running, 1);
  await running.connections(0);
  assert.is(await running.get('/events'), '["endless cancelled"]');
});

test('memory queued for clients that do not read is released', async () => {
  await using running = await Running.start(APP, { ...OFF, threads: 2, sendTimeout: SHORT_MS });
  const rounds = 8;
  const before = process.memoryUsage.rss();
  for (const round of range(rounds)) {
    await Promise.all(range(4).map(() => standStill(running, `/large?bytes=${LARGE_BYTES}`)));
    await begun(running, 4 * (round + 1));
    await running.connections(0);
  }
  // All of it together would be three times as much.
  const all = rounds * 4 * LARGE_BYTES;
  assert.ok(process.memoryUsage.rss() - before < all / 3, `${process.memoryUsage.rss() - before} of ${all}`);
});

for (const path of RESPONSES.filter((response) => response !== '/endless')) {
  test(`a reader of ${path} that is slow but steady gets everything, however long it takes`, async () => {
    // Long enough for this process to read on in time, whatever else the machine does.
    await using running = await Running.start(WITH_FILES, { ...OFF, threads: 2, sendTimeout: 1500 });
    const still = await standStill(running, path);
    const steady = await standStill(running, path);
    await begun(running, 2);
    // A little at a time, until the connection that does not read has been cut.
    const pause = () => steady.socket.pause();
    steady.socket.on('data', pause);
    while (running.server.connections > 1) {
      assert.ok(steady.waiting < LARGE_BYTES / 2);
      steady.socket.resume();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    steady.socket.off('data', pause);
    steady.socket.resume();
    assert.is((await steady.answer()).body.length, LARGE_BYTES);
    still.socket.resume();
  });
}

test('a short keepAliveTimeout does not cut a slow reader whose request ended during the response', async () => {
  await using running = await Running.start(APP, { ...OFF, threads: 2, keepAliveTimeout: SHORT_MS });
  const client = await running.connect();
  client.socket.pause();
  const path = `/large?bytes=${LARGE_BYTES}`;
  await client.send(`POST ${path} HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\nabc`);
  await begun(running, 1);
  await client.send('defghi');
  for (const _round of range(3)) {
    const control = await running.connect();
    await control.get('/text');
    assert.is((await control.rest()).length, 0);
  }
  client.socket.resume();
  assert.is((await client.answer()).body.length, LARGE_BYTES);
});

test('the keepAliveTimeout begins when the last byte of the response is sent', async () => {
  await using running = await Running.start(WITH_FILES, { ...OFF, threads: 2, keepAliveTimeout: SHORT_MS });
  for (const path of [`/large?bytes=${LARGE_BYTES}`, '/large.bin']) {
    const client = await standStill(running, path);
    for (const _round of range(3)) {
      const control = await running.connect();
      await control.get('/text');
      assert.is((await control.rest()).length, 0);
    }
    client.socket.resume();
    assert.is((await client.answer()).body.length, LARGE_BYTES, path);
    assert.is((await client.rest()).length, 0);
  }
});

// ---- a server that was busy -----------------------------------------------------------------------------------------

const STALL_TIMEOUT_MS = 1000;
/** Not to win a race: more than the timeout has to pass while all threads are blocked, so no event can announce it. */
const stall = () => new Promise((resolve) => setTimeout(resolve, 2.5 * STALL_TIMEOUT_MS));

test('a connection is kept after a handler during which all threads were blocked for longer than the timeout', async () => {
  await using running = await Running.start(APP, { ...OFF, threads: 1, keepAliveTimeout: STALL_TIMEOUT_MS });
  using gate = new Gate();
  const client = await running.connect();
  const answer = client.get(`/hold?gate=${gate.path}`);
  await gate.entered(1);
  await stall();
  gate.release();
  assert.is((await answer).text, 'held');
  assert.is((await client.get('/text')).text, 'hello');
});

test('requests that waited while all threads were blocked for longer than the timeouts are answered', async () => {
  const timeouts = { headersTimeout: STALL_TIMEOUT_MS, requestTimeout: STALL_TIMEOUT_MS };
  await using running = await Running.start(APP, { ...OFF, ...timeouts, threads: 1 });
  using gate = new Gate();
  const kept = await running.connect();
  assert.is((await kept.get('/text')).text, 'hello');
  const first = await running.connect();
  const answer = first.get(`/hold?gate=${gate.path}`);
  await gate.entered(1);
  // One on a kept-alive connection, one on a new connection, and one of which only the body is missing.
  const late = await running.connect();
  const answers = [kept.get('/text'), late.get('/text')];
  await stall();
  gate.release();
  assert.is((await answer).text, 'held');
  for (const one of answers) assert.is((await one).text, 'hello');
});

// ---- maxRequestsPerSocket -------------------------------------------------------------------------------------------

test('the last request that a connection may make is answered with `connection: close`', async () => {
  await using running = await Running.start(APP, { threads: 3, maxRequestsPerSocket: 3 });
  for (const _round of range(2)) {
    const client = await running.connect();
    for (const number of range(3)) {
      const answer = await client.get('/text');
      assert.is(answer.text, 'hello');
      assert.is(answer.headers.get('connection'), number === 2 ? 'close' : undefined);
    }
    assert.is((await client.rest()).length, 0);
  }
  await running.connections(0);
});

test('pipelined requests beyond the last one are not processed', async () => {
  await using running = await Running.start(APP, { threads: 3, maxRequestsPerSocket: 2 });
  const client = await running.connect();
  await client.send('GET /text HTTP/1.1\r\nhost: test\r\n\r\n'.repeat(5));
  assert.is((await client.answer()).headers.get('connection'), undefined);
  assert.is((await client.answer()).headers.get('connection'), 'close');
  assert.is((await client.rest()).length, 0);
  await running.connections(0);
  const requests = running.server.threads().reduce((sum, thread) => sum + thread.requests, 0);
  assert.is(requests, 2);
});

test('a maxRequestsPerSocket of 0 is no limit', async () => {
  await using running = await Running.start(APP, { threads: 2, maxRequestsPerSocket: 0 });
  const client = await running.connect();
  for (const _request of range(300)) {
    const answer = await client.get('/text');
    assert.is(answer.headers.get('connection'), undefined);
  }
});

test.run();
