import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { limitsOf, tickMs } from '../../../lib/control/limits.js';
import { resolveOptions, type ServerOptions } from '../../../lib/options/server-options.js';

const NO_TIMEOUTS = { headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 0, sendTimeout: 0 };

const limits = (options: ServerOptions) => limitsOf(resolveOptions({ ...NO_TIMEOUTS, ...options }));
const tick = (options: ServerOptions) => tickMs(resolveOptions({ ...NO_TIMEOUTS, ...options }));

test('the tick is a quarter of the shortest timeout, from 10 ms to a second', () => {
  assert.is(tick({ keepAliveTimeout: 400, sendTimeout: 2000 }), 100);
  assert.is(tick({ keepAliveTimeout: 20 }), 10);
  assert.is(tick({ keepAliveTimeout: 60_000 }), 1000);
  assert.is(tick({}), 1000);
});

test('a timeout has one tick more than its time takes, and 0 stays 0', () => {
  const { keepAliveTicks, sendTicks } = limits({ keepAliveTimeout: 400 });
  assert.is(keepAliveTicks, 5);
  assert.is(sendTicks, 0);
});

test("a head without a timeout of its own, or with a longer one, has the request's", () => {
  assert.is(limits({ requestTimeout: 8000 }).headersTicks, 9);
  assert.is(limits({ headersTimeout: 20_000, requestTimeout: 8000 }).headersTicks, 9);
  assert.is(limits({ headersTimeout: 4000, requestTimeout: 8000 }).headersTicks, 5);
  assert.is(limits({ headersTimeout: 4000 }).headersTicks, 5);
});

test('a half-closed connection waits no longer for its app than for a client that does not read', () => {
  assert.is(limits({}).graceTicks, 6);
  assert.is(limits({ sendTimeout: 4000 }).graceTicks, 5);
});

test.run();
