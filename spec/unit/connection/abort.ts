/** An exception that leaves an event handler costs its connection, in whatever state that is, and leaks nothing. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { closeOrphan } from '../../../lib/connection/close.js';
import { CLOSED } from '../../../lib/memory/counters.js';
import { savedBlock } from '../../../lib/set/handle-record.js';
import { BOUND, FREE, IDLE, PEER_ENDED, READABLE } from '../../../lib/set/handle-table.js';
import { HandlerHarness } from '../../support/connection/handler-harness.js';
import { until } from '../../support/server/wait.js';

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`;
const REASON = 'leaves the handler';
const fail = (): never => {
  throw new Error(REASON);
};

/** Makes a method of a part of the runtime throw once, as nothing of it should. */
function failOnce<T extends object>(part: T, method: keyof T): void {
  const original = part[method];
  part[method] = (() => {
    part[method] = original;
    return fail();
  }) as T[keyof T];
}

/** The connection is gone, and the next one is served. */
async function gone(harness: HandlerHarness, fd: number, client: Socket): Promise<void> {
  assert.is(harness.context.table.state(fd), FREE);
  assert.is(harness.connections, 0);
  assert.is(harness.context.counters[CLOSED], 1);
  assert.is(harness.context.pool.inUse(), 0);
  assert.equal([...harness.handler.bound!()], []);
  client.resume();
  if (!client.closed) await once(client, 'close');
}

async function serves(harness: HandlerHarness): Promise<void> {
  const { client, fd } = await harness.connect();
  let text = '';
  client.on('data', (bytes) => {
    text += bytes;
  });
  client.write(get('/hello'));
  harness.event(fd);
  await until('it is answered', () => text.endsWith('hello'));
  assert.is(harness.context.table.state(fd), IDLE);
}

test('while its thread is inside it: it is closed, and its request abandoned', async () => {
  let signal: AbortSignal | undefined;
  using harness = HandlerHarness.http((request) => {
    signal = request.signal;
    return request.url.endsWith('/hello') ? 'hello' : Promise.resolve('x');
  });
  const { client, fd } = await harness.connect();
  failOnce(harness.context, 'drainTicks');
  client.write(get('/'));
  assert.throws(() => harness.event(fd), REASON);
  harness.handler.abort!(fd);
  await gone(harness, fd, client);
  assert.is(signal!.aborted, true);
  await serves(harness);
});

test('while it is bound and has an event: its stream is cancelled', async () => {
  let cancelled = 0;
  using harness = HandlerHarness.http((request) =>
    request.url.endsWith('/hello')
      ? 'hello'
      : new Response(new ReadableStream({ cancel: () => void cancelled++ })),
  );
  const { client, fd } = await harness.connect();
  client.write(get('/'));
  harness.event(fd);
  assert.is(harness.context.table.state(fd), BOUND);
  harness.handler.abort!(fd);
  harness.handler.abort!(fd);
  assert.is(cancelled, 1);
  await gone(harness, fd, client);
  await serves(harness);
});

test('while it continues by itself: it is closed, and does not continue', async () => {
  let answer: (text: string) => void = () => {};
  using harness = HandlerHarness.http((request) =>
    request.url.endsWith('/hello') ? 'hello' : new Promise((resolve) => (answer = resolve)),
  );
  const { client, fd } = await harness.connect();
  client.write(get('/'));
  harness.event(fd);
  answer('late');
  await until('it is to continue', () => harness.deferred.length === 1);
  const [work] = harness.deferred.splice(0);
  failOnce(harness.context.recorder, 'requestEnded');
  assert.throws(() => work!.proceed(), REASON);
  work!.abort();
  await gone(harness, fd, client);
  work!.proceed();
  work!.abort();
  harness.handler.abort!(fd);
  await gone(harness, fd, client);
  await serves(harness);
});

test('once it has been left: nothing happens to it', async () => {
  using harness = HandlerHarness.http(() => 'hello');
  const { client, fd } = await harness.connect();
  client.write('GET /hello HT');
  harness.event(fd);
  assert.is(harness.context.table.state(fd), IDLE);
  harness.handler.abort!(fd);
  assert.is(harness.context.table.state(fd), IDLE);
  assert.is(harness.context.pool.inUse(), 1);
  client.write('TP/1.1\r\nhost: test\r\n\r\n');
  let text = '';
  client.on('data', (bytes) => {
    text += bytes;
  });
  await until('the rest is here', () => {
    harness.event(fd);
    return text.endsWith('hello');
  });
});

test('once it has been closed: it is not closed again', async () => {
  using harness = HandlerHarness.http(() => 'hello');
  const { client, fd } = await harness.connect();
  client.end();
  await until('it is closed', () => {
    harness.event(fd, READABLE | PEER_ENDED);
    return harness.connections === 0;
  });
  harness.handler.abort!(fd);
  await gone(harness, fd, client);
});

test('a raw TCP connection is closed, and the app told once', async () => {
  let closed = 0;
  using harness = HandlerHarness.tcp({ data: async () => {}, close: () => void closed++ });
  const { client, fd } = await harness.connect();
  failOnce(harness.context, 'drainTicks');
  client.write('x');
  assert.throws(() => harness.event(fd), REASON);
  harness.handler.abort!(fd);
  harness.handler.abort!(fd);
  assert.is(closed, 1);
  await gone(harness, fd, client);
});

test('while it is being detached from its thread: it is closed, and the app told once', async () => {
  let closed = 0;
  using harness = HandlerHarness.tcp({
    data: (connection) => {
      connection.terminate();
      // The connection is removed from those that are bound to the thread.
      failOnce(Map.prototype, 'delete');
    },
    open: (connection) => connection.bind(),
    close: () => void closed++,
  });
  const { client, fd } = await harness.connect();
  harness.event(fd);
  assert.is(harness.context.table.state(fd), BOUND);
  client.write('x');
  assert.throws(() => harness.event(fd), REASON);
  harness.handler.abort!(fd);
  assert.is(closed, 1);
  await gone(harness, fd, client);
});

// ---- what was saved of a message --------------------------------------------------------------------------------------

test('a thread that dies with a restored message in hand returns its blocks once', async () => {
  let died = false;
  let block = -1;
  using harness: HandlerHarness = HandlerHarness.http(() => {
    const { table, pool } = harness.context;
    block = savedBlock(table, fd);
    // What the control plane does for a thread that dies here.
    closeOrphan({ table, pool }, harness.control, fd);
    died = true;
    return fail();
  });
  const { client, fd } = await harness.connect();
  client.write('GET / HTTP/1.1\r\nx: y');
  harness.event(fd);
  assert.is(harness.context.pool.inUse(), 1);
  client.write('\r\nhost: test\r\n\r\n');
  await until('the rest is here', () => {
    try {
      if (!died) harness.event(fd);
    } catch {
      // The dead thread's handler continues here, with a connection that is closed.
    }
    return died;
  });
  const { pool } = harness.context;
  assert.is(pool.inUse(), 0);
  assert.is(block, 0);
  const bytes = new Uint8Array(10);
  assert.is.not(pool.save(bytes, 0, 10), pool.save(bytes, 0, 10), 'no block is given out twice');
});

test.run();
