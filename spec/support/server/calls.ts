/** Counts the calls of handlers by the number in their request's query, in all threads of the servers that start after `countCalls`. */
import { setEnvironmentData } from 'node:worker_threads';

/** The key of the environment data. */
export const CALLS = 'paceline-calls';
const MAX_CALLS = 4096;

/** @returns a word for each number */
export function countCalls(): Int32Array {
  const calls = new Int32Array(new SharedArrayBuffer(MAX_CALLS * 4));
  setEnvironmentData(CALLS, calls);
  return calls;
}
