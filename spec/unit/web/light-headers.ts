/** Light Headers objects against undici's: the same calls on both give the same results, order, errors and inspection. */
import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createRequest, untouchedHead } from '../../../lib/web/light-request.js';
import { installResponse } from '../../../lib/web/light-response.js';
import type { RequestHead } from '../../../lib/web/request-head.js';
import { toOutgoing } from '../../../lib/web/to-outgoing.js';
import { RealHeaders, RealResponse } from '../../../lib/web/web-globals.js';
import { oneOf, randomOf } from '../../support/random.js';

installResponse();

type Pairs = readonly (readonly [name: string, value: string])[];

function requestOf(pairs: Pairs): Request {
  const text = `GET / HTTP/1.1\r\n${pairs.map(([name, value]) => `${name}:${value}\r\n`).join('')}\r\n`;
  const head: RequestHead = {
    text,
    methodEnd: 3,
    targetStart: 4,
    targetEnd: 5,
    headersStart: text.indexOf('\r\n') + 2,
    hostStart: -1,
    hostEnd: -1,
    fallbackHost: 'localhost',
  };
  return createRequest(head, null);
}

const plain = (pairs: Pairs): [string, string][] => pairs.map(([name, value]) => [name, value]);

/** A light object of the given fields, in each way in which an app gets one. */
const SOURCES: [string, (pairs: Pairs) => Headers][] = [
  ['received', (pairs) => requestOf(pairs).headers],
  ['constructed', (pairs) => new Headers(plain(pairs))],
  ['copied from a request', (pairs) => new Headers(requestOf(pairs).headers)],
  ['copied from a copy', (pairs) => new Headers(new Headers(plain(pairs)))],
  ['of a response', (pairs) => new Response(null, { headers: plain(pairs) }).headers],
  ['of a response with a copy', (pairs) => new Response(null, { headers: requestOf(pairs).headers }).headers],
  ['of a clone', (pairs) => new Response(null, { headers: new Headers(plain(pairs)) }).clone().headers],
];

/** Lines are kept in lower case. */
const KEEPS_SPELLING = (source: string): boolean => source !== 'of a response';

function outcome(use: () => unknown): unknown {
  try {
    return use();
  } catch (error) {
    const { name, message, code } = error as Error & { code?: unknown };
    return `throws ${name}: ${message} (${String(code)})`;
  }
}

/** Everything that can be seen of an object. */
function seen(headers: Headers, withSpelling: boolean): unknown {
  const called: unknown[] = [];
  headers.forEach((value, name, object) => void called.push([value, name, object === headers]));
  return {
    entries: [...headers],
    keys: [...headers.keys()],
    values: [...headers.values()],
    called,
    cookies: headers.getSetCookie(),
    object: Object.fromEntries(headers),
    inspected: withSpelling ? inspect(headers) : '',
    nested: withSpelling ? inspect({ a: [headers] }, { depth: 5, colors: true }) : '',
    short: inspect({ a: { b: { c: headers } } }, { depth: 1 }),
  };
}

const FIELDS: Pairs = [
  ['Host', ' localhost:8080'],
  ['User-Agent', '  Mozilla/5.0 (X11; Linux x86_64) \t'],
  ['accept', 'text/html, */*;q=0.8'],
  ['Cookie', 'a=1'],
  ['cookie', 'b=2'],
  ['X-Twice', '1'],
  ['x-TWICE', '2'],
  ['Set-Cookie', 'c=3'],
  ['x-empty', ''],
  ['set-cookie', 'd=4'],
  ['x-latin', 'caf\xe9'],
  ['X-~', 'a:b'],
  ['x-`', 'tick'],
  ['__proto__', 'p'],
  ['constructor', 'c'],
  ['1', 'one'],
];

const odd = (value: unknown): never => value as never;

