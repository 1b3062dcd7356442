/** For how long a request is said to hold its thread: which of the parts that were measured its route learns. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ANSWERED, Exchange, RETURNED, RUNNING, THREW } from '../../../lib/http/exchange.js';
import { Routes } from '../../../lib/http/routes.js';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { DeclaredRoutes } from '../../../lib/routes/declared-routes.js';
import { BLOCKING_MICROS, RouteTable, readRoutes } from '../../../lib/routes/route-table.js';
import type { FetchApp, FetchContext } from '../../../lib/web/context.js';
import { declarationOf } from '../../support/routes/keys.js';
import { range } from '../../support/server/wait.js';

const SHORT = 20;
const LONG = 4 * BLOCKING_MICROS;

/** A request of a declared route, which learns whatever it is told, and whose parts the spec makes as long as it wants. */
class TestRequest {
  readonly #memory = allocateMemory(1, 1).routes;
  readonly exchange: Exchange;
  /** How long the parts were that have come to their end when the handler's promise settled. */
  lastPart = SHORT;

  constructor() {
    const owner = {
      sendContinue: () => {},
      wake: () => {},
      continued: () => this.exchange.held(this.lastPart),
    };
    this.exchange = new Exchange(owner as never, false, true, 1, false, false);
    const declared = new DeclaredRoutes({ blocking: ['/x'] });
    const declaration = declarationOf(declared, 'GET /x')!;
    this.exchange.route = { hash: declaration.hash, declared: declaration, blocks: true };
    this.exchange.routes = new Routes(new RouteTable(this.#memory, 0), declared);
  }

  /** Calls the handler, which holds its thread for so long before it returns. */
  handle(micros: number, fetch: () => unknown): void {
    this.exchange.callHandler({ fetch } as FetchApp, {} as FetchContext);
    this.exchange.held(micros);
  }

  /** What the route has learned: the number of calls, and the mean and the longest of their holds. */
  learned(): [calls: number, typical: number, longest: number] {
    const [route] = readRoutes(this.#memory);
    return route === undefined ? [0, 0, 0] : [route.calls, route.typicalMicros, route.longestMicros];
  }
}

for (const micros of [SHORT, LONG]) {
  test(`a handler that returns a response at once counts once, with the ${micros} µs that it held its thread`, () => {
    const request = new TestRequest();
    request.handle(micros, () => 'answer');
    assert.is(request.exchange.state, RETURNED);
    assert.equal(request.learned(), [1, micros, micros]);
  });
}

test('so does one that throws', () => {
  const request = new TestRequest();
  request.handle(SHORT, () => {
    throw new Error('thrown');
  });
  assert.is(request.exchange.state, THREW);
  assert.equal(request.learned(), [1, SHORT, SHORT]);
});

test('a short part before an await does not count, and the request counts once with the part that ends it', async () => {
  const request = new TestRequest();
  const answer = Promise.resolve('answer');
  request.handle(SHORT, () => answer);
  assert.is(request.exchange.state, RUNNING);
  assert.equal(request.learned(), [0, 0, 0]);
  request.lastPart = LONG;
  await answer;
  assert.is(request.exchange.state, RETURNED);
  assert.equal(request.learned(), [1, LONG, LONG], 'not diluted by the short part');
});

test('a request whose parts are all short counts once', async () => {
  const request = new TestRequest();
  const answer = Promise.resolve('answer');
  request.handle(SHORT, () => answer);
  for (const _part of range(3)) request.exchange.held(SHORT);
  request.lastPart = SHORT + 1;
  await answer;
  assert.equal(request.learned(), [1, SHORT + 1, SHORT + 1]);
});

test('a long part before an await counts, and the short one that ends the request does not', async () => {
  const request = new TestRequest();
  const answer = Promise.resolve('answer');
  request.handle(LONG, () => answer);
  assert.is(request.exchange.state, RUNNING);
  assert.equal(request.learned(), [1, LONG, LONG]);
  await answer;
  assert.is(request.exchange.state, RETURNED);
  assert.equal(request.learned(), [1, LONG, LONG]);
});

test('a part is long from the hold on that makes a route block', () => {
  const request = new TestRequest();
  request.handle(BLOCKING_MICROS - 1, () => new Promise(() => {}));
  assert.equal(request.learned(), [0, 0, 0]);
  request.exchange.held(BLOCKING_MICROS);
  assert.equal(request.learned(), [1, BLOCKING_MICROS, BLOCKING_MICROS]);
});

test('chunks of a stream do not dilute what the handler held, and each long one counts', () => {
  const request = new TestRequest();
  request.handle(LONG, () => 'answer');
  request.exchange.answer();
  assert.is(request.exchange.state, ANSWERED);
  for (const _chunk of range(100)) request.exchange.held(SHORT);
  assert.equal(request.learned(), [1, LONG, LONG]);
  for (const _chunk of range(3)) request.exchange.held(LONG);
  assert.equal(request.learned(), [4, LONG, LONG]);
});

test('a short handler counts once, whatever the number of its chunks', () => {
  const request = new TestRequest();
  request.handle(SHORT, () => 'answer');
  request.exchange.answer();
  for (const _chunk of range(100)) request.exchange.held(SHORT + 1);
  assert.equal(request.learned(), [1, SHORT, SHORT]);
});

test.run();
