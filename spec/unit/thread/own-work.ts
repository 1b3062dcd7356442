/** I10: a thread's own work is done in portions, in order, and no kind of it starves another. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Deferred, EventHandler } from '../../../lib/connection/event-handler.js';
import { HANDED_OVER } from '../../../lib/connection/flags.js';
import { HoldMeter } from '../../../lib/connection/hold-meter.js';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { countersOf } from '../../../lib/memory/counters.js';
import { clearFlag, setFlag } from '../../../lib/set/handle-record.js';
import { HandleSet } from '../../../lib/set/handle-set.js';
import { BOUND, HAND_OFF, HandleTable, IDLE, INSIDE, READABLE } from '../../../lib/set/handle-table.js';
import { Mailbox } from '../../../lib/set/mailbox.js';
import { Recorder } from '../../../lib/set/recorder.js';
import { nowMicros } from '../../../lib/sys/clock.js';
import { Dispatcher } from '../../../lib/thread/dispatcher.js';
import { OwnWork, type OwnWorkParts } from '../../../lib/thread/own-work.js';
import { observingOperations } from '../../support/set/steps.js';

const SELF = 0;
const LEADER = 1;
const KIND = 0;
/** As in lib/thread/own-work.ts. */
const MAX_ITEMS = 32;

/** Own work of a thread whose only event handler records the descriptors that it is called for. */
function ownWork(handleEvent?: EventHandler['handleEvent']) {
  const { control, handles } = allocateMemory(2, 100);
  const table = new HandleTable(handles);
  const dispatched: number[] = [];
  const seen: number[] = [];
  const raised: unknown[] = [];
  const bound: number[] = [];
  const parts: OwnWorkParts = {
    self: SELF,
    control,
    handles: new HandleSet(control, table, -1, SELF),
    counters: countersOf(control, SELF),
    recorder: new Recorder(control, SELF),
    holds: new HoldMeter({ micros: () => 0, ranMicros: 0 }),
    eventHandlers: [
      {
        handleEvent: (fd, events) => {
          dispatched.push(fd);
          seen.push(events);
          handleEvent?.(fd, events);
        },
        bound: () => bound,
      },
    ],
    drainTicks: () => {},
    raiseUncaughtException: (error) => raised.push(error),
  };
  const mailbox = new Mailbox(control, SELF);
  return {
    table,
    holds: parts.holds,
    work: new OwnWork(parts, new Dispatcher(parts)),
    mailbox,
    dispatched,
    seen,
    raised,
    /** Binds a handle to the thread, and notes an event for it as the leader does. */
    note(fd: number): number {
      const generation = table.open(fd, KIND, 0, SELF);
      table.bind(fd, SELF);
      bound.push(fd);
      assert.is(table.claim(fd, generation, READABLE, LEADER), HAND_OFF);
      assert.is(table.state(fd), BOUND);
      return generation;
    },
  };
}

function deferred(proceed: () => void, abort = () => {}): Deferred {
  return { proceed, abort };
}

test('deferred work is done oldest first, a portion at a time', () => {
  const { work } = ownWork();
  const done: number[] = [];
  const count = MAX_ITEMS + 8;
  for (let item = 0; item < count; item++) work.defer(deferred(() => done.push(item)));
  while (work.hasDeferred()) assert.ok(work.run() <= MAX_ITEMS);
  assert.equal(done, [...Array(count).keys()]);
  assert.not(work.hasPending());
  assert.not(work.hasPendingHint());
});

test('work that is deferred meanwhile waits for the next portion, behind what is left', () => {
  const { work } = ownWork();
  const done: string[] = [];
  for (let item = 0; item < MAX_ITEMS; item++) {
    work.defer(deferred(() => work.defer(deferred(() => done.push('later')))));
  }
  work.defer(deferred(() => done.push('left')));
  work.run();
  assert.equal(done, []);
  while (work.hasDeferred()) work.run();
  assert.equal(done, ['left', ...Array(MAX_ITEMS).fill('later')]);
});

test('what is to be done before the thread waits is not looked for on the hot path', () => {
  const { work } = ownWork();
  let done = 0;
  work.beforeWaiting(deferred(() => done++));
  assert.not(work.hasPendingHint());
  work.run();
  assert.is(done, 0);
  assert.ok(work.hasPending(), 'the thread is about to wait');
  work.run();
  assert.is(done, 1);
  assert.not(work.hasPending());
});

test('an exception aborts the work that threw it, is raised, and the rest is done', () => {
  const { work, raised } = ownWork();
  const error = new Error('thrown');
  const done: string[] = [];
  work.defer(
    deferred(
      () => {
        throw error;
      },
      () => done.push('aborted'),
    ),
  );
  work.defer(deferred(() => done.push('next')));
  while (work.hasDeferred()) work.run();
  assert.equal(raised, [error]);
  assert.equal(done, ['aborted', 'next']);
});

