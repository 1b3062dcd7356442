/** HTTP: request bodies, expectations, limits and what is refused. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Running } from '../../support/server/running.js';
import { range } from '../../support/server/wait.js';

const MIB = 1024 * 1024;

/** `bytes` in chunks of several sizes. */
function chunked(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0, size = 1; at < bytes.length; size = (size * 3) % 70_001) {
    const part = bytes.subarray(at, at + size);
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'));
    at += part.length;
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

const CHUNKED_HEAD = (path: string) =>
  `POST ${path} HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n`;

for (const path of ['/echo', '/echo-bytes', '/echo-stream']) {
  test(`small and large bodies are echoed by ${path}, sized and chunked`, async () => {
    await using running = await Running.start('web', { threads: 2 });
    const client = await running.connect();
    const large = Buffer.from('0123456789abcdef'.repeat((5 * MIB) / 16));
    for (const body of [Buffer.from(''), Buffer.from('small'), large]) {
      const sized = await client.post(path, body);
      assert.is(sized.status, 200);
      assert.is(sized.body.compare(body), 0, `${body.length} bytes, sized`);
      void client.send(CHUNKED_HEAD(path));
      void client.send(chunked(body));
      assert.is((await client.answer()).body.compare(body), 0, `${body.length} bytes, chunked`);
    }
    assert.is((await client.get('/text')).text, 'hello');
  });
}

for (const path of ['/ignore', '/ignore-later']) {
  test(`a body that ${path} does not read is skipped, and the next request is served`, async () => {
    await using running = await Running.start('web', { threads: 2 });
    const client = await running.connect();
    const next = 'GET /text HTTP/1.1\r\nhost: test\r\n\r\n';
    for (const size of [5, 100_000, 2 * MIB]) {
      const body = Buffer.alloc(size, 'x');
      void client.send(`POST ${path} HTTP/1.1\r\nhost: test\r\ncontent-length: ${size}\r\n\r\n`);
      void client.send(Buffer.concat([body, Buffer.from(next)]));
      assert.is((await client.answer()).text, 'ignored');
      assert.is((await client.answer()).text, 'hello');
      void client.send(CHUNKED_HEAD(path));
      void client.send(Buffer.concat([chunked(body), Buffer.from(next)]));
      assert.is((await client.answer()).text, 'ignored');
      assert.is((await client.answer()).text, 'hello');
    }
  });
}

test('`expect: 100-continue` is answered when the handler reads the body', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const client = await running.connect();
  for (const _round of range(2)) {
    await client.send(
      'POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n',
    );
    assert.is((await client.answer()).status, 100);
    await client.send('body');
    assert.is((await client.answer()).text, 'body');
  }
});

test('without a reader `expect: 100-continue` gets the final answer only, and the connection closes', async () => {
  await using running = await Running.start('web', { threads: 2 });
  for (const path of ['/ignore', '/ignore-later']) {
    const client = await running.connect();
    await client.send(
      `POST ${path} HTTP/1.1\r\nhost: test\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n`,
    );
    const answer = await client.answer();
    assert.is(answer.status, 200);
    assert.is(answer.headers.get('connection'), 'close');
    assert.is((await client.rest()).length, 0);
  }
});

const MALFORMED: [what: string, bytes: string][] = [
  ['no request line', 'nonsense\r\n\r\n'],
  ['no version', 'GET /\r\n\r\n'],
  ['a space before a colon', 'GET / HTTP/1.1\r\nhost : test\r\n\r\n'],
  ['no host', 'GET / HTTP/1.1\r\n\r\n'],
  ['two lengths', 'POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx'],
  [
    'length and chunks',
    'POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
  ],
];

for (const [what, bytes] of MALFORMED) {
  test(`a request with ${what} is answered with 400 and the connection is closed`, async () => {
    await using running = await Running.start('web', { threads: 2 });
    const client = await running.connect();
    await client.get('/text');
    await client.send(bytes);
    const answer = await client.answer();
    assert.is(answer.status, 400);
    assert.is(answer.headers.get('connection'), 'close');
    assert.is((await client.rest()).length, 0);
    await running.connections(0);
  });
}

test('a chunk without a size is refused with 400 while the handler waits for the body', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const client = await running.connect();
  await client.send(`${CHUNKED_HEAD('/echo')}3\r\nabc\r\n`);
  await client.send('oops\r\n');
  assert.is((await client.answer()).status, 400);
  assert.is((await client.rest()).length, 0);
  await running.connections(0);
});

test('a head above maxHeaderSize is refused with 431', async () => {
  await using running = await Running.start('web', { threads: 2, maxHeaderSize: 1000 });
  const fits = await running.connect();
  assert.is((await fits.get('/text', `x: ${'y'.repeat(900)}\r\n`)).status, 200);
  const client = await running.connect();
  const answer = await client.get('/text', `x: ${'y'.repeat(1000)}\r\n`);
  assert.is(answer.status, 431);
  assert.is((await client.rest()).length, 0);
});

test('a body above maxBodySize is refused with 413, announced or not', async () => {
  await using running = await Running.start('web', { threads: 2, maxBodySize: 1000 });
  const fits = await running.connect();
  assert.is((await fits.post('/echo', 'x'.repeat(1000))).text.length, 1000);
  const sized = await running.connect();
  await sized.send('POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 1001\r\n\r\n');
  assert.is((await sized.answer()).status, 413);
  assert.is((await sized.rest()).length, 0);
  const grows = await running.connect();
  await grows.send(CHUNKED_HEAD('/echo'));
  await grows.send(chunked(Buffer.alloc(1001, 'x')));
  assert.is((await grows.answer()).status, 413);
  assert.is((await grows.rest()).length, 0);
  await running.connections(1);
});

// RFC 9112, 9.6: closing while the client still sends resets the connection, and the reset can overtake the answer.
test('a client that sends the whole of a too large body before it reads still gets the 413', async () => {
  await using running = await Running.start('web', { threads: 2, maxBodySize: 1000 });
  const client = await running.connect();
  client.socket.pause();
  void client.send(`POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: ${MIB}\r\n\r\n`);
  await running.idle();
  for (const _part of range(16)) await client.send(Buffer.alloc(MIB / 16));
  client.socket.resume();
  assert.is((await client.answer()).status, 413);
});

test('requests pipelined behind `connection: close` do not cost the client its answer', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const client = await running.connect();
  client.socket.pause();
  const request = 'GET /large-bytes?bytes=300000 HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n';
  await client.send(request + 'x'.repeat(200_000));
  await running.connections(0);
  client.socket.resume();
  assert.is((await client.answer()).body.length, 300_000);
});

test('the context has the thread and the address, the request its URL', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const client = await running.connect();
  assert.is((await client.get('/address')).text, '127.0.0.1');
  assert.match((await client.get('/thread')).text, /^[01]$/);
  assert.is((await client.get('/url?a=b')).text, 'http://test/url?a=b');
  const { port } = running.server.address() as { port: number };
  await client.send('GET /url HTTP/1.0\r\n\r\n');
  assert.is((await client.answer()).text, `http://127.0.0.1:${port}/url`);
});

test.run();
