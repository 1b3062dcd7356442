/** HTTP: every kind of response, and how connections persist. */
import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Running } from '../../support/server/running.js';
import { range } from '../../support/server/wait.js';

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const MIB = 1024 * 1024;

const KINDS: [path: string, status: number, type: string | undefined, body: string][] = [
  ['/text', 200, 'text/plain;charset=UTF-8', 'hello'],
  ['/async', 200, 'text/plain;charset=UTF-8', 'later'],
  ['/object', 200, 'application/json', '{"a":[1,2],"b":"ü"}'],
  ['/bytes', 200, 'application/octet-stream', '\0\x01\xfe\xff'],
  ['/response', 201, 'text/plain;charset=UTF-8', 'made'],
  ['/small-stream', 200, undefined, '\0\0\0\0\0\x01\x01\x01\x01\x01\x02\x02\x02\x02\x02'],
  ['/sized-stream', 200, undefined, '\0\0\0\0\0\x01\x01\x01\x01\x01\x02\x02\x02\x02\x02'],
];

test('every kind of result is answered, with Date and a known length, on one connection', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const client = await running.connect();
  for (const [path, status, type, body] of KINDS) {
    const answer = await client.get(path);
    assert.is(answer.status, status, path);
    assert.is(answer.headers.get('content-type'), type, path);
    const bytes = path === '/object' ? Buffer.from(body) : Buffer.from(body, 'latin1');
    assert.equal(answer.body, bytes, path);
    const date = Date.parse(answer.headers.get('date') ?? '');
    assert.ok(Math.abs(date - Date.now()) < 60_000, `Date: ${answer.headers.get('date')}`);
    assert.is(answer.headers.has('content-length'), path !== '/small-stream', path);
    assert.is(answer.headers.get('connection'), undefined, 'HTTP/1.1 persists without a word');
  }
  assert.is((await client.get('/response')).headers.get('x-own'), 'yes');
});

test('HEAD is answered with the head of GET and no body', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const client = await running.connect();
  for (const [path, status, type] of KINDS) {
    await client.send(`HEAD ${path} HTTP/1.1\r\nhost: test\r\n\r\n`);
    const answer = await client.answer({ toHead: true });
    assert.is(answer.status, status, path);
    assert.is(answer.headers.get('content-type'), type, path);
    // A body of the HEAD response would precede this.
    assert.is((await client.get('/text')).text, 'hello', path);
  }
  await client.send('HEAD /text HTTP/1.1\r\nhost: test\r\n\r\n');
  assert.is((await client.answer({ toHead: true })).headers.get('content-length'), '5');
});

test('204 and 304 have no body, 204 no Content-Length either', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const client = await running.connect();
  const noContent = await client.get('/status?code=204');
  assert.is(noContent.status, 204);
  assert.is(noContent.headers.has('content-length'), false);
  assert.is(noContent.headers.has('transfer-encoding'), false);
  assert.is((await client.get('/status?code=304')).status, 304);
  assert.is((await client.get('/status?code=404')).headers.get('content-length'), '0');
  assert.is((await client.get('/text')).text, 'hello');
});

test('`connection: close` is answered in kind, and what follows it is not served', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const client = await running.connect();
  const request = 'GET /text HTTP/1.1\r\nhost: test\r\n';
  await client.send(`${request}\r\n${request}connection: close\r\n\r\n`);
  assert.is((await client.answer()).headers.get('connection'), undefined);
  const last = await client.answer();
  assert.is(last.headers.get('connection'), 'close');
  assert.is(last.text, 'hello');
  assert.is((await client.rest()).length, 0);
  await running.connections(0);
});

test('HTTP/1.0 closes after each response unless the client asks to keep it', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const keeping = await running.connect();
  for (const _round of range(2)) {
    await keeping.send('GET /text HTTP/1.0\r\nconnection: keep-alive\r\n\r\n');
    const answer = await keeping.answer();
    assert.is(answer.headers.get('connection'), 'keep-alive');
    assert.is(answer.text, 'hello');
  }
  await keeping.send('GET /text HTTP/1.0\r\n\r\n');
  assert.is((await keeping.answer()).text, 'hello');
  assert.is((await keeping.rest()).length, 0);
});

