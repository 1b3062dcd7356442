import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { installResponse } from '../../../lib/web/light-response.js';
import { RealResponse } from '../../../lib/web/web-globals.js';

installResponse();

type Make = (Response: typeof RealResponse) => Response;

async function outcome(use: () => unknown): Promise<unknown> {
  try {
    return await use();
  } catch (error) {
    return `throws ${(error as Error).name}: ${(error as Error).message}`;
  }
}

/** A value that a TypeScript caller may not pass, and a JavaScript caller does. */
const odd = (value: unknown): never => value as never;

function streamOf(...parts: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(new TextEncoder().encode(part));
      controller.close();
    },
  });
}

function lockedStream(): ReadableStream {
  const stream = streamOf('x');
  stream.getReader();
  return stream;
}

function disturbedStream(): ReadableStream {
  const stream = streamOf('x');
  void stream.cancel();
  return stream;
}

const BODIES: [string, () => unknown][] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['empty string', () => ''],
  ['string', () => 'h\u00e9llo \u20ac'],
  ['lone surrogate', () => 'a\ud800b'],
  ['byte order mark', () => '\ufeff{"a":1}'],
  ['JSON', () => '{"a":[1]}'],
  ['form', () => new URLSearchParams({ a: '1 2', b: '\u00e9' })],
  ['Uint8Array', () => new Uint8Array([1, 2, 255])],
  ['Buffer', () => Buffer.from('pooled buffer')],
  ['Uint16Array', () => new Uint16Array([1, 2])],
  ['DataView', () => new DataView(new ArrayBuffer(8), 2, 3)],
  ['ArrayBuffer', () => new Uint8Array([1, 2]).buffer],
  ['shared', () => new Uint8Array(new SharedArrayBuffer(4))],
  ['Blob', () => new Blob(['blob'])],
  ['typed Blob', () => new Blob(['blob'], { type: 'Image/PNG' })],
  ['stream', () => streamOf('one', 'two')],
  ['locked stream', lockedStream],
  ['disturbed stream', disturbedStream],
  ['FormData', () => new FormData()],
  ['number', () => 42],
  ['boolean', () => true],
  ['object', () => ({ a: 1 })],
  ['array', () => [1, 2]],
  ['symbol', () => Symbol('x')],
];

const INITS: [string, () => unknown][] = [
  ['no init', () => undefined],
  ['null init', () => null],
  ['number init', () => 1],
  ['empty init', () => ({})],
  ['function init', () => () => 1],
];
for (const status of [
  0, 99, 100, 101, 103, 199, 200, 201, 204, 205, 299, 300, 304, 404, 599, 600, 1000, 65736, 200.5, -1,
]) {
  INITS.push([`status ${status}`, () => ({ status })]);
}
for (const status of ['201', '', null, Number.NaN, {}, true])
  INITS.push([`status ${inspect(status)}`, () => ({ status })]);
for (const statusText of [
  'OK',
  '',
  'a\tb',
  'a\nb',
  'a\rb',
  'a\0b',
  '\x7f',
  '\xe9',
  '\u20ac',
  null,
  5,
  undefined,
]) {
  INITS.push([`statusText ${inspect(statusText)}`, () => ({ statusText })]);
}
const HEADERS: unknown[] = [
  {},
  null,
  'text',
  5,
  [],
  { 'Content-Type': 'text/html' },
  [['content-type', 'text/html']],
  { 'x-a': 'b', 'X-B': 'c' },
  [
    ['set-cookie', 'a=1'],
    ['set-cookie', 'b=2'],
    ['x-a', '1'],
    ['X-A', '2'],
  ],
  new Map([['x-a', 'b']]),
  new Headers({ 'x-a': 'b', 'content-type': 'a/b' }),
  { connection: 'close', 'content-length': '5', date: 'now' },
  { 'x-a': 5, 'x-b': undefined, 'x-c': null, 'x-d': true },
  { 'x-a': ['b', 'c'] },
  { 'x-a': ' padded\t' },
  { 'x-a': '' },
  { 'x-a': '\xe9' },
  { 'x-a': '\u20ac' },
  { 'x-a': 'a\nb' },
  { 'x-a': 'a\r\nb: c' },
  { 'x-a': 'a\0b' },
  { 'x-a': 'a\n' },
  { 'x-a': '\x01' },
  { 'x a': 'b' },
  { 'x-a:': 'b' },
  { 'x-a\r\n': 'b' },
  { '': 'b' },
  { 'x-\xe9': 'b' },
  [['a']],
  [['a', 'b', 'c']],
  ['ab'],
  [1],
  [null],
  [['x-a', 1]],
  Object.create({ inherited: 'x' }),
  Object.assign(Object.create(null), { 'x-a': 'b' }),
  JSON.parse('{"__proto__":"x","a":"b"}'),
];
for (const headers of HEADERS) INITS.push([`headers ${inspect(headers)}`, () => ({ headers })]);
for (const name of ['x-b', 'x b']) {
  const fields = [
    ['x-a', '1'],
    [name, '2'],
  ];
  INITS.push([`iterator of ${inspect(fields)}`, () => ({ headers: fields.values() })]);
}

