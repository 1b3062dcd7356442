import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SchedulingDelay } from '../../../lib/sys/scheduling.js';

const counted = (): number =>
  Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[1]) / 1000;

test('the scheduling delay of the calling thread is what the system counts', () => {
  const delay = new SchedulingDelay();
  const before = counted();
  const micros = delay.micros();
  assert.ok(before <= micros && micros <= counted(), `${before} ${micros} ${counted()}`);
});

test('a later reading sees what was counted meanwhile', () => {
  const delay = new SchedulingDelay();
  delay.micros();
  const before = counted();
  assert.ok(delay.micros() >= before);
});

test.run();