test('each piece of deferred work ends what it held its thread for, also if it throws', () => {
  const { work, holds } = ownWork();
  const held: string[] = [];
  const piece = (name: string, after: () => void) =>
    deferred(() => {
      holds.begin({ held: (micros) => held.push(`${name} ${micros >= 1000}`) }, nowMicros() - 1000);
      after();
    });
  work.defer(
    piece('throws', () => {
      throw new Error('thrown');
    }),
  );
  work.defer(deferred(() => held.push('no holder')));
  work.defer(piece('returns', () => {}));
  work.run();
  assert.equal(held, ['throws true', 'no holder', 'returns true']);
  holds.endNow();
  assert.is(held.length, 3, 'nothing is left');
});

/** A handle of the table that no thread is inside, with the flag of a hand-over. */
function handedOver(table: HandleTable, fd: number): number {
  const generation = table.open(fd, KIND, 0, LEADER);
  setFlag(table, fd, HANDED_OVER);
  assert.is(table.leave(fd), 0);
  return generation;
}

test('a handle that was handed over is entered, and its input read', () => {
  const { work, mailbox, table, dispatched, seen } = ownWork();
  mailbox.put(3, handedOver(table, 3), true);
  assert.ok(work.hasPending());
  assert.is(work.run(), 1);
  assert.equal([dispatched, seen], [[3], [READABLE]]);
  assert.equal([table.state(3), table.owner(3)], [INSIDE, SELF]);
});

for (const [name, change] of [
  ['that another thread is inside', (table, fd) => table.claim(fd, table.generation(fd), READABLE, LEADER)],
  [
    'that is bound to another thread',
    (table, fd) => {
      table.claim(fd, table.generation(fd), READABLE, LEADER);
      table.bind(fd, LEADER);
    },
  ],
  [
    'that is bound to this thread, without an event',
    (table, fd) => {
      table.claim(fd, table.generation(fd), READABLE, SELF);
      table.bind(fd, SELF);
    },
  ],
  ['that is closed', (table, fd) => table.close(fd)],
  [
    'of another generation',
    (table, fd) => {
      table.close(fd);
      handedOver(table, fd);
    },
  ],
  ['that another thread has entered and left', (table, fd) => clearFlag(table, fd, HANDED_OVER)],
] as [string, (table: HandleTable, fd: number) => void][]) {
  test(`a hand-over of a handle ${name} is nothing to do`, () => {
    const { work, mailbox, table, dispatched } = ownWork();
    const generation = handedOver(table, 3);
    mailbox.put(3, generation, true);
    change(table, 3);
    const [state, owner] = [table.state(3), table.owner(3)];
    assert.is(work.run(), 0);
    assert.equal(dispatched, []);
    assert.equal([table.state(3), table.owner(3)], [state, owner]);
    assert.not(work.hasPending());
  });
}

test('a hand-off of a handle that is idle is nothing to do, although that is handed over', () => {
  const { work, mailbox, table, dispatched } = ownWork();
  mailbox.put(3, handedOver(table, 3));
  assert.is(work.run(), 0);
  assert.equal(dispatched, []);
  assert.is(table.state(3), IDLE);
});

for (const isHandOver of [false, true]) {
  test(`a bound handle is dispatched by its hand-off alone, which comes ${isHandOver ? 'after' : 'before'} a hand-over`, () => {
    const { work, mailbox, table, dispatched, seen, note } = ownWork();
    const generation = note(3);
    setFlag(table, 3, HANDED_OVER);
    for (const entry of [isHandOver, !isHandOver]) mailbox.put(3, generation, entry);
    assert.is(work.run(), 1);
    assert.equal([dispatched, seen], [[3], [READABLE]]);
    assert.is(table.state(3), BOUND);
  });
}

test('the entry of a handle stays until the thread is inside of that, and is gone when the handle is processed', () => {
  const left: boolean[] = [];
  const { work, mailbox, table } = ownWork(() => left.push(mailbox.hasPending()));
  mailbox.put(3, handedOver(table, 3), true);
  const found: boolean[] = [];
  // Wherever the thread dies, recovery finds the entry, or the thread inside of the handle.
  const look = (name: string) => {
    if (name !== 'load') found.push(mailbox.peek() || table.owner(3) === SELF);
  };
  observingOperations(look, () => work.run());
  assert.ok(found.length > 0 && found.every(Boolean), `${found}`);
  assert.equal(left, [false]);
});

test('deferred work that takes all of the time starves no hand-off', () => {
  const { work, mailbox, dispatched, note } = ownWork();
  const endless = deferred(() => {
    const end = performance.now() + 3;
    while (performance.now() < end) {}
    work.defer(endless);
  });
  work.defer(endless);
  for (const fd of [3, 4]) mailbox.put(fd, note(fd));
  work.run();
  assert.equal(dispatched, [3]);
  work.run();
  assert.equal(dispatched, [3, 4]);
  assert.ok(work.hasPending());
});

test('a sweep dispatches what was noted for bound handles, and hand-offs without end do not starve it', () => {
  const { work, mailbox, dispatched, note } = ownWork();
  const swept = 10;
  note(swept);
  const generation = note(11);
  mailbox.requestSweep();
  // One step of the sweep for each bound handle.
  for (let portion = 0; portion < 2; portion++) {
    for (let entry = 0; entry < MAX_ITEMS; entry++) mailbox.put(11, generation);
    work.run();
  }
  assert.equal(dispatched, [11, swept]);
});

test.run();
