/** I10: one dispatch to a connection is bounded in work and in time, whatever its client and its app do. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BYTES_IN, BYTES_OUT } from '../../../lib/memory/sums.js';
import { deadlineOf } from '../../../lib/set/handle-record.js';
import { BOUND, IDLE, READABLE } from '../../../lib/set/handle-table.js';
import { HandlerHarness } from '../../support/connection/handler-harness.js';
import { until } from '../../support/server/wait.js';

const GET = 'GET / HTTP/1.1\r\nhost: test\r\n\r\n';
const KIB = 1024;
const MIB = 1024 * KIB;
/** Far more than any dispatch may take, and than there are dispatches in a spec. */
const MANY = 10_000;

function burn(ms: number): void {
  for (const endMs = performance.now() + ms; performance.now() < endMs; );
}

/** Counts what happens in each dispatch, until nothing is left to go on with. @returns the counts */
function countDispatches(harness: HandlerHarness, fd: number, count: () => number): number[] {
  const counts: number[] = [];
  let before = 0;
  const next = (): void => {
    counts.push(count() - before);
    before = count();
  };
  harness.event(fd);
  next();
  while (harness.proceed()) {
    next();
    assert.ok(counts.length < MANY);
  }
  return counts;
}

test('pipelined requests are served some at a time, and all of them in the end', async () => {
  let requests = 0;
  using harness = HandlerHarness.http(() => String(requests++));
  const { client, fd } = await harness.connect();
  let answers = '';
  client.on('data', (bytes) => {
    answers += bytes;
  });
  harness.send(client, GET.repeat(200));
  const counts = countDispatches(harness, fd, () => requests);
  assert.is(requests, 200);
  assert.ok(Math.max(...counts) <= 32, counts.join());
  await until('all answers are here', () => answers.split('HTTP/1.1 200').length === 201);
  assert.equal(
    answers
      .split('\r\n\r\n')
      .slice(1)
      .map((text) => Number.parseInt(text, 10)),
    Array.from({ length: 200 }, (_, index) => index),
  );
  assert.is(harness.context.table.state(fd), IDLE, 'it belongs to no thread afterwards');
});

test('pipelined requests that take long are served few at a time', async () => {
  let requests = 0;
  using harness = HandlerHarness.http(() => {
    burn(2);
    return String(requests++);
  });
  const { client, fd } = await harness.connect();
  harness.send(client, GET.repeat(30));
  const counts = countDispatches(harness, fd, () => requests);
  assert.is(requests, 30);
  // 5 ms, begun with the last one.
  assert.ok(Math.max(...counts) <= 4, counts.join());
  assert.ok(Math.min(...counts.slice(0, -1)) >= 1, 'each dispatch makes progress');
});

test('a request that is slow by itself is the only one of its dispatch', async () => {
  let requests = 0;
  using harness = HandlerHarness.http(() => {
    burn(10);
    return String(requests++);
  });
  const { client, fd } = await harness.connect();
  harness.send(client, GET.repeat(3));
  assert.equal(
    countDispatches(harness, fd, () => requests).filter((count) => count > 0),
    [1, 1, 1],
  );
});

test('a body that its sender keeps coming is received some at a time', async () => {
  let received = 0;
  using harness = HandlerHarness.http(async (request) => {
    received = (await request.arrayBuffer()).byteLength;
    return 'got it';
  });
  const { client, fd } = await harness.connect();
  const head = `POST / HTTP/1.1\r\nhost: test\r\ncontent-length: ${8 * MIB}\r\n\r\n`;
  harness.send(client, Buffer.concat([Buffer.from(head), Buffer.alloc(8 * MIB)]));
  const { sums } = harness.context;
  let most = 0;
  await until('the body is here', () => {
    const before = sums[BYTES_IN]!;
    if (!harness.proceed()) harness.event(fd);
    most = Math.max(most, sums[BYTES_IN]! - before);
    return received > 0;
  });
  // 16 receives of a whole buffer. The kernel had more than that ready.
  assert.ok(most <= 16 * 80 * KIB, `${most}`);
  assert.is(received, 8 * MIB);
});

test('a body in chunks of one byte is parsed some at a time', async () => {
  let received = '';
  using harness = HandlerHarness.http(async (request) => {
    received = await request.text();
    return 'got it';
  });
  const { client, fd } = await harness.connect();
  const head = 'POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n';
  harness.send(client, `${head}${'1\r\nx\r\n'.repeat(5000)}0\r\n\r\n`);
  harness.event(fd);
  assert.is(harness.deferred.length, 1, 'there is more to parse');
  let dispatches = 1;
  while (harness.proceed()) dispatches++;
  assert.ok(dispatches >= 5000 / 1024, `${dispatches} dispatches`);
  await until('the body is here', () => received !== '');
  assert.is(received, 'x'.repeat(5000));
});

