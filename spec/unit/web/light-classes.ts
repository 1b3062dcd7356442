/** The light classes from outside: they look like those of Node.js, and their private state cannot be reached. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

/** Constructors in undici by accident, which methods are not. */
const ITERATION = ['keys', 'values', 'entries', 'forEach'];

/** All that reflection shows of an object's own properties. */
function described(object: object): unknown[] {
  return Reflect.ownKeys(object).map((key) => {
    const { get, set, value, ...flags } = Object.getOwnPropertyDescriptor(object, key)!;
    const kinds = [typeof get, typeof set, typeof value].join();
    const call = get ?? (typeof value === 'function' ? value : undefined);
    const constructs = call && !ITERATION.includes(call.name) && Object.hasOwn(call, 'prototype');
    return [String(key), flags, kinds, call && [call.name, call.length, constructs]];
  });
}

const { Headers: NativeHeaders, Request: NativeRequest, Response: NativeResponse } = globalThis;
const CLASSES = { Headers: NativeHeaders, Request: NativeRequest, Response: NativeResponse };
const iteratorPrototype = Object.getPrototypeOf(new Headers().keys()) as object;
const described1 = (): object =>
  Object.fromEntries(
    (['Headers', 'Request', 'Response'] as const).flatMap((name) => {
      const { [name]: Class } = globalThis;
      return [
        [name, described(Class)],
        [`${name}.prototype`, described(Class.prototype)],
        [`global ${name}`, { ...Object.getOwnPropertyDescriptor(globalThis, name), value: null }],
        [`super of ${name}`, Object.getPrototypeOf(Class) === Function.prototype],
        [`super of ${name}.prototype`, Object.getPrototypeOf(Class.prototype) === Object.prototype],
      ];
    }),
  );
const describedFetch = (): unknown => [
  fetch.name,
  fetch.length,
  { ...Object.getOwnPropertyDescriptor(globalThis, 'fetch'), value: null },
];
const before = { classes: described1(), fetch: describedFetch(), iterator: described(iteratorPrototype) };

// Imported only now, after the state without them has been recorded.
const { installResponse } = await import('../../../lib/web/light-response.js');
const { createRequest } = await import('../../../lib/web/light-request.js');
const { IncomingBody } = await import('../../../lib/web/incoming-body.js');
installResponse();

function serverRequest(method = 'GET', content = ''): Request {
  const text = `${method} / HTTP/1.1\r\n\r\n`;
  const at = method.length;
  const head = { text, methodEnd: at, targetStart: at + 1, targetEnd: at + 2, headersStart: text.length - 2 };
  const body = new IncomingBody({ resume: () => undefined });
  if (content !== '') body.push(Buffer.from(content));
  body.end();
  return createRequest({ ...head, hostStart: -1, hostEnd: -1, fallbackHost: 'localhost' }, body);
}

