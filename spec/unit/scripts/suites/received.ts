/** The constructor that makes requests like received ones: light where a connection can bring them, real elsewhere. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { untouchedHead } from '../../../../lib/web/light-request.js';
import { installClasses } from '../../../../scripts/suites/classes.js';

await installClasses('received');

const isLight = (request: Request): boolean => untouchedHead(request) !== null;

test('a request of a method, a URL, fields and content is light, and has all of them', async () => {
  const request = new Request('http://a.example:81/b?c=d', {
    method: 'PUT',
    body: 'content',
    headers: { 'x-name': 'value' },
  });
  assert.ok(isLight(request));
  assert.instance(request, Request);
  assert.is(request.constructor, Request);
  assert.is(request.method, 'PUT');
  assert.is(request.url, 'http://a.example:81/b?c=d');
  assert.is(request.headers.get('x-name'), 'value');
  assert.is(request.headers.get('content-type'), 'text/plain;charset=UTF-8');
  assert.is(await request.text(), 'content');
});

test('what a connection cannot bring stays a real request', () => {
  const url = 'http://a.example/';
  const real = [
    new Request('https://a.example/'),
    new Request('http://a.example/#fragment'),
    new Request(url, { redirect: 'manual' }),
    new Request(url, { signal: new AbortController().signal }),
    new Request(url, { method: 'POST', body: new ReadableStream(), duplex: 'half' }),
    new Request(url, { method: 'lower' }),
    new Request(new Request(url)),
    new (class extends Request {})(url),
  ];
  for (const [index, request] of real.entries()) assert.not(isLight(request), `the one at ${index}`);
});

test('arguments that the class refuses are refused', () => {
  assert.throws(() => new Request('no URL'), TypeError);
  assert.throws(() => new Request('http://a.example/', { body: 'of a GET' }), TypeError);
});

test.run();
