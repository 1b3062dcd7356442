/** Across hand-overs every answer has the bytes, and the place, that it has without them. */
import { setImmediate as nextPass } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pieces } from '../../support/http/requests.js';
import { randomOf } from '../../support/random.js';
import {
  BLOCKING,
  engage,
  isIdleWith,
  NON_BLOCKING,
  startHandOvers,
  total,
} from '../../support/server/engaged.js';
import type { Running } from '../../support/server/running.js';

const THREADS = 4;
const LAST = 'GET /plain/text HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n';

const get = (target: string, fields = ''): string => `GET ${target} HTTP/1.1\r\nhost: test\r\n${fields}\r\n`;
const sized = (target: string, body: string, fields = ''): string =>
  `POST ${target} HTTP/1.1\r\nhost: test\r\ncontent-length: ${body.length}\r\n${fields}\r\n${body}`;
const chunked = (target: string, ...chunks: string[]): string =>
  `POST ${target} HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n${chunks
    .map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`)
    .join('')}0\r\n\r\n`;
const LONG = 'long '.repeat(30_000);

/** What a client sends on one connection. */
const STREAMS: Readonly<Record<string, string>> = {
  'one request': get('/block/seen?a=b', 'x-field: value\r\n') + LAST,
  'ordinary and blocking requests in turn':
    [1, 2, 3, 4].map((n) => get(`/plain/seen?${n}`) + get(`/block/seen?${n}`)).join('') + LAST,
  'handlers that wait': get('/plain/later?1') + get('/block/later?2') + get('/plain/later?3') + LAST,
  'streamed answers': get('/block/chunks') + get('/plain/chunks') + get('/block/chunks') + LAST,
  'bodies of known length':
    sized('/block/body', 'abc') + sized('/plain/body', 'def') + sized('/block/body', '') + LAST,
  'a long body': sized('/block/body', LONG) + sized('/plain/body', LONG) + LAST,
  'chunked bodies':
    chunked('/block/body', 'abc', 'd') + chunked('/block/body') + chunked('/block/body', LONG) + LAST,
  'echoed streams': chunked('/block/stream', 'xyz', LONG) + sized('/block/stream', LONG) + LAST,
  'bodies that nobody reads': sized('/block/ignore', LONG) + chunked('/block/ignore', 'abc', LONG) + LAST,
  'content that waits for 100': sized('/block/body', 'abc', 'expect: 100-continue\r\n') + LAST,
  'HEAD, OPTIONS and others':
    ['HEAD', 'OPTIONS', 'DELETE', 'PATCH']
      .map((method) => `${method} /block/ignore HTTP/1.1\r\nhost: test\r\n\r\n`)
      .join('') + LAST,
  'HTTP/1.0': 'GET /block/seen HTTP/1.0\r\nhost: test\r\n\r\n',
  'HTTP/1.0 that persists':
    'GET /block/seen HTTP/1.0\r\nhost: test\r\nconnection: keep-alive\r\n\r\nGET /block/seen HTTP/1.0\r\nhost: test\r\n\r\n',
  'a connection that the client ends':
    get('/plain/text') + get('/block/text', 'connection: close\r\n') + get('/block/text'),
  'a connection that the handler ends': get('/plain/text') + get('/block/close') + get('/block/text'),
  'absolute targets':
    get('http://test/block/seen') + get('http://other/block/seen?a') + get('http://test') + LAST,
  'encoded targets': get('/block/seen?%20/%2f') + get('/block/%73een') + get('//block/seen') + LAST,
  'empty lines': `\r\n\r\n${get('/block/seen')}\r\n\r\n${get('/block/seen')}\r\n${get('/plain/seen')}\r\n${LAST}`,
  'handlers that throw': get('/block/throw') + get('/plain/throw') + get('/block/missing') + LAST,
  'a request that is refused after one that blocks': `${get('/block/text')}GET /block/text HTTP/1.1\r\n\r\n`,
  'a body that is refused': `POST /block/body HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n`,
  'many requests': get('/block/text').repeat(200) + get('/block/seen') + LAST,
};

/** How it is sent. A few times each, as where a hand-over falls is left to chance. */
const WAYS: Readonly<Record<string, (bytes: Buffer, round: number) => readonly Buffer[]>> = {
  'at once': (bytes) => [bytes],
  'in pieces': (bytes, round) => pieces(randomOf(round), bytes, 12),
  'byte by byte': (bytes) => [
    ...Array.from(bytes.subarray(0, 400), (_, at) => bytes.subarray(at, at + 1)),
    bytes.subarray(400),
  ],
};
const ROUNDS = 3;
/** With which something is handed over at the latest. */
const MAX_ROUNDS = 200;

/** Everything that the server answers, but for dates, and for where the chunks of a body end. */
async function answersOf(running: Running, parts: readonly Buffer[]): Promise<string> {
  const client = await running.connect();
  for (const part of parts) {
    void client.send(part);
    await nextPass();
  }
  const all = (await client.rest()).toString('latin1');
  await client.close();
  return all.replaceAll(/^date: .*\r$/gm, 'date: \r').replaceAll(/\r\n[0-9a-f]+\r\n/g, '');
}

/** Compares long texts, and shows the place where they differ. */
function same(found: string, expected: string, message: string): void {
  let at = 0;
  while (at < expected.length && found[at] === expected[at]) at++;
  if (found !== expected)
    assert.is(found.slice(at - 100, at + 100), expected.slice(at - 100, at + 100), message);
}

for (const options of [{}, { maxRequestsPerSocket: 2 }]) {
  const name = 'maxRequestsPerSocket' in options ? 'with a limit of requests' : 'without a limit of requests';
  const streams = suite(name);
  let plain: Running;
  let running: Running;
  let waiting: number;

  streams.before(async () => {
    plain = await startHandOvers(NON_BLOCKING, { threads: 2, ...options });
    running = await startHandOvers(BLOCKING, { threads: THREADS, ...options });
    waiting = (await engage(running)).length;
  });

  streams.after(async () => {
    await plain[Symbol.asyncDispose]();
    await running[Symbol.asyncDispose]();
  });

  for (const [name, stream] of Object.entries(STREAMS)) {
    streams(name, async () => {
      const bytes = Buffer.from(stream, 'latin1');
      const expected = await answersOf(plain, [bytes]);
      assert.match(expected, /^HTTP\/1\.1 /);
      const before = total(running, 'handOvers');
      for (const [way, split] of Object.entries(WAYS)) {
        for (let round = 0; round < ROUNDS; round++)
          same(await answersOf(running, split(bytes, round)), expected, way);
      }
      // On a busy machine, free threads may happen to get the requests by themselves.
      for (let round = 0; total(running, 'handOvers') === before; round++) {
        assert.ok(round < MAX_ROUNDS, 'nothing was handed over');
        same(await answersOf(running, [bytes]), expected, 'once more');
      }
      await isIdleWith(running, waiting);
      assert.is(total(running, 'handOvers'), total(running, 'handOversTaken'));
    });
  }

  streams.run();
}
