/** The tests of Hono that pass under plain Node and not under Paceline's classes. */
import type { Accepted } from '../suites/compare.js';

export const ACCEPTED: readonly Accepted[] = [];
