/** The keys of routes: which requests are one route, and what it is called. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_ROUTE_NAME_BYTES, RESERVED_ROUTE_TAGS, ROUTE_SETS } from '../../../lib/memory/route-words.js';
import { patternHash } from '../../../lib/routes/route-key.js';
import { hashOf, nameOf } from '../../support/routes/keys.js';
import { range } from '../../support/server/wait.js';

const UUID = '3f2a9c1b-1111-4222-8333-444455556666';
const letters = (count: number): string => 'abcdefghij'.repeat(count).slice(0, count);

const NAMES: readonly (readonly [request: string, name: string])[] = [
  ['GET /', 'GET /'],
  ['GET /hello', 'GET /hello'],
  ['POST /hello', 'POST /hello'],
  ['HEAD /hello', 'GET /hello'],
  ['HEADS /hello', 'HEADS /hello'],
  ['get /Hello', 'get /Hello'],
  ['GET /hello/', 'GET /hello/'],
  ['GET //a//', 'GET //a//'],
  // The query
  ['GET /hello?', 'GET /hello'],
  ['GET /hello?q=/1/2', 'GET /hello'],
  ['GET /7?q', 'GET /*'],
  ['GET /?q', 'GET /'],
  // Absolute form
  ['GET http://example.org/a/1', 'GET /a/*'],
  ['GET HTTPS://[::1]:8080/a/1?q', 'GET /a/*'],
  ['GET http://example.org', 'GET /'],
  ['GET http://example.org?q=/a', 'GET /'],
  ['GET http://12345678/', 'GET /'],
  ['OPTIONS *', 'OPTIONS *'],
  ['CONNECT example.org:443', 'CONNECT example.org:443'],
  ['GET /http://x/1', 'GET /http://x/*'],
  // Numbers
  ['GET /users/1', 'GET /users/*'],
  ['GET /users/12345/orders', 'GET /users/*/orders'],
  ['GET /1/2/3', 'GET /*/*/*'],
  ['GET /1/', 'GET /*/'],
  ['GET /v1/1x', 'GET /v1/1x'],
  ['GET /1.5', 'GET /1.5'],
  // Hexadecimal
  ['GET /c/deadbee1', 'GET /c/*'],
  ['GET /c/DEADBEE1', 'GET /c/*'],
  ['GET /c/deadbe1', 'GET /c/deadbe1'],
  ['GET /c/deadbeef', 'GET /c/deadbeef'],
  ['GET /c/deadbeg1', 'GET /c/deadbeg1'],
  // Opaque
  [`GET /o/${UUID}/x`, 'GET /o/*/x'],
  [`GET /o/${UUID.toUpperCase()}`, 'GET /o/*'],
  [`GET /${letters(24)}1`, 'GET /*'],
  [`GET /${letters(23)}1`, `GET /${letters(23)}1`],
  [`GET /${letters(20)}_-_-1`, 'GET /*'],
  [`GET /${letters(20)}.-_-1`, `GET /${letters(20)}.-_-1`],
  [`GET /${letters(25)}`, `GET /${letters(25)}`],
  // Long
  [`GET /${letters(48)}`, `GET /${letters(48)}`],
  [`GET /${letters(49)}`, 'GET /*'],
  [`GET /${letters(48)}%`, 'GET /*'],
  // What is not visible ASCII
  ['GET /caf\xc3\xa9', 'GET /caf\\xc3\\xa9'],
  ['GET /a\x00\x1b\x7fb', 'GET /a\\x00\\x1b\\x7fb'],
  ['GET /caf%C3%A9', 'GET /caf%C3%A9'],
];

for (const [request, name] of NAMES) {
  test(`the route of ${JSON.stringify(request)} is ${name}`, () => {
    assert.is(nameOf(request), name);
  });
}

test('requests have the same hash if and only if their routes have the same name', () => {
  const requests = NAMES.map(([request]) => request);
  const names = new Map<number, string>();
  for (const request of requests) {
    const hash = hashOf(request);
    assert.is(names.get(hash) ?? nameOf(request), nameOf(request), request);
    names.set(hash, nameOf(request));
  }
  assert.is(names.size, new Set(requests.map(nameOf)).size);
});

test('a hash is the same on every machine and in every thread: these were computed once', () => {
  assert.equal(
    ['GET /', 'GET /users/7', 'POST /a/b?c'].map(hashOf),
    [-851_826_238, 394_738_109, -395_232_044],
  );
});

test('a segment that is a star is the same route as segments that vary', () => {
  assert.is(hashOf('GET /users/*'), hashOf('GET /users/12'));
});

test('no hash is one that the route table reserves, and all sets get their share', () => {
  const perSet = new Array<number>(ROUTE_SETS).fill(0);
  const COUNT = 100_000;
  for (const index of range(COUNT)) {
    const hash = hashOf(`GET /path-${index}`);
    assert.is(hash | 0, hash);
    assert.ok(hash < 0 || hash >= RESERVED_ROUTE_TAGS, `${hash}`);
    perSet[hash >>> 27]!++;
  }
  for (const count of perSet) assert.ok(Math.abs(count - COUNT / ROUTE_SETS) < COUNT / ROUTE_SETS / 5);
});

test('a name has at most the bytes that a slot has, and says that it was cut', () => {
  const path = (length: number) => `/${'ab/'.repeat(length)}`.slice(0, length);
  const fits = MAX_ROUTE_NAME_BYTES - 'GET '.length;
  assert.is(nameOf(`GET ${path(fits)}`), `GET ${path(fits)}`);
  for (const request of [`GET ${path(fits + 1)}`, `GET ${path(10_000)}`, `${letters(200)} /`]) {
    const name = nameOf(request);
    assert.is(name, `${request.slice(0, MAX_ROUTE_NAME_BYTES - 3)}…`);
    assert.is(Buffer.byteLength(name), MAX_ROUTE_NAME_BYTES);
  }
  assert.is.not(hashOf(`GET ${path(9_999)}`), hashOf(`GET ${path(10_000)}`));
});

test("a pattern's hash is not that of the learned route of the same name", () => {
  for (const name of ['GET /', 'GET /users/*', '/a']) {
    const hash = patternHash(name);
    assert.is(hash | 0, hash);
    assert.is.not(hash, hashOf(name.startsWith('GET') ? name : `GET ${name}`));
  }
  assert.is.not(patternHash('/a'), patternHash('/b'));
});

test.run();
