/** What a thread that leads makes of time in which the system did not run it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LeaderFollowers } from '../../../lib/strategies/leader-followers.js';
import { RETURN_TO_LOOP, type Turn } from '../../../lib/strategies/turn.js';

/** A thread that has been processing, and finds that another one leads; its own loop is due. */
function stalledFor(micros: number, ran: number): { retracted: number; holdsEnded: number } {
  const seen = { retracted: 0, holdsEnded: 0 };
  const turn = {
    member: {
      engagement: { defers: () => false },
      threadSet: { join: () => false, retractStall: () => seen.retracted++ },
      holds: { ran: () => ran, end: () => seen.holdsEnded++ },
      counters: new Int32Array(64),
      recorder: { micros: 0 },
    },
    isStopping: () => false,
    isFull: () => false,
    hasOwnWorkHint: () => false,
    hasOwnWork: () => false,
    processingMicros: () => micros,
    loopIsDue: true,
    returnToLoop: () => RETURN_TO_LOOP,
  };
  assert.is(new LeaderFollowers(turn as unknown as Turn).step(), RETURN_TO_LOOP);
  return seen;
}

test('a long handler is a stall', () => {
  assert.equal(stalledFor(20_000, 19_000), { retracted: 0, holdsEnded: 1 });
});

test('a thread that waited for a core has caused none', () => {
  assert.equal(stalledFor(4000, 100), { retracted: 1, holdsEnded: 1 });
});

test('short events are nothing that a follower on watch has seen', () => {
  assert.equal(stalledFor(8, 0), { retracted: 0, holdsEnded: 1 });
});

test.run();
