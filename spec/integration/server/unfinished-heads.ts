/** The pool's blocks with unfinished heads: as many as the bytes need, and none once the head is complete or its client has left. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BLOCK_BYTES, BLOCK_COUNT } from '../../../lib/memory/layout.js';
import { createServer } from '../../../lib/server.js';
import type { Client, Target } from '../../support/server/http-client.js';
import { fixture, Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

const HEAD = `GET /text HTTP/1.1\r\nhost: test\r\nx-long: ${'x'.repeat(2 * BLOCK_BYTES)}`;
const BLOCKS = Math.ceil(HEAD.length / BLOCK_BYTES);

const inUse = (running: Running, blocks: number): Promise<void> =>
  until(`${blocks} blocks are in use`, () => running.server.pool()!.current === blocks);

test('an unfinished head takes blocks until it is finished', async () => {
  await using running = await Running.start('web', { threads: 3 });
  assert.equal(running.server.pool(), { current: 0, peak: 0, limit: BLOCK_COUNT });
  const client = await running.connect();
  await client.send(HEAD);
  await inUse(running, BLOCKS);
  await client.send('\r\n\r\n');
  assert.is((await client.answer()).text, 'hello');
  await inUse(running, 0);
  assert.equal(running.server.pool(), { current: 0, peak: BLOCKS, limit: BLOCK_COUNT });
});

for (const [how, leave] of [
  ['closed', 'destroy'],
  ['reset', 'resetAndDestroy'],
  ['ended', 'end'],
] as const) {
  test(`it takes none once its client has ${how} the connection`, async () => {
    await using running = await Running.start('web', { threads: 3 });
    const clients = await running.connectMany(5);
    await Promise.all(clients.map((client) => client.send(HEAD)));
    await inUse(running, 5 * BLOCKS);
    for (const { socket } of clients) socket[leave]();
    await running.connections(0);
    await inUse(running, 0);
  });
}

test('it takes none once it has timed out', async () => {
  await using running = await Running.start('web', { threads: 2, headersTimeout: 100 });
  const client = await running.connect();
  await client.send(HEAD);
  assert.is((await client.answer()).status, 408);
  await inUse(running, 0);
});

test('however many heads one address leaves unfinished, a head of another that comes in two pieces is served', async () => {
  await using running = await Running.start('web', { threads: 1, maxHeaderSize: 65_535 });
  const blocks = 31;
  const long = `GET /text HTTP/1.1\r\nhost: test\r\nx-long: `.padEnd(blocks * BLOCK_BYTES, 'x');
  const [other, later] = [await running.connect(), await running.connect()];
  const attackers: Client[] = [];
  // More than the pool has room for.
  while (attackers.length * blocks < BLOCK_COUNT * 1.05) {
    const wave = await Promise.all(
      range(50).map(() => running.connect({ localAddress: '127.0.0.66' } as Partial<Target>)),
    );
    await Promise.all(wave.map((client) => client.send(long)));
    attackers.push(...wave);
    await other.send(HEAD);
    // The only thread has saved the first piece once it answers a later request.
    assert.is((await later.get('/text')).status, 200);
    await other.send('\r\n\r\n');
    const answer = await other.answer();
    assert.is(answer.status, 200, `after ${attackers.length}`);
  }
  // The refused ones were answered.
  const refused = running.server.threads().reduce((sum, { headsRefused }) => sum + headsRefused, 0);
  assert.ok(refused > 0);
  await until('they are answered', () => attackers.filter(({ waiting }) => waiting > 0).length >= refused);
  for (const client of attackers.filter(({ waiting }) => waiting > 0))
    assert.ok([408, 503].includes((await client.answer()).status));
  const { current, limit } = running.server.pool()!;
  assert.ok(current < limit, `${current} of ${limit}`);
  const warnings = running.log.filter(({ level }) => level === 'warn');
  assert.ok(warnings.length > 0);
  for (const { message } of warnings) assert.match(message, /memory for (them|unfinished heads) is/);
});

test('there is no pool before the server listens', () => {
  assert.is(createServer({ app: fixture('web') }).pool(), null);
});

test.run();
