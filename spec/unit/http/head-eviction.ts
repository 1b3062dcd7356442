/** Unfinished heads: which are evicted once they fill the pool, and that each of them is answered. */
import type { Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HEADS_REFUSED } from '../../../lib/memory/counters.js';
import { BLOCK_BYTES, TICK } from '../../../lib/memory/layout.js';
import { savedBlock, storeDeadline } from '../../../lib/set/handle-record.js';
import { IDLE } from '../../../lib/set/handle-table.js';
import { HandlerHarness } from '../../support/connection/handler-harness.js';
import { range, until } from '../../support/server/wait.js';

/** A pool that is above its high mark with 57 blocks, and is brought down to 52. */
const BLOCKS = 64;
const HIGH = 56;
const TARGET = 52;

const ATTACKER = '127.0.0.66';

interface Unfinished {
  readonly client: Socket;
  readonly fd: number;
  got: string;
}

class Heads {
  readonly harness: HandlerHarness;
  /** Of the next head; all of them are to come. */
  #deadline = 1000;

  constructor(harness: HandlerHarness) {
    this.harness = harness;
  }

  /** A head of so many blocks, begun after all others and left unfinished. */
  async begin(from: string, blocks = 1): Promise<Unfinished> {
    const { harness } = this;
    const { client, fd } = await harness.connect(from);
    const head: Unfinished = { client, fd, got: '' };
    client.on('data', (bytes) => {
      head.got += bytes;
    });
    const start = 'GET / HTTP/1.1\r\nhost: test\r\nx: ';
    harness.send(client, start.padEnd(blocks * BLOCK_BYTES, 'x'));
    const before = harness.context.pool.inUse();
    await until('it is received', () => {
      harness.event(fd);
      return harness.context.pool.inUse() === before + blocks || harness.log.length > 0;
    });
    storeDeadline(harness.context.table, fd, this.#deadline++);
    return head;
  }

  async beginMany(count: number, from: string, blocks = 1): Promise<Unfinished[]> {
    const heads: Unfinished[] = [];
    for (const _head of range(count)) heads.push(await this.begin(from, blocks));
    return heads;
  }

  isWaiting = ({ fd }: Unfinished): boolean => savedBlock(this.harness.context.table, fd) !== 0;

  get refused(): number {
    return this.harness.context.counters[HEADS_REFUSED]!;
  }

  get inUse(): number {
    return this.harness.context.pool.inUse();
  }
}

/** Goes on with what was deferred until nothing is. @returns how often */
function proceedAll(harness: HandlerHarness): number {
  let times = 0;
  while (harness.proceed()) times++;
  return times;
}

const answered = (status: string, heads: Unfinished[]): Promise<void> =>
  until(`all are answered with ${status}`, () =>
    heads.every(({ got }) => got.startsWith(`HTTP/1.1 ${status} `)),
  );

test('up to the high mark one address may have everything', async () => {
  using harness = HandlerHarness.http(() => 'hello', { blocks: BLOCKS });
  const heads = new Heads(harness);
  await heads.beginMany(HIGH, ATTACKER);
  assert.is(proceedAll(harness), 0);
  assert.is(heads.inUse, HIGH);
  assert.equal(harness.log, []);
});

test('above it the address that holds most loses its oldest heads, and no other address any', async () => {
  using harness = HandlerHarness.http(() => 'hello', { blocks: BLOCKS });
  const heads = new Heads(harness);
  // Older than all others.
  const others = [await heads.begin('127.0.0.2', 4), await heads.begin('127.0.0.3', 4)];
  const attackers = await heads.beginMany(HIGH - 8 + 1, ATTACKER);
  assert.is(proceedAll(harness), 1);
  assert.is(heads.inUse, TARGET);
  assert.ok(others.every(heads.isWaiting));
  const gone = HIGH + 1 - TARGET;
  assert.equal(
    attackers.map(heads.isWaiting),
    attackers.map((_, index) => index >= gone),
  );
  await answered('408', attackers.slice(0, gone));
  assert.is(heads.refused, gone);
  assert.equal(
    harness.log.filter(({ level }) => level === 'warn'),
    [
      {
        level: 'warn',
        message: 'the oldest unfinished requests were refused with 408: the memory for them is nearly full',
        fields: { refused: gone, address: ATTACKER, blocks: TARGET, limit: BLOCKS },
      },
    ],
  );
  // The others finish theirs.
  for (const { client, fd, got } of others) {
    assert.is(got, '');
    harness.send(client, '\r\n\r\n');
    await until('the rest is here', () => {
      harness.event(fd);
      return savedBlock(harness.context.table, fd) === 0;
    });
  }
  await answered('200', others);
});

test('addresses that hold more than others lose down to what these hold', async () => {
  using harness = HandlerHarness.http(() => 'hello', { blocks: BLOCKS });
  const heads = new Heads(harness);
  const one = await heads.beginMany(20, '127.0.0.2');
  const two = await heads.beginMany(18, '127.0.0.3');
  const three = await heads.beginMany(HIGH + 1 - 38, '127.0.0.4');
  proceedAll(harness);
  assert.is(heads.inUse, TARGET);
  // Of 20, 18 and 19 five go.
  assert.equal(
    [one, two, three].map((some) => some.filter(heads.isWaiting).length),
    [17, 17, 18],
  );
});

test('where all have one address, as behind a proxy, the oldest go', async () => {
  using harness = HandlerHarness.http(() => 'hello', { blocks: BLOCKS });
  const heads = new Heads(harness);
  const all = await heads.beginMany(HIGH + 1, '127.0.0.1');
  proceedAll(harness);
  assert.equal(
    all.map(heads.isWaiting),
    all.map((_, index) => index >= HIGH + 1 - TARGET),
  );
});

test('the oldest are told from the latest also when the ticks have wrapped', async () => {
  using harness = HandlerHarness.http(() => 'hello', { blocks: BLOCKS });
  const heads = new Heads(harness);
  const all = await heads.beginMany(HIGH + 1, '127.0.0.1');
  const { table } = harness.context;
  for (const [index, { fd }] of all.entries()) storeDeadline(table, fd, (0x7fff_fff0 + index) | 0);
  harness.control[TICK] = 0x7fff_ffe0;
  proceedAll(harness);
  assert.equal(
    all.map(heads.isWaiting),
    all.map((_, index) => index >= HIGH + 1 - TARGET),
  );
});

test('a head for which there is no block is answered with 503, and not cut', async () => {
  using harness = HandlerHarness.http(() => 'hello', { blocks: BLOCKS });
  const heads = new Heads(harness);
  // All of it comes before this thread gets to the eviction.
  await heads.beginMany(BLOCKS / 4, ATTACKER, 4);
  assert.is(heads.inUse, BLOCKS);
  const late = await heads.begin('127.0.0.2');
  await answered('503', [late]);
  assert.is(heads.refused, 1);
  const warned = harness.log.filter(({ level }) => level === 'warn').map(({ message }) => message);
  assert.equal(warned, ['a request was refused with 503: the memory for unfinished heads is full']);
  // There is room for the next.
  proceedAll(harness);
  assert.ok(heads.isWaiting(await heads.begin('127.0.0.2', 2)));
});

test('heads that are finished meanwhile are left alone', async () => {
  using harness = HandlerHarness.http(() => 'hello', { blocks: BLOCKS });
  const heads = new Heads(harness);
  const all = await heads.beginMany(HIGH + 1, ATTACKER);
  const { table } = harness.context;
  const enterIdle = table.enterIdle.bind(table);
  const first = all[0]!;
  // Between the look and the entering its client finishes it, and another thread answers.
  table.enterIdle = (fd, generation, self) => {
    table.enterIdle = enterIdle;
    assert.is(fd, first.fd);
    harness.send(first.client, '\r\n\r\n');
    harness.event(fd);
    return enterIdle(fd, generation, self);
  };
  proceedAll(harness);
  assert.is(heads.refused, HIGH - TARGET);
  await answered('200', [first]);
  assert.is(harness.context.table.state(first.fd), IDLE, 'its connection continues');
  assert.is(heads.inUse, TARGET);
});

test('one dispatch evicts some, and the rest after the events of others', async () => {
  const size = 640;
  using harness = HandlerHarness.http(() => 'hello', { blocks: size });
  const heads = new Heads(harness);
  const { pool } = harness.context;
  const all = await heads.beginMany((size * 7) / 8 + 1, ATTACKER);
  assert.ok(harness.proceed());
  assert.is(heads.refused, 32);
  assert.is(harness.deferred.length, 1);
  proceedAll(harness);
  assert.is(pool.inUse(), (size * 13) / 16);
  assert.is(heads.refused, all.length - pool.inUse());
});

test.run();
