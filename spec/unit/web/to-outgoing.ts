import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PacelineError } from '../../../lib/errors.js';
import { installResponse } from '../../../lib/web/light-response.js';
import type { Outgoing } from '../../../lib/web/outgoing.js';
import { toOutgoing } from '../../../lib/web/to-outgoing.js';
import { RealResponse } from '../../../lib/web/web-globals.js';

installResponse();

function now(result: unknown): Outgoing {
  const outgoing = toOutgoing(result);
  assert.is(outgoing instanceof Promise, false);
  return outgoing as Outgoing;
}

async function textOf(body: Outgoing['body']): Promise<string> {
  return new RealResponse(body as string).text();
}

function shapeError(use: () => unknown): string {
  try {
    use();
  } catch (error) {
    assert.instance(error, PacelineError);
    assert.is((error as PacelineError).code, 'PACELINE_APP_SHAPE');
    return (error as PacelineError).message;
  }
  return assert.unreachable('should have thrown') as never;
}

const NONE = { statusText: '', contentLength: -1, close: false };

test('shorthands say what they are', () => {
  assert.equal(now('h\u00e9'), {
    ...NONE,
    status: 200,
    headers: 'content-type: text/plain;charset=UTF-8\r\n',
    body: 'h\u00e9',
  });
  const octets = 'content-type: application/octet-stream\r\n';
  const bytes = new Uint8Array([1, 2, 3]);
  for (const result of [bytes, bytes.buffer, new DataView(bytes.buffer)]) {
    assert.equal(now(result), { ...NONE, status: 200, headers: octets, body: bytes });
  }
  const json = 'content-type: application/json\r\n';
  assert.equal(now({ a: 1 }), { ...NONE, status: 200, headers: json, body: '{"a":1}' });
  assert.equal(now([1, null]), { ...NONE, status: 200, headers: json, body: '[1,null]' });
  assert.is(now(Object.create(null)).body, '{}');
  assert.is(now(new Date(0)).body, '"1970-01-01T00:00:00.000Z"');
});

test('what a handler may not return is refused with a sentence', () => {
  const wrong = [
    undefined,
    null,
    0,
    1,
    true,
    1n,
    Symbol('x'),
    () => 1,
    new Map(),
    new Error('x'),
    { toJSON: () => undefined },
    new Headers(),
  ];
  for (const result of wrong)
    assert.match(
      shapeError(() => toOutgoing(result)),
      /the handler returned .*; it may return a Response/,
    );
});

test('a subclass of a real Response cannot say a status that there is not', () => {
  for (const status of ['200\r\nx: y', 42, 600, 200.5, Number.NaN]) {
    const strange = Object.defineProperty(new RealResponse('x'), 'status', { get: () => status });
    assert.is(shapeError(() => toOutgoing(strange)).includes('status'), true, String(status));
  }
});

test('a light response is sent as it was given', () => {
  const init = { status: 201, statusText: 'Made', headers: { 'Content-Type': 'text/html', 'X-A': 'b' } };
  const headers = 'content-type: text/html\r\nx-a: b\r\n';
  assert.equal(now(new Response('x', init)), {
    ...NONE,
    status: 201,
    statusText: 'Made',
    headers,
    body: 'x',
  });
  assert.equal(now(new Response(null)), { ...NONE, status: 200, headers: '', body: null });
  assert.is(now(new Response('x')).headers, 'content-type: text/plain;charset=UTF-8\r\n');
  assert.is(now(Response.json({ a: 1 })).headers, 'content-type: application/json\r\n');
  assert.is(now(new Response(new URLSearchParams('a=b'))).body, 'a=b');
  assert.is(now(new Response(new Blob(['x'], { type: 'a/b' }))).headers, 'content-type: a/b\r\n');
  assert.instance(now(new Response(new Blob(['x']))).body, Blob);
  assert.is(now(Response.redirect('http://x/y', 303)).headers, 'location: http://x/y\r\n');
});

test('the same value under a name may change from one response to the next', () => {
  for (const value of ['1', '2', '2', '', '1']) {
    assert.is(now(new Response(null, { headers: { 'x-n': value } })).headers, `x-n: ${value}\r\n`);
  }
});

