/** How the page comes back after it lost the server. */

const FIRST_DELAY_MS = 250;
export const MAX_DELAY_MS = 2000;
/** A refused upgrade looks like a server that is away; after so many failures the page asks which it is. */
export const FAILURES_BEFORE_ASKING = 2;

/** How long to wait before the next try, after `failures` tries in a row have failed. */
export function retryDelayMs(failures: number): number {
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.max(0, failures - 1));
}
