import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { IncomingBody } from '../../../lib/web/incoming-body.js';
import { abortRequest, createRequest } from '../../../lib/web/light-request.js';
import { installResponse } from '../../../lib/web/light-response.js';
import type { RequestHead } from '../../../lib/web/request-head.js';
import { RealRequest } from '../../../lib/web/web-globals.js';

installResponse();

interface Given {
  method?: string;
  target?: string;
  host?: string | null;
  fields?: string[];
}

function headOf({ method = 'GET', target = '/', host = 'example.com', fields = [] }: Given): RequestHead {
  const lines = [`${method} ${target} HTTP/1.1`, ...(host === null ? [] : [`Host: ${host}`]), ...fields];
  const text = `${lines.join('\r\n')}\r\n\r\n`;
  const hostStart = host === null ? -1 : text.indexOf('Host: ') + 6;
  return {
    text,
    methodEnd: method.length,
    targetStart: method.length + 1,
    targetEnd: method.length + 1 + target.length,
    headersStart: text.indexOf('\r\n') + 2,
    hostStart,
    hostEnd: host === null ? -1 : hostStart + host.length,
    fallbackHost: '127.0.0.1:8080',
  };
}

function bodyOf(...parts: (string | Uint8Array)[]): IncomingBody {
  const body = new IncomingBody({ resume: () => undefined });
  for (const part of parts) body.push(typeof part === 'string' ? new TextEncoder().encode(part) : part);
  body.end();
  return body;
}

const make = (given: Given, body: IncomingBody | null = null): Request => createRequest(headOf(given), body);

async function outcome(use: () => unknown): Promise<unknown> {
  try {
    const value = await use();
    return value instanceof ArrayBuffer ? Buffer.from(value).toString('hex') : value;
  } catch (error) {
    return `throws ${(error as Error).name}: ${(error as Error).message}`;
  }
}

test('the first host that a thread sees may be empty', () => {
  assert.is(make({ host: '', target: '/x' }).url, 'http://127.0.0.1:8080/x');
});

test('a light request is a Request', () => {
  const request = make({});
  assert.instance(request, Request);
  assert.instance(request, RealRequest);
  assert.is(Object.prototype.toString.call(request), '[object Request]');
  assert.is(request.constructor, Request);
  assert.is(Request.name, 'Request');
});

test('the members that no init has set are those of a real request', () => {
  const light = make({ target: '/a?b=c' });
  const real = new RealRequest('http://example.com/a?b=c');
  for (const name of Object.keys(Object.getOwnPropertyDescriptors(RealRequest.prototype))) {
    if (['constructor', 'headers', 'signal'].includes(name)) continue;
    const value = Reflect.get(real, name);
    if (typeof value === 'function') assert.type(Reflect.get(light, name), 'function', name);
    else assert.is(Reflect.get(light, name), value, name);
  }
});

test('the method is what a real request makes of it', () => {
  for (const method of ['GET', 'PUT', 'HEAD', 'PATCH', 'QUERY', 'foo', 'GETX']) {
    assert.is(make({ method }).method, new RealRequest('http://x/', { method }).method, method);
  }
});

test('methods that a real request refuses can be looked at', () => {
  for (const method of ['TRACE', 'TRACK']) {
    const request = make({ method, target: '/x' });
    assert.is(request.method, method);
    assert.type(request.url, 'string');
    assert.is(request.headers.get('host'), 'example.com');
    assert.throws(() => request.clone(), TypeError);
  }
});

