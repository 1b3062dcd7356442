/** The contract of the strategies: bodies of requests and responses, in both directions, at any pace. */
import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Client } from '../../support/server/http-client.js';
import { range } from '../../support/server/wait.js';
import { contract } from '../../support/strategies/contract.js';

const CLIENTS = 12;
const MIB = 1024 * 1024;

const request = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`;
const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Bytes that differ from every shifted part of themselves. */
const pattern = (length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE(Math.imul(at + 1, 2_654_435_761) >>> 0, at);
  return bytes;
};

contract('bodies of any size arrive whole, with a length or in chunks', async (model) => {
  await using running = await model.start('web');
  const send = async (client: Client, size: number) => {
    const body = pattern(size);
    for (const path of ['/echo-bytes', '/echo-stream']) {
      const answer = await client.post(path, body);
      assert.is(hash(answer.body), hash(body), `${size} bytes to ${path}`);
    }
    void client.send('POST /echo-bytes HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n');
    for (let at = 0; at < size; at += 9973) {
      const part = body.subarray(at, at + 9973);
      void client.send(`${part.length.toString(16)}\r\n`);
      void client.send(part);
      void client.send('\r\n');
    }
    await client.send('0\r\n\r\n');
    assert.is(hash((await client.answer()).body), hash(body), `${size} bytes in chunks`);
  };
  const sizes = [1, 100, 4096, 100_000, MIB];
  const clients = await running.connectMany(sizes.length);
  await Promise.all(clients.map((client, index) => send(client, sizes[index]!)));
});

contract('a body streams both ways at once, to clients that read late', async (model) => {
  await using running = await model.start('web');
  const body = pattern(4 * MIB);
  const stream = async (client: Client) => {
    client.socket.pause();
    void client.send(`POST /echo-stream HTTP/1.1\r\nhost: test\r\ncontent-length: ${body.length}\r\n\r\n`);
    void client.send(body);
    await running.get('/text');
    client.socket.resume();
    assert.is(hash((await client.answer()).body), hash(body));
    assert.is((await client.get('/text')).text, 'hello', 'and its connection goes on');
  };
  await Promise.all((await running.connectMany(3)).map(stream));
});

contract('a client that does not read stalls nobody, and gets everything in the end', async (model) => {
  await using running = await model.start('web');
  const slow = await running.connectMany(CLIENTS);
  for (const client of slow) {
    client.socket.pause();
    await client.send(request('/large-bytes?bytes=8000000'));
    await client.send(request('/stream?chunks=40'));
  }
  const other = await running.connect();
  for (const _round of range(50)) assert.is((await other.get('/text')).text, 'hello');
  for (const client of slow) client.socket.resume();
  const bodies = await Promise.all(slow.map(async (client) => hash((await client.answer()).body)));
  assert.is(new Set(bodies).size, 1);
  for (const client of slow) assert.is((await client.answer()).body.length, 40 * 64 * 1024);
});

test.run();
