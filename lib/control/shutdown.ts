/**
 * How a server shuts down. Owner of the words SET_STATE, DRAIN_DEADLINE and RESCAN.
 *
 * 1. SET_STATE becomes DRAINING: connections close once they are between messages. The apps are told. Threads are replaced only where no
 *    other can do their part (thread-keeper.ts).
 * 2. The listening handles are taken out of the set and closed, each when no connection waits in the socket's queue, as that would be reset,
 *    and no thread is inside it.
 * 3. A rescan makes some thread look at every idle connection, which closes those that have had a request. What a client sends with a new
 *    connection may still be on its way: those have FIRST_REQUEST_MS. Then SET_STATE becomes CLEARING, and another rescan closes them.
 * 4. When no connection or no thread is left, or at the deadline, SET_STATE becomes STOPPING and every thread is woken: threads leave.
 *    Each cuts the requests that it still has, runs the app's close hooks, and ends (thread/leaving.ts).
 * 5. Threads that do not end (a handler or a hook that does not return) are terminated.
 * 6. What is left of connections, the handle set and the wake-up handles are closed.
 *
 * A start that fails is undone by the same steps.
 *
 * The hooks of apps, `init` and `close` (thread/app-hooks.ts), are called by the threads. The control plane calls no hook and waits for none
 * by name; it waits for threads to end. Hence:
 *
 * - H1. A thread is ready once its `init` has settled. One that throws or rejects is an app that does not load; one that is pending is an app
 *   that loads. Replacements run it as well, before they join.
 * - H2. A thread calls `close` after it has left the set: no request of any client reaches it any more. As a connection may move to any thread,
 *   no thread is through before all are: hooks begin when the last connection of the set is closed, or at the deadline. They begin in all threads
 *   at about the same time, and no thread waits for another.
 * - H3. The deadline is the word DRAIN_DEADLINE, not a message: a thread that was inside a handler until it leaves has read no message.
 *   `signal` aborts at the deadline, or as soon as the thread's event loop has nothing left to do; a hook that begins after the deadline gets a
 *   signal that has aborted. The hook is given up GRACE_MS after the deadline, or after it began, if that is later, and its thread ends.
 * - H4. Each hook is called at most once in a thread, since a thread leaves once. What it throws is logged, and the next hook and the thread's end
 *   follow. One that is pending while the signal has aborted and the event loop has nothing left to do is given up at once, as nothing can
 *   settle it.
 * - H5. No hook is called in a thread that has died or was ended by its app, whose `init` has failed, or that is terminated inside a handler.
 *   A thread that still loads at the deadline has LOAD_MS; if it gets ready, it joins, leaves, and calls `close`.
 * - H6. A hook that does not return blocks its own thread, which is terminated LEAVE_MS after the deadline. A second signal ends the process
 *   (cli/run.ts); nothing waits for hooks then.
 * - H7. Listeners of the app to SIGTERM or SIGINT are called when the set begins to drain (thread/app-signals.ts). A thread that has called any
 *   also waits for the app to be done with them, as long as for a hook; nothing is logged where it does not.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { closeOrphan } from '../connection/close.js';
import type { Logger } from '../logger.js';
import {
  CONNECTIONS,
  DRAIN_DEADLINE,
  RESCAN,
  SET_CLEARING,
  SET_DRAINING,
  SET_STATE,
  SET_STOPPING,
} from '../memory/layout.js';
import type { HandleSet } from '../set/handle-set.js';
import { FREE } from '../set/handle-table.js';
import { nowMicros } from '../sys/clock.js';
import { closeDescriptor, signalEventCounter } from '../sys/descriptor.js';
import type { CutRequests } from '../thread/messages.js';
import { type CutTotals, countCut, cutWith, routeOf } from './cut-totals.js';
import type { Listeners } from './listeners.js';
import type { SharedState } from './recovery.js';
import type { SetDescriptors } from './system.js';
import type { ThreadKeeper } from './thread-keeper.js';

/** How long connections that have sent nothing are kept for their first request: some round trips. */
const FIRST_REQUEST_MS = 500;
/** How often the number of open connections is checked. */
const DRAIN_POLL_MS = 5;
/** How long threads have to leave after the drain's deadline. */
const LEAVE_MS = 1000;
/** How long threads that are still loading have: terminating one while it loads a native addon aborts the process. */
const LOAD_MS = 10_000;
/** How long native calls have to return after termination. */
const TERMINATE_MS = 5000;

