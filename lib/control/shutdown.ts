/**
 * How a server shuts down. Owner of the words SET_STATE and RESCAN.
 *
 * 1. SET_STATE becomes DRAINING: acceptors take nothing new, connections close once they are between messages.
 * 2. The listening handle is taken out of the set and closed, when no thread is inside it.
 * 3. A rescan makes some thread look at every idle connection, which closes those.
 * 4. When no connection is left, or at the deadline, SET_STATE becomes STOPPING and every thread is woken: threads leave.
 * 5. Threads that do not leave (a handler that does not return) are terminated.
 * 6. What is left of connections, the handle set and the wake-up handles are closed.
 *
 * A start that fails is undone by the same steps.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { closeOrphan } from '../connection/close.js';
import {
  ACCEPT_SUSPENDED,
  CONNECTIONS,
  RESCAN,
  SET_DRAINING,
  SET_STATE,
  SET_STOPPING,
} from '../memory/layout.js';
import type { HandleSet } from '../set/handle-set.js';
import { CONTROL_PLANE, ENTERED, FREE } from '../set/handle-table.js';
import { closeDescriptor, signalEventCounter } from '../sys/descriptor.js';
import type { Listener } from './listener.js';
import type { SharedState } from './recovery.js';
import type { ThreadKeeper } from './thread-keeper.js';

/** How often the number of open connections is checked. */
const DRAIN_POLL_MS = 5;
/** How long threads have to leave after the drain's deadline. */
const LEAVE_MS = 1000;
/** How long threads that are still loading have: terminating one while it loads a native addon aborts the process. */
const LOAD_MS = 10_000;
/** How long native calls have to return after termination. */
const TERMINATE_MS = 5000;

/** What is shut down. */
export interface ServerParts {
  readonly shared: SharedState;
  readonly handles: HandleSet;
  readonly listener: Listener;
  readonly keeper: ThreadKeeper;
  readonly epoll: number;
  readonly doorbells: readonly number[];
  readonly wakeUp: number;
  /** The timer of the timeouts; -1 before it exists. */
  readonly timer: number;
}

/**
 * Steps 1 to 5.
 *
 * @returns how many threads are stuck in native calls and could not be ended
 */
export async function endThreads(parts: ServerParts, drainMs: number): Promise<number> {
  const { shared, keeper, wakeUp } = parts;
  const words = new Int32Array(shared.control);
  const deadline = performance.now() + drainMs;
  Atomics.store(words, SET_STATE, SET_DRAINING);
  await closeListener(parts, words);
  Atomics.store(words, RESCAN, 1);
  signalEventCounter(wakeUp);
  while (Atomics.load(words, CONNECTIONS) > 0 && performance.now() < deadline) await delay(DRAIN_POLL_MS);
  Atomics.store(words, SET_STATE, SET_STOPPING);
  shared.lot.wakeAll(shared.threads);
  signalEventCounter(wakeUp);
  const leaveMs = Math.max(deadline - performance.now(), 0) + LEAVE_MS;
  const left = await keeper.settle(leaveMs, LOAD_MS);
  return left > 0 ? keeper.terminate(TERMINATE_MS) : 0;
}

async function closeListener(
  { shared: { table }, handles, listener }: ServerParts,
  words: Int32Array,
): Promise<void> {
  const { fd } = listener;
  Atomics.store(words, ACCEPT_SUSPENDED, 0);
  if (table.state(fd) !== FREE) {
    // An acceptor leaves as soon as it sees that the set drains.
    while (table.claim(fd, table.generation(fd), 0, CONTROL_PLANE) !== ENTERED) await delay(1);
    handles.unregisterHandle(fd);
  }
  listener.close();
}

/** Step 6, only after every thread has ended: a running one could use a number that is closed here and reused by then. */
export function closeDescriptors({ shared, epoll, doorbells, wakeUp, timer }: ServerParts): void {
  const { control, table, strays } = shared;
  const words = new Int32Array(control);
  strays.close();
  // It is not in the table if the start failed at once.
  if (table.state(wakeUp) !== FREE) table.close(wakeUp);
  if (timer >= 0) {
    table.close(timer);
    closeDescriptor(timer);
  }
  for (let fd = 0; fd < table.end(); fd++) {
    if (table.state(fd) !== FREE) closeOrphan(shared, words, fd);
  }
  for (const fd of [wakeUp, epoll, ...doorbells]) closeDescriptor(fd);
}