test('every source is a Headers object with the same fields', () => {
  for (const pairs of [FIELDS, [], FIELDS.slice(0, 1)]) {
    for (const [source, make] of SOURCES) {
      const headers = make(pairs);
      assert.instance(headers, Headers);
      assert.is(headers.constructor, Headers);
      assert.is(Object.prototype.toString.call(headers), '[object Headers]');
      assert.equal(Reflect.ownKeys(headers), []);
      const spelling = KEEPS_SPELLING(source);
      assert.equal(seen(headers, spelling), seen(new RealHeaders(plain(pairs)), spelling), source);
    }
  }
});

test('each call gives, or throws, what it does on a real object', () => {
  const once = { toString: () => 'accept' };
  const names = [
    ...FIELDS.map(([name]) => name),
    'ACCEPT',
    'absent',
    'acc',
    'accept:',
    'X-~:a',
    'cookie:a=1\r\ncookie',
    'accepT ',
    '',
    'a b',
    'x-@',
    'x-^',
  ];
  const args: unknown[] = [
    ...names,
    '\u212aookie',
    '\u0130',
    5,
    null,
    undefined,
    once,
    Symbol('s'),
    {},
    [],
    '\r\n',
    'x\0',
  ];
  const values: unknown[] = [
    'v',
    ' v\t',
    '\r\nv\n',
    'a\nb',
    'a\0b',
    'a\rb',
    '\u20ac',
    '\x01',
    '\x7f',
    '\x0bv',
    5,
    null,
    Symbol('s'),
  ];
  const calls: [string, (headers: Headers) => unknown][] = [];
  for (const name of args) {
    for (const member of ['get', 'has', 'delete'] as const) {
      calls.push([`${member} ${inspect(name)}`, (headers) => headers[member](odd(name))]);
    }
    for (const member of ['append', 'set'] as const) {
      calls.push([`${member} ${inspect(name)}`, (headers) => headers[member](odd(name), 'value')]);
    }
  }
  for (const value of values) {
    for (const member of ['append', 'set'] as const) {
      calls.push([`${member} value ${inspect(value)}`, (headers) => headers[member]('X-New', odd(value))]);
      calls.push([`${member} both ${inspect(value)}`, (headers) => headers[member]('a b', odd(value))]);
    }
  }
  for (const member of ['get', 'has', 'delete', 'append', 'set', 'forEach'] as const) {
    calls.push([`${member}()`, (headers) => (headers[member] as () => unknown)()]);
    calls.push([`${member}(x)`, (headers) => (headers[member] as (x: string) => unknown)('x')]);
  }
  calls.push(['JSON', (headers) => JSON.stringify(headers)], ['String', String]);
  calls.push([
    'forEach with this',
    (headers) => {
      const receivers: unknown[] = [];
      headers.forEach(function (this: unknown) {
        receivers.push(this);
      });
      headers.forEach(function (this: unknown) {
        receivers.push(this);
      }, 'that');
      return receivers.map((receiver) => (receiver === globalThis ? 'global' : String(receiver)));
    },
  ]);
  for (const [source, make] of SOURCES) {
    for (const [name, call] of calls) {
      const light = make(FIELDS);
      const real = new RealHeaders(plain(FIELDS));
      const expected = outcome(() => call(real));
      assert.equal(
        outcome(() => call(light)),
        expected,
        `${source}: ${name}`,
      );
      assert.equal([...light], [...real], `${source}: after ${name}`);
    }
  }
});

