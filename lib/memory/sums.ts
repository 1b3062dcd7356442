/**
 * Sums and histograms of durations of each thread: doubles and counts in the thread's area. Only the thread writes them (the
 * control plane, once it is dead), with plain adds; readable from any thread.
 */
import { HISTOGRAM_BUCKETS } from './histogram.js';
import { HISTOGRAM_AREA, HISTOGRAM_COUNT, SUMS, threadArea } from './layout.js';

/** Microseconds in each state, by the numbers of set/thread-state.ts: the first five. */
export const STATE_TIMES = 0;
/** When the present state began, in microseconds of sys/clock.ts; 0 if that was not recorded. */
export const SINCE = 5;
export const BYTES_IN = 6;
export const BYTES_OUT = 7;
/** The sums of the histograms' durations in microseconds, in the same order. */
export const HISTOGRAM_SUMS = 8;

/**
 * When a further request began in the present state, in microseconds of sys/clock.ts. Before SINCE if there was none: then its request
 * began with the state.
 */
export const REQUEST_SINCE = HISTOGRAM_SUMS + HISTOGRAM_COUNT;
/** Bytes of the thread's heap in use, as it last looked, and what they may grow to; 0 before. */
export const HEAP_USED = REQUEST_SINCE + 1;
export const HEAP_LIMIT = HEAP_USED + 1;

const SUM_COUNT = HEAP_LIMIT + 1;

/** The histograms: from a request's arrival in its thread to the last byte given to the kernel. */
export const RESPONSE_TIMES = 0;
/** From the moment at which one thread vacates leadership to another's leading. */
export const PROMOTION_TIMES = 1;
/** From an event's arrival in the ready list to a thread's taking it. */
export const QUEUE_WAITS = 2;
/** From the last moment at which a thread polled its own event loop to the loop's running. */
export const LOOP_DELAYS = 3;

/** A thread's sums, by the constants above. */
export const sumsOf = (control: SharedArrayBuffer, thread: number): Float64Array =>
  new Float64Array(control, (threadArea(thread) + SUMS) * 4, SUM_COUNT);

/** A thread's histogram. */
export const histogramOf = (control: SharedArrayBuffer, thread: number, which: number): Uint32Array =>
  new Uint32Array(
    control,
    (threadArea(thread) + HISTOGRAM_AREA + which * HISTOGRAM_BUCKETS) * 4,
    HISTOGRAM_BUCKETS,
  );
