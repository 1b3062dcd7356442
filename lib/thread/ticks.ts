/**
 * Draining: runs the microtasks and nextTick callbacks that user code left behind, as Node does whenever a callback returns to
 * its event loop. A thread does it before it gives its connection up or blocks, so that an async handler which waits
 * for nothing real is answered at once, without a pass through the loop.
 */
// Imported, because the global is an accessor: a call of it on every event.
import process from 'node:process';
import { raiseUncaughtException } from './uncaught.js';

/**
 * What Node itself calls when a callback returns. It is not documented, but part of every supported release:
 * docs/decisions/0003 says what happens without it.
 */
const { _tickCallback: tickCallback } = process as unknown as { _tickCallback?: () => void };

/**
 * Runs what is queued. An error thrown by a callback is uncaught, and ends the draining: what is left runs in the next pass
 * through the loop, as in Node.
 */
export function drainTicks(): void {
  try {
    tickCallback?.call(process);
  } catch (error) {
    raiseUncaughtException(error);
  }
}