test('the URL is the one of a real request for every target', () => {
  const targets = [
    '/',
    '/a',
    '/a/b.txt',
    '/a?b=c&d=%20',
    '//x/y',
    '/a//b',
    '/?',
    '/a?',
    '/a;b=1,2',
    '/~u/@x:1/!$&()*+=',
  ];
  targets.push(
    '/.',
    '/..',
    '/a/../b',
    '/a/./b',
    '/a/..',
    '/.well-known/x',
    '/..a',
    '/a..',
    '/%2e%2e/b',
    '/a/%2E/b',
    '/a/.%2e',
  );
  targets.push(
    '/a b',
    '/"',
    '/<x>',
    '/`',
    '/{x}',
    '/[x]',
    '/a|b',
    '/a^b',
    '/a\\b',
    '/..\\b',
    "/'",
    '/%zz',
    '/%',
    '/a%2fb',
    '/\xe9',
  );
  targets.push(
    '/?a=../..',
    '/?[x]=1',
    '/?{x}',
    '/?a|b',
    '/?a^b',
    '/?a`b',
    "/?a'b",
    '/?"',
    '/?a b',
    '/?\\',
    '/?<>',
    '/?\xe9',
    '/??',
    '/#x',
    '/?#',
  );
  for (let code = 0x20; code < 0x100; code++) {
    const char = String.fromCharCode(code);
    targets.push(`/${char}`, `/a${char}b`, `/a/${char}${char}/b`, `/?${char}`);
  }
  for (const target of targets) {
    assert.is(make({ target }).url, new RealRequest(`http://example.com${target}`).url, target);
  }
});

test('the host is written as the URL parser writes it', () => {
  const hosts = [
    'localhost',
    'Example.COM',
    'a.b:80',
    'a.b:443',
    'a.b:8080',
    'a.b:08080',
    'a.b:',
    '127.0.0.1',
    '127.1',
    '0x7f.1',
  ];
  hosts.push('[::1]:80', '[::0001]', 'xn--bcher-kva.example', 'a_b.c', 'a.b.', '1.2.3.4:65535', 'b%41r');
  for (const host of hosts) {
    for (let again = 0; again < 2; again++) {
      assert.is(make({ host, target: '/x' }).url, new RealRequest(`http://${host}/x`).url, host);
    }
  }
});

test('the URL before is never taken for that of another target or host', () => {
  const givens: Given[] = [];
  for (const target of ['/a', '/b', '/a', '/ab', '/a?', '*', 'http://a.b/a', '/../a']) {
    for (const host of ['a.b', 'a.b', 'a.c', 'A.b', null, '']) {
      givens.push({ target, host });
    }
  }
  // Each one directly after each other one.
  for (const before of givens) {
    for (const given of givens) {
      make(before).url;
      const host = given.host || '127.0.0.1:8080';
      const path = given.target === '*' ? '/' : given.target;
      const expected = new RealRequest(new URL(path!, `http://${host}`)).url;
      assert.is(make(given).url, expected, JSON.stringify([before, given]));
    }
  }
});

test('a host that is missing or empty is replaced', () => {
  for (const host of [null, '']) {
    assert.is(make({ host, target: '/x' }).url, 'http://127.0.0.1:8080/x', String(host));
  }
});

test('an absolute target is taken as it is, and the asterisk has no path', () => {
  const urls: [string, string, string][] = [
    ['GET', 'http://other.org/a/../b?c', 'http://other.org/b?c'],
    ['GET', 'HTTP://OTHER.org:80', 'http://other.org/'],
    ['GET', 'https://other.org:443/', 'https://other.org/'],
    ['OPTIONS', '*', 'http://example.com/'],
  ];
  for (const [method, target, url] of urls) assert.is(make({ method, target }).url, url);
});

test('headers are a Headers object with what was sent', () => {
  const { headers } = make({
    fields: [
      'Accept: a',
      'accept:b',
      'Cookie: x=1',
      'cookie:  y=2 \t',
      'X-Latin: caf\xe9',
      'X-Empty:',
      'X-Colon: a:b: c',
    ],
  });
  assert.instance(headers, Headers);
  assert.equal(
    [...headers],
    [
      ['accept', 'a, b'],
      ['cookie', 'x=1; y=2'],
      ['host', 'example.com'],
      ['x-colon', 'a:b: c'],
      ['x-empty', ''],
      ['x-latin', 'caf\xe9'],
    ],
  );
  assert.is([...make({ host: null }).headers].length, 0);
});

const BODIES: [string, (string | Uint8Array)[]][] = [
  ['text', ['hello']],
  ['two chunks', ['{"a":', '"\u00e9"}']],
  ['no bytes', []],
  ['byte order mark', ['\ufeff{"b":1}']],
  ['no UTF-8', [new Uint8Array([0x61, 0xff, 0xe2, 0x82, 0x62, 0xf0, 0x9f, 0x98])]],
  ['a character in two chunks', [new Uint8Array([0xe2, 0x82]), new Uint8Array([0xac])]],
];

