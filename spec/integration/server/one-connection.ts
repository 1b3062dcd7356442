/** I3 and I4: one thread at a time is inside a connection, in order, and events that arrive meanwhile are not lost. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gate } from '../../support/server/gate.js';
import type { Client } from '../../support/server/http-client.js';
import { Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

const REQUESTS = 1500;
const CONNECTIONS = 6;
const LARGEST_FRAGMENT = 300;

/** Repeatable "random" numbers below `bound` (a linear congruential generator). */
function random(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 8) % bound;
  };
}

const numbered = (n: number): string => `GET /number?n=${n} HTTP/1.1\r\nhost: test\r\n\r\n`;

async function flood(client: Client, bytes: Buffer, below: (bound: number) => number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + below(LARGEST_FRAGMENT);
    await client.send(bytes.subarray(at, end));
    at = end;
  }
}

test('floods of pipelined requests in random fragments are answered in order, exactly once', async () => {
  await using running = await Running.start('web', { threads: 4 });
  const clients = await running.connectMany(CONNECTIONS);
  const bytes = Buffer.from(range(REQUESTS).map(numbered).join(''));
  const all = clients.map(async (client, index) => {
    const sent = flood(client, bytes, random(index + 1));
    const numbers: number[] = [];
    for (const _n of range(REQUESTS)) numbers.push(Number((await client.answer()).text.split(':')[1]));
    await sent;
    assert.equal(numbers, range(REQUESTS));
    // A second answer to any request would precede this one.
    assert.is((await client.get('/text')).text, 'hello');
    assert.is(client.waiting, 0);
  });
  await Promise.all(all);
});

const eventsOf = (running: Running): number =>
  running.server.threads().reduce((sum, { events }) => sum + events, 0);

test('a request that is split at every byte, each in another thread than the last, is answered', async () => {
  await using running = await Running.start('web', { threads: 2 });
  using one = new Gate();
  using two = new Gate();
  const gates = [one, two];
  const holders = await running.connectMany(2);
  const client = await running.connect();
  await running.idle();
  const freeBefore: string[] = [];
  let held: Promise<{ text: string }> | null = null;
  const request = numbered(7);
  for (const [index, byte] of [...request].entries()) {
    // Blocks the thread that is free now, and releases the one that was blocked.
    const gate = gates[index % 2]!;
    const rounds = Math.floor(index / 2);
    const next = holders[index % 2]!.get(`/hold?gate=${gate.path}`);
    await gate.entered(rounds + 1);
    if (held !== null) {
      gates[(index + 1) % 2]!.release();
      freeBefore.push((await held).text);
    }
    held = next;
    await running.states('leader', 'processing');
    const before = eventsOf(running);
    await client.send(byte);
    await until('the byte was taken', () => eventsOf(running) > before);
    await running.states('leader', 'processing');
  }
  assert.is((await client.answer()).text.split(':')[1], '7');
  for (const [index, thread] of freeBefore.entries()) assert.is(thread, freeBefore[index % 2]);
  assert.is.not(freeBefore[0], freeBefore[1], 'the threads took turns');
  gates[(request.length - 1) % 2]!.release();
  await held;
});

test('requests with bodies that are split at every byte are answered', async () => {
  await using running = await Running.start('web', { threads: 3 });
  const client = await running.connect();
  await running.idle();
  const chunked =
    'POST /echo HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nt: u\r\n\r\n';
  const sized = 'POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\n\r\nfghij';
  for (const byte of chunked + sized + numbered(1)) {
    const before = eventsOf(running);
    await client.send(byte);
    await until('the byte was taken', () => eventsOf(running) > before);
    await running.idle();
  }
  assert.is((await client.answer()).text, 'abcde');
  assert.is((await client.answer()).text, 'fghij');
  assert.match((await client.answer()).text, /^\d:1$/);
});

test('a request that arrives while a handler of its connection blocks is served after it', async () => {
  await using running = await Running.start('web', { threads: 4 });
  using gate = new Gate();
  const client = await running.connect();
  const other = await running.connect();
  for (const round of range(20)) {
    const held = client.get(`/hold?gate=${gate.path}`);
    await gate.entered(round + 1);
    await client.send(numbered(round));
    // The leader has taken events since, so it has seen that one as well.
    await other.get('/text');
    gate.release();
    await held;
    assert.is((await client.answer()).text.split(':')[1], String(round));
  }
});

test('pipelined requests of one connection are never in two threads at once', async () => {
  await using running = await Running.start('web', { threads: 4 });
  using gate = new Gate();
  const client = await running.connect();
  const other = await running.connect();
  const request = `GET /hold?gate=${gate.path} HTTP/1.1\r\nhost: test\r\n\r\n`;
  await client.send(request.repeat(3));
  for (const round of range(3)) {
    await gate.entered(round + 1);
    await client.send(request);
    for (const _again of range(5)) assert.is((await other.get('/text')).text, 'hello');
    assert.is(gate.arrivals, round + 1);
    await running.states('leader', 'follower', 'follower', 'processing');
    gate.release();
    await client.answer();
  }
});

test('a request that follows on a connection with a pending async handler waits for its answer', async () => {
  await using running = await Running.start('web', { threads: 4 });
  using gate = new Gate();
  const client = await running.connect();
  const other = await running.connect();
  await client.send(`GET /hold-later?gate=${gate.path} HTTP/1.1\r\nhost: test\r\n\r\n`);
  await gate.entered(1);
  await client.send(numbered(1) + numbered(2));
  for (const _again of range(5)) await other.get('/text');
  assert.is(client.waiting, 0);
  gate.release();
  assert.match((await client.answer()).text, /^\d$/);
  assert.match((await client.answer()).text, /^\d:1$/);
  assert.match((await client.answer()).text, /^\d:2$/);
});

test.run();
