/** A steady pace for a process that sends requests when they are due. */
import { Worker } from 'node:worker_threads';
import { monotonicMs } from './pace.js';

const METRONOME = new URL('./metronome.js', import.meta.url);

/**
 * Calls `beat` at a steady pace until the worker is terminated: metronome.ts says why no timer does.
 *
 * @param intervalMs from one beat to the next; parts of a millisecond count
 * @param firstMs when the first beat is due, on performance.now(); the others are due whole intervals after it, and none comes early
 * @returns the worker that keeps the pace
 */
export function startBeats(intervalMs: number, beat: () => void, firstMs = performance.now()): Worker {
  // In this order: time between the two readings makes beats late, and none early.
  const inMs = firstMs - performance.now();
  const worker = new Worker(METRONOME, { workerData: { firstMs: monotonicMs() + inMs, intervalMs } });
  worker.on('message', beat);
  return worker;
}
