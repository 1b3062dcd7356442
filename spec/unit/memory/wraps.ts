/**
 * Words that count without end, each started right below where its sign changes and right below 0: no reader notices.
 * Counters and histograms are in observe/totals.ts, the ring of transitions in set/transitions.ts; docs/decisions/0008 has
 * all words that wrap, and when.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deadlineIn, isDue, setDeadline } from '../../../lib/connection/deadlines.js';
import type { ThreadContext } from '../../../lib/connection/event-handler.js';
import { HTTP_CONNECTION, TIMER } from '../../../lib/connection/event-handler.js';
import { Timeouts } from '../../../lib/connection/timeouts.js';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { BlockPool } from '../../../lib/memory/block-pool.js';
import {
  EPOCH,
  HANDLE_DEADLINE,
  HANDLE_STATE,
  HANDLE_WORDS,
  LEADER,
  MAILBOX_PUT,
  MAILBOX_TAKEN,
  PROMOTED_AT,
  PROMOTER,
  READY_SINCE,
  RECORDING,
  TICK,
  threadArea,
  UNTHROTTLED,
} from '../../../lib/memory/layout.js';
import { histogramOf, PROMOTION_TIMES, QUEUE_WAITS } from '../../../lib/memory/sums.js';
import { ENTERED, HandleTable, READABLE, STALE, TIMED_OUT } from '../../../lib/set/handle-table.js';
import { Mailbox } from '../../../lib/set/mailbox.js';
import { Recorder } from '../../../lib/set/recorder.js';
import { FOLLOWER, LEADER_STATE, PROCESSING } from '../../../lib/set/thread-state.js';
import { KEEP_WATCHING, STAND_DOWN } from '../../../lib/set/watch.js';
import { closeDescriptor, createEventCounter } from '../../../lib/sys/descriptor.js';
import { range } from '../../support/server/wait.js';
import { COUNTER } from '../../support/set/kinds.js';
import { takeEntry } from '../../support/set/mailbox.js';
import { ASLEEP, load, store } from '../../support/set/scratch.js';
import { type TestThread, withSet } from '../../support/set/test-set.js';
import { makeWatch } from '../../support/set/watch.js';

const BELOW: readonly (readonly [name: string, word: number])[] = [
  ['2^31', 2 ** 31 - 1],
  ['2^32', -1],
];

for (const [name, word] of BELOW) {
  test(
    `across ${name} wake-ups, leaderships and hand-offs go on`,
    withSet(2, async (set) => {
      set.wakeAlways();
      store(set.words, EPOCH, word);
      for (const thread of [0, 1]) {
        for (const count of [MAILBOX_PUT, MAILBOX_TAKEN]) store(set.words, threadArea(thread) + count, word);
      }
      const [first, second] = (await set.startAll()) as [TestThread, TestThread];
      for (const _round of range(3)) {
        assert.is(first.run('join'), 1);
        second.begin('park', [0]).settle([ASLEEP]);
        first.run('promote');
        second.result();
        assert.is(second.run('join'), 1);
        first.begin('park', [0]).settle([ASLEEP]);
        second.run('promote');
        first.result();
      }
      assert.is(load(set.words, EPOCH), (word + 6) | 0);
      const mailbox = new Mailbox(set.memory.control, 1);
      for (const fd of range(3)) mailbox.put(fd, 7);
      for (const fd of range(3)) {
        assert.ok(takeEntry(mailbox));
        assert.is(mailbox.fd, fd);
      }
      assert.not(mailbox.hasPending());
    }),
  );

  test(`across ${name} the follower on watch sees leadership move`, () => {
    const { control } = allocateMemory(2, 1);
    const words = new Int32Array(control);
    words[EPOCH] = word;
    const watch = makeWatch(control, 0);
    watch.begin();
    words[LEADER] = 2;
    for (const _leadership of range(100)) {
      words[EPOCH] = (words[EPOCH]! + 1) | 0;
      assert.is(watch.check(), KEEP_WATCHING);
    }
    while (watch.check() === KEEP_WATCHING);
    assert.is(watch.check(), STAND_DOWN);
  });

  test(`across ${name} a deadline is due when its ticks are over, not before`, () => {
    const memory = allocateMemory(1, 1024);
    const control = new Int32Array(memory.control);
    const table = new HandleTable(memory.handles);
    // Stands for a socket that has no input.
    const connection = createEventCounter();
    let timedOut = 0;
    const process = (fd: number, events: number): void => {
      assert.equal([fd, events], [connection, TIMED_OUT]);
      timedOut++;
      setDeadline(context, fd, 0);
      table.leave(fd);
    };
    const context = { control, table, self: 0, process } as unknown as ThreadContext;
    const timeouts = new Timeouts(context, null as never, -1);
    const timer = createEventCounter();
    const generation = table.open(timer, TIMER);
    table.leave(timer);
    const tick = (): void => {
      assert.is(table.claim(timer, generation, READABLE, 0), ENTERED);
      if (!timeouts.handleInline(timer)) timeouts.handleEvent(timer);
    };
    // From every place before the wrap to every place behind it.
    for (const before of range(4)) {
      for (const ticks of range(5).map((less) => less + 1)) {
        table.open(connection, HTTP_CONNECTION, 0, 0);
        control[TICK] = (word - before) | 0;
        setDeadline(context, connection, ticks);
        table.leave(connection);
        for (let rest = ticks; rest > 1; rest--) {
          tick();
          assert.not(isDue(context, connection));
        }
        assert.is(timedOut, 0);
        // A deadline of 0 would be none: that tick's is one later.
        if (table.words[connection * HANDLE_WORDS + HANDLE_DEADLINE] !== ((word - before + ticks) | 0))
          tick();
        tick();
        assert.is(timedOut, 1);
        timedOut = 0;
        table.close(connection);
      }
    }
    closeDescriptor(connection);
    closeDescriptor(timer);
  });

  test(`across ${name} the pool gives no block away twice`, () => {
    const { blocks } = allocateMemory(1, 1);
    const pool = new BlockPool(blocks);
    pool.free(pool.save(new Uint8Array(3 * 2048), 0, 3 * 2048));
    // The tag of the free stack is the high half of the pool's first word.
    const words = new Int32Array(blocks);
    words[0] = (words[0]! & 0xffff) | (word & ~0xffff);
    for (const _round of range(5)) {
      const chains = range(3).map((seed) => pool.save(new Uint8Array(10).fill(seed), 0, 10));
      assert.is(new Set(chains).size, 3);
      for (const [seed, chain] of chains.entries()) {
        const target = new Uint8Array(10);
        pool.restore(chain, target, 10);
        assert.ok(target.every((byte) => byte === seed));
      }
    }
    assert.is(pool.inUse(), 0);
  });
}

for (const beginning of [0x7fff, 0xfffe]) {
  test(
    `after ${beginning} generations of a descriptor its events are still told from stale ones`,
    withSet(1, async (set) => {
      const fd = createEventCounter();
      set.table.words[fd * HANDLE_WORDS + HANDLE_STATE] = beginning << 16;
      closeDescriptor(fd);
      for (const _life of range(4)) {
        const before = set.table.generation(fd);
        assert.is(set.connect(COUNTER), fd, 'the number is used again');
        const generation = set.table.generation(fd);
        assert.is(generation, (before + 1) & 0xffff);
        assert.is(set.table.claim(fd, before, READABLE, 0), STALE);
        store(new Int32Array(set.memory.control), LEADER, 1);
        assert.is(set.table.claim(fd, generation, READABLE, 0), ENTERED);
        set.handles.unregisterHandle(fd);
        closeDescriptor(fd);
      }
    }),
  );
}

test('promotions at the end of a stall do not count UNTHROTTLED down without end', () => {
  const { control } = allocateMemory(2, 1);
  const words = new Int32Array(control);
  // Two leaders at once may both have seen the last one.
  words[UNTHROTTLED] = -1;
  const watch = makeWatch(control, 0);
  for (const _promotion of range(10)) watch.throttlesWakeUp(false);
  assert.is(words[UNTHROTTLED], -1);
});

test('waits of an hour and longer count as long, not as none', () => {
  const { control } = allocateMemory(1, 1);
  const words = new Int32Array(control);
  const times = new Float64Array(control);
  words[RECORDING] = 1;
  const recorder = new Recorder(control, 0);
  const hourUs = 3_600_000_000;
  words[PROMOTER] = 2;
  recorder.refilled();
  times[PROMOTED_AT] = recorder.micros - hourUs;
  recorder.transition(FOLLOWER, LEADER_STATE);
  times[READY_SINCE] = recorder.micros - hourUs;
  recorder.transition(LEADER_STATE, PROCESSING, true);
  assert.is(histogramOf(control, 0, PROMOTION_TIMES).at(-1), 1);
  assert.is(histogramOf(control, 0, QUEUE_WAITS).at(-1), 1);
});

test('a deadline is never 0, which is none', () => {
  const control = new Int32Array(allocateMemory(1, 1).control);
  control[TICK] = -3;
  assert.is(deadlineIn(control, 3), 1);
});

test.run();
