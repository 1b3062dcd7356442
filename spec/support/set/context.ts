/** What event handlers find in their thread, for a spec that calls them in its own. */
import type { ThreadContext } from '../../../lib/connection/event-handler.js';
import { HoldMeter } from '../../../lib/connection/hold-meter.js';
import type { Limits } from '../../../lib/connection/limits.js';
import { DirectTransport } from '../../../lib/connection/transport.js';
import { countersOf } from '../../../lib/memory/counters.js';
import { sumsOf } from '../../../lib/memory/sums.js';
import { Engagement } from '../../../lib/set/engagement.js';
import { HandleSet } from '../../../lib/set/handle-set.js';
import { HandleTable } from '../../../lib/set/handle-table.js';
import { Recorder } from '../../../lib/set/recorder.js';
import type { TestSet } from './test-set.js';

export function makeContext(
  {
    memory,
    epoll,
    ownSets,
    pool,
    words,
    lot,
  }: Pick<TestSet, 'memory' | 'epoll' | 'ownSets' | 'pool' | 'words' | 'lot'>,
  self: number,
  limits: Partial<Limits>,
  log: ThreadContext['log'] = () => {},
): ThreadContext {
  const { control } = memory;
  const table = new HandleTable(memory.handles);
  const handles = new HandleSet(control, table, epoll, self, ownSets);
  const input = Buffer.alloc(0);
  return {
    self,
    number: self,
    control: words,
    handles,
    table,
    pool,
    input,
    transport: new DirectTransport(handles, input),
    counters: countersOf(control, self),
    sums: sumsOf(control, self),
    handsOver: true,
    recorder: new Recorder(control, self),
    engagement: new Engagement(control, self, { threads: 2, timeoutMs: () => -1 }),
    lot,
    holds: new HoldMeter(),
    limits: limits as Limits,
    drainTicks: () => {},
    defer: () => {},
    beforeWaiting: () => {},
    aboutToBlock: () => {},
    raiseUncaughtException: (error) => {
      throw error;
    },
    process: () => {},
    log,
  };
}
