import { closeSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SchedulingDelay } from '../../../lib/sys/scheduling.js';

const counted = (): number =>
  Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[1]) / 1000;

function isStatistics(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).endsWith('/schedstat');
  } catch {
    return false;
  }
}

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

test('an app that closes the descriptor ends the counting, and nothing else', () => {
  const delay = new SchedulingDelay();
  const last = delay.micros();
  for (const fd of readdirSync('/proc/self/fd')) {
    if (isStatistics(fd)) closeSync(Number(fd));
  }
  assert.is(delay.micros(), last);
  assert.is(delay.micros(), last);
});

test.run();
