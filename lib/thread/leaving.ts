/**
 * How a worker thread ends when the set stops: it cuts the requests that it still has, runs the app's `close` hooks, and waits for its listeners
 * to signals. The rules are at the top of control/shutdown.ts.
 */
// Imported, because a program may replace the globals (fake timers of a test).
import { setImmediate, setTimeout } from 'node:timers';
import type { EventHandler } from '../connection/event-handler.js';
import { abortError, PacelineError } from '../errors.js';
import { nowMicros } from '../sys/clock.js';
import type { Hooks } from './app-hooks.js';
import type { CutRequests } from './messages.js';
import type { Reports } from './reports.js';

/** How long a hook may take that has ended neither at the deadline nor when its signal aborted. */
export const GRACE_MS = 500;
/** The longest time that a timer of Node has. */
const MAX_TIMER_MS = 0x7fffffff;
/** Routes that are named, and the length of a name; further requests count without one. */
const MAX_ROUTES = 32;
const MAX_ROUTE_LENGTH = 120;

/** Cuts the requests of a thread. @returns how many of each route, '' for those that are not named */
export function cutRequests(eventHandlers: Iterable<EventHandler | undefined>): CutRequests {
  const counts = new Map<string, number>();
  for (const handler of eventHandlers) {
    for (const route of handler?.cut?.() ?? []) {
      const name = counts.size < MAX_ROUTES ? route.slice(0, MAX_ROUTE_LENGTH) : '';
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return [...counts];
}

/** What a thread that leaves calls and awaits. */
export interface Ending {
  readonly hooks: Hooks['close'];
  /** See `signalDone` of thread/app-signals.ts. */
  readonly signalDone: () => Promise<void> | null;
  readonly thread: number;
  /** In microseconds of sys/clock.ts. */
  readonly deadline: number;
  readonly log: Reports['log'];
}

/** Calls the `close` hooks. Resolves once the app is done or given up; never rejects. */
export async function endApp({ hooks, signalDone, thread, deadline, log }: Ending): Promise<void> {
  // The message that the server drains may not have been received yet.
  await new Promise((resolve) => setImmediate(resolve));
  const listened = signalDone();
  if (hooks.length === 0 && listened === null) return;
  const controller = new AbortController();
  const leftMs = Math.max(0, (deadline - nowMicros()) / 1000);
  const abort = () => controller.abort(drainEnded());
  if (leftMs === 0) abort();
  setTimeout(abort, Math.min(leftMs, MAX_TIMER_MS)).unref();
  const givenUp = giveUp(controller.signal, abort, leftMs + GRACE_MS);
  const called = callAll(hooks, { thread, signal: controller.signal }, log);
  const late = await Promise.race([called, givenUp]);
  if (late !== null) log('warn', `the app's close hook ${late}; its thread ends without it`);
  else await Promise.race([listened, givenUp]);
}

/** @returns why the app is not awaited any longer */
function giveUp(signal: AbortSignal, abort: () => void, afterMs: number): Promise<string> {
  return new Promise((resolve) => {
    const late = `has not settled ${GRACE_MS} ms after the end of the drain time`;
    setTimeout(resolve, Math.min(afterMs, MAX_TIMER_MS), late).unref();
    // Emitted when the event loop has nothing left to do.
    process.on('beforeExit', () => {
      if (signal.aborted) {
        resolve('never settles, and nothing is under way that could settle it');
        return;
      }
      // The signal may be what the hook waits for. The immediate has the event loop go on.
      abort();
      setImmediate(() => {});
    });
  });
}

/** @returns null */
async function callAll(
  hooks: Hooks['close'],
  context: { thread: number; signal: AbortSignal },
  log: Reports['log'],
): Promise<null> {
  for (const hook of hooks) {
    try {
      await hook(context);
    } catch (error) {
      log('error', "the app's close hook failed", { error });
    }
  }
  return null;
}

const drainEnded = (): DOMException =>
  abortError(new PacelineError('PACELINE_STATE', 'the drain time of the server is over'));