const READERS: [string, (request: Request) => unknown][] = [
  ['text', (request) => request.text()],
  ['json', (request) => request.json()],
  ['arrayBuffer', (request) => request.arrayBuffer()],
  [
    'bytes',
    async (request) =>
      Buffer.from(await (request as Request & { bytes(): Promise<Uint8Array> }).bytes()).toString('hex'),
  ],
  ['blob', async (request) => [(await request.clone().blob()).type, await (await request.blob()).text()]],
  ['formData', async (request) => [...(await request.formData())]],
  [
    'text after body',
    async (request) => [request.body === null, request.bodyUsed, await request.text(), request.bodyUsed],
  ],
  ['twice', async (request) => [await request.text(), await outcome(() => request.text())]],
  [
    'json twice',
    async (request) => [
      await outcome(() => request.json()),
      await outcome(() => request.json()),
      request.bodyUsed,
    ],
  ],
  ['body after text', async (request) => [await request.text(), request.body?.locked, request.bodyUsed]],
  ['clone after text', async (request) => [await request.text(), request.clone().url]],
  ['new Request after text', async (request) => [await request.text(), new Request(request).url]],
  [
    'text of a copy',
    async (request) => [
      await new Request(request).text(),
      request.bodyUsed,
      await outcome(() => request.text()),
    ],
  ],
  [
    'text of a clone',
    async (request) => [
      await request.clone().text(),
      request.bodyUsed,
      await request.text(),
      request.bodyUsed,
    ],
  ],
  [
    'stream',
    async (request) => [
      await new Response(request.body).text(),
      request.bodyUsed,
      await outcome(() => request.text()),
    ],
  ],
  [
    'locked',
    async (request) => [
      request.body?.getReader() === null,
      request.bodyUsed,
      await outcome(() => request.text()),
    ],
  ],
  ['locked clone', async (request) => [request.body?.getReader() === null, request.clone().url]],
  [
    'copy with init',
    async (request) => {
      const copy = new Request(request, { headers: { 'x-new': '1' } });
      return [copy.method, copy.headers.get('content-type'), copy.headers.get('x-new'), await copy.text()];
    },
  ],
  [
    'copy with a body of its own',
    async (request) => {
      const copy = new Request(request, { body: 'own' });
      return [await copy.text(), request.bodyUsed, await request.text()];
    },
  ],
  [
    'copy of a locked one with a body of its own',
    async (request) => {
      const reader = request.body?.getReader();
      const copy = new Request(request, { body: 'own' });
      return [
        copy.headers.get('content-type'),
        await copy.text(),
        request.bodyUsed,
        (await reader?.read())?.done,
      ];
    },
  ],
  [
    'as init',
    async (request) => {
      const copy = new Request('http://other/', request);
      return [copy.method, copy.url, [...copy.headers], await copy.text(), request.bodyUsed];
    },
  ],
  [
    'subclass',
    async (request) => {
      class Sub extends Request {}
      const copy = new Sub(request);
      return [copy instanceof Sub, copy instanceof Request, request instanceof Sub, await copy.text()];
    },
  ],
  [
    'changed headers',
    async (request) => {
      void request.body;
      request.headers.set('content-type', 'text/css');
      const copy = request.clone();
      request.headers.append('x-late', '1');
      const { type } = await request.blob();
      return [[...copy.headers], [...request.headers], type];
    },
  ],
];

test('bodies read as those of real requests do', async () => {
  const types = ['text/plain', 'application/x-www-form-urlencoded'];
  for (const method of ['POST', 'GET']) {
    for (const type of types) {
      for (const [bodyName, parts] of BODIES) {
        for (const [name, read] of READERS) {
          const fields = [`Content-Type: ${type}`];
          const light = make({ method, fields }, bodyOf(...parts));
          const real = new RealRequest('http://example.com/', {
            method,
            headers: { 'content-type': type, host: 'example.com' },
            body: method === 'GET' ? null : bodyOf(...parts).stream(),
            duplex: 'half',
          });
          // The real constructor with a real request must give the same result as ours with a light one.
          assert.equal(
            await outcome(() => read(light)),
            await outcome(() => read(real)),
            `${method} ${bodyName} ${name}`,
          );
        }
      }
    }
  }
});

