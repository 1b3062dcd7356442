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

test('no event is worth a wake-up before it is known how long events take', () => {
  assert.not(new EventCost().isWorthAWakeUp);
});

test('events of 20 µs are worth one after some of them, events of 6 µs are not', () => {
  const cost = new EventCost();
  take(cost, 6, 1000);
  assert.not(cost.isWorthAWakeUp);
  take(cost, 20, 32);
  assert.ok(cost.isWorthAWakeUp);
  take(cost, 6, 64);
  assert.not(cost.isWorthAWakeUp);
});

test('interruptions of every fourth of short events make none of them worth a wake-up', () => {
  const cost = new EventCost();
  for (let i = 0; i < 1000; i++) {
    take(cost, 3, 3);
    take(cost, 4000);
    assert.not(cost.isWorthAWakeUp);
  }
});

test.run();
