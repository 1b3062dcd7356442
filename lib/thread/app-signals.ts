/**
 * The signals by which apps learn that they are to end. Node delivers signals to the main thread alone; each thread runs the app, with
 * listeners of its own that close databases and the like.
 *
 * In a process of Node that has a listener, nothing but the app ends the process. So a thread whose listeners were called waits for the
 * app, as for a `close` hook (thread/leaving.ts): it may end the thread, or have nothing left to do; or it sends the signal once more, after
 * its listeners have removed themselves, as NestJS and the package signal-exit do. That would be the second signal of the whole server;
 * in a thread it says that the app is done.
 */
import { syncBuiltinESMExports } from 'node:module';
import { constants } from 'node:os';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
type ShutdownSignal = (typeof SIGNALS)[number];

let done: Promise<void> | null = null;

/** Calls the app's listeners for SIGTERM, or, if it has none, those for SIGINT: most apps have the same for both. Called once. */
export function emitShutdownSignal(): void {
  const signal = SIGNALS.find((name) => process.listenerCount(name) > 0);
  done = signal === undefined ? null : new Promise(keepSignals);
  if (signal !== undefined) process.emit(signal, signal);
}

/** Resolves once the app has sent the signal again and has no listener for it; null where none has been called. */
export const signalDone = (): Promise<void> | null => done;

/** From now on the app's signals to its own process stay in its thread. */
function keepSignals(resolve: () => void): void {
  const { kill } = process;
  const deliver = (signal: ShutdownSignal): void => {
    if (process.listenerCount(signal) > 0) process.emit(signal, signal);
    else resolve();
  };
  process.kill = (pid, signal = 'SIGTERM') => {
    const own = SIGNALS.find((name) => name === signal || constants.signals[name] === signal);
    if (pid !== process.pid || own === undefined) return kill.call(process, pid, signal);
    setImmediate(deliver, own);
    return true;
  };
  // For files that import it by its name.
  syncBuiltinESMExports();
}
