/** How the specs wait: for a condition, with a watchdog that only a hang trips. */

/** Far above what any of the awaited things takes on a busy machine. */
export const WATCHDOG_MS = 30_000;
/** Between two looks at a condition that nothing announces; not a bound on anything. */
const LOOK_MS = 2;

/** Resolves once `condition` holds. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const endMs = performance.now() + WATCHDOG_MS;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** `promise`, or an error that says what did not happen. */
export function within<T>(what: string, promise: Promise<T>): Promise<T> {
  return bounded(promise, WATCHDOG_MS, `waited in vain for ${what}`);
}

/** `promise`, or an error after `ms`. */
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

/** Whole numbers from 0. */
export const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
