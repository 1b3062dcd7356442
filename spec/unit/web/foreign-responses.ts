/** Responses of other classes: libraries' own, and the light ones of other servers. */
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PacelineError } from '../../../lib/errors.js';
import { installResponse } from '../../../lib/web/light-response.js';
import type { Outgoing } from '../../../lib/web/outgoing.js';
import { toOutgoing } from '../../../lib/web/to-outgoing.js';
import { RealResponse } from '../../../lib/web/web-globals.js';

installResponse();

const textOf = (body: Outgoing['body']): Promise<string> => new RealResponse(body as never).text();

type Init = ResponseInit | undefined;

/** As that of \@hono/node-server: it creates a global Response on the first access, and passes for one. */
class Cached {
  readonly #body: unknown;
  readonly #init: Init;
  #cache: Response | null = null;
  constructor(body: unknown, init?: Init) {
    this.#body = body;
    this.#init = init;
  }
  get cache(): Response {
    this.#cache ??= new Response(this.#body as string, this.#init);
    return this.#cache;
  }
}
for (const name of [
  'body',
  'bodyUsed',
  'headers',
  'ok',
  'redirected',
  'status',
  'statusText',
  'type',
  'url',
]) {
  Object.defineProperty(Cached.prototype, name, {
    get(this: Cached) {
      return Reflect.get(this.cache, name);
    },
  });
}
Object.setPrototypeOf(Cached, Response);
Object.setPrototypeOf(Cached.prototype, Response.prototype);

/** As that of \@whatwg-node/fetch: headers and streams of its own, and a known length. */
class Ponyfill {
  readonly status: number;
  readonly statusText = '';
  readonly url: string;
  readonly headers: Map<string, string>;
  readonly bodyUsed = false;
  readonly #bytes: Uint8Array;
  constructor(body: string | Uint8Array, { status = 200, headers = {} }: ResponseInit = {}, url = '') {
    this.#bytes = typeof body === 'string' ? Buffer.from(body) : body;
    this.status = status;
    this.url = url;
    this.headers = new Map(Object.entries(headers));
    if (!this.headers.has('content-length')) this.headers.set('content-length', `${this.#bytes.length}`);
  }
  get body(): unknown {
    const stream = new Blob([this.#bytes as never]).stream();
    return {
      locked: false,
      getReader: () => stream.getReader(),
      [Symbol.asyncIterator]: () => stream[Symbol.asyncIterator](),
    };
  }
  get [Symbol.toStringTag](): string {
    return 'Response';
  }
}

function refused(use: () => unknown): string {
  try {
    use();
  } catch (error) {
    assert.instance(error, PacelineError);
    return (error as Error).message;
  }
  return assert.unreachable('should have thrown') as never;
}

test("another server's light response is sent from what it was made of", () => {
  const cases: [unknown, unknown][] = [
    ['h\u00e9llo', 'h\u00e9llo'],
    [new Uint8Array([1, 2]), new Uint8Array([1, 2])],
    [null, null],
  ];
  for (const [given, sent] of cases) {
    const response = new Cached(given, { status: 201, headers: { 'x-a': 'b' } });
    assert.instance(response, Response);
    const outgoing = toOutgoing(response);
    assert.is(outgoing.status, 201);
    assert.match(outgoing.headers, 'x-a: b\r\n');
    assert.equal(outgoing.body, sent);
    if (given !== null)
      assert.match(
        refused(() => toOutgoing(response)),
        /has been read/,
      );
  }
});

test('a library with streams and headers of its own is sent with the length that it says', async () => {
  const outgoing = toOutgoing(new Ponyfill('h\u00e9llo', { status: 203, headers: { 'x-a': 'b' } }));
  assert.is(outgoing.status, 203);
  assert.is(outgoing.contentLength, 6);
  assert.is(outgoing.headers, 'x-a: b\r\n');
  assert.is(await textOf(outgoing.body), 'h\u00e9llo');
});

test('streams of node:stream are sent', async () => {
  const body = Readable.from([Buffer.from('one'), Buffer.from('two')]);
  const foreign = { [Symbol.toStringTag]: 'Response', status: 200, headers: new Headers(), body };
  assert.is(await textOf(toOutgoing(foreign).body), 'onetwo');
});

test('what another library fetched is passed on as what Node.js fetched', async () => {
  const headers = {
    connection: 'close',
    'content-encoding': 'gzip',
    'content-length': `${gzipSync('x').length}`,
  };
  const fetched = new Ponyfill('x', { headers: { ...headers, 'x-a': 'b' } }, 'http://upstream/');
  const outgoing = toOutgoing(fetched);
  assert.is(outgoing.close, false);
  assert.is(outgoing.contentLength, -1);
  assert.is(outgoing.headers, 'x-a: b\r\n');
  assert.is(await textOf(outgoing.body), 'x');
});

test('a content-length of the handler is a number where the body is a stream', async () => {
  for (const value of ['6', ' 6 ']) {
    const outgoing = toOutgoing(
      new Response(new Blob(['stream']).stream(), { headers: { 'content-length': value } }),
    );
    assert.is(outgoing.contentLength, 6);
    assert.instance(outgoing.body, ReadableStream);
    assert.is(await textOf(outgoing.body), 'stream');
  }
});

test.run();