async function withFetched(use: (response: Response) => unknown): Promise<void> {
  const server = createServer((_request, response) => response.end('fetched'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await use(await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('names, lengths, order and flags of all properties are as Node.js has them', () => {
  assert.equal(described1(), before.classes);
  assert.equal(described(iteratorPrototype), before.iterator);
  assert.equal(describedFetch(), before.fetch);
});

test('members of objects that are neither fail in the words of Node.js', async () => {
  for (const prototype of [Request.prototype, Response.prototype]) {
    for (const [name, { get, value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (name === 'constructor' || (get === undefined && typeof value !== 'function')) continue;
      for (const wrong of [prototype, {}, null, 'text']) {
        try {
          await (get ?? value).call(wrong);
        } catch (error) {
          assert.instance(error, TypeError);
          continue;
        }
        // undici has a few members that do not check their object.
        assert.ok(['duplex', 'isReloadNavigation', 'isHistoryNavigation'].includes(name), name);
      }
    }
  }
});

test('statics without their arguments fail in the words of Node.js', () => {
  const message = (use: () => unknown): string => {
    try {
      return `nothing: ${use()}`;
    } catch (error) {
      return (error as Error).message;
    }
  };
  const statics = ['json', 'redirect'] as const;
  for (const name of statics) {
    const [light, real] = [Response, CLASSES.Response].map((Class) =>
      message(Class[name] as unknown as () => unknown),
    );
    assert.match(light!, /1 argument required/);
    assert.is(light, real);
  }
  const call = Response as unknown as () => unknown;
  assert.is(
    message(() => call()),
    "Class constructor Response cannot be invoked without 'new'",
  );
});

test('nothing of the inside can be reached', () => {
  for (const light of [new Response('x'), Response.json({}), serverRequest()]) {
    void light.body;
    void light.headers;
    assert.equal(Reflect.ownKeys(light), []);
    assert.is(
      Object.getPrototypeOf(light),
      light instanceof Response ? Response.prototype : Request.prototype,
    );
  }
  for (const name of ['of', 'outgoing', 'real', 'bodiless', 'isLight', 'untouchedHead', 'abort', 'line']) {
    assert.is(name in Response, false, name);
    assert.is(name in Response.prototype, false, name);
    assert.is(name in Request, false, name);
    assert.is((serverRequest().constructor as unknown as object) === Request, true);
  }
});

test('every response and request is of the global class', async () => {
  await withFetched((fetched) => {
    const responses = [fetched, fetched.clone(), new Response('x'), Response.json(1), Response.error()];
    for (const response of [...responses, new Response('x').clone(), new CLASSES.Response('x')]) {
      assert.is(response.constructor, Response);
      assert.is(Object.getPrototypeOf(response), Response.prototype);
      assert.instance(response, Response);
      assert.instance(response, CLASSES.Response);
    }
  });
  for (const request of [serverRequest(), serverRequest().clone(), new Request('http://x/')]) {
    assert.is(request.constructor, Request);
    assert.is(Object.getPrototypeOf(request), Request.prototype);
    assert.instance(request, Request);
  }
  class Own extends Response {}
  const own = new Own('x');
  assert.is(own.constructor, Own);
  assert.instance(own, Response);
  assert.is(Own.json(1).constructor, Response);
  assert.is(new Response('x') instanceof Own, false);
});

test('methods of the prototype take every kind of object', async () => {
  await withFetched(async (fetched) => {
    assert.is(await Response.prototype.clone.call(fetched).text(), 'fetched');
    assert.is(await Response.prototype.text.call(fetched), 'fetched');
  });
  const status = Object.getOwnPropertyDescriptor(Response.prototype, 'status')!.get!;
  assert.is(status.call(new CLASSES.Response('', { status: 201 })), 201);
  assert.is(status.call(new Response('', { status: 201 })), 201);
  assert.is(await Request.prototype.text.call(serverRequest('POST', 'body')), 'body');
  assert.is(
    await Request.prototype.text.call(new Request('http://x/', { method: 'POST', body: 'own' })),
    'own',
  );
});

test('what an app patches or adds is met by every kind of object, and calls the old one once', async () => {
  const added = Symbol('added');
  for (const Class of [Request, Response]) {
    const { prototype } = Class as { prototype: Body };
    const { text } = prototype;
    const seen: unknown[] = [];
    Object.assign(prototype, {
      [added]: true,
      text(this: Body) {
        seen.push(this);
        return text.call(this);
      },
    });
    try {
      const use = async (body: Body, expected: string): Promise<void> => {
        seen.length = 0;
        assert.is(await body.text(), expected);
        assert.equal(seen.length, 1);
        assert.is(seen[0], body);
        assert.is(Reflect.get(body, added), true);
      };
      if (Class === Response) {
        await use(new Response('light'), 'light');
        await use(new Response(new Blob(['real'])), 'real');
        await withFetched((fetched) => use(fetched, 'fetched'));
      } else {
        await use(serverRequest('POST', 'light'), 'light');
        const looked = serverRequest('POST', 'real');
        void looked.body;
        await use(looked, 'real');
        await use(new Request('http://x/', { method: 'POST', body: 'own' }), 'own');
      }
    } finally {
      prototype.text = text;
      Reflect.deleteProperty(prototype, added);
    }
  }
});

interface Body {
  text(): Promise<string>;
}

test.run();
