/** Which threads are started when, with a machine of two cores. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { StartOrder } from '../../../lib/control/start-order.js';
import { range } from '../../support/server/wait.js';

const CORES = 2;

function orderOf(count: number, refused: readonly number[] = []) {
  const started: number[] = [];
  const idle = range(count).map(() => 0);
  const order = new StartOrder((thread) => {
    started.push(thread);
    return refused.includes(thread) ? null : { idleMs: () => idle[thread]! };
  }, CORES);
  order.begin(count);
  return { order, started, idle };
}

test('as many threads as cores load at a time, and each that is done makes room for one', () => {
  const { order, started } = orderOf(5);
  assert.equal(started, [0, 1]);
  order.check();
  assert.equal(started, [0, 1]);
  order.done(1);
  assert.equal(started, [0, 1, 2]);
  order.done(1);
  assert.equal(started, [0, 1, 2], 'once only');
  order.done(2);
  order.done(0);
  assert.equal(started, [0, 1, 2, 3, 4]);
  order.stop();
});

test('fewer threads than cores start at once', () => {
  assert.equal(orderOf(1).started, [0]);
  assert.equal(orderOf(CORES).started, [0, 1]);
});

test('a thread whose event loop is idle needs no core', () => {
  const { order, started, idle } = orderOf(6);
  idle[0] = 9;
  order.check();
  assert.equal(started, [0, 1], 'it has done something as well');
  idle[0] = 19;
  order.check();
  assert.equal(started, [0, 1, 2]);
  order.done(0);
  assert.equal(started, [0, 1, 2], 'it has made room already');
  order.stop();
});

test('a thread that is blocked is waited for no longer than a second', () => {
  const before = performance.now();
  const { order, started } = orderOf(6);
  const after = performance.now();
  order.check(before + 999);
  assert.equal(started, [0, 1]);
  order.check(after + 1000);
  assert.equal(started, [0, 1, 2, 3]);
  order.stop();
});

test('a thread that could not be created is not waited for', () => {
  const { order, started } = orderOf(4, [0, 1]);
  assert.equal(started, [0, 1, 2, 3]);
  order.stop();
});

test('nothing is started after a stop', () => {
  const { order, started } = orderOf(4);
  order.stop();
  order.done(0);
  order.check(performance.now() + 5000);
  assert.equal(started, [0, 1]);
});

test.run();
