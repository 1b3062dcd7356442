/** What a thread records of itself: marks. Transitions, times and counts are in the specs of the set and of the observer. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allocateMemory } from '../../../lib/memory/layout.js';
import { STATE_TIMES, sumsOf } from '../../../lib/memory/sums.js';
import { Recorder, setRecording } from '../../../lib/set/recorder.js';
import { FOLLOWER, PROCESSING } from '../../../lib/set/thread-state.js';
import { MARK_GIVEN, MARK_TAKEN, TransitionReader } from '../../../lib/set/transitions.js';

test('hand-overs are recorded between the changes of state around them, while recording is on', () => {
  const { control } = allocateMemory(1, 1);
  const reader = new TransitionReader(control, 0);
  const recorder = new Recorder(control, 0);
  recorder.handedOver();
  recorder.tookHandOver();
  assert.equal(reader.read(), []);
  setRecording(control, true);
  recorder.transition(FOLLOWER, PROCESSING);
  recorder.tookHandOver();
  recorder.handedOver();
  recorder.transition(PROCESSING, FOLLOWER);
  const read = reader.read();
  assert.equal(
    read.map(({ from, to, promoter }) => [from, to, promoter]),
    [
      [FOLLOWER, PROCESSING, -1],
      [PROCESSING, PROCESSING, MARK_TAKEN],
      [PROCESSING, PROCESSING, MARK_GIVEN],
      [PROCESSING, FOLLOWER, -1],
    ],
  );
  const times = read.map(({ micros }) => micros);
  assert.equal(
    times,
    times.toSorted((one, other) => one - other),
  );
  const processed = sumsOf(control, 0)[STATE_TIMES + PROCESSING]!;
  assert.ok(Math.abs(processed - (times[3]! - times[0]!)) < 1, 'marks take nothing from the time in a state');
});

test.run();
