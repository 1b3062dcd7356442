// A worker that sends its parent a message at a steady pace. Timers of an event loop have whole milliseconds, and are late by up
// to one more; a wait for a word of memory ends within some ten microseconds, and leaves the processor to the servers meanwhile.

import { parentPort, workerData } from 'node:worker_threads';

const cell = new Int32Array(new SharedArrayBuffer(4));
const { intervalMs } = workerData as { intervalMs: number };
let dueMs = performance.now();
for (;;) {
  dueMs += intervalMs;
  const waitMs = dueMs - performance.now();
  // Beats that were slept through are left out: the next one makes up for all of them.
  if (waitMs > 0) Atomics.wait(cell, 0, 0, waitMs);
  else dueMs = performance.now();
  parentPort!.postMessage(0);
}
