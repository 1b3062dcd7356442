// Imported, because the global is an accessor: a call of it on every event.
import process from 'node:process';

/**
 * Runs the microtasks and nextTick callbacks that user code left behind, as Node does whenever a callback returns to
 * its event loop. A thread does it before it gives its connection up or blocks, so that an async handler which waits
 * for nothing real is answered at once, without a pass through the loop.
 *
 * `process._tickCallback` is what Node itself calls there, and `process._fatalException` what it calls for an error that
 * nobody caught; neither is documented, both are part of every release that is supported: see docs/decisions/0003 for what
 * happens without them.
 */
const internals = process as unknown as {
  _tickCallback?: () => void;
  _fatalException?: (error: unknown, fromPromise: boolean) => boolean;
};
const tickCallback = internals._tickCallback;
const fatalException = internals._fatalException;

/**
 * Runs what is queued. An error thrown by a callback is uncaught, and ends the draining: what is left runs in the next pass
 * through the loop, as in Node.
 */
export function drainTicks(): void {
  try {
    tickCallback?.call(process);
  } catch (error) {
    uncaught(error);
  }
}

/**
 * An error of user code that nobody caught: ends the thread, or is given to the app's `uncaughtException` listener.
 *
 * It has to go there from where it is caught. A callback that throws leaves its frame on Node's stack of async ids, and only
 * Node's own way for such errors takes it away again; thrown once more from a callback of its own, the error would find that
 * frame still there, and Node would end the whole process because of it ("async hook stack has become corrupted").
 */
export function uncaught(error: unknown): void {
  if (fatalException !== undefined) fatalException.call(process, error, false);
  else {
    setImmediate(() => {
      throw error;
    });
  }
}
