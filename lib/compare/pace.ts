/** A steady pace: the clock by which beats are due, and which beat is next. */

/** Milliseconds of the monotonic clock, the same in all threads; performance.now() begins anew in each. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/**
 * The number of the beat after beat `last`, when the pace has gone on for `beats` intervals. Beats that were slept through are left out,
 * up to the latest, which makes up for all of them. The times of the others stay: a beat that comes late moves none.
 */
export const nextBeat = (last: number, beats: number): number => Math.max(last + 1, Math.floor(beats));