/** Two boundaries of forms are never equal. */
function boring(value: string): string {
  return value.replace(/-{2,}formdata-[\w-]+/g, 'BOUNDARY');
}

async function describe(response: Response): Promise<unknown> {
  const { status, ok, statusText, type, url, redirected, bodyUsed } = response;
  const headers = [...response.headers].map(([name, value]) => `${name}: ${boring(value)}`);
  const text = boring(await response.text());
  return { status, ok, statusText, type, url, redirected, bodyUsed, headers, text, after: response.bodyUsed };
}

async function same(name: string, make: Make, use: (response: Response) => unknown): Promise<void> {
  const light = await outcome(() => use(make(Response)));
  assert.equal(light, await outcome(() => use(make(RealResponse))), name);
}

test('a light response is a Response', () => {
  const response = new Response('x');
  assert.instance(response, Response);
  assert.instance(response, RealResponse);
  assert.is.not(Response, RealResponse);
  assert.is(response.constructor, Response);
  assert.is(Response.name, 'Response');
  assert.is(Response.length, RealResponse.length);
  assert.is(Object.prototype.toString.call(response), '[object Response]');
  assert.throws(() => (Response as unknown as () => void)(), TypeError);
});

test('a real response is a Response, and other things are not', () => {
  assert.instance(new RealResponse('x'), Response);
  for (const value of [null, undefined, 1, 'x', {}, new Headers()])
    assert.is((value as unknown as object) instanceof Response, false);
});

test('installing again changes nothing', () => {
  const { Response: before, Request: request, fetch: f } = globalThis;
  installResponse();
  assert.is(globalThis.Response, before);
  assert.is(globalThis.Request, request);
  assert.is(globalThis.fetch, f);
});

test('every construction gives, or throws, what the real class does', async () => {
  for (const [bodyName, body] of BODIES) {
    for (const [initName, init] of INITS) {
      await same(`${bodyName}, ${initName}`, (R) => new R(odd(body()), odd(init())), describe);
    }
  }
});

test('Response.json() gives, or throws, what the real one does', async () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;
  const values = [
    { a: 1 },
    [],
    null,
    0,
    'text',
    undefined,
    () => 1,
    Symbol('x'),
    1n,
    circular,
    new Date(0),
    { toJSON: () => undefined },
  ];
  for (const data of values) await same(inspect(data), (R) => R.json(data, undefined), describe);
  for (const [name, init] of INITS) await same(name, (R) => R.json({ a: 1 }, odd(init())), describe);
});

test('Response.redirect() gives, or throws, what the real one does', async () => {
  for (const url of ['http://x/\u00e9 y', 'HTTPS://X', '/relative', '', new URL('http://x/'), 5, undefined]) {
    for (const status of [undefined, 301, 302, 303, 304, 307, 308, 200, 0, '301', null]) {
      await same(`${url} ${status}`, (R) => R.redirect(odd(url), odd(status)), describe);
    }
  }
  for (const real of [Response, RealResponse]) {
    const response = real.redirect('http://x/', 302);
    assert.instance(response, Response);
    assert.throws(() => response.headers.set('x-a', 'b'), TypeError);
    assert.throws(() => response.clone().headers.set('x-a', 'b'), TypeError);
  }
});

test('Response.error() is that of the real class', async () => {
  await same('error', (R) => R.error(), describe);
  await same('clone', (R) => R.error().clone(), describe);
  assert.instance(Response.error(), Response);
});

