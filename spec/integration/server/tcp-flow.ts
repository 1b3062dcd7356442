/** Raw TCP apps: back-pressure in both directions, and the memory that it bounds. */
import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

const MIB = 1024 * 1024;
/** Far above the capacity of two pairs of socket buffers. */
const FLOOD_BYTES = 64 * MIB;

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function patterned(bytes: number, seed: number): Buffer {
  const made = Buffer.alloc(bytes);
  for (let at = 0, value = seed; at < bytes; at++) {
    value = (Math.imul(value, 1_103_515_245) + 12_345) | 0;
    made[at] = value >>> 16;
  }
  return made;
}

test('large data is echoed unchanged, on several connections at once', async () => {
  await using running = await Running.start('echo', { threads: 3 });
  const clients = await running.connectMany(4);
  await Promise.all(
    clients.map(async (client, index) => {
      const bytes = patterned(4 * MIB, index + 1);
      void client.send(bytes);
      assert.is(sha(await client.bytes(bytes.length)), sha(bytes));
    }),
  );
  await running.idle();
});

test('the server stops reading from a client that does not read, then both get everything', async () => {
  await using running = await Running.start('echo', { threads: 2 });
  const client = await running.connect();
  client.socket.pause();
  const part = patterned(MIB, 7);
  let sentBytes = 0;
  const all = (async () => {
    for (const _part of range(FLOOD_BYTES / MIB)) {
      await client.send(part);
      sentBytes += MIB;
    }
  })();
  // Stopped means: neither side has moved for many passes of the loop, and the threads are idle.
  const other = await running.connect();
  let [before, still] = [-1, 0];
  await until('the client is stuck', () => {
    still = sentBytes === before ? still + 1 : 0;
    before = sentBytes;
    return still > 100;
  });
  await running.idle();
  assert.ok(sentBytes < FLOOD_BYTES, `the server took ${sentBytes} bytes`);
  await other.send('ping');
  assert.is((await other.bytes(4)).toString(), 'ping');
  client.socket.resume();
  const hash = createHash('sha256');
  for (const _part of range(FLOOD_BYTES / MIB)) hash.update(await client.bytes(MIB));
  await all;
  const expected = createHash('sha256');
  for (const _part of range(FLOOD_BYTES / MIB)) expected.update(part);
  assert.is(hash.digest('hex'), expected.digest('hex'));
});

test('writes without an end to a client that does not read are stopped at a bound', async () => {
  await using running = await Running.start('tcp', { threads: 1 });
  const client = await running.connect();
  client.socket.pause();
  await client.send('overflow\n');
  await running.connections(0);
  const other = await running.connect();
  await other.send('events\n');
  assert.match((await other.bytes(30)).toString(), /^PACELINE_WRITE_OVERFLOW,close/);
});

test.run();
