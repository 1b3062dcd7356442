/** When the page reconnects after it has lost the server. */

const FIRST_DELAY_MS = 250;
export const MAX_DELAY_MS = 2000;
/** A refused upgrade looks like a server that is down; after this many failures the page finds out which it is. */
export const FAILURES_BEFORE_ASKING = 2;

/** The delay before the next try, in milliseconds, after `failures` failed tries in a row. */
export function retryDelayMs(failures: number): number {
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.max(0, failures - 1));
}
