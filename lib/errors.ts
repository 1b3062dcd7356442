/**
 * The stable codes of {@link PacelineError}: programs may branch on them. What each one means:
 *
 * - `PACELINE_OPTION`: an option or argument has an invalid value. Thrown by `createServer()`, `listen()`, `close()` and
 *   `serveFiles()`.
 * - `PACELINE_PLATFORM`: the platform is not Linux, or this build of Node.js does not export the calls that the runtime needs.
 * - `PACELINE_SYSTEM`: a system call failed; `errno` and `syscall` say which and how. Without them: the server could not
 *   start for another reason, which is the `cause`.
 * - `PACELINE_ADDRESS_IN_USE`: another socket listens on the address (bind(2), EADDRINUSE).
 * - `PACELINE_ADDRESS`: the address is invalid, is not one of this machine, or this user may not listen on it.
 * - `PACELINE_APP_LOAD`: the app module does not exist, threw while it loaded, or ended its thread meanwhile.
 * - `PACELINE_APP_SHAPE`: the module neither exports an app nor listens, or its `routes` are malformed; or, at a request, the handler returned
 *   a value that cannot be sent, which is logged and answered with 500.
 * - `PACELINE_STATE`: a call at the wrong time, for example a second `listen()`; or `close()` could not end a thread that is
 *   stuck in a native call.
 * - `PACELINE_THREAD_START`: the system does not allow another thread, or has no descriptors for it: a limit of threads,
 *   memory or open files.
 * - `PACELINE_THREAD_LOOP`: a thread has died again and again right after its start. The server keeps trying.
 * - `PACELINE_CONNECTION`: a method of a TCP connection was called after its end, or outside its handlers without `bind()`.
 * - `PACELINE_WRITE_OVERFLOW`: more than 64 MiB are queued on a TCP connection, which is aborted.
 * - `PACELINE_BODY_LIMIT`: a request body is longer than `maxBodySize`. Reading the body rejects with this error, and the
 *   request is answered with 413 (RFC 9110, 15.5.14).
 * - `PACELINE_CLIENT_GONE`: the client left before its request or the response was complete, or its body was invalid. It
 *   is the `cause` of the AbortError with which `request.signal` aborts and reading the body rejects. Reading a body that the
 *   client was never asked to send, because the response ended before, rejects with this error itself.
 */
export type PacelineErrorCode =
  | 'PACELINE_OPTION'
  | 'PACELINE_PLATFORM'
  | 'PACELINE_SYSTEM'
  | 'PACELINE_ADDRESS_IN_USE'
  | 'PACELINE_ADDRESS'
  | 'PACELINE_APP_LOAD'
  | 'PACELINE_APP_SHAPE'
  | 'PACELINE_STATE'
  | 'PACELINE_THREAD_START'
  | 'PACELINE_THREAD_LOOP'
  | 'PACELINE_CONNECTION'
  | 'PACELINE_WRITE_OVERFLOW'
  | 'PACELINE_BODY_LIMIT'
  | 'PACELINE_CLIENT_GONE';

/**
 * The one error class of Paceline. `code` is stable; the message is for people: it says what is wrong and what would be
 * right, and may change between versions.
 */
export class PacelineError extends Error {
  override readonly name = 'PacelineError';

  /** The errno of the failed system call, a positive number (errno(3)); for `PACELINE_SYSTEM` and the address errors. */
  readonly errno: number | undefined;
  /** The name of the failed system call, for example `bind`. */
  readonly syscall: string | undefined;

  /**
   * @param code one of the stable codes
   * @param message one sentence for people
   * @param options `cause`: the error behind this one; `errno` and `syscall`: of a failed system call. Default: none
   */
  constructor(
    readonly code: PacelineErrorCode,
    message: string,
    options: { cause?: unknown; errno?: number; syscall?: string } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.errno = options.errno;
    this.syscall = options.syscall;
  }
}

/**
 * The reason of `request.signal`, and the error of reading a body that will never be complete: a DOMException named
 * AbortError, as for every other aborted operation (DOM, AbortController), so that `error.name === 'AbortError'` holds.
 *
 * @param cause tells by its `code` what happened; the AbortErrors that Node.js makes of a signal's reason lead to it, too
 */
export function abortError(cause: PacelineError): DOMException {
  return new DOMException(cause.message, { name: 'AbortError', cause });
}

/** A bound, because an app may have made a cycle of causes. */
const MAX_CAUSES = 8;

/**
 * Whether an error is a PacelineError with one of these codes, or was caused by one: a signal's reason, or the error that an API made of it.
 * It reads properties of what the app threw, so it may run user code; it never throws.
 */
export function isCausedBy(error: unknown, ...codes: PacelineErrorCode[]): boolean {
  try {
    for (let cause = error, depth = 0; depth < MAX_CAUSES && cause instanceof Error; depth++) {
      if (cause instanceof PacelineError && codes.includes(cause.code)) return true;
      cause = cause.cause;
    }
  } catch {
    // A proxy may throw even here.
  }
  return false;
}

/** Bound of one line: a message may have megabytes. */
const MAX_CHARACTERS = 500;

/** An error's message, or any other thrown value as text, in one line without control characters; '' for undefined. */
export function oneLine(error: unknown): string {
  if (error === undefined) return '';
  const text = textOf(error instanceof Error ? error.message : error);
  const line = text
    .slice(0, 2 * MAX_CHARACTERS)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  return line.length <= MAX_CHARACTERS ? line : `${line.slice(0, MAX_CHARACTERS)}…`;
}

/** For any value: an app may throw one that String() cannot convert. */
function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