test('random sequences of calls agree in every step', () => {
  const NAMES = [
    'a',
    'A',
    'b',
    'B',
    'set-cookie',
    'Set-Cookie',
    'cookie',
    'Cookie',
    'x-c',
    'X-C',
    'content-type',
    'bad name',
  ];
  for (let seed = 1; seed <= 150; seed++) {
    const random = randomOf(seed);
    const pick = <T>(list: readonly T[]): T => oneOf(random, list);
    const field = (): [string, string] => [
      pick(NAMES.slice(0, -1)),
      pick(['', '1', '22', ' padded ', '\xe9']),
    ];
    const pairs = Array.from({ length: random(12) }, field);
    const [source, make] = pick(SOURCES);
    const pair = [make(pairs), new RealHeaders(plain(pairs))] as const;
    let iterators: readonly Iterator<unknown>[] = [];
    const history: string[] = [];
    const agree = (what: string, call: (headers: Headers, index: number) => unknown): void => {
      history.push(what);
      const [light, real] = pair.map((headers, index) => outcome(() => call(headers, index)));
      assert.equal(light, real, `seed ${seed}, ${source}, ${inspect(pairs)}: ${history.join(', ')}`);
    };
    for (let step = 0; step < 25; step++) {
      const [, value] = field();
      const name = pick(NAMES);
      const member = pick([
        'get',
        'has',
        'set',
        'append',
        'delete',
        'cookies',
        'iterate',
        'next',
        'next',
        'all',
        'copy',
      ] as const);
      if (member === 'set' || member === 'append')
        agree(`${member} ${name}=${value}`, (h) => h[member](name, value));
      else if (member === 'cookies') agree(member, (h) => h.getSetCookie());
      // Of several values with an empty one at the end, undici removes the last space when it copies them.
      else if (member === 'copy') agree(member, (h) => [...new Headers(h)].map(([n, v]) => [n, v.trimEnd()]));
      else if (member === 'all') agree(member, (h) => seen(h, KEEPS_SPELLING(source)));
      else if (member === 'iterate') {
        const kind = pick(['keys', 'values', 'entries'] as const);
        iterators = pair.map((headers) => headers[kind]());
      } else if (member === 'next') agree(member, (_, index) => iterators[index]?.next());
      else agree(`${member} ${name}`, (h) => h[member](name));
    }
    agree('all', (h) => seen(h, KEEPS_SPELLING(source)));
  }
});

test('iteration follows changes', () => {
  const walk = (headers: Headers): string[] => {
    const met: string[] = [];
    for (const [name] of headers) {
      met.push(name);
      if (name === 'b') headers.append('a', 'before');
      if (name === 'c') headers.delete('d');
      if (met.length < 8) headers.append(`e${met.length}`, 'later');
    }
    headers.forEach((_value, name) => {
      met.push(name);
      headers.delete(name);
    });
    return met;
  };
  const pairs: Pairs = [...'dcba'].map((name) => [name, '1']);
  for (const [source, make] of SOURCES) {
    assert.equal(walk(make(pairs)), walk(new RealHeaders(plain(pairs))), source);
  }
});

test('many fields, long names and more names than are remembered', () => {
  const sizes = [31, 32, 33, 63, 64, 65, 700];
  for (const size of sizes) {
    const pairs: Pairs = Array.from({ length: size }, (_, at) => [
      `X-${(at * 7919) % 601}-${'n'.repeat(at % 80)}`,
      `${at}`,
    ]);
    const real = new RealHeaders(plain(pairs));
    for (const [source, make] of SOURCES) {
      const light = make(pairs);
      for (const [name] of pairs) assert.is(light.get(name), real.get(name), `${source}, ${size}: ${name}`);
      assert.equal([...light], [...real], `${source}, ${size}`);
    }
  }
});

test('look-ups in requests that take turns', () => {
  const [first, second] = [requestOf(FIELDS).headers, requestOf(FIELDS.slice(2)).headers];
  for (const [name] of FIELDS) {
    assert.is(first.get(name), new RealHeaders(plain(FIELDS)).get(name));
    assert.is(second.get(name), new RealHeaders(plain(FIELDS.slice(2))).get(name));
  }
});

test('a look into too many lines leaves other requests as they are', () => {
  const one = requestOf(FIELDS).headers;
  assert.is(one.get('user-agent'), new RealHeaders(plain(FIELDS)).get('user-agent'));
  const many = requestOf(Array.from({ length: 65 }, (_, at) => [`x-${at}`, 'v'])).headers;
  assert.is(many.get('x-64'), 'v');
  for (const [name] of FIELDS) assert.is(one.get(name), new RealHeaders(plain(FIELDS)).get(name), name);
});

