/** What a server reports of its threads: states, transitions, starts; and its address. */
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Transition } from '../../../lib/observe/observation.js';
import { createServer } from '../../../lib/server.js';
import { Client } from '../../support/server/http-client.js';
import { fixture, Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

/** The arrows of lib/set/thread-state.ts; a follower processes hand-offs and its own loop's work, too. */
const LEGAL = new Set([
  'starting follower',
  'follower leader',
  'follower processing',
  'leader processing',
  'leader follower',
  'processing leader',
  'processing follower',
  'follower dead',
  'leader dead',
  'processing dead',
  'starting dead',
  'dead starting',
]);

function checkSequences(transitions: readonly Transition[], threads: number): void {
  for (const thread of range(threads)) {
    const own = transitions.filter((transition) => transition.thread === thread);
    let lastTime = 0;
    for (const [index, { from, to, time }] of own.entries()) {
      assert.ok(LEGAL.has(`${from} ${to}`), `thread ${thread}: ${from} to ${to}`);
      const before = own[index - 1];
      if (before !== undefined) assert.is(from, before.to, `thread ${thread}, ${index}`);
      assert.ok(time >= lastTime, 'time does not go back');
      lastTime = time;
    }
  }
}

test('transitions follow the state diagram, thread by thread', async () => {
  await using running = await Running.start('web', { threads: 3 });
  const transitions: Transition[] = [];
  running.server.on('transition', (transition) => transitions.push(transition));
  // The listener is noticed in a microtask; from then on the threads record.
  await Promise.resolve();
  const clients = await running.connectMany(4);
  for (const round of range(20)) {
    const path = round % 3 === 0 ? '/async' : '/text';
    await Promise.all(clients.map((client) => client.get(path)));
    // Fewer are recorded between two polls than the ring holds.
    const count = transitions.length;
    await until('they are told', () => transitions.length > count);
  }
  await running.server.close();
  checkSequences(transitions, 3);
  for (const wanted of ['follower leader', 'leader processing']) {
    assert.ok(
      transitions.some(({ from, to }) => `${from} ${to}` === wanted),
      wanted,
    );
  }
  assert.ok(
    transitions.every(({ time }) => Math.abs(time - Date.now()) < 60_000),
    'times are of this day',
  );
});

test('transitions of a replacement begin with its start', async () => {
  await using running = await Running.start('web', { threads: 2 });
  await running.idle();
  const transitions: Transition[] = [];
  const starts: number[] = [];
  running.server.on('transition', (transition) => transitions.push(transition));
  running.server.on('threadStart', ({ thread }) => starts.push(thread));
  await Promise.resolve();
  const victim = await running.connect();
  await victim.send('GET /exit HTTP/1.1\r\nhost: test\r\n\r\n');
  await until('a replacement started', () => starts.length === 1);
  // A thread's first start may be reported, too: late, if recording was switched on in the middle of it.
  const sinceDeath = () => {
    const replaced = transitions.findIndex(({ from }) => from === 'dead');
    return replaced < 0 ? [] : transitions.slice(replaced);
  };
  await until('its start is reported', () => sinceDeath().some(({ from }) => from === 'starting'));
  await running.server.close();
  checkSequences(transitions, 2);
  assert.is(sinceDeath().find(({ from }) => from === 'starting')!.thread, starts[0]);
});

test('nothing is recorded once the last listener is removed', async () => {
  await using running = await Running.start('web', { threads: 2 });
  let count = 0;
  const listener = () => count++;
  running.server.on('transition', listener);
  await Promise.resolve();
  await running.get('/text');
  await until('something is told', () => count > 0);
  running.server.off('transition', listener);
  await Promise.resolve();
  const before = count;
  for (const _round of range(20)) await running.get('/text');
  assert.is(count, before);
});

test('threadStart is emitted for every thread before listen() resolves, and threads() shows them', async () => {
  const server = createServer({ app: fixture('web'), threads: 3 });
  const starts: number[] = [];
  server.on('threadStart', ({ thread }) => starts.push(thread));
  assert.equal(server.threads(), []);
  await server.listen({ port: 0 });
  assert.equal(starts.sort(), [0, 1, 2]);
  assert.equal(
    server.threads().map(({ id }) => id),
    [0, 1, 2],
  );
  assert.is(server.protocol, 'http');
  await server.close();
  assert.equal(
    server.threads().map(({ state }) => state),
    ['dead', 'dead', 'dead'],
  );
});

test('requests and errors are counted', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const client = await running.connect();
  for (const path of ['/text', '/throw', '/async', '/text']) await client.get(path);
  await running.idle();
  const sum = (name: 'requests' | 'errors') =>
    running.server.threads().reduce((total, thread) => total + thread[name], 0);
  assert.is(sum('requests'), 4);
  assert.is(sum('errors'), 1);
});

const hasIPv6 = Object.values(networkInterfaces()).some((all) =>
  all!.some(({ address }) => address === '::1'),
);

(hasIPv6 ? test : test.skip)('a server listens on IPv6 and knows its clients there', async () => {
  await using server = createServer({ app: fixture('web'), threads: 2 });
  await server.listen({ host: '::1', port: 0 });
  const { address, family, port } = server.address() as { address: string; family: string; port: number };
  assert.is(address, '::1');
  assert.is(family, 'IPv6');
  const client = await Client.connect({ host: '::1', port });
  assert.ok(isIPv6((await client.get('/address')).text));
  await client.send('GET /url HTTP/1.0\r\n\r\n');
  assert.is((await client.answer()).text, `http://[::1]:${port}/url`);
  await client.close();
});

test('a name is resolved, and port 0 is any free one', async () => {
  await using server = createServer({ app: fixture('web'), threads: 1 });
  await server.listen({ host: 'localhost', port: 0 });
  const { address, port } = server.address() as { address: string; port: number };
  assert.match(address, /^(127\.0\.0\.1|::1)$/);
  assert.ok(port > 0);
});

test.run();