/** What a thread does that does not end, by its phase. */
const INSIDE = {
  loading: 'it still loads the app',
  serving: 'it is inside code of the app that does not return',
  left: "it is inside the app's close hook, which does not return",
} as const;

/** What is shut down. */
export interface ServerParts {
  readonly shared: SharedState;
  /** The number of thread 0 in the server. */
  readonly firstThread: number;
  readonly handles: HandleSet;
  readonly listeners: Listeners;
  readonly keeper: ThreadKeeper;
  readonly descriptors: SetDescriptors;
  /** The timer of the timeouts; -1 before it exists. */
  readonly timer: number;
  readonly logger: Logger;
  /** Method and target of the request that a thread is inside; '' for none. */
  readonly requestIn: (thread: number) => string;
  readonly cut: CutTotals;
  /** Called after step 2. */
  readonly released: () => void;
}

/**
 * Steps 1 to 5.
 *
 * @returns how many threads are stuck in native calls and could not be ended
 */
export async function endThreads(parts: ServerParts, drainMs: number): Promise<number> {
  const { shared, listeners, keeper, descriptors, released } = parts;
  const { wakeUp } = descriptors;
  const words = new Int32Array(shared.control);
  const deadline = performance.now() + drainMs;
  new Float64Array(shared.control)[DRAIN_DEADLINE] = nowMicros() + drainMs * 1000;
  Atomics.store(words, SET_STATE, SET_DRAINING);
  keeper.drain();
  await listeners.close(drainMs);
  released();
  const rescan = (): void => {
    Atomics.store(words, RESCAN, 1);
    signalEventCounter(wakeUp);
  };
  const isDrained = () => Atomics.load(words, CONNECTIONS) === 0 || !keeper.hasThreads;
  const drained = async (until: number): Promise<void> => {
    while (!isDrained() && performance.now() < until) await delay(DRAIN_POLL_MS);
  };
  rescan();
  await drained(Math.min(deadline, performance.now() + FIRST_REQUEST_MS));
  Atomics.store(words, SET_STATE, SET_CLEARING);
  rescan();
  await drained(deadline);
  Atomics.store(words, SET_STATE, SET_STOPPING);
  shared.lot.wakeAll(shared.threads);
  signalEventCounter(wakeUp);
  const leaveMs = Math.max(deadline - performance.now(), 0) + LEAVE_MS;
  const left = await keeper.settle(leaveMs, LOAD_MS);
  return left > 0 ? terminate(parts) : 0;
}

/** Step 5. @returns how many threads could not be ended */
async function terminate({
  shared,
  firstThread,
  keeper,
  logger,
  requestIn,
  cut,
}: ServerParts): Promise<number> {
  const lost: [thread: number, cut: CutRequests][] = [];
  for (const { thread, phase } of keeper.remaining()) {
    const request = phase === 'serving' ? requestIn(thread) : '';
    const where = phase === 'serving' && request !== '' ? `it is inside ${routeOf(request)}` : INSIDE[phase];
    const number = firstThread + thread;
    logger.warn(`thread ${number} has not ended after the drain time, and is terminated: ${where}`, {
      thread: number,
    });
    if (phase === 'serving') lost.push([thread, cutWith(shared.table, thread, request)]);
  }
  const left = await keeper.terminate(TERMINATE_MS);
  for (const [thread, requests] of lost) {
    cut.add(requests);
    countCut(shared.control, thread, requests);
  }
  return left;
}

/** Step 6, only after every thread has ended: a running one could use a number that is closed here and reused by then. */
export function closeDescriptors({ shared, descriptors, timer }: ServerParts): void {
  const { epoll, ownSets, doorbells, wakeUp } = descriptors;
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
  for (const fd of [wakeUp, epoll, ...ownSets, ...doorbells]) closeDescriptor(fd);
}