test('every init gives, or throws, what it does in the real constructor', () => {
  const iterable = Object.defineProperty(new Headers([['X-A', 'b']]), Symbol.iterator, {
    value: () => [['own', '1']][Symbol.iterator](),
  });
  const inits: unknown[] = [
    undefined,
    null,
    5,
    'text',
    Symbol('s'),
    {},
    { 'X-A': 'b', 'x-a': ' c ', 'set-cookie': 'd' },
    { 'x-a': 5, 'x-b': null, 'x-c': { toString: () => 'y' } },
    { 'x-a': Symbol('s') },
    { 'x-a': 'a\nb' },
    { 'x-a': '\u20ac' },
    { 'x a': 'b' },
    { [Symbol('s')]: 'x' },
    { [Symbol.iterator]: () => [['x-a', 'b']][Symbol.iterator]() },
    JSON.parse('{"__proto__":"x","a":"b"}'),
    Object.create({ inherited: 'x' }),
    Object.assign(Object.create(null), { 'x-a': 'b' }),
    [],
    [
      ['x-a', 'b'],
      ['X-A', 'c'],
    ],
    [['x-a']],
    [['x-a', 'b', 'c']],
    ['ab'],
    [new Set(['x-a', 'b'])],
    [['x-a', 5]],
    [[5, 'x']],
    [null],
    new Map([['x-a', 'b']]),
    new URLSearchParams('a=b'),
    new Proxy({ 'x-a': 'b' }, {}),
    new Proxy([['x-a', 'b']], {}),
    new RealHeaders([
      ['X-A', 'b'],
      ['set-cookie', '1'],
      ['set-cookie', '2'],
    ]),
    iterable,
    () => 1,
  ];
  for (const init of inits) {
    const [light, real] = [Headers, RealHeaders].map((Class) =>
      outcome(() => {
        const headers = new Class(odd(init));
        return [inspect(headers), [...headers]];
      }),
    );
    assert.equal(light, real, inspect(init));
  }
  assert.equal([...new Headers()], []);
  assert.throws(() => (Headers as unknown as () => void)(), /cannot be invoked without 'new'/);
});

test('the traps of a proxy are called as by the real constructor', () => {
  const trapped = (Class: typeof Headers): string[] => {
    const log: string[] = [];
    const traps = new Proxy(
      {},
      {
        get:
          (_, trap: string) =>
          (...args: [object, PropertyKey]) => {
            log.push(`${trap} ${String(args[1])}`);
            return (Reflect as unknown as Record<string, (...args: unknown[]) => unknown>)[trap]!(...args);
          },
      },
    );
    new Class(new Proxy({ a: 'b', c: 'd' }, traps));
    return log;
  };
  assert.equal(trapped(Headers), trapped(RealHeaders));
});

test('a subclass has its own members and the fields', () => {
  const Base = Headers as unknown as new (
    init: unknown,
  ) => Iterable<unknown> & { get(name: string): unknown };
  class Own extends Base {
    extra = 1;
    override get(name: string): string {
      return `own ${super.get(name)}`;
    }
  }
  for (const init of [{ 'X-A': 'b' }, new Map([['x-a', 'b']])]) {
    const own = new Own(init);
    assert.instance(own, Headers);
    assert.is(own.constructor, Own);
    assert.is(own.get('x-a'), 'own b');
    assert.is(own.extra, 1);
    assert.equal([...own], [['x-a', 'b']]);
  }
});

test('a light object is taken wherever headers are', async () => {
  for (const [source, make] of SOURCES) {
    const pairs = FIELDS.filter(([name]) => !/^(cookie|host|set-cookie)$/i.test(name));
    const expected = [...new RealHeaders(plain(pairs))];
    const { headers } = new Request('http://x/', { headers: make(pairs) });
    assert.equal([...headers], expected, source);
    for (const response of [
      new Response(null, { headers: make(pairs) }),
      new RealResponse(null, { headers: make(pairs) }),
    ]) {
      assert.equal([...response.headers], expected, source);
    }
    assert.equal([...new RealHeaders(make(FIELDS))], [...new RealHeaders(plain(FIELDS))], source);
    const response = await fetch('data:text/plain,fetched', { headers: make(pairs) });
    assert.is(await response.text(), 'fetched');
  }
});

