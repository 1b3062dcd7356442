/** The turns of a set that lives in a thread of the program: they follow the demand, and the thread's own event loop is served. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { EventHandler } from '../../../lib/connection/event-handler.js';
import { HoldMeter } from '../../../lib/connection/hold-meter.js';
import type { Limits } from '../../../lib/connection/limits.js';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { KERNEL_WAITS, LOOP_PASSES } from '../../../lib/memory/counters.js';
import { INTEREST_INPUT } from '../../../lib/set/handle-set.js';
import {
  closeDescriptor,
  createEventCounter,
  resetEventCounter,
  signalEventCounter,
} from '../../../lib/sys/descriptor.js';
import { epollCreate } from '../../../lib/sys/epoll.js';
import { EventLoop } from '../../../lib/sys/event-loop.js';
import { joinSet } from '../../../lib/thread/data-plane.js';
import { NO_TURNS, REFERENCED, UNREFERENCED } from '../../../lib/thread/worker-loop.js';
import { range, until } from '../../support/server/wait.js';

const KIND = 20;
/** A loop that takes turns without being asked takes far more in so many passes of the event loop. */
const PASSES = 50;

/** A set in this thread, with one handle; `take` is called for its events. */
function setInThisThread(take: () => void = () => {}) {
  let demand = NO_TURNS;
  const epoll = epollCreate();
  const doorbell = createEventCounter();
  const handle = createEventCounter();
  const { context, eventHandlers, workerLoop } = joinSet(
    {
      strategy: 'leader-followers',
      self: 0,
      memory: allocateMemory(1, handle + 1, 8),
      epoll,
      doorbells: [doorbell],
      wakeUp: doorbell,
      limits: { maxHeaderSize: 256 } as Limits,
    },
    {
      loop: new EventLoop(),
      holds: new HoldMeter({ micros: () => 0, ranMicros: 0 }),
      log: () => {},
      onLeave: () => {},
      demand: () => demand,
    },
  );
  let taken = 0;
  const handler: EventHandler = {
    handleEvent(fd) {
      do {
        resetEventCounter(fd);
        taken++;
        take();
      } while (context.table.leave(fd) !== 0);
    },
  };
  eventHandlers[KIND] = handler;
  context.handles.registerHandle(handle, KIND, INTEREST_INPUT);
  workerLoop.start();
  return {
    signal: () => signalEventCounter(handle),
    taken: () => taken,
    turns: () => context.counters[LOOP_PASSES]!,
    waits: () => context.counters[KERNEL_WAITS]!,
    /** Lets the demand fall, which the loop finds out by itself, or rise. */
    lower: (to: number) => {
      demand = to;
    },
    raise: (to: number) => {
      demand = to;
      workerLoop.heedDemand();
    },
    [Symbol.asyncDispose]: async () => {
      demand = NO_TURNS;
      await passes();
      for (const fd of [epoll, doorbell, handle]) closeDescriptor(fd);
    },
  };
}

async function passes(): Promise<void> {
  for (const _ of range(PASSES)) await new Promise(setImmediate);
}

test('without a demand no turn is taken, and what is ready waits for the demand', async () => {
  await using set = setInThisThread();
  set.signal();
  await passes();
  assert.is(set.turns(), 0);
  set.raise(REFERENCED);
  await until('the event is taken', () => set.taken() === 1);
});

test('turns end when the demand falls between two turns', async () => {
  await using set = setInThisThread();
  set.raise(REFERENCED);
  await until('turns are taken', () => set.turns() > 2);
  set.lower(NO_TURNS);
  await passes();
  const turns = set.turns();
  set.signal();
  await passes();
  assert.is(set.turns(), turns);
  assert.is(set.taken(), 0);
});

test('turns end when the demand falls in a turn, and begin again', async () => {
  let waits = 0;
  const set = setInThisThread(() => {
    set.lower(NO_TURNS);
    waits = set.waits();
  });
  await using _set = set;
  for (const round of range(20)) {
    set.raise(round % 2 === 0 ? REFERENCED : UNREFERENCED);
    set.signal();
    await until('the event is taken', () => set.taken() === round + 1);
    assert.is(set.waits(), waits, 'it waits for nothing more');
    const turns = set.turns();
    await passes();
    assert.is(set.turns(), turns);
  }
});

test('a demand that is reported again and again asks for one turn', async () => {
  await using set = setInThisThread();
  for (const _ of range(1000)) set.raise(REFERENCED);
  await passes();
  assert.ok(set.turns() <= PASSES + 1, `${set.turns()} turns in ${PASSES} passes`);
});

test('turns go on while a program has replaced the global setImmediate', async () => {
  await using set = setInThisThread();
  const { setImmediate: real } = globalThis;
  globalThis.setImmediate = (() => {
    throw new Error('fake timers');
  }) as unknown as typeof setImmediate;
  try {
    set.raise(REFERENCED);
    set.signal();
    await until('the event is taken', () => set.taken() === 1);
  } finally {
    globalThis.setImmediate = real;
  }
});

test.run();
