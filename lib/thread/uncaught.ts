/**
 * What a thread says of the errors of its app. Anything can be thrown: objects that cannot be turned into text, messages
 * of megabytes, errors that are their own cause. None of that may cost more than the request or, uncaught, the thread.
 */
import { inspect } from 'node:util';

/** Of one description. */
const MAX_CHARACTERS = 16_384;
/** More than any chain of causes that somebody meant. */
const MAX_CAUSES = 16;

/** An error's stack, or whatever was thrown, as text. */
export function describe(error: unknown): string {
  try {
    return textOf(error).slice(0, MAX_CHARACTERS);
  } catch {
    return 'something was thrown that cannot be described';
  }
}

function textOf(error: unknown): string {
  if (error instanceof Error) return String(error.stack ?? `${error.name}: ${error.message}`);
  return typeof error === 'object' ? inspect(error) : String(error);
}

/**
 * Node.js hands an uncaught error of a worker to the main thread with all its causes, one inside the other. Where they go
 * round in a circle it never ends, or overflows the stack of the main thread and takes the process down. A DOMException,
 * which is what an aborted or timed out fetch() throws, arrives without anything in it. Such an error is replaced by its
 * description: what a listener of this event throws takes the place of the error.
 */
export function installUncaughtExceptionGuard(): void {
  process.on('uncaughtExceptionMonitor', (error) => {
    // The app may have a listener that saves the thread.
    if (process.listenerCount('uncaughtException') > 0) return;
    if (!hasEndlessCauses(error) && !(error instanceof DOMException)) return;
    const words = new Error(error.message);
    words.name = error.name;
    words.stack = describe(error);
    throw words;
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
