/** How an event reaches its handler, and the cost of an exception that leaves it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { EventHandler } from '../../../lib/connection/event-handler.js';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { countersOf, EVENTS } from '../../../lib/memory/counters.js';
import { CURRENT_FD, threadArea } from '../../../lib/memory/layout.js';
import { HandleSet } from '../../../lib/set/handle-set.js';
import { HandleTable } from '../../../lib/set/handle-table.js';
import { Dispatcher } from '../../../lib/thread/dispatcher.js';

const SELF = 0;
const [FIRST, SECOND] = [3, 4];

function dispatcher(handlers: readonly EventHandler[]) {
  const { control, handles } = allocateMemory(1, 10);
  const table = new HandleTable(handles);
  const words = new Int32Array(control);
  const counters = countersOf(control, SELF);
  const steps: string[] = [];
  for (const [kind, fd] of [FIRST, SECOND].entries()) table.open(fd, kind, 0, SELF);
  return {
    steps,
    counters,
    current: () => words[threadArea(SELF) + CURRENT_FD]!,
    dispatcher: new Dispatcher({
      self: SELF,
      control,
      handles: new HandleSet(control, table, -1, SELF),
      counters,
      eventHandlers: handlers,
      drainTicks: () => steps.push('ticks'),
      raiseUncaughtException: (error) => steps.push(`raised ${(error as Error).message}`),
    }),
  };
}

test('the handler of a kind is called with the events, and the handle is named meanwhile, also in a nested dispatch', () => {
  const seen: number[][] = [];
  const set = dispatcher([
    {
      handleEvent: (fd, events) => {
        set.dispatcher.dispatchNested(SECOND, 2);
        seen.push([fd, events, set.current()]);
      },
    },
    { handleEvent: (fd, events) => seen.push([fd, events, set.current()]) },
  ]);
  assert.is(set.current(), -1);
  set.dispatcher.dispatch(FIRST, 1);
  assert.equal(seen, [
    [SECOND, 2, SECOND],
    [FIRST, 1, FIRST],
  ]);
  assert.is(set.current(), -1);
  assert.is(set.counters[EVENTS], 2);
  assert.equal(set.steps, ['ticks', 'ticks']);
});

test('an exception that leaves a handler costs its connection, then it is raised, and ticks are drained all the same', () => {
  const set = dispatcher([
    {
      handleEvent: () => {
        throw new Error('thrown');
      },
      abort: (fd) => set.steps.push(`aborted ${fd}`),
    },
    {
      // No user code runs in such a one, so it has nothing to abort.
      handleEvent: () => {
        throw new Error('thrown without abort');
      },
    },
  ]);
  set.dispatcher.dispatch(FIRST, 1);
  assert.equal(set.steps.splice(0), [`aborted ${FIRST}`, 'raised thrown', 'ticks']);
  set.dispatcher.dispatch(SECOND, 1);
  assert.equal(set.steps, ['raised thrown without abort', 'ticks']);
  assert.is(set.current(), -1);
});

test.run();
