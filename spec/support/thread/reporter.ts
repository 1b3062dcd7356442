/** A thread that logs an error of its own kind every few microseconds, through several periods of its limiter. */
import { workerData } from 'node:worker_threads';
import type { ThreadStart } from '../../../lib/thread/messages.js';
import { Reports } from '../../../lib/thread/reports.js';

const { logged, ...start } = workerData as ThreadStart & { logged: Int32Array };
const reports = new Reports(start);
const PERIODS_MS = 3500;
const BURST = 1000;

const end = performance.now() + PERIODS_MS;
let count = 0;
function burst(): void {
  for (let each = 0; each < BURST; each++) {
    reports.log('error', 'it failed', {
      error: new Error(`failure ${count++}`),
      what: () => 'not to be cloned',
    });
  }
  if (performance.now() < end) setTimeout(burst, 20);
  else {
    Atomics.store(logged, 0, count);
    Atomics.notify(logged, 0);
  }
}
burst();
// It runs until the spec terminates it.
setTimeout(() => {}, 60_000);
