// Imported, because the global is an accessor: a call of it on every event.
import process from 'node:process';

/**
 * Runs the microtasks and nextTick callbacks that user code left behind, as Node does whenever a callback returns to
 * its event loop. A thread does it before it gives its connection up or blocks, so that an async handler which waits
 * for nothing real is answered at once, without a pass through the loop.
 *
 * `process._tickCallback` is what Node itself calls there; it is not documented, but part of every release since 0.10.
 * Without it the turns would return to the loop after each handler: see docs/decisions/0003.
 */

const tickCallback = (process as unknown as { _tickCallback?: () => void })._tickCallback;

/** An error of such a callback ends the thread (or reaches the app's `uncaughtException`), as in Node. */
export function drainTicks(): void {
  try {
    tickCallback?.call(process);
  } catch (error) {
    // Thrown from here it would end the turn in the middle; from a callback of its own it is as uncaught as before.
    setImmediate(() => {
      throw error;
    });
  }
}
