/** How specs wait: for a condition, with a timeout that only a hang reaches. */

/** Far above what any of the awaited things takes on a busy machine. */
export const WATCHDOG_MS = 30_000;
/** Between two polls of a condition that no event announces; not a bound on anything. */
const LOOK_MS = 2;

/** Resolves once `condition` holds. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const endMs = performance.now() + WATCHDOG_MS;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** The result of `promise`, or an error that says what did not happen. */
export function within<T>(what: string, promise: Promise<T>): Promise<T> {
  return bounded(promise, WATCHDOG_MS, `waited in vain for ${what}`);
}

/** The result of `promise`, or an error after `ms`. */
export async function bounded<T>(promise: Promise<T>, ms: number, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The whole numbers from 0 on. */
export const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
