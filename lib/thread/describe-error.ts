/**
 * An error of an app as text. Anything can be thrown: objects that cannot be turned into text, messages of megabytes. None of
 * that may cost more than the request or, uncaught, the thread.
 */
import { inspect } from 'node:util';

/** Of one description. */
const MAX_CHARACTERS = 16_384;

/** An error's stack, or the value that was thrown, as text of bounded length. Never throws. */
export function describeError(error: unknown): string {
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
