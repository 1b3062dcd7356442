/** A thread with the calls of the process installed, which makes them and posts what has come of them. */
import process, { argv, chdir } from 'node:process';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { installProcessCalls } from '../../../lib/thread/process-calls.js';

interface Scene {
  readonly app: string;
  readonly port: MessagePort;
  readonly workingDirectory: string;
  /** Given to process.chdir() one after the other. */
  readonly directories: readonly string[];
  readonly chdirMs?: number;
}

const { directories, chdirMs, ...start } = workerData as Scene;
installProcessCalls(start, chdirMs);

function outcomeOf(directory: string): unknown {
  try {
    chdir(directory);
    return process.cwd();
  } catch (error) {
    const { name, message } = error as Error;
    return { name, message, ...(error as object) };
  }
}

parentPort!.postMessage({ argv: [...argv], outcomes: directories.map(outcomeOf) });
