/** The error that reports why a thread ended before it joined the set. */
import { oneLine, PacelineError } from '../errors.js';

/** Codes of the errors that Node.js throws when the system refuses a thread, or the descriptors for one. */
const SHORTAGES = new Set(['ERR_WORKER_INIT_FAILED', 'EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE']);
const OF_FILES = /\b(EMFILE|ENFILE)\b/;

/** @param error what the thread threw or reported; undefined for neither */
export function startError(thread: number, exitCode: number, error: unknown): PacelineError {
  if (error instanceof PacelineError) return error;
  if (SHORTAGES.has(String((error as { code?: unknown } | undefined)?.code)))
    return shortageError(thread, error);
  if (error === undefined) {
    return new PacelineError(
      'PACELINE_APP_LOAD',
      `the app ended its thread while it loaded (exit code ${exitCode}); an app module must not call process.exit()`,
    );
  }
  return new PacelineError(
    'PACELINE_APP_LOAD',
    `the app ended thread ${thread} while it loaded: ${oneLine(error)}`,
    { cause: error },
  );
}

/** The error for a thread that the system refused to create. */
export function shortageError(thread: number, cause: unknown): PacelineError {
  const reason = oneLine(cause);
  const advice = OF_FILES.test(reason)
    ? 'raise the limit of open files (ulimit -n, or LimitNOFILE of a systemd unit)'
    : "raise the limit of threads or memory (ulimit -u, a container's pids limit, TasksMax and MemoryMax of a systemd unit)";
  return new PacelineError(
    'PACELINE_THREAD_START',
    `the system did not allow to create thread ${thread} (${reason}); ${advice}, or run fewer threads`,
    { cause },
  );
}
