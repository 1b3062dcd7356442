/**
 * Uncaught errors on the main thread. In a worker thread Node's own function for them ends the thread (thread/uncaught.ts). On the
 * main thread it leaves that to the native code that calls it, which prints the error and exits: so an error for which the
 * program has no listener is thrown from a microtask, and Node gives it to that code at once.
 */
// Imported, because the global is an accessor: a call of it on every event.
import process from 'node:process';
import { runTicks } from '../thread/ticks.js';
import { raiseUncaughtException as callListeners } from '../thread/uncaught.js';

/** The program may replace the global (fake timers of a test). */
const { queueMicrotask } = globalThis;

/** On the main thread, as thread/uncaught.ts in a worker thread. */
export function raiseOnMainThread(error: unknown): void {
  if (process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback()) {
    callListeners(error);
    return;
  }
  queueMicrotask(() => {
    throw error;
  });
  runTicks();
}
