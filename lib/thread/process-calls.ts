/**
 * What a file expects of its process when node runs it, as far as a worker thread of Node lacks it: `process.argv`, `process.chdir()`, and
 * an error that says why node:cluster does not fork.
 */
import cluster from 'node:cluster';
import { syncBuiltinESMExports } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getSystemErrorMap } from 'node:util';
import type { MessagePort } from 'node:worker_threads';
import { PacelineError } from '../errors.js';
import {
  CHDIR_ABANDONED,
  CHDIR_DONE,
  CHDIR_PENDING,
  CHDIR_UNSUPPORTED,
  type ThreadMessage,
  type ThreadStart,
} from './messages.js';

/** How long a thread waits for the main thread, which runs no handlers of the server but may run an embedder's code. */
const CHDIR_MS = 10_000;

/** Called once, before the app is loaded. @param chdirMs bound of the wait in `process.chdir()`, in milliseconds */
export function installProcessCalls(
  { app, port, workingDirectory }: Pick<ThreadStart, 'app' | 'port' | 'workingDirectory'>,
  chdirMs = CHDIR_MS,
): void {
  cluster.fork = refuseFork;
  if (app.startsWith('file:')) {
    process.argv.splice(0, process.argv.length, process.execPath, fileURLToPath(app));
    process.chdir = chdirOf(port, workingDirectory, chdirMs);
  }
  // For files that import these by their names.
  syncBuiltinESMExports();
}

function refuseFork(): never {
  throw new PacelineError(
    'PACELINE_STATE',
    'node:cluster cannot fork in a thread of Paceline, as its workers would be processes beside the threads; each thread runs the whole file, so start in it what the workers run, without node:cluster',
  );
}

/**
 * The folder is the process's, so the main thread changes it. A relative path begins at the folder that this thread has changed to, at
 * first the one in which the server was started: every thread runs the same file, and `chdir('..')` in each goes up once.
 */
function chdirOf(port: MessagePort, workingDirectory: string, timeoutMs: number): typeof process.chdir {
  const nodes = process.chdir;
  let own = workingDirectory;
  return (directory) => {
    const wanted = resolve(own, directory);
    if (wanted !== currentDirectory()) {
      const outcome = askFor(port, wanted, timeoutMs);
      if (outcome === CHDIR_PENDING) throw noAnswer(wanted, timeoutMs);
      if (outcome === CHDIR_UNSUPPORTED) return nodes(directory);
      if (outcome !== CHDIR_DONE) throw chdirError(outcome, directory);
    }
    own = wanted;
  };
}

/** Null where it has been removed. */
function currentDirectory(): string | null {
  try {
    return process.cwd();
  } catch {
    return null;
  }
}

/** @returns the answer; CHDIR_PENDING without one */
function askFor(port: MessagePort, directory: string, timeoutMs: number): number {
  const answer = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  port.postMessage({ type: 'chdir', directory, answer } satisfies ThreadMessage);
  Atomics.wait(answer, 0, CHDIR_PENDING, timeoutMs);
  return Atomics.compareExchange(answer, 0, CHDIR_PENDING, CHDIR_ABANDONED);
}

const noAnswer = (directory: string, timeoutMs: number): PacelineError =>
  new PacelineError(
    'PACELINE_STATE',
    `process.chdir(${JSON.stringify(directory)}): the main thread, which changes the folder of the process, has not answered within ${timeoutMs / 1000} s`,
  );

/** The error that Node has for it. @param errno negative */
function chdirError(errno: number, directory: string): Error {
  const [code, message] = getSystemErrorMap().get(errno) ?? ['UNKNOWN', 'unknown error'];
  const path = currentDirectory() ?? '';
  return Object.assign(new Error(`${code}: ${message}, chdir '${path}' -> '${directory}'`), {
    errno,
    code,
    syscall: 'chdir',
    path,
    dest: directory,
  });
}
