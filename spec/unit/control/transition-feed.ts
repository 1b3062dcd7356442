/** The transitions that listeners of the server get. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TransitionFeed } from '../../../lib/control/transition-feed.js';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import type { Transition } from '../../../lib/observe/observation.js';
import { Observer } from '../../../lib/observe/observer.js';
import { FOLLOWER, PROCESSING } from '../../../lib/set/thread-state.js';
import { MARK_TAKEN, Transitions } from '../../../lib/set/transitions.js';

test('changes of state are reported, and marks of hand-overs are not', () => {
  const memory = allocateMemory(1, 8);
  const observer = new Observer(memory, { threads: 1, maxConnections: 1, openFiles: 8, started: () => true });
  const reported: Transition[] = [];
  const feed = new TransitionFeed(observer, (transition) => reported.push(transition));
  feed.start();
  try {
    const ring = new Transitions(memory.control, 0);
    ring.record(FOLLOWER, PROCESSING, 1000, 0, 0);
    ring.mark(MARK_TAKEN, 1001);
    ring.record(PROCESSING, FOLLOWER, 1002, 0, 0);
    feed.flush();
  } finally {
    feed.stop();
  }
  assert.equal(
    reported.map(({ from, to }) => `${from} to ${to}`),
    ['follower to processing', 'processing to follower'],
  );
});

test.run();
