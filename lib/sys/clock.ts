/**
 * The clock of all records: CLOCK_MONOTONIC, the same for all threads of the process, unlike performance.now(), whose zero
 * differs from thread to thread.
 */
import { func } from './libc.js';

const hrtime = func<() => number>('uint64_t uv_hrtime()');

/** Microseconds since some moment in the past, with a fraction for nanoseconds. */
export const nowMicros = (): number => hrtime() / 1000;

/**
 * What fields begin with that will have a time with a fraction. It equals 0, which would be an integer for V8: with the first fraction the
 * object would change its shape, and the code compiled for it would be discarded, in the first second under load.
 */
export const NO_MICROS = -0;

/**
 * The difference between microseconds since the epoch and `nowMicros()`. Computed at each call, because the system's time may
 * be set.
 */
export const epochOffsetMicros = (): number => Date.now() * 1000 - nowMicros();
