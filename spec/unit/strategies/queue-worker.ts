/** What a worker makes of time in which the system did not run it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { UNTHROTTLED } from '../../../lib/memory/layout.js';
import { QueueWorker } from '../../../lib/strategies/queue-worker.js';
import { RETURN_TO_LOOP, type Turn } from '../../../lib/strategies/turn.js';

/** A worker that is done, after the I/O thread has seen a stall. @returns how many puts wake a worker each */
function unthrottledAfter(micros: number, ran: number): number {
  const { control } = allocateMemory(2, 1);
  const words = new Int32Array(control);
  words[UNTHROTTLED] = 900;
  const steps: string[] = [];
  const turn = {
    member: {
      control,
      self: 1,
      threadSet: { idle: () => steps.push('idle') },
      holds: { ran: () => ran, end: () => steps.push('end') },
      recorder: { micros: 0 },
    },
    isStopping: () => false,
    isFull: () => false,
    hasOwnWorkHint: () => false,
    processingMicros: () => micros,
    wasLong: () => true,
    returnToLoop: () => RETURN_TO_LOOP,
  };
  assert.is(new QueueWorker(turn as unknown as Turn).step(), RETURN_TO_LOOP);
  assert.equal(steps, ['idle', 'end']);
  return words[UNTHROTTLED]!;
}

test('a long handler is a stall', () => {
  assert.is(unthrottledAfter(20_000, 19_000), 900);
});

test('a worker that waited for a core has caused none', () => {
  assert.is(unthrottledAfter(4000, 100), 0);
});

test('short events are nothing that the I/O thread has seen', () => {
  assert.is(unthrottledAfter(8, 0), 900);
});

test.run();