test('a response is sent once, and one without a body again, as elsewhere', () => {
  const bodies = [
    'again',
    '',
    new Uint8Array(1),
    new Blob(['x']),
    new URLSearchParams('a=b'),
    new Blob(['x']).stream(),
  ];
  for (const body of bodies) {
    for (const look of [false, true]) {
      const response = new Response(body instanceof ReadableStream ? new Blob(['x']).stream() : body);
      if (look) void response.body;
      const { body: sent } = now(response);
      // The connection reads a stream; any other body is taken at once.
      if (sent instanceof ReadableStream) sent.getReader();
      else assert.is(response.bodyUsed, true);
      assert.match(
        shapeError(() => toOutgoing(response)),
        /has been read/,
      );
    }
  }
  for (const empty of [new Response(null, { status: 204 }), Response.redirect('http://x/', 302)]) {
    assert.equal(now(empty), now(empty));
    assert.is(empty.bodyUsed, false);
  }
});

test('changes to headers are sent', () => {
  const response = new Response('x', { headers: { 'x-a': '1' } });
  response.headers.set('x-a', '2');
  response.headers.append('set-cookie', 'a=1');
  response.headers.append('set-cookie', 'b=2; Path=/');
  const lines = now(response).headers.split('\r\n').sort();
  assert.equal(lines, [
    '',
    'content-type: text/plain;charset=UTF-8',
    'set-cookie: a=1',
    'set-cookie: b=2; Path=/',
    'x-a: 2',
  ]);
});

test('cookies stay separate lines in every form of init', () => {
  const pairs: [string, string][] = [
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
  ];
  for (const headers of [pairs, new Headers(pairs)]) {
    assert.is(now(new Response(null, { headers })).headers, 'set-cookie: a=1\r\nset-cookie: b=2\r\n');
  }
});

test('fields that the runtime owns are read and left out', () => {
  const init = {
    Connection: 'Keep-Alive, Close',
    'Content-Length': '5',
    'Transfer-Encoding': 'chunked',
    Date: 'x',
    'Keep-Alive': 'x',
    TE: 'x',
    Trailer: 'x',
    Upgrade: 'x',
    'Proxy-Connection': 'x',
    'x-a': 'b',
  };
  for (const headers of [init, Object.entries(init), new Headers(init)]) {
    const outgoing = now(new Response('hello', { headers, status: 200 }));
    assert.is(outgoing.contentLength, 5);
    assert.is(outgoing.close, true);
    const lines = outgoing.headers.split('\r\n').sort();
    assert.equal(lines, ['', 'content-type: text/plain;charset=UTF-8', 'x-a: b']);
  }
  for (const value of ['x', '-1', '1.5', '5, 5', '99999999999999999999', '']) {
    assert.is(now(new Response(null, { headers: { 'content-length': value } })).contentLength, -1, value);
  }
  assert.is(now(new Response(null, { headers: { connection: 'closed' } })).close, false);
});

test('nothing that ends a line gets into the head', () => {
  const attacks = ['a\r\nx: y', 'a\nb', 'a\rb', 'a\0b', '\n', '\r\n', 'a\r\n'];
  for (const text of attacks) {
    for (const make of [
      (): unknown => ({ 'x-a': text }),
      (): unknown => [['x-a', text]],
      (): unknown => ({ [text]: 'x' }),
    ]) {
      let sent = '';
      try {
        sent = now(new Response('', { headers: make() as Record<string, string> })).headers;
      } catch (error) {
        assert.instance(error, TypeError);
      }
      assert.is(
        /\r\n./.test(sent.replace('content-type: text/plain;charset=UTF-8\r\n', '')),
        false,
        JSON.stringify(sent),
      );
      assert.is(/[^\r]\n|\r[^\n]|\0/.test(sent), false, JSON.stringify(sent));
    }
    assert.throws(() => new Response('', { statusText: text }), TypeError);
    const evil = Object.defineProperty(new Blob(['x']), 'type', { value: text });
    assert.is(now(new Response(evil)).headers, '');
    try {
      // undici's Headers trim a value when they are copied, which may leave an empty one.
      assert.match(now(new RealResponse(evil)).headers, /^content-type: a?\r\n$/);
    } catch (error) {
      assert.instance(error, TypeError);
    }
    const foreign = {
      [Symbol.toStringTag]: 'Response',
      status: 200,
      headers: [['x-a', `x${text}x`]],
      body: null,
    };
    assert.throws(() => toOutgoing(foreign), TypeError);
  }
});

test('values beyond ASCII are latin1', () => {
  assert.is(now(new Response(null, { headers: { 'x-a': 'caf\xe9' } })).headers, 'x-a: caf\xe9\r\n');
});

