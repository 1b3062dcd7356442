/**
 * The clock of all records: CLOCK_MONOTONIC, the same for all threads of the process, unlike performance.now(), whose zero
 * differs from thread to thread.
 */
import { func } from './libc.js';

const hrtime = func<() => number>('uint64_t uv_hrtime()');

/** Microseconds since some moment in the past, with a fraction for nanoseconds. */
export const nowMicros = (): number => hrtime() / 1000;

/**
 * The difference between microseconds since the epoch and `nowMicros()`. Computed at each call, because the system's time may
 * be set.
 */
export const epochOffsetMicros = (): number => Date.now() * 1000 - nowMicros();
