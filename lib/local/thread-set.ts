/**
 * Makes a thread set whose only thread is the calling one. It always leads: there is nobody to promote, to wake or to hand events to.
 */
import { isMainThread } from 'node:worker_threads';
import { TIMER } from '../connection/event-handler.js';
import { HoldMeter } from '../connection/hold-meter.js';
import { limitsOf, tickMs } from '../control/limits.js';
import { allocateMemory, type SharedMemory } from '../memory/allocation.js';
import { resolveOptions } from '../options/server-options.js';
import { INTEREST_INPUT } from '../set/handle-set.js';
import { FREE } from '../set/handle-table.js';
import { closeDescriptor, createEventCounter } from '../sys/descriptor.js';
import { epollCreate } from '../sys/epoll.js';
import { EventLoop } from '../sys/event-loop.js';
import { openFilesLimit } from '../sys/process.js';
import { createTimer } from '../sys/timer.js';
import { type DataPlane, joinSet } from '../thread/data-plane.js';
import { raiseOnMainThread } from './uncaught.js';
import { log } from './warnings.js';

/** Bound of the handle table, where the limit of open files is far higher. */
const MAX_DESCRIPTORS = 1_048_576;

/** A test suite sets timeouts far shorter than Node's defaults. */
const TICK_MS = 100;

/**
 * Node's limits: bodies have none, and neither has a client that takes its response slowly. What a server has as properties applies to its
 * own connections; the shortest timeout here determines the tick (control/limits.ts).
 */
const nodeOptions = () =>
  resolveOptions({
    // Each server has its own limit, up to this one.
    maxHeaderSize: 0xffff,
    maxBodySize: Number.POSITIVE_INFINITY,
    sendTimeout: 0,
    keepAliveTimeout: 4 * TICK_MS,
  });

export interface LocalThreadSet extends DataPlane {
  readonly memory: SharedMemory;
  /** Closes the set's own descriptors and all handles. No turn may follow. */
  close(): void;
}

/**
 * @param demand for turns, see thread/worker-loop.ts
 * @throws PacelineError `PACELINE_PLATFORM` or `PACELINE_SYSTEM`; nothing is left open then
 */
export function createThreadSet(demand: () => number): LocalThreadSet {
  const options = nodeOptions();
  const capacity = Math.min(openFilesLimit(), MAX_DESCRIPTORS);
  const loop = new EventLoop();
  const memory = allocateMemory(1, capacity);
  const { epoll, doorbell, timer } = openDescriptors(tickMs(options));
  const plane = joinSet(
    {
      self: 0,
      strategy: 'leader-followers',
      memory,
      epoll,
      doorbells: [doorbell],
      // No other thread leads, so nobody has to end this one's wait.
      wakeUp: doorbell,
      // Descriptors run out before this many connections are open; the acceptor then waits until one is closed.
      limits: limitsOf({ ...options, maxConnections: capacity }),
    },
    {
      loop,
      holds: new HoldMeter(),
      log,
      onLeave: () => {},
      demand,
      ...(isMainThread && { raise: raiseOnMainThread }),
    },
  );
  plane.context.handles.registerHandle(timer, TIMER, INTEREST_INPUT);
  return { ...plane, memory, close: () => closeAll(plane, [epoll, doorbell]) };
}

function openDescriptors(timerMs: number): { epoll: number; doorbell: number; timer: number } {
  const opened: number[] = [];
  const open = (create: () => number): number => {
    const fd = create();
    opened.push(fd);
    return fd;
  };
  try {
    return {
      epoll: open(epollCreate),
      doorbell: open(createEventCounter),
      timer: open(() => createTimer(timerMs)),
    };
  } catch (error) {
    for (const fd of opened) closeDescriptor(fd);
    throw error;
  }
}

/** Handles are the timer, and the connections and listening sockets that are open. */
function closeAll({ context: { table } }: DataPlane, own: readonly number[]): void {
  for (let fd = 0; fd < table.end(); fd++) {
    if (table.state(fd) === FREE) continue;
    table.close(fd);
    closeDescriptor(fd);
  }
  for (const fd of own) closeDescriptor(fd);
}