test('a stream is passed on', async () => {
  const stream = new Blob(['streamed']).stream();
  const outgoing = now(new Response(stream));
  assert.is(outgoing.body, stream);
  assert.is(outgoing.headers, '');
  assert.is(await textOf(outgoing.body), 'streamed');
});

test('a form is sent with its boundary', async () => {
  const form = new FormData();
  form.set('a', 'b');
  const outgoing = now(new Response(form));
  const boundary = /^content-type: multipart\/form-data; boundary=(.*)\r\n$/.exec(outgoing.headers)?.[1];
  assert.ok(boundary);
  assert.match(await textOf(outgoing.body), boundary);
});

test('looking at the body does not make a text a stream', () => {
  const seen = new Response('text');
  assert.ok(seen.body);
  assert.is(now(seen).body, 'text');
  const response = new Response('text');
  const copy = now(new Response(response.body, response));
  assert.is(copy.body, 'text');
  assert.is(copy.headers, 'content-type: text/plain;charset=UTF-8\r\n');
});

test('a body that has been read or is being read cannot be sent', async () => {
  const read = new Response('x');
  await read.text();
  const seen = new Response('x');
  await seen.text();
  void seen.body;
  const locked = new Response('x');
  locked.body?.getReader();
  const lockedStream = new Response(new Blob(['x']).stream());
  lockedStream.body?.getReader();
  const cancelled = new Response('x');
  await cancelled.body?.cancel();
  const real = new RealResponse('x');
  await real.text();
  const lockedReal = new RealResponse('x');
  lockedReal.body?.getReader();
  for (const response of [read, seen, locked, lockedStream, cancelled, real, lockedReal]) {
    assert.match(
      shapeError(() => toOutgoing(response)),
      /has been read/,
    );
  }
});

test('a clone can be sent after the original was read', async () => {
  for (const body of ['text', new Blob(['text']).stream()]) {
    const response = new Response(body);
    const clone = response.clone();
    assert.is(await response.text(), 'text');
    assert.is(await textOf(now(clone).body), 'text');
  }
});

test('an error response cannot be sent', () => {
  assert.match(
    shapeError(() => toOutgoing(Response.error())),
    /Response\.error\(\)/,
  );
  assert.match(
    shapeError(() => toOutgoing(RealResponse.error())),
    /Response\.error\(\)/,
  );
});

test('a real response is sent by its stream', async () => {
  const outgoing = now(
    new RealResponse('real', {
      status: 202,
      statusText: 'Yes',
      headers: { 'x-a': 'b', 'content-length': '4' },
    }),
  );
  assert.is(outgoing.status, 202);
  assert.is(outgoing.statusText, 'Yes');
  assert.is(outgoing.contentLength, 4);
  assert.is(outgoing.headers, 'content-type: text/plain;charset=UTF-8\r\nx-a: b\r\n');
  assert.is(await textOf(outgoing.body), 'real');
  assert.is(now(new RealResponse(null)).body, null);
});

test('a response of another library is copied', async () => {
  const body = new Blob(['foreign']).stream();
  const headers = new Map([['x-a', 'b']]);
  const foreign = {
    [Symbol.toStringTag]: 'Response',
    status: 203,
    statusText: 'Hm',
    headers,
    body,
    bodyUsed: false,
  };
  const outgoing = now(foreign);
  assert.is(outgoing.status, 203);
  assert.is(outgoing.statusText, 'Hm');
  assert.is(outgoing.headers, 'x-a: b\r\n');
  assert.is(await textOf(outgoing.body), 'foreign');
  assert.match(
    shapeError(() => toOutgoing({ ...foreign, bodyUsed: true })),
    /has been read/,
  );
});

test('a fetched response loses the coding that fetch() undid', async () => {
  const server = createServer((request, response) => {
    const coded = request.url === '/coded';
    response.setHeader('x-a', 'b');
    if (coded) response.setHeader('content-encoding', 'gzip');
    const body = coded ? gzipSync('plain') : Buffer.from('plain');
    response.setHeader('content-length', body.length);
    response.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const coded = now(await fetch(`${base}/coded`));
    assert.is(coded.contentLength, -1);
    assert.not.match(coded.headers, 'content-encoding');
    assert.match(coded.headers, 'x-a: b\r\n');
    assert.is(await textOf(coded.body), 'plain');
    const plain = now(await fetch(`${base}/plain`));
    assert.is(plain.contentLength, 5);
    assert.is(await textOf(plain.body), 'plain');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test.run();
