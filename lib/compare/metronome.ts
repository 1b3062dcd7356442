/**
 * A worker thread that sends its parent a message at a steady pace. Timers of an event loop have whole milliseconds; a wait for a word of
 * memory ends within some ten microseconds, and leaves the processor to the servers meanwhile.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { monotonicMs, nextBeat } from './pace.js';

const cell = new Int32Array(new SharedArrayBuffer(4));
const { firstMs, intervalMs } = workerData as { firstMs: number; intervalMs: number };
for (let beat = 0; ; beat = nextBeat(beat, (monotonicMs() - firstMs) / intervalMs)) {
  const dueMs = firstMs + beat * intervalMs;
  for (let waitMs = dueMs - monotonicMs(); waitMs > 0; waitMs = dueMs - monotonicMs()) {
    Atomics.wait(cell, 0, 0, waitMs);
  }
  parentPort!.postMessage(0);
}
