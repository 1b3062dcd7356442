/**
 * The one error class of Paceline. `code` is stable: programs may branch on it; the message is for people and says
 * what is wrong and what would be right.
 */
export type PacelineErrorCode =
  /** An option has a value that it cannot have. */
  | 'PACELINE_OPTION'
  /** This platform, or this build of Node.js, lacks what the runtime stands on. */
  | 'PACELINE_PLATFORM'
  /** A system call failed; `errno` and `syscall` say how. */
  | 'PACELINE_SYSTEM'
  /** The address to listen on is taken. */
  | 'PACELINE_ADDRESS_IN_USE'
  /** The address to listen on is not allowed or does not exist on this machine. */
  | 'PACELINE_ADDRESS'
  /** The app module does not exist or threw while it loaded. */
  | 'PACELINE_APP_LOAD'
  /** The module loaded, but what it exports is no app. */
  | 'PACELINE_APP_SHAPE'
  /** A call came in a state of the server in which it makes no sense. */
  | 'PACELINE_STATE'
  /** The system gives no thread, or no descriptors for one: a limit of threads, memory or open files. */
  | 'PACELINE_THREAD_START'
  /** A thread died again and again while it started. */
  | 'PACELINE_THREAD_LOOP'
  /** A connection was used outside its thread or after its end. */
  | 'PACELINE_CONNECTION'
  /** More bytes wait to be sent on a connection than the bound allows. */
  | 'PACELINE_WRITE_OVERFLOW'
  /** A request body is longer than the limit. */
  | 'PACELINE_BODY_LIMIT'
  /** The client left before its message or the response to it was complete. */
  | 'PACELINE_CLIENT_GONE';

export class PacelineError extends Error {
  override readonly name = 'PacelineError';

  /** The errno of the failed system call, for `PACELINE_SYSTEM` and the address errors. */
  readonly errno: number | undefined;
  /** The name of the failed system call. */
  readonly syscall: string | undefined;

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
 * The reason of `request.signal`, and what reading a body ends with that will never be complete: a DOMException named
 * AbortError, as of every other aborted operation (DOM, AbortController), so that `error.name === 'AbortError'` finds it.
 *
 * @param cause says what happened, by its `code`; the AbortErrors that Node.js makes of a signal's reason lead to it, too
 */
export function abortError(cause: PacelineError): DOMException {
  return new DOMException(cause.message, { name: 'AbortError', cause });
}

/** An app may have made a circle of causes. */
const MAX_CAUSES = 8;

/**
 * Whether an error is, or was caused by, a client's leaving: a signal's reason as it is, or what an API made of it that was given
 * the signal. It looks at what the app threw, so it may run user code; it never throws.
 */
export function isClientGone(error: unknown): boolean {
  try {
    for (let cause = error, depth = 0; depth < MAX_CAUSES && cause instanceof Error; depth++) {
      if (cause instanceof PacelineError && cause.code === 'PACELINE_CLIENT_GONE') return true;
      cause = cause.cause;
    }
  } catch {
    // A proxy may answer even these questions with an error.
  }
  return false;
}

/** Of one line; a message may have megabytes. */
const MAX_CHARACTERS = 500;

/** An error's message, or whatever was thrown, without line breaks and control characters; '' for nothing. */
export function oneLine(error: unknown): string {
  if (error === undefined) return '';
  const text = textOf(error instanceof Error ? error.message : error);
  const line = text
    .slice(0, 2 * MAX_CHARACTERS)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  return line.length <= MAX_CHARACTERS ? line : `${line.slice(0, MAX_CHARACTERS)}…`;
}

/** An app may throw what cannot be turned into text. */
function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