test('to HTTP/1.0 a stream of unknown length ends with the connection', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const client = await running.connect();
  await client.send('GET /small-stream HTTP/1.0\r\nconnection: keep-alive\r\n\r\n');
  const answer = await client.answer();
  assert.is(answer.headers.get('transfer-encoding'), undefined);
  assert.is(answer.headers.get('connection'), 'close');
  assert.is(answer.body.length, 15);
});

test('5 MiB of text in multi-byte characters arrive unchanged', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const client = await running.connect();
  const times = 550_000;
  const { body, headers } = await client.get(`/large-text?times=${times}`);
  const expected = Buffer.from('aü€😀'.repeat(times));
  assert.ok(expected.length > 5 * MIB);
  assert.is(headers.get('content-length'), String(expected.length));
  assert.is(sha(body), sha(expected));
  assert.is((await client.get('/text')).text, 'hello');
});

test('5 MiB of bytes arrive unchanged, also at a client that reads late', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const prompt = await running.connect();
  const late = await running.connect();
  late.socket.pause();
  await late.send(`GET /large-bytes?bytes=${5 * MIB} HTTP/1.1\r\nhost: test\r\n\r\n`);
  const { body } = await prompt.get(`/large-bytes?bytes=${5 * MIB}`);
  assert.is(body.length, 5 * MIB);
  late.socket.resume();
  assert.is(sha((await late.answer()).body), sha(body));
});

test('a 20 MiB stream waits for a slow reader, which gets all of it', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const client = await running.connect();
  client.socket.pause();
  const chunks = 320;
  await client.send(`GET /stream?chunks=${chunks} HTTP/1.1\r\nhost: test\r\n\r\n`);
  // Others are served meanwhile, and no thread is busy with it once the kernel's buffers are full.
  const other = await running.connect();
  for (const _round of range(20)) assert.is((await other.get('/text')).text, 'hello');
  await running.idle();
  client.socket.resume();
  const { body } = await client.answer();
  const expected = createHash('sha256');
  for (const n of range(chunks)) expected.update(Buffer.alloc(64 * 1024, n));
  assert.is(sha(body), expected.digest('hex'));
  assert.is((await client.get('/text')).text, 'hello');
});

test('handlers that fail are answered with 500 without details, and logged', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const client = await running.connect();
  const paths = ['/throw', '/reject', '/throw-value', '/throw-nothing', '/bad-result', '/nowhere'];
  for (const [index, path] of paths.entries()) {
    const answer = await client.get(`${path}?token=secret`);
    assert.is(answer.status, 500, path);
    assert.not.match(answer.head + answer.text, /secret|at |Error:|\.js/, path);
    assert.is(answer.headers.get('connection'), undefined, 'the connection is of use still');
    const entries = () => running.log.filter(({ message }) => message === 'a handler failed');
    await running.connections(1);
    while (entries().length <= index) await new Promise(setImmediate);
    const { level, fields } = entries()[index]!;
    assert.is(level, 'error');
    assert.is(fields.url, `http://test${path}?token=*`);
    assert.is(fields.method, 'GET');
    if (path === '/throw') assert.match((fields.error as Error).stack!, /secret of a handler[\s\S]*at /);
  }
  assert.is((await client.get('/text')).text, 'hello');
});

test('a stream that fails, or ends too early, cuts the connection', async () => {
  await using running = await Running.start('web', { threads: 2 });
  for (const path of ['/failing-stream', '/short-stream']) {
    const client = await running.connect();
    await client.send(`GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`);
    const raw = (await client.rest()).toString('latin1');
    assert.match(raw, /^HTTP\/1\.1 200 OK\r\n/, path);
    assert.not.match(raw, /0\r\n\r\n$|secret/, path);
  }
  await running.connections(0);
});

test('a client that ends its sending side gets the response, sync, async or streamed', async () => {
  await using running = await Running.start('web', { threads: 2 });
  for (const path of ['/text', '/async', '/small-stream', '/large-bytes?bytes=3000000']) {
    const client = await running.connect();
    client.socket.allowHalfOpen = true;
    void client.send(`GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`);
    client.end();
    assert.is((await client.answer()).status, 200, path);
    assert.is((await client.rest()).length, 0, path);
  }
  await running.connections(0);
});

test.run();
