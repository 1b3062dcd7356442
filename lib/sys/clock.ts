/**
 * The clock of everything that is recorded: that of CLOCK_MONOTONIC, the same for all threads of the process, unlike
 * performance.now(), whose zero differs from thread to thread.
 */
import { func } from './libc.js';

const hrtime = func<() => number>('uint64_t uv_hrtime()');

/** Microseconds since some moment in the past, with nanoseconds behind the point. */
export const nowMicros = (): number => hrtime() / 1000;

/** What has to be added to `nowMicros()` to get microseconds since the epoch. It is found anew, as the system's time may be set. */
export const epochOffsetMicros = (): number => Date.now() * 1000 - nowMicros();