test('a copy is independent', () => {
  for (const [source, make] of SOURCES) {
    for (const look of [false, true]) {
      const old = make([
        ['x-a', '1'],
        ['x-b', '2'],
      ]);
      if (look) assert.is([...old].length, 2);
      const copy = new Headers(old);
      const response = new Response(null, { headers: old });
      old.set('x-a', 'old');
      copy.append('x-b', 'copy');
      response.headers.delete('x-a');
      assert.equal(
        [...old],
        [
          ['x-a', 'old'],
          ['x-b', '2'],
        ],
        source,
      );
      assert.equal(
        [...copy],
        [
          ['x-a', '1'],
          ['x-b', '2, copy'],
        ],
        source,
      );
      assert.equal([...response.headers], [['x-b', '2']], source);
    }
  }
});

test('structuredClone() treats it as a real object', () => {
  for (const [source, make] of SOURCES) {
    const light = outcome(() => structuredClone(make(FIELDS)));
    assert.equal(
      light,
      outcome(() => structuredClone(new RealHeaders(plain(FIELDS)))),
      source,
    );
  }
});

test('calls on other objects fail in the words of undici', () => {
  const { prototype } = Headers;
  const foreign = [{}, null, undefined, 5, prototype, new Map(), new Response(), requestOf([])];
  for (const name of [
    'get',
    'has',
    'set',
    'append',
    'delete',
    'getSetCookie',
    'keys',
    'values',
    'entries',
    'forEach',
  ] as const) {
    for (const object of foreign) {
      // The prototype passes undici's check for instances.
      const message = object === prototype ? /./ : /Illegal invocation/;
      assert.throws(() => (prototype[name] as () => void).call(object as never), message, name);
    }
  }
  const iterator = new Headers().entries();
  assert.throws(() => iterator.next.call({} as never), /does not implement interface Headers Iterator/);
  assert.throws(
    () => iterator.next.call(new Headers() as never),
    /does not implement interface Headers Iterator/,
  );
});

test('iterators are of one kind', () => {
  const [light, real] = [new Headers({ a: 'b' }), new RealHeaders({ a: 'b' })];
  assert.is(Headers.prototype[Symbol.iterator], Headers.prototype.entries);
  assert.is(Object.getPrototypeOf(light.keys()), Object.getPrototypeOf(real.entries()));
  assert.is(inspect(light.values()), inspect(real.values()));
  assert.is(light.entries()[Symbol.iterator]().next.call(real.keys()).value, 'a');
  const iterator = light.entries();
  assert.is(iterator[Symbol.iterator](), iterator);
});

test('the headers of redirect() and error() cannot be changed', () => {
  const [light, real] = [Response, RealResponse].map((Class) => () => Class.redirect('http://x/y', 303));
  const calls: ((headers: Headers) => unknown)[] = [
    (headers) => headers.set('a', 'b'),
    (headers) => headers.set('a b', 'b'),
    (headers) => headers.append('a', 'b\nc'),
    (headers) => headers.append('a', 'b'),
    (headers) => headers.delete('location'),
    (headers) => headers.delete('absent'),
    (headers) => headers.get('Location'),
    (headers) => (headers.set as () => void)(),
    (headers) => new Headers(headers).set('a', 'b'),
    (headers) => [...headers],
  ];
  for (const call of calls) {
    assert.equal(
      outcome(() => call(light!().headers)),
      outcome(() => call(real!().headers)),
    );
    assert.equal(
      outcome(() => call(Response.error().headers)),
      outcome(() => call(RealResponse.error().headers)),
    );
    const response = light!();
    outcome(() => call(response.headers));
    assert.is(toOutgoing(response.clone()).headers, 'location: http://x/y\r\n');
    assert.is(toOutgoing(response).headers, 'location: http://x/y\r\n');
  }
  const looked = light!();
  assert.is(looked.headers, looked.headers);
  for (let times = 0; times < 2; times++) {
    assert.is(looked.clone().clone().headers.get('location'), 'http://x/y');
  }
});

