/** Uncaught exceptions of user code: how they are raised, and what keeps them from taking the whole process down. */
import process from 'node:process';
import { errorRecord } from '../report/error-record.js';

/** A chain of causes as long as this is taken for a circle. */
const MAX_CAUSES = 16;

/**
 * What Node itself calls for an error that nobody caught. It is not documented, but part of every supported release:
 * docs/decisions/0003 says what happens without it.
 */
const { _fatalException: fatalException } = process as unknown as {
  _fatalException?: (error: unknown, fromPromise: boolean) => boolean;
};

/**
 * Raises an error of user code that nobody caught: it ends the thread, or is given to the app's `uncaughtException` listener.
 *
 * It has to be raised where it is caught. A callback that throws leaves its frame on Node's stack of async ids, and only
 * Node's own way for such errors removes it again; thrown once more from a callback of its own, the error would find that
 * frame still there, and Node would end the whole process because of it ("async hook stack has become corrupted").
 */
export function raiseUncaughtException(error: unknown): void {
  if (fatalException !== undefined) fatalException.call(process, error, false);
  else {
    setImmediate(() => {
      throw error;
    });
  }
}

/**
 * Reports the error that ends the thread, and replaces errors that Node cannot hand over.
 *
 * Node.js hands an uncaught error of a worker to the main thread with all its causes, one inside the other. Where they form
 * a circle it never ends, or overflows the stack of the main thread and takes the process down. A DOMException, which is
 * what an aborted or timed out fetch() throws, arrives without anything in it. What a listener of this event throws takes the
 * place of the error.
 *
 * @param report is given the error before the thread ends
 */
export function installUncaughtExceptionGuard(report: (error: unknown) => void): void {
  process.on('uncaughtExceptionMonitor', (error) => {
    // The app may have a listener that saves the thread.
    if (process.listenerCount('uncaughtException') > 0) return;
    report(error);
    if (!hasEndlessCauses(error) && !(error instanceof DOMException)) return;
    const { name, message } = errorRecord(error);
    throw Object.assign(new Error(message), { name });
  });
}

function hasEndlessCauses(error: unknown): boolean {
  let cause = error;
  for (let depth = 0; depth < MAX_CAUSES; depth++) {
    if (typeof cause !== 'object' || cause === null) return false;
    cause = (cause as { cause?: unknown }).cause;
  }
  return true;
}
