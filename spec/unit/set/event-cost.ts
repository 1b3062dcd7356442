/** Which events are worth a wake-up: those that take long as a rule. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EventCost } from '../../../lib/set/event-cost.js';

/** Clock readings do not begin at 0. */
const START = 5e9;

function take(cost: EventCost, micros: number, times = 1): void {
  for (let i = 0; i < times; i++) {
    cost.began(START);
    cost.ended(START + micros);
  }
}

/** More than any list holds. */
const MANY = 1000;

test('no event is worth a wake-up before it is known how long events take', () => {
  assert.not(new EventCost().isWorthAWakeUp(MANY));
});

test('many events of 20 µs are worth one, events of 12 µs and few events of 20 µs are not', () => {
  const cost = new EventCost();
  take(cost, 12, 1000);
  assert.not(cost.isWorthAWakeUp(MANY));
  take(cost, 20, 32);
  assert.ok(cost.isWorthAWakeUp(MANY));
  assert.not(cost.isWorthAWakeUp(3));
  take(cost, 6, 64);
  assert.not(cost.isWorthAWakeUp(MANY));
});

test('one event behind events of 100 µs is worth one, none is not', () => {
  const cost = new EventCost();
  take(cost, 100, 100);
  assert.ok(cost.isWorthAWakeUp(1));
  assert.not(cost.isWorthAWakeUp(0));
});

test('interruptions of every fourth of short events make none of them worth a wake-up', () => {
  const cost = new EventCost();
  for (let i = 0; i < 1000; i++) {
    take(cost, 3, 3);
    take(cost, 4000);
    assert.not(cost.isWorthAWakeUp(MANY));
  }
});

test.run();