test('a client that keeps sending after the last response is discarded some at a time', async () => {
  using harness = HandlerHarness.http(() => 'bye');
  const { client, fd } = await harness.connect();
  harness.send(client, GET.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'));
  harness.event(fd);
  assert.is(harness.context.table.state(fd), IDLE, 'it lingers');
  const deadline = deadlineOf(harness.context.table, fd);
  harness.send(client, Buffer.alloc(8 * MIB));
  harness.event(fd);
  assert.is(harness.deferred.length, 1, 'there is more to discard');
  assert.is(harness.context.table.state(fd), BOUND);
  assert.is(deadlineOf(harness.context.table, fd), deadline, 'the deadline stands');
  while (harness.proceed()) {}
  assert.is(harness.context.table.state(fd), IDLE);
  assert.is(deadlineOf(harness.context.table, fd), deadline);
});

test('events that come whenever a connection is about to be left do not keep its thread', async () => {
  using harness = HandlerHarness.http(() => 'hello');
  const { client, fd } = await harness.connect();
  const { table } = harness.context;
  const leave = table.leave.bind(table);
  let looks = 0;
  // Something has come each time.
  table.leave = (left) => (looks++ < MANY ? READABLE : leave(left));
  harness.send(client, GET);
  harness.event(fd);
  assert.ok(looks <= 64, `${looks}`);
  assert.is(harness.deferred.length, 1);
  assert.is(harness.proceed(), true);
  assert.is(table.state(fd), IDLE);
});

test('a stream that always has a chunk is sent chunk by chunk', async () => {
  using harness = HandlerHarness.http(
    () => new Response(new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(KIB)) })),
  );
  const { client, fd } = await harness.connect();
  client.resume();
  harness.send(client, GET);
  const { sums } = harness.context;
  let most = 0;
  harness.event(fd);
  for (let dispatches = 0; dispatches < 100; dispatches++) {
    const before = sums[BYTES_OUT]!;
    await until('there is more of it', () => harness.deferred.length > 0);
    harness.proceed();
    most = Math.max(most, sums[BYTES_OUT]! - before);
  }
  assert.ok(most > 0 && most < 2 * KIB, `${most}`);
});

test('what a large response has waiting is sent some at a time', async () => {
  using harness = HandlerHarness.http(() => new Uint8Array(64 * MIB));
  const { client, fd } = await harness.connect();
  let bytes = 0;
  client.on('data', (chunk) => {
    bytes += chunk.length;
  });
  harness.send(client, GET);
  const { sums } = harness.context;
  harness.event(fd);
  let sent = sums[BYTES_OUT]!;
  assert.ok(sent <= 8 * MIB + KIB, `${sent}`);
  await until('all of it is here', () => {
    if (!harness.proceed()) harness.event(fd);
    assert.ok(sums[BYTES_OUT]! - sent <= 8 * MIB + KIB);
    sent = sums[BYTES_OUT]!;
    return bytes > 64 * MIB;
  });
});

// ---- raw TCP ----------------------------------------------------------------------------------------------------------

test('a raw TCP client that keeps sending is received some at a time', async () => {
  let calls = 0;
  using harness = HandlerHarness.tcp({ data: () => void calls++ });
  const { client, fd } = await harness.connect();
  harness.send(client, Buffer.alloc(8 * MIB));
  const { sums } = harness.context;
  harness.event(fd);
  const first = sums[BYTES_IN]!;
  assert.ok(calls <= 16 && first <= MIB, `${calls} calls, ${first} bytes`);
});

test('a raw TCP handler that takes long gets few chunks at a time', async () => {
  let calls = 0;
  using harness = HandlerHarness.tcp({
    data: () => {
      burn(3);
      calls++;
    },
  });
  const { client, fd } = await harness.connect();
  harness.send(client, Buffer.alloc(8 * MIB));
  harness.event(fd);
  assert.ok(calls >= 1 && calls <= 3, `${calls} calls`);
  assert.is(harness.deferred.length, 1);
});

test('a raw TCP client that keeps sending after the end is discarded some at a time', async () => {
  using harness = HandlerHarness.tcp({ data: (connection) => connection.end('bye') });
  const { client, fd } = await harness.connect();
  harness.send(client, 'x');
  harness.event(fd);
  const deadline = deadlineOf(harness.context.table, fd);
  harness.send(client, Buffer.alloc(8 * MIB));
  harness.event(fd);
  assert.is(harness.deferred.length, 1, 'there is more to discard');
  assert.is(deadlineOf(harness.context.table, fd), deadline);
  while (harness.proceed()) {}
  assert.is(harness.context.table.state(fd), IDLE);
});

test.run();