test('an app may patch the prototype', () => {
  const prototype = Headers.prototype as { get: (name: string) => string | null };
  const { get } = prototype;
  prototype.get = function (this: object, name: string): string {
    return `patched ${get.call(this, name)}`;
  };
  try {
    for (const headers of [
      new Headers({ a: 'b' }),
      new RealHeaders({ a: 'b' }),
      requestOf([['a', 'b']]).headers,
    ]) {
      assert.is(headers.get('a'), 'patched b');
    }
  } finally {
    prototype.get = get;
  }
});

test('a head counts as changed only when its fields are changed', () => {
  const changes: ((headers: Headers) => void)[] = [
    (headers) => headers.set('a', 'b'),
    (headers) => headers.append('a', 'b'),
    (headers) => headers.delete('host'),
  ];
  for (const change of changes) {
    const request = requestOf(FIELDS);
    const text = untouchedHead(request);
    assert.match(text!, 'User-Agent');
    void [
      request.headers.get('host'),
      ...request.headers,
      request.headers.has('x'),
      inspect(request.headers),
    ];
    new Headers(request.headers).set('copy', '1');
    assert.is(untouchedHead(request), text);
    change(request.headers);
    assert.is(untouchedHead(request), null);
  }
});

/** What is sent, as sorted lines. */
function sentLines(response: Response): string[] {
  const { headers } = toOutgoing(response);
  assert.is(headers === '' || headers.endsWith('\r\n'), true);
  return headers.split('\r\n').slice(0, -1).sort();
}

test('changes by a handler or middleware are sent', () => {
  const response = new Response(null, { headers: { 'X-A': '1', 'x-b': '2' } });
  assert.is(response.headers.get('x-a'), '1');
  response.headers.set('X-a', 'new');
  response.headers.append('Set-Cookie', 'a=1');
  response.headers.append('set-cookie', 'b=2');
  response.headers.delete('X-B');
  assert.equal(sentLines(response), ['set-cookie: a=1', 'set-cookie: b=2', 'x-a: new']);
  // The same Headers object may be used for several responses.
  const shared = new Headers({ vary: 'accept' });
  for (const value of ['1', '2']) {
    shared.set('x-n', value);
    const lines = ['content-type: text/plain;charset=UTF-8', 'vary: accept', `x-n: ${value}`];
    assert.equal(sentLines(new Response('x', { headers: shared })), lines);
  }
  const typed = new Headers({ 'Content-Type': 'text/html' });
  assert.equal(sentLines(new Response('x', { headers: typed })), ['content-type: text/html']);
});

test('fields of a request can be sent back', () => {
  const pairs: Pairs = [...FIELDS, ['Connection', 'close'], ['Content-Length', '4'], ['TE', 'x']];
  for (const look of [false, true]) {
    const { headers } = requestOf(pairs);
    if (look) void [...headers];
    const outgoing = toOutgoing(new Response('text', { headers }));
    assert.is(outgoing.close, true);
    assert.is(outgoing.contentLength, 4);
    assert.is(/connection|content-length|\bte\b/i.test(outgoing.headers), false);
    assert.match(outgoing.headers, 'user-agent: Mozilla/5.0 (X11; Linux x86_64)\r\n');
    const fields = new RealHeaders(
      outgoing.headers
        .trimEnd()
        .split('\r\n')
        .map(
          (line) =>
            [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)] as [string, string],
        ),
    );
    const expected = new RealHeaders([...plain(FIELDS), ['content-type', 'text/plain;charset=UTF-8']]);
    assert.equal([...fields], [...expected]);
  }
});

test('lengths and connection options are those of all their lines', () => {
  const sent = (pairs: Pairs): unknown[] => {
    const { contentLength, close, headers } = toOutgoing(
      new Response(null, { headers: new Headers(plain(pairs)) }),
    );
    return [contentLength, close, headers];
  };
  assert.equal(sent([['Content-Length', '5']]), [5, false, '']);
  assert.equal(
    sent([
      ['Content-Length', '5'],
      ['content-length', '5'],
    ]),
    [-1, false, ''],
  );
  assert.equal(sent([['content-length', '']]), [-1, false, '']);
  assert.equal(
    sent([
      ['connection', 'x'],
      ['Connection', 'Close'],
      ['connection', 'y'],
    ]),
    [-1, true, ''],
  );
});

test.run();
