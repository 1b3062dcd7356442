/**
 * The timeouts of requests: a client that takes too long is answered or closed, and only that one. What must *not* end is
 * compared with a control connection that began later and has timed out: so a whole timeout has passed, however slow the
 * machine is.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gate } from '../../support/server/gate.js';
import type { Client } from '../../support/server/http-client.js';
import { Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

const APP = '../http/patience';
const SHORT_MS = 200;
const PARTIAL_HEAD = 'GET /text HTTP/1.1\r\nhost: te';
const REST_OF_HEAD = 'st\r\n\r\n';
const PARTIAL_BODY = 'POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\nabc';
const OFF = { headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 0, sendTimeout: 0 };
const ALL_SHORT = {
  headersTimeout: SHORT_MS,
  requestTimeout: SHORT_MS,
  keepAliveTimeout: SHORT_MS,
  sendTimeout: SHORT_MS,
};

async function isAnswered408(client: Client): Promise<void> {
  const answer = await client.answer();
  assert.is(answer.status, 408);
  assert.is(answer.headers.get('connection'), 'close');
  assert.is((await client.rest()).length, 0);
}

/** Sends `bytes` again and again, slowly, until the server has answered or ended the connection. */
async function dribble(client: Client, bytes: string): Promise<void> {
  while (client.waiting === 0 && !client.ended) {
    await client.send(bytes);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Resolves when a connection that begins a head now has timed out. */
async function headTimeoutPasses(running: Running): Promise<void> {
  const control = await running.connect();
  await control.send(PARTIAL_HEAD);
  await isAnswered408(control);
}

// ---- headersTimeout ---------------------------------------------------------------------------------------------------

test('a head that stays unfinished is answered with 408 and the connection is closed', async () => {
  await using running = await Running.start(APP, { ...OFF, threads: 2, headersTimeout: SHORT_MS });
  await headTimeoutPasses(running);
  await running.connections(0);
});

test('a head that arrives byte by byte without an end is answered with 408', async () => {
  await using running = await Running.start(APP, { ...OFF, threads: 3, headersTimeout: SHORT_MS });
  const client = await running.connect();
  await client.send(PARTIAL_HEAD);
  await dribble(client, 'x');
  await isAnswered408(client);
  await running.connections(0);
});

test('a head whose parts were taken by several threads is answered with 408', async () => {
  await using running = await Running.start(APP, { ...OFF, threads: 2, headersTimeout: SHORT_MS });
  using firstGate = new Gate();
  using secondGate = new Gate();
  const [client, first, second] = await running.connectMany(3);
  await first!.send(`GET /hold?gate=${firstGate.path} HTTP/1.1\r\nhost: test\r\n\r\n`);
  await firstGate.entered(1);
  // Only the other thread can take this part, and is then blocked by the request behind it.
  await client!.send('GET /text HTTP/1.1\r\nho');
  await second!.send(`GET /hold?gate=${secondGate.path} HTTP/1.1\r\nhost: test\r\n\r\n`);
  await secondGate.entered(1);
  firstGate.release();
  assert.is((await first!.answer()).text, 'held');
  // And only the first one this.
  await client!.send('st: te');
  await isAnswered408(client!);
  secondGate.release();
  assert.is((await second!.answer()).text, 'held');
});

test('a connection on which nothing was ever sent is closed without an answer', async () => {
  await using running = await Running.start(APP, { ...OFF, threads: 2, headersTimeout: SHORT_MS });
  const client = await running.connect();
  assert.is((await client.rest()).length, 0);
  assert.is(client.error, null);
  await running.connections(0);
});

test('the head of a later request has a timeout of its own, which begins with its first byte', async () => {
  await using running = await Running.start(APP, { ...OFF, threads: 2, headersTimeout: SHORT_MS });
  const client = await running.connect();
  assert.is((await client.get('/text')).text, 'hello');
  // The pause between the requests is longer than a head may take.
  await headTimeoutPasses(running);
  assert.is((await client.get('/text')).text, 'hello');
  await client.send(PARTIAL_HEAD);
  await isAnswered408(client);
});

test('a complete head stops its timeout', async () => {
  await using running = await Running.start(APP, { ...OFF, threads: 2, headersTimeout: SHORT_MS });
  const client = await running.connect();
  await client.send(PARTIAL_BODY);
  await headTimeoutPasses(running);
  await client.send('defghi');
  assert.is((await client.answer()).text, 'abcdefghi');
});

// ---- requestTimeout ---------------------------------------------------------------------------------------------------

const BODIES: [what: string, head: string, more: string][] = [
  ['of known length', 'content-length: 1000000\r\n\r\nabc', 'x'],
  ['in chunks', 'transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n', '1\r\nx\r\n'],
];

for (const [what, head, more] of BODIES) {
  test(`a body ${what} that stays unfinished is answered with 408, and its handler gets an error`, async () => {
    await using running = await Running.start(APP, { ...OFF, threads: 1, requestTimeout: SHORT_MS });
    for (const dribbles of [false, true]) {
      const client = await running.connect();
      await client.send(`POST /echo HTTP/1.1\r\nhost: test\r\n${head}`);
      if (dribbles) await dribble(client, more);
      await isAnswered408(client);
    }
    await running.connections(0);
    assert.is(
      await running.get('/events'),
      JSON.stringify(Array(2).fill('body failed: AbortError PACELINE_CLIENT_GONE')),
    );
  });

  test(`the body ${what} of a later request has a timeout of its own`, async () => {
    await using running = await Running.start(APP, { ...OFF, threads: 2, requestTimeout: SHORT_MS });
    const client = await running.connect();
    assert.is((await client.get('/text')).text, 'hello');
    await client.send(`POST /echo HTTP/1.1\r\nhost: test\r\n${head}`);
    await isAnswered408(client);
  });
}

test('a response that has begun is cut off when the rest of its request does not come', async () => {
  await using running = await Running.start(APP, { ...OFF, threads: 2, requestTimeout: SHORT_MS });
  const client = await running.connect();
  await client.send('POST /echo-stream HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\nabc');
  const bytes = (await client.rest()).toString();
  assert.match(bytes, /^HTTP\/1\.1 200 OK\r\n/);
  assert.not.match(bytes, /0\r\n\r\n$/);
  await running.connections(0);
});

test('requestTimeout also ends a head where headersTimeout is off', async () => {
  await using running = await Running.start(APP, { ...OFF, threads: 2, requestTimeout: SHORT_MS });
  for (const before of [false, true]) {
    const client = await running.connect();
    if (before) assert.is((await client.get('/text')).text, 'hello');
    await client.send(PARTIAL_HEAD);
    await isAnswered408(client);
  }
});

// ---- keepAliveTimeout -------------------------------------------------------------------------------------------------

test('a connection that is idle between requests is closed without an answer', async () => {
  await using running = await Running.start(APP, { ...OFF, threads: 2, keepAliveTimeout: SHORT_MS });
  for (const path of ['/text', '/await']) {
    using gate = new Gate();
    const client = await running.connect();
    gate.release();
    assert.is((await client.get(`${path}?gate=${gate.path}`)).status, 200);
    assert.is((await client.rest()).length, 0);
    assert.is(client.error, null);
  }
  await running.connections(0);
});

test('a request in time restarts the timeout', async () => {
  // Long enough for this process to send the next request in time, whatever else the machine does.
  await using running = await Running.start(APP, { ...OFF, threads: 2, keepAliveTimeout: 1500 });
  const [client, control] = await running.connectMany(2);
  await Promise.all([client!.get('/text'), control!.get('/text')]);
  let requests = 0;
  for (; !control!.ended; requests++) assert.is((await client!.get('/text')).text, 'hello');
  assert.ok(requests > 0);
  assert.is((await client!.get('/text')).text, 'hello');
});

test('the timeout of an idle connection is not affected by others that are served and closed', async () => {
  await using running = await Running.start(APP, { ...OFF, threads: 4, keepAliveTimeout: SHORT_MS });
  const clients = await running.connectMany(50);
  for (const client of clients) assert.is((await client.get('/text')).text, 'hello');
  await Promise.all(clients.map((client) => client.rest()));
  await running.connections(0);
});

// ---- handlers ---------------------------------------------------------------------------------------------------------

for (const path of ['/hold', '/await']) {
  test(`a handler at ${path} that takes longer than all timeouts is not cut`, async () => {
    await using running = await Running.start(APP, { ...ALL_SHORT, threads: 2 });
    using gate = new Gate();
    const client = await running.connect();
    const answer = client.get(`${path}?gate=${gate.path}`);
    await gate.entered(1);
    await headTimeoutPasses(running);
    const idle = await running.connect();
    await idle.get('/text');
    await idle.rest();
    gate.release();
    assert.is((await answer).status, 200);
    // The timeout of the next request begins with the answer.
    assert.is((await client.rest()).length, 0);
  });
}

test('timeouts hold while all threads but one are blocked', async () => {
  await using running = await Running.start(APP, { ...ALL_SHORT, threads: 4 });
  using gate = new Gate();
  const held = await running.connectMany(3);
  const answers = held.map((client) => client.get(`/hold?gate=${gate.path}`));
  await gate.entered(3);
  const [silent, head, body, idle] = await running.connectMany(4);
  await Promise.all([head!.send(PARTIAL_HEAD), body!.send(PARTIAL_BODY)]);
  assert.is((await idle!.get('/text')).text, 'hello');
  await Promise.all([isAnswered408(head!), isAnswered408(body!)]);
  for (const client of [silent!, idle!]) assert.is((await client.rest()).length, 0);
  gate.release(3);
  for (const answer of await Promise.all(answers)) assert.is(answer.text, 'held');
});

test('a timeout of 0 means no timeout', async () => {
  await using running = await Running.start(APP, { ...OFF, threads: 2 });
  await using other = await Running.start(APP, { ...ALL_SHORT, threads: 2 });
  const [silent, head, body, idle] = await running.connectMany(4);
  await Promise.all([head!.send(PARTIAL_HEAD), body!.send(PARTIAL_BODY)]);
  assert.is((await idle!.get('/text')).text, 'hello');
  for (const _round of range(2)) await headTimeoutPasses(other);
  await Promise.all([head!.send(REST_OF_HEAD), body!.send('defghi')]);
  assert.is((await head!.answer()).text, 'hello');
  assert.is((await body!.answer()).text, 'abcdefghi');
  for (const client of [silent!, idle!]) assert.is((await client.get('/text')).text, 'hello');
});

test('the leader handles ticks that find nothing due inline: no follower is woken for them', async () => {
  // The open connections have deadlines far away; the other timeout makes the tick short.
  await using running = await Running.start(APP, {
    ...OFF,
    threads: 3,
    sendTimeout: 40,
    keepAliveTimeout: 60_000,
  });
  const held = await running.connectMany(5);
  for (const client of held) await client.get('/text');
  const sum = (name: 'events' | 'promotions' | 'wakeUps') =>
    running.server.threads().reduce((total, thread) => total + thread[name], 0);
  const before = { events: sum('events'), promotions: sum('promotions'), wakeUps: sum('wakeUps') };
  await until('forty ticks', () => sum('events') >= before.events + 40);
  // A leader also yields to its own event loop, where V8 has work from time to time.
  assert.ok(sum('promotions') - before.promotions < 20, 'leadership stays where it is');
  assert.ok(sum('wakeUps') - before.wakeUps < 20);
  assert.ok((await held[0]!.get('/text')).status === 200, 'nobody was ended');
});

test.run();
