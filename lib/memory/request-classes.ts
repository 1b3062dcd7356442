/**
 * Requests by the class of their route and of their status: how many there were, and how long they took. Counts and sums lie in the thread's
 * area. Only the thread writes them, with plain adds; readable from any thread. The counts wrap at 2^32.
 */
import { CLASS_COUNTS, CLASS_SUMS, threadArea } from './layout.js';

/** Classes of status: the first digit. */
const STATUS_CLASSES = 5;
/** Requests of ordinary routes, then those of routes that are known to block: one class for each status class. */
export const REQUEST_CLASSES = 2 * STATUS_CLASSES;

/** Durations below 32 µs have the first bucket; each of the others twice the bound of the one before; the last has none. */
const FIRST_BOUND_SHIFT = 5;
export const CLASS_BOUNDS = 20;
export const CLASS_BUCKETS = CLASS_BOUNDS + 1;
const LONGEST_US = 2 ** (FIRST_BOUND_SHIFT + CLASS_BOUNDS - 1);

/** The first duration, in microseconds, that is too long for the bucket. */
export const classBoundUs = (bucket: number): number => 2 ** (FIRST_BOUND_SHIFT + bucket);

/** The class of a status, 1 to 5. Node servers may use numbers beyond those of HTTP. */
export const statusClass = (status: number): number =>
  Math.min(Math.max((status / 100) | 0, 1), STATUS_CLASSES);

/** The class of a request. @param blocks whether its route is known to block */
export const requestClass = (blocks: boolean, status: number): number =>
  statusClass(status) - 1 + (blocks ? STATUS_CLASSES : 0);

export const isBlockingClass = (requestClass: number): boolean => requestClass >= STATUS_CLASSES;
/** The status class of a request class: 1 to 5. */
export const statusOfClass = (requestClass: number): number => (requestClass % STATUS_CLASSES) + 1;

/** The word that counts a request of that class and duration, among a thread's. */
export function classCount(requestClass: number, us: number): number {
  const bucket = us >= LONGEST_US ? CLASS_BOUNDS : 32 - Math.clz32(us >>> FIRST_BOUND_SHIFT);
  return requestClass * CLASS_BUCKETS + bucket;
}

/** A thread's counts: those of each class behind one another. */
export const classCountsOf = (control: SharedArrayBuffer, thread: number): Uint32Array =>
  new Uint32Array(control, (threadArea(thread) + CLASS_COUNTS) * 4, REQUEST_CLASSES * CLASS_BUCKETS);

/** A thread's sums of the durations, in microseconds, by class. */
export const classSumsOf = (control: SharedArrayBuffer, thread: number): Float64Array =>
  new Float64Array(control, (threadArea(thread) + CLASS_SUMS) * 4, REQUEST_CLASSES);
