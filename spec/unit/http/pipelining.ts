/** Responses to requests that came together are sent together, and wait for nothing but each other (output.ts). */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mayTakeLong } from '../../../lib/http/routes.js';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { BYTES_OUT } from '../../../lib/memory/sums.js';
import { DeclaredRoutes } from '../../../lib/routes/declared-routes.js';
import { routeHash } from '../../../lib/routes/route-key.js';
import { BLOCKING_MICROS, RouteTable } from '../../../lib/routes/route-table.js';
import { IDLE } from '../../../lib/set/handle-table.js';
import { HandlerHarness, type HarnessOptions } from '../../support/connection/handler-harness.js';
import { until } from '../../support/server/wait.js';

const KIB = 1024;
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`;

interface Pipelined {
  readonly harness: HandlerHarness;
  /** How many bytes had been sent when the handler of each request was called, in order. */
  readonly sentBefore: number[];
  /** How many calls have sent something so far. */
  sends(): number;
  /** The bodies of the answers so far. */
  answers(): string[];
  /** Sends bytes as the client, and has them processed until there is nothing left to do. */
  process(bytes: string): void;
}

/** A connection whose client sends requests to `handler`. */
async function pipelined(
  handler: (path: string) => unknown,
  options: HarnessOptions = {},
): Promise<Pipelined & Disposable> {
  const sentBefore: number[] = [];
  let sends = 0;
  let text = '';
  const harness = HandlerHarness.http(({ url }) => {
    sentBefore.push(harness.context.sums[BYTES_OUT]!);
    return handler(new URL(url).pathname) as Response;
  }, options);
  const { transport } = harness.context;
  const transmitFrom = transport.transmitFrom.bind(transport);
  transport.transmitFrom = (...given) => {
    sends++;
    return transmitFrom(...given);
  };
  const { client, fd } = await harness.connect();
  client.on('data', (bytes) => {
    text += bytes;
  });
  return {
    harness,
    sentBefore,
    sends: () => sends,
    answers: () => text.split(/HTTP\/1\.1 \d+ [\s\S]*?\r\n\r\n/).slice(1),
    process: (bytes) => {
      harness.send(client, bytes);
      harness.event(fd);
      // As a thread does after each dispatch: what follows is not charged to the last handler.
      do harness.context.holds.endNow();
      while (harness.proceed());
    },
    [Symbol.dispose]: () => harness[Symbol.dispose](),
  };
}

/** Batches until one is sent by a single call: those before it may take so long, as code that runs for the first time, that nothing is held back. */
const MAX_BATCHES = 1000;

/** Has the requests processed until one call sends all responses. @returns how many batches that took */
async function untilSentTogether(it: Pipelined, paths: readonly string[]): Promise<number> {
  for (let batches = 1; batches <= MAX_BATCHES; batches++) {
    const before = it.sends();
    it.process(paths.map(get).join(''));
    await until('all are answered', () => it.answers().length === batches * paths.length);
    if (it.sends() - before === 1) return batches;
  }
  throw new Error('no batch was sent by one call');
}

test('the responses to requests that came together are sent by one call, in order', async () => {
  using it = await pipelined((path) => path);
  const paths = Array.from({ length: 16 }, (_, index) => `/${index}`);
  const batches = await untilSentTogether(it, paths);
  assert.equal(it.answers(), Array.from({ length: batches }, () => paths).flat());
  const before = it.sends();
  it.process(get('/alone'));
  assert.is(it.sends() - before, 1, 'one alone is sent at once');
});

test('bytes, empty bodies and errors are sent with those before them', async () => {
  const results: Record<string, () => unknown> = {
    '/bytes': () => new Uint8Array([65, 66]),
    '/empty': () => new Response(null, { status: 204 }),
    '/throws': () => {
      throw new Error('on purpose');
    },
    '/text': () => 'text',
  };
  using it = await pipelined((path) => results[path]!());
  await untilSentTogether(it, ['/bytes', '/empty', '/throws', '/text']);
  assert.equal([it.answers()[0], it.answers()[1], it.answers()[3]], ['AB', '', 'text']);
});

test('a response does not wait for a handler that is declared to block', async () => {
  using it = await pipelined((path) => path, { routes: { blocking: ['GET /blocks'] } });
  it.process(get('/first') + get('/second') + get('/blocks') + get('/last'));
  assert.equal(it.sentBefore.slice(0, 2), [0, 0]);
  assert.ok(it.sentBefore[2]! > 0, 'the two before it were sent');
  assert.is(it.sends(), 2);
  await until('all are answered', () => it.answers().length === 4);
});

test('a route that has once held a thread may do so again, unless it is declared not to block', () => {
  const declared = new DeclaredRoutes({ nonBlocking: ['GET /never'] });
  const table = new RouteTable(allocateMemory(1, 1, 1).routes, 0);
  const line = Buffer.from('GET /seldom');
  const hash = routeHash(line, 0, 3, 4, line.length);
  table.learn(hash, BLOCKING_MICROS, () => 'GET /seldom');
  assert.not(table.blocks(table.find(hash)), 'once is not enough for it to block');
  const never = Buffer.from('GET /never');
  const route = declared.routeOf(never, 0, 3, 4, never.length)!;
  assert.ok(mayTakeLong({ hash, declared: undefined, blocks: false }));
  assert.not(mayTakeLong({ hash: route.hash, declared: route, blocks: false }));
  assert.not(mayTakeLong({ hash: 0, declared: undefined, blocks: false }));
});

test('a response does not wait for a promise, for a body, or for the rest of a head', async () => {
  for (const [what, rest] of [
    ['a promise', get('/promise')],
    ['a body', 'POST /body HTTP/1.1\r\nhost: test\r\ncontent-length: 2\r\n\r\n1'],
    ['the rest of a head', 'GET /head HTTP/1.1\r\nho'],
    ['a stream', get('/stream')],
  ] as const) {
    using it = await pipelined((path) => {
      if (path === '/stream') return new Response(new ReadableStream());
      return path === '/first' ? 'first' : new Promise(() => {});
    });
    it.process(get('/first') + rest);
    await until(`the first is answered, and does not wait for ${what}`, () => it.answers()[0] === 'first');
  }
});

test('a response is sent although the connection is cut after it', async () => {
  using it = await pipelined((path) => {
    if (path === '/first') return 'first';
    const stream = new ReadableStream({
      start: (controller) => controller.error(new Error('on purpose')),
    });
    return new Response(stream);
  });
  it.process(get('/first') + get('/fails'));
  await until('the first is answered', () => it.answers()[0] === 'first');
});

test('no more than 16 KiB are held back, beside the last response', async () => {
  const size = 12 * KIB;
  using it = await pipelined((path) => path.padEnd(size, 'x'));
  const paths = ['/0', '/1', '/2', '/3', '/4'];
  // Batch after batch, because in the first ones the handlers are so slow that nothing is held back.
  for (let batch = 0; batch < 50; batch++) {
    const before = it.harness.context.sums[BYTES_OUT]!;
    it.process(paths.map(get).join(''));
    for (const [index, sent] of it.sentBefore.splice(0).entries()) {
      assert.ok(index * size - (sent - before) < 30 * KIB, `${sent} bytes of ${index} responses were sent`);
    }
    await until('all are answered', () => it.answers().length === (batch + 1) * paths.length);
  }
  assert.is(it.answers()[4]!.slice(0, 3), '/4x');
});

test('a response is not held back while one handler after the other takes its time', async () => {
  using it = await pipelined((path) => {
    for (const end = performance.now() + 0.3; performance.now() < end; );
    return path;
  });
  // Each has a route of its own: code that runs for the first time may take so long that nothing is held back for the route any more.
  it.process(['/one', '/two', '/three', '/four'].map(get).join(''));
  assert.is(it.sentBefore[1], 0);
  assert.ok(it.sentBefore[2]! > 0, 'the first two were sent before the third began');
  await until('all are answered', () => it.answers().length === 4);
});

test('nothing is held back when a dispatch has spent its budget', async () => {
  using it = await pipelined((path) => path);
  const { harness } = it;
  const { client, fd } = await harness.connect();
  harness.send(client, get('/x').repeat(100));
  harness.event(fd);
  const { length } = it.sentBefore;
  assert.ok(length < 100, 'the rest goes on later');
  const afterOne = harness.context.sums[BYTES_OUT]!;
  assert.is(afterOne % length, 0, 'what was answered is sent');
  while (harness.proceed());
  assert.is(harness.context.sums[BYTES_OUT]!, (afterOne / length) * 100);
  assert.is(harness.context.table.state(fd), IDLE);
});

test.run();