test('only one byte order mark is dropped, which undici gets wrong', async () => {
  assert.is(await make({ method: 'POST' }, bodyOf('\ufeff\ufeffx')).text(), '\ufeffx');
});

test('a request without a body reads as empty and is never used', async () => {
  const request = make({ method: 'POST' });
  assert.is(request.body, null);
  assert.is(await request.text(), '');
  assert.is(request.bodyUsed, false);
  assert.is((await request.arrayBuffer()).byteLength, 0);
  assert.is(await outcome(() => request.json()), 'throws SyntaxError: Unexpected end of JSON input');
});

test('multipart forms are parsed', async () => {
  const form = new FormData();
  form.set('name', 'value');
  form.set('file', new File(['content'], 'a.txt', { type: 'text/plain' }));
  const source = new RealRequest('http://x/', { method: 'POST', body: form });
  const body = bodyOf(new Uint8Array(await source.clone().arrayBuffer()));
  const request = make(
    { method: 'POST', fields: [`Content-Type: ${source.headers.get('content-type')}`] },
    body,
  );
  const got = await request.formData();
  assert.is(got.get('name'), 'value');
  assert.is(await (got.get('file') as File).text(), 'content');
  assert.is(request.bodyUsed, true);
});

test('an error of the connection rejects the readers', async () => {
  for (const [name, read] of READERS.slice(0, 4)) {
    const body = new IncomingBody({ resume: () => undefined });
    const result = outcome(() => read(make({ method: 'POST' }, body)));
    body.fail(new RangeError('gone'));
    assert.is(await result, 'throws RangeError: gone', name);
  }
});

test('an array buffer has only the bytes of the body', async () => {
  const pool = new TextEncoder().encode('xxhelloxx');
  const request = make({ method: 'POST' }, bodyOf(pool.subarray(2, 7)));
  assert.is(Buffer.from(await request.arrayBuffer()).toString(), 'hello');
});

test('the signal aborts when the client leaves', () => {
  const asked = make({});
  const { signal } = asked;
  assert.is(asked.signal, signal);
  assert.is(signal.aborted, false);
  const reason = new Error('gone');
  abortRequest(asked, reason);
  assert.is(signal.aborted, true);
  assert.is(signal.reason, reason);
  abortRequest(asked, new Error('again'));
  assert.is(signal.reason, reason);
});

test('a signal that is asked for after the client left is aborted', () => {
  const request = make({});
  abortRequest(request, undefined);
  assert.is(request.signal.aborted, true);
  assert.is(request.signal.reason.name, 'AbortError');
});

test('copies follow the signal', () => {
  const request = make({});
  const [copy, clone] = [new Request(request), request.clone()];
  abortRequest(request, new Error('gone'));
  assert.is(copy.signal.aborted, true);
  assert.is(clone.signal.aborted, true);
});

test('what is no light request can be passed to abortRequest()', () => {
  abortRequest(new RealRequest('http://x/'), undefined);
});

test('fetch() takes a light request', async () => {
  const server = createServer((request, response) => {
    response.setHeader('x-seen', `${request.method} ${request.url} ${request.headers['x-a']}`);
    request.pipe(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const given: Given = { method: 'POST', host, target: '/p?q', fields: ['X-A: b'] };
    const response = await fetch(make(given, bodyOf('a', 'b')));
    assert.instance(response, Response);
    assert.is(response.headers.get('x-seen'), 'POST /p?q b');
    assert.is(await response.text(), 'ab');
    const asInit = await fetch(`http://${host}/other`, make(given, bodyOf('c')));
    assert.is(asInit.headers.get('x-seen'), 'POST /other b');
    assert.is(await asInit.text(), 'c');
    assert.match(
      String(await outcome(() => fetch(make({ method: 'TRACE', host })))),
      /^throws TypeError: .*TRACE/,
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('Request still takes what it took', () => {
  assert.is(new Request('http://x/', { method: 'put' }).method, 'PUT');
  assert.is(new Request(new URL('http://x/y')).url, 'http://x/y');
  assert.throws(() => new Request('/relative'), TypeError);
  assert.throws(() => (Request as unknown as () => void)(), TypeError);
  assert.is(new Request('http://x/').constructor, Request);
});

test.run();
