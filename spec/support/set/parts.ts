/** The participants as one thread has them. */
import { HoldMeter } from '../../../lib/connection/hold-meter.js';
import type { SharedMemory } from '../../../lib/memory/allocation.js';
import { BlockPool } from '../../../lib/memory/block-pool.js';
import { Engagement } from '../../../lib/set/engagement.js';
import { HandleSet } from '../../../lib/set/handle-set.js';
import { HandleTable } from '../../../lib/set/handle-table.js';
import { Mailbox } from '../../../lib/set/mailbox.js';
import { ParkingLot } from '../../../lib/set/parking-lot.js';
import { Recorder } from '../../../lib/set/recorder.js';
import { ThreadSet } from '../../../lib/set/thread-set.js';
import { EventLoop } from '../../../lib/sys/event-loop.js';

/** How a thread of a spec is started. */
export interface Start {
  readonly self: number;
  /** Runs the spec's commands, or the library's turns. */
  readonly role: 'commanded' | 'turns';
  /** Its atomic operations are steps. */
  readonly steps: boolean;
  /** It has own work without end. */
  readonly restless: boolean;
  /** Its own event loop ends none of its sleeps. */
  readonly ignoresLoop: boolean;
  readonly memory: SharedMemory;
  readonly scratch: Int32Array;
  readonly epoll: number;
  /** Default: no thread has one. */
  readonly ownSets?: readonly number[];
  readonly doorbells: readonly number[];
}

/** Has nothing to do, now or later: ppoll(2) ignores a descriptor below 0. */
class IdleLoop extends EventLoop {
  override readonly backendFd = -1;

  override timeoutMs(): number {
    return -1;
  }
}

/** The commands of a spec come through the thread's event loop, and are not I/O of an app. */
class CommandedEngagement extends Engagement {
  override hadIo(): void {}
}

export function makeParts(start: Start) {
  const { self, memory, epoll, ownSets = [], doorbells, scratch, ignoresLoop } = start;
  const { control } = memory;
  const table = new HandleTable(memory.handles);
  const lot = new ParkingLot(control, doorbells);
  const recorder = new Recorder(control, self);
  const loop = ignoresLoop ? new IdleLoop() : new EventLoop();
  const engagement = new CommandedEngagement(control, self, {
    threads: doorbells.length,
    timeoutMs: () => loop.timeoutMs(),
  });
  return {
    self,
    scratch,
    memory,
    epoll,
    ownSets,
    control,
    table,
    lot,
    handles: new HandleSet(control, table, epoll, self, ownSets),
    pool: new BlockPool(memory.blocks, self),
    mailbox: new Mailbox(control, self),
    threadSet: new ThreadSet(control, self, lot, recorder, engagement),
    recorder,
    engagement,
    holds: new HoldMeter(),
    loop,
    doorbell: doorbells[self]!,
  };
}

export type Parts = ReturnType<typeof makeParts>;

/** An operation of the parts that a spec asks a thread for. */
export type Command = (...args: number[]) => number | boolean;
