/** The tests of Express and ws that pass on node:http and not on paceline/http. */
import type { Accepted } from '../suites/compare.js';

export const ACCEPTED: readonly Accepted[] = [];
