/**
 * Draining: runs the microtasks and nextTick callbacks that user code left behind, as Node does whenever a callback returns to
 * its event loop. A thread does it before it gives its connection up or blocks, so that an async handler which waits
 * for nothing real is answered at once, without a pass through the loop.
 */
// Imported, because the global is an accessor: a call of it on every event.
import process from 'node:process';

/**
 * What Node itself calls when a callback returns. It is not documented, but part of every supported release:
 * docs/decisions/0003 says what happens without it.
 */
const { _tickCallback: tickCallback } = process as unknown as { _tickCallback?: () => void };

/** Runs what is queued. @throws what a callback has thrown; what is left then runs in the next pass through the loop, as in Node */
export function runTicks(): void {
  tickCallback?.call(process);
}

/** @returns runs what is queued; an error thrown by a callback is uncaught, and given to `raise` */
export function tickDrain(raise: (error: unknown) => void): () => void {
  return () => {
    try {
      runTicks();
    } catch (error) {
      raise(error);
    }
  };
}