const USES: [string, (response: Response) => unknown][] = [
  ['json', (r) => r.json()],
  ['json twice', async (r) => [await outcome(() => r.json()), await outcome(() => r.json()), r.bodyUsed]],
  ['arrayBuffer', async (r) => Buffer.from(await r.arrayBuffer()).toString('hex')],
  [
    'bytes',
    async (r) =>
      Buffer.from(await (r as Response & { bytes(): Promise<Uint8Array> }).bytes()).toString('hex'),
  ],
  ['blob', async (r) => ((b) => [b.type, b.size])(await r.blob())],
  ['text twice', async (r) => [await r.text(), await outcome(() => r.text())]],
  [
    'body',
    async (r) => [
      r.body === null,
      Object.is(r.body, r.body),
      r.body?.locked,
      r.bodyUsed,
      await r.text(),
      r.bodyUsed,
    ],
  ],
  [
    'body after text',
    async (r) => [await r.text(), r.body === null, r.bodyUsed, await outcome(() => r.text())],
  ],
  ['stream', async (r) => [await new RealResponse(r.body).text(), r.bodyUsed, await outcome(() => r.text())]],
  ['locked', async (r) => [r.body?.getReader() === null, r.bodyUsed, await outcome(() => r.text())]],
  ['cancel', async (r) => [await r.body?.cancel(), r.bodyUsed, await outcome(() => r.text())]],
  ['clone', async (r) => [await r.clone().text(), r.bodyUsed, await r.text(), r.bodyUsed]],
  ['clone of clone', async (r) => [await r.clone().clone().text(), await r.text()]],
  ['clone after body', async (r) => [r.body === null, await r.clone().text(), await r.text()]],
  ['clone after text', async (r) => [await r.text(), r.clone().status]],
  ['clone locked', (r) => [r.body?.getReader() === null, r.clone().status]],
  [
    'clone headers',
    (r) => {
      r.headers.set('x-a', '1');
      const copy = r.clone();
      r.headers.set('x-a', '2');
      return [copy.status, copy.statusText, copy.headers.get('x-a'), r.headers.get('x-a')];
    },
  ],
  [
    'clone headers after body',
    (r) => {
      void r.body;
      r.headers.set('x-a', '1');
      return r.clone().headers.get('x-a');
    },
  ],
  [
    'changed type',
    async (r) => {
      void r.headers;
      void r.body;
      r.headers.set('content-type', 'text/css');
      return [(await r.blob()).type, Object.is(r.headers, r.headers)];
    },
  ],
  [
    'deleted type',
    async (r) => {
      r.headers.delete('content-type');
      return [[...r.headers], (await r.blob()).type, [...r.headers]];
    },
  ],
  ['formData', async (r) => [...(await r.formData())].map(String)],
  [
    'as init',
    async (r) => {
      const copy = new Response(r.body, r);
      return [
        copy.status,
        copy.statusText,
        [...copy.headers].map(([k, v]) => k + boring(v)),
        boring(await copy.text()),
      ];
    },
  ],
];

test('every use gives, or throws, what the real class does', async () => {
  const inits = [
    undefined,
    { status: 201, statusText: 'Made', headers: { 'content-type': 'application/json', 'x-a': '0' } },
  ];
  for (const [bodyName, body] of BODIES) {
    // Only the parts of a form can be compared: its boundary is random.
    if (bodyName === 'FormData') continue;
    for (const init of inits) {
      for (const [name, use] of USES) {
        await same(`${bodyName} ${init?.status} ${name}`, (R) => new R(odd(body()), init), use);
      }
    }
  }
});

test('forms can be read back', async () => {
  const form = new FormData();
  form.set('a', 'b');
  assert.equal([...(await new Response(form).formData())], [['a', 'b']]);
  assert.equal([...(await new Response(new URLSearchParams('a=b')).formData())], [['a', 'b']]);
});

test('bytes are copied at construction', async () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const response = new Response(bytes);
  bytes.fill(9);
  assert.equal([...new Uint8Array(await response.arrayBuffer())], [1, 2, 3]);
});

test('headers are copied at construction', () => {
  for (const headers of [new Headers({ 'x-a': '1' }), { 'x-a': '1' }]) {
    const response = new Response('', { headers });
    if (headers instanceof Headers) headers.set('x-a', '2');
    else headers['x-a'] = '2';
    assert.is(response.headers.get('x-a'), '1');
  }
});

test('a subclass works', async () => {
  class Created extends Response {
    constructor(body: string) {
      super(body, { status: 201 });
    }
    get extra(): string {
      return `${this.status}!`;
    }
  }
  const response = new Created('made');
  assert.instance(response, Created);
  assert.instance(response, Response);
  assert.is(new Response('') instanceof Created, false);
  assert.is(new RealResponse('') instanceof Created, false);
  assert.is(response.status, 201);
  assert.is(response.extra, '201!');
  assert.is(await response.text(), 'made');
});

test('members that only newer versions of Node.js have are there', () => {
  for (const name of Object.getOwnPropertyNames(RealResponse.prototype)) {
    assert.is(name in Response.prototype, true);
    if (name !== 'constructor') Reflect.get(new Response('x'), name);
  }
  for (const name of ['error', 'json', 'redirect']) assert.type(Reflect.get(Response, name), 'function');
});

test('a light response can be printed', () => {
  assert.match(inspect(new Response('x', { status: 404 })), /^Response \{[\s\S]*status: 404/);
});

test.run();
