/** What a thread records of itself: marks. Transitions, times and counts are in the specs of the set and of the observer. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import {
  histogramOf,
  QUEUE_WAITS,
  REQUEST_SINCE,
  SINCE,
  STATE_TIMES,
  sumsOf,
} from '../../../lib/memory/sums.js';
import { Recorder, setRecording } from '../../../lib/set/recorder.js';
import { FOLLOWER, LEADER_STATE, PROCESSING } from '../../../lib/set/thread-state.js';
import { MARK_BEGUN, MARK_GIVEN, MARK_TAKEN, TransitionReader } from '../../../lib/set/transitions.js';
import { nowMicros } from '../../../lib/sys/clock.js';

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

function busyFor(ms: number): void {
  for (const end = nowMicros() + ms * 1000; nowMicros() < end; );
}

test('a request that begins after one that held the thread, in the same state, is marked and has its own time', () => {
  const { control } = allocateMemory(1, 1);
  setRecording(control, true);
  const reader = new TransitionReader(control, 0);
  const recorder = new Recorder(control, 0);
  const sums = sumsOf(control, 0);
  recorder.transition(FOLLOWER, PROCESSING);
  assert.is(recorder.requestBegan(), sums[SINCE], 'the first one began with the state');
  busyFor(5);
  const second = recorder.requestBegan();
  assert.is(sums[REQUEST_SINCE], second);
  recorder.transition(PROCESSING, FOLLOWER);
  const read = reader.read();
  assert.equal(
    read.map(({ from, to, promoter }) => [from, to, promoter]),
    [
      [FOLLOWER, PROCESSING, -1],
      [PROCESSING, PROCESSING, MARK_BEGUN],
      [PROCESSING, FOLLOWER, -1],
    ],
  );
  assert.is(read[1]!.micros, Math.floor(second));
});

test('a leader that ends without an event has kept none waiting', () => {
  const { control } = allocateMemory(1, 1);
  setRecording(control, true);
  const recorder = new Recorder(control, 0);
  const waits = () => histogramOf(control, 0, QUEUE_WAITS).reduce((sum, count) => sum + count, 0);
  for (const [tookEvent, counted] of [
    [false, 0],
    [true, 1],
  ] as const) {
    recorder.transition(FOLLOWER, LEADER_STATE);
    recorder.transition(LEADER_STATE, PROCESSING, tookEvent);
    assert.is(waits(), counted);
    recorder.transition(PROCESSING, FOLLOWER);
  }
});

test.run();
