/** What a client gets when a handler forwards a response of fetch(). */
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { installResponse } from '../../../lib/web/light-response.js';
import type { Outgoing } from '../../../lib/web/outgoing.js';
import { toOutgoing } from '../../../lib/web/to-outgoing.js';
import { RealResponse } from '../../../lib/web/web-globals.js';
import { answerOf, startUpstream } from '../../support/web/upstream.js';

installResponse();

const bytesOf = async (body: Outgoing['body']): Promise<Buffer> =>
  Buffer.from(await new RealResponse(body as never).arrayBuffer());

/** A zstd frame of one raw block: "plain". */
const ZSTD = Buffer.concat([
  Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 5, (5 << 3) | 1, 0, 0]),
  Buffer.from('plain'),
]);
const rawBlock = (bytes: Uint8Array): Buffer =>
  Buffer.concat([
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, bytes.length, (bytes.length << 3) | 1, bytes.length >> 5, 0]),
    bytes,
  ]);

const CODED: [coding: string, body: Uint8Array][] = [
  ['gzip', gzipSync('plain')],
  ['x-gzip', gzipSync('plain')],
  ['GZIP', gzipSync('plain')],
  ['deflate', deflateSync('plain')],
  ['br', brotliCompressSync('plain')],
  ['gzip, br', brotliCompressSync(gzipSync('plain'))],
  ['zstd', ZSTD],
  ['ZStd', ZSTD],
  ['gzip, zstd', rawBlock(gzipSync('plain'))],
  ['zstd, gzip', gzipSync(ZSTD)],
  ['unknown', Buffer.from('as it came')],
  ['gzip, unknown', gzipSync('plain')],
  ['identity', Buffer.from('as it came')],
];

/** Ways in which handlers forward a response. */
const WAYS: [string, (response: Response) => Response][] = [
  ['itself', (response) => response],
  ['a clone', (response) => response.clone()],
  ['a new one', (response) => new Response(response.body, response)],
  [
    'a new one of its parts',
    (response) => new Response(response.body, { status: response.status, headers: response.headers }),
  ],
  [
    'a new one with a record',
    (response) => new Response(response.body, { headers: Object.fromEntries(response.headers) }),
  ],
  [
    'a new one with changed headers',
    (response) => {
      const headers = new Headers(response.headers);
      headers.set('x-own', '1');
      return new Response(response.body, { headers });
    },
  ],
  ['a clone of a new one', (response) => new Response(response.body, response).clone()],
];

test('content-encoding and the body that is sent agree, whatever fetch() of this Node.js undoes', async () => {
  const answers = Object.fromEntries(
    CODED.map(([coding, body], i) => [`/${i}`, () => answerOf([`content-encoding: ${coding}`], body)]),
  );
  await using upstream = await startUpstream(answers);
  for (const [i, [coding, body]] of CODED.entries()) {
    for (const [way, make] of WAYS) {
      const sent = toOutgoing(make(await fetch(`${upstream.url}/${i}`)));
      const bytes = await bytesOf(sent.body);
      const says = /content-encoding: (.*)\r\n/.exec(sent.headers)?.[1];
      if (bytes.equals(body)) {
        assert.is(says, coding, `${coding}, ${way}: as it came`);
        assert.is(sent.contentLength, body.byteLength, `${coding}, ${way}`);
      } else {
        assert.is(bytes.toString(), 'plain', `${coding}, ${way}: decoded`);
        assert.is(says, undefined, `${coding}, ${way}`);
        assert.is(sent.contentLength, -1, `${coding}, ${way}`);
      }
    }
  }
});

const HOPS = [
  'Connection: close, X-Named',
  'X-Named: 1',
  'Keep-Alive: timeout=5',
  'Proxy-Authenticate: Basic',
  'Proxy-Authentication-Info: x',
  'Proxy-Connection: close',
  'TE: trailers',
  'Trailer: x-t',
  'Upgrade: h2c',
];

test("an upstream's words about its own connection are not passed on", async () => {
  await using upstream = await startUpstream({
    '/': () => answerOf([...HOPS, 'X-End: 2', 'Set-Cookie: a=1', 'Set-Cookie: b=2'], 'body'),
  });
  for (const [way, make] of WAYS) {
    const sent = toOutgoing(make(await fetch(upstream.url)));
    assert.is(sent.close, false, way);
    const names = sent.headers.split('\r\n').map((line) => line.split(':')[0]);
    const cookies = way.includes('record') ? ['set-cookie'] : ['set-cookie', 'set-cookie'];
    const own = way.includes('changed') ? ['x-own'] : [];
    assert.equal(names.filter(Boolean).sort(), [...cookies, 'x-end', ...own].sort(), way);
    assert.is(sent.contentLength, 4, way);
  }
});

test('nor where the body is not', async () => {
  await using upstream = await startUpstream({
    '/': () => answerOf(HOPS, 'body'),
    '/proxy': () => ['HTTP/1.1 200 OK\r\nProxy-Authenticate: Basic\r\nx-end: 2\r\n\r\n'],
  });
  const text = toOutgoing(new Response('own', await fetch(upstream.url)));
  assert.is(text.close, false);
  assert.is(text.body, 'own');
  assert.not.match(text.headers, 'x-named');
  const head = toOutgoing(await fetch(upstream.url, { method: 'HEAD' }));
  assert.is(head.close, false);
  assert.is(head.body, null);
  assert.is(head.contentLength, 4);
  const few = await fetch(`${upstream.url}/proxy`, { method: 'HEAD' });
  assert.is(toOutgoing(few).headers, 'x-end: 2\r\n');
});

test("a handler's own words about the connection and the coding hold", async () => {
  await using upstream = await startUpstream({
    '/': () => answerOf(['connection: keep-alive', 'content-encoding: gzip'], gzipSync('plain')),
  });
  const closing = new Response((await fetch(upstream.url)).body, { headers: { connection: 'close' } });
  assert.is(toOutgoing(closing).close, true);
  assert.is(toOutgoing(new Response('x', { headers: { connection: 'close' } })).close, true);
  const { headers, body } = await fetch(upstream.url);
  const changed = new Headers(headers);
  changed.set('content-encoding', 'own');
  changed.set('proxy-own', '1');
  const sent = toOutgoing(new Response(body, { headers: changed }));
  assert.match(sent.headers, 'content-encoding: own\r\n');
  assert.match(sent.headers, 'proxy-own: 1\r\n');
});

test('a reason phrase that could not be sent is refused', async () => {
  await using upstream = await startUpstream({
    '/': () => ['HTTP/1.1 200 a\x01b\r\ncontent-length: 0\r\n\r\n'],
  });
  let response: Response;
  try {
    response = await fetch(upstream.url);
  } catch {
    // The parser of this Node.js refuses it already.
    return;
  }
  assert.throws(() => toOutgoing(response), TypeError);
});

test.run();
