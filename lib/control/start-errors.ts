/** The errors of a start: why a thread ended before it joined the set, and whatever else it fails with. */
import { oneLine, PacelineError } from '../errors.js';
import { errorRecord } from '../report/error-record.js';
import { recordError } from '../report/record-error.js';
import { summary } from '../report/render-error.js';
import { locatedRecord } from '../report/syntax-check.js';

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
    `the app ended thread ${thread} while it loaded: ${summary(errorRecord(error, { frame: true }))}`,
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

/** The error of an app that did not load; with the place, where its cause is a SyntaxError that has none. */
export async function withPlace(error: PacelineError, app: string): Promise<PacelineError> {
  const { cause } = error;
  const located = await locatedRecord(cause, app);
  if (located === null) return error;
  const message = error.message.replace(summary(errorRecord(cause)), () => summary(located));
  return new PacelineError(error.code, message, { cause: recordError(located) });
}

/** What a start rejects with. */
export function typedError(error: unknown): PacelineError {
  if (error instanceof PacelineError) return error;
  return new PacelineError('PACELINE_SYSTEM', `the server could not start: ${oneLine(error)}`, {
    cause: error,
  });
}
