/** A long trace is made in slices, between which the main thread runs its other work, and is complete all the same. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { captureTrace } from '../../../lib/dashboard/capture.js';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { TRANSITION_CAPACITY } from '../../../lib/memory/layout.js';
import { Observer } from '../../../lib/observe/observer.js';
import { FOLLOWER, PROCESSING } from '../../../lib/set/thread-state.js';
import { MARK_GIVEN, Transitions } from '../../../lib/set/transitions.js';
import { nowMicros } from '../../../lib/sys/clock.js';
import { checkTrace } from '../../../scripts/trace-check.js';
import { range } from '../../support/server/wait.js';

const THREADS = 32;
const NEXT = new Map([
  [FOLLOWER, PROCESSING],
  [PROCESSING, FOLLOWER],
]);

/** Threads that write to their rings when the spec says so. */
class Busy {
  readonly #memory = allocateMemory(THREADS, 64);
  readonly #rings = range(THREADS).map((thread) => new Transitions(this.#memory.control, thread));
  readonly #states = range(THREADS).map(() => FOLLOWER);
  readonly observer = new Observer(this.#memory, {
    threads: THREADS,
    maxConnections: 8,
    openFiles: 64,
    started: () => true,
  });

  mark(count: number): void {
    for (const ring of this.#rings) for (const _mark of range(count)) ring.mark(MARK_GIVEN, nowMicros());
  }

  write(count: number, threads = THREADS): void {
    for (const _change of range(count)) {
      for (const thread of range(threads)) {
        const from = this.#states[thread]!;
        const to = NEXT.get(from)!;
        this.#rings[thread]!.record(from, to, nowMicros(), 0, 0);
        this.#states[thread] = to;
      }
    }
  }
}

/** Counts passes of the event loop until it is stopped. */
function countPasses(): { stop(): number } {
  let passes = 0;
  let going = true;
  const pass = (): void => {
    passes++;
    if (going) setImmediate(pass);
  };
  setImmediate(pass);
  return {
    stop: () => {
      going = false;
      return passes;
    },
  };
}

async function capture(busy: Busy, ms: number, written: (part: string) => void = () => {}): Promise<string> {
  const parts: string[] = [];
  const sink = {
    write: async (part: string) => {
      parts.push(part);
      written(part);
    },
  };
  const facts = { pid: 1, name: 'spec', threads: THREADS };
  await captureTrace(busy.observer, facts, { ms, sink, signal: new AbortController().signal });
  return parts.join('');
}

test('full rings are read and written in many passes of the event loop, without a hole', async () => {
  const busy = new Busy();
  busy.write(TRANSITION_CAPACITY + 10);
  const passes = countPasses();
  let longest = 0;
  const text = await capture(busy, 0, (part) => {
    longest = Math.max(longest, part.length);
  });
  assert.ok(passes.stop() >= THREADS, 'others had their turn');
  assert.ok(longest < text.length / 10, 'no part is the whole');
  const { faults, summary } = checkTrace(text);
  assert.equal(faults, [], summary);
  const { traceEvents, otherData } = JSON.parse(text);
  assert.is(otherData.missedTransitions, 0);
  const slices = traceEvents.filter(({ ph }: { ph: string }) => ph === 'X').length;
  assert.is(slices, THREADS * (TRANSITION_CAPACITY - 1));
});

test('rings full of marks are read to their end, and a slice of them is not taken for the last', async () => {
  const busy = new Busy();
  busy.write(10);
  busy.mark(TRANSITION_CAPACITY - 20);
  busy.write(8);
  const text = await capture(busy, 0);
  const { faults, summary } = checkTrace(text);
  assert.equal(faults, [], summary);
  const { traceEvents, otherData } = JSON.parse(text);
  assert.is(otherData.missedTransitions, 0);
  const count = (kind: string) => traceEvents.filter(({ ph }: { ph: string }) => ph === kind).length;
  assert.is(count('i'), THREADS * (TRANSITION_CAPACITY - 20));
  assert.is(count('X'), THREADS * 18);
});

test('threads that write more while they are read are in order of time, and what is missing is a hole', async () => {
  const busy = new Busy();
  busy.write(TRANSITION_CAPACITY);
  let writes = 0;
  const text = await capture(busy, 50, () => {
    // One of them faster than its ring is read.
    if (writes++ < 40) busy.write(300, 1 + (writes % 3));
  });
  const { faults, summary } = checkTrace(text);
  assert.equal(faults, [], summary);
  assert.ok(JSON.parse(text).otherData.missedTransitions > 0);
});

test.run();
