/** The `groups` option: how many independent thread sets a server has. */
import { MAX_THREADS } from '../memory/layout.js';
import { optionError } from './validate.js';

/** Far more than one handle set needs to be divided into: a group is for eight cores or so. */
export const MAX_GROUPS = 16;

/**
 * Checks what groups are made of. Numbers of threads are the server's, so all groups together have no more than one set may have.
 *
 * @param threads of each group
 * @throws PacelineError `PACELINE_OPTION`
 */
export function checkGroups(groups: number, threads: number, maxConnections: number): void {
  if (groups * threads > MAX_THREADS) {
    throw optionError(
      `${groups} groups of ${threads} threads are ${groups * threads} threads, and ${MAX_THREADS} is the maximum; use fewer groups, or fewer threads in each`,
    );
  }
  if (maxConnections < groups) {
    throw optionError(`maxConnections must be ${groups} or more, one for each group, not ${maxConnections}`);
  }
}

/** The part of `total` that a group has where it is divided among all of them: the first ones have what is left over. */
export function shareOf(total: number, group: number, groups: number): number {
  return Math.floor(total / groups) + (group < total % groups ? 1 : 0);
}
