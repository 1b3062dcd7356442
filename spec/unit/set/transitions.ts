/** The ring of transitions: each is read once or counted as missed, wherever its count of 32 bits stands. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { TRANSITION_CAPACITY, TRANSITIONS_PUT, threadArea } from '../../../lib/memory/layout.js';
import { FOLLOWER, LEADER_STATE, PROCESSING } from '../../../lib/set/thread-state.js';
import { MARK_GIVEN, MARK_TAKEN, TransitionReader, Transitions } from '../../../lib/set/transitions.js';
import { range } from '../../support/server/wait.js';

/** What a reader can get at once: the oldest slot may be half written. */
const READABLE = TRANSITION_CAPACITY - 1;
/** Counts right before the word's sign changes, right before it is 0 again, and at its beginning. */
const BEGINNINGS: readonly (readonly [name: string, count: number])[] = [
  ['0', 0],
  ['2^31', 2 ** 31 - 10],
  ['2^32', -10],
];

class Ring {
  readonly #control = allocateMemory(1, 1).control;
  readonly #writer: Transitions;
  #written = 0;

  /** @param count what has been recorded before; the ring is full of it unless it is 0 */
  constructor(count: number) {
    const put = new Int32Array(this.#control);
    put[threadArea(0) + TRANSITIONS_PUT] = (count - (count === 0 ? 0 : TRANSITION_CAPACITY)) | 0;
    this.#writer = new Transitions(this.#control, 0);
    if (count !== 0) this.write(TRANSITION_CAPACITY);
  }

  reader(past = false): TransitionReader {
    return new TransitionReader(this.#control, 0, past);
  }

  /** Each transition has its own number as time. */
  write(count: number): void {
    for (let rest = count; rest > 0; rest--) {
      this.#writer.record(FOLLOWER, LEADER_STATE, ++this.#written, 1, 0);
    }
  }

  /** The numbers of the newest `count`, oldest first. */
  newest(count: number): number[] {
    return range(count).map((index) => this.#written - count + 1 + index);
  }
}

const numbers = (reader: TransitionReader, max?: number): number[] =>
  reader.read(max).map(({ micros }) => micros);

for (const [name, count] of BEGINNINGS) {
  test(`across ${name} each transition is read once`, () => {
    const ring = new Ring(count);
    const reader = ring.reader();
    for (const _round of range(4)) {
      ring.write(6);
      assert.equal(numbers(reader), ring.newest(6));
    }
    assert.equal(numbers(reader), []);
    assert.is(reader.missed, 0);
  });

  test(`across ${name} a reader that falls behind gets the newest, and counts the others`, () => {
    const ring = new Ring(count);
    const reader = ring.reader();
    ring.write(TRANSITION_CAPACITY + 100);
    assert.equal(numbers(reader), ring.newest(READABLE));
    assert.is(reader.missed, 101);
    ring.write(50);
    assert.equal(numbers(reader, 20), ring.newest(20));
    assert.is(reader.missed, 131);
  });

  test(`across ${name} a reader that takes its time gets the oldest first, and nothing is missed`, () => {
    const ring = new Ring(count);
    const reader = ring.reader();
    ring.write(25);
    const whole = ring.newest(25);
    const oldest = (max: number) => reader.readOldest(max).map(({ micros }) => micros);
    assert.equal(oldest(10), whole.slice(0, 10));
    ring.write(5);
    assert.equal(oldest(10), whole.slice(10, 20));
    assert.equal(oldest(100), ring.newest(10));
    assert.is(reader.missed, 0);
    ring.write(TRANSITION_CAPACITY + 100);
    assert.equal(oldest(3), ring.newest(READABLE).slice(0, 3));
    assert.is(reader.missed, 101);
  });

  test(`across ${name} a reader of the past begins with what the ring holds`, () => {
    const ring = new Ring(count);
    ring.write(20);
    const held = count === 0 ? 20 : READABLE;
    const reader = ring.reader(true);
    assert.equal(numbers(reader), ring.newest(held));
    assert.is(reader.missed, 0);
    assert.equal(numbers(ring.reader(true), 5), ring.newest(5));
  });
}

test('a ring that was filled once is full for ever, also when its count is 0 again', () => {
  const ring = new Ring(-1);
  ring.write(3);
  assert.equal(numbers(ring.reader(true)), ring.newest(READABLE));
});

test('a reader that slept for 2^31 transitions and more reads a ring, not the time between', () => {
  for (const behind of [2 ** 31 + 7, 2 ** 32 - 7]) {
    const { control } = allocateMemory(1, 1);
    const words = new Int32Array(control);
    const reader = new TransitionReader(control, 0);
    words[threadArea(0) + TRANSITIONS_PUT] = behind | 0;
    assert.is(reader.read().length, READABLE);
    assert.is(reader.missed, behind - READABLE);
  }
});

test('a mark is read in its place, as a transition from processing to itself with its kind', () => {
  const { control } = allocateMemory(1, 1);
  const reader = new TransitionReader(control, 0);
  const ring = new Transitions(control, 0);
  ring.record(FOLLOWER, PROCESSING, 1, 0, 0);
  ring.mark(MARK_TAKEN, 2);
  ring.mark(MARK_GIVEN, 3);
  ring.record(PROCESSING, FOLLOWER, 4, 0, 0);
  assert.equal(
    reader.read().map(({ from, to, micros, promoter }) => [from, to, micros, promoter]),
    [
      [FOLLOWER, PROCESSING, 1, -1],
      [PROCESSING, PROCESSING, 2, MARK_TAKEN],
      [PROCESSING, PROCESSING, 3, MARK_GIVEN],
      [PROCESSING, FOLLOWER, 4, -1],
    ],
  );
});

test('a promotion of more than 35 minutes is not one of less than none', () => {
  const { control } = allocateMemory(1, 1);
  const reader = new TransitionReader(control, 0);
  new Transitions(control, 0).record(FOLLOWER, LEADER_STATE, 1, 1, 2 ** 31 + 5);
  assert.is(reader.read()[0]!.promotionMicros, 2 ** 31 - 1);
});

test.run();
