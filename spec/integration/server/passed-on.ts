/** On the wire: fetched responses that are passed on, responses returned twice, and announced lengths. */
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Running } from '../../support/server/running.js';
import { until } from '../../support/server/wait.js';
import { answerOf, startUpstream } from '../../support/web/upstream.js';

/** A zstd frame of one raw block (RFC 8878, 3.1.1): "plain". */
const ZSTD = Buffer.concat([
  Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 5, 0x29, 0, 0]),
  Buffer.from('plain'),
]);

test("an upstream's Connection field and coding are not passed on, and do not end the client's connection", async () => {
  const CODED: Record<string, Uint8Array> = { gzip: gzipSync('plain'), zstd: ZSTD };
  await using upstream = await startUpstream({
    '/gzip': () => answerOf(['connection: close, x-hop', 'x-hop: 1', 'content-encoding: gzip'], CODED.gzip!),
    '/zstd': () => answerOf(['connection: close', 'content-encoding: zstd'], CODED.zstd!),
  });
  await using running = await Running.start('passes-on', { threads: 2 });
  const client = await running.connect();
  for (const way of ['/fetch', '/rewrap']) {
    for (const [coding, coded] of Object.entries(CODED)) {
      const { headers, body } = await client.get(`${way}?from=${upstream.url}/${coding}`);
      assert.is(headers.get('connection'), undefined);
      assert.is(headers.get('x-hop'), undefined);
      const isCoded = headers.get('content-encoding') === coding;
      assert.equal(body, isCoded ? coded : Buffer.from('plain'), `${way} ${coding}`);
    }
  }
  const closing = await client.get('/closes');
  assert.is(closing.headers.get('connection'), 'close');
  assert.is((await client.rest()).length, 0);
});

test('a Response object is sent once, and again only when it has no body', async () => {
  await using running = await Running.start('passes-on', { threads: 1 });
  const client = await running.connect();
  assert.is((await client.get('/kept')).text, 'kept');
  assert.is((await client.get('/kept')).status, 500);
  assert.is((await client.get('/empty')).status, 204);
  assert.is((await client.get('/empty')).status, 204);
  await until('the log says why', () =>
    running.log.some(({ fields }) => /has been read/.test(`${fields.error}`)),
  );
});

test('an announced length frames a stream, and the actual length a text', async () => {
  await using running = await Running.start('passes-on', { threads: 1 });
  const client = await running.connect();
  const sized = await client.get('/sized?length=5');
  assert.is(sized.headers.get('content-length'), '5');
  assert.is(sized.headers.get('transfer-encoding'), undefined);
  assert.is(sized.text, '12345');
  for (const length of [5, 4, 6]) {
    const { headers, text } = await client.get(`/at-hand?length=${length}`);
    assert.is(headers.get('content-length'), '5', String(length));
    assert.is(text, '12345');
  }
  for (const length of [4, 6]) {
    const other = await running.connect();
    await other.send(`GET /sized?length=${length} HTTP/1.1\r\nhost: test\r\n\r\n`);
    const [, body = ''] = (await other.rest()).toString('latin1').split('\r\n\r\n');
    // The connection is cut, so that the client notices, and never gets more than was announced.
    assert.ok(body.length < length, `${length}: ${body}`);
  }
});

test('transferring an empty request body does not break others', async () => {
  await using running = await Running.start('passes-on', { threads: 1 });
  const client = await running.connect();
  for (let i = 0; i < 3; i++) {
    const answer = await client.post('/transfers', '');
    assert.is(answer.status, 200);
    assert.is(answer.text, '');
  }
});

test.run();
