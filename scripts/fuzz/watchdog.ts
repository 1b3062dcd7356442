/**
 * Ends a fuzz run that hangs, from a thread of its own: a parser that never comes back would stop any timer beside it.
 *
 * One shared word: the seed of the batch that runs. Atomic; the fuzzer writes it and wakes this thread, which waits for it to
 * change.
 */
import { writeSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

/** Far above what a batch takes, and what every single wait of it may take before it says what it waited for. */
const HANG_MS = 120_000;
const STANDARD_ERROR_FD = 2;

export class Watchdog {
  readonly #seed = new Int32Array(new SharedArrayBuffer(4));

  /** Resolves once somebody watches. */
  static async start(): Promise<Watchdog> {
    const watchdog = new Watchdog();
    const worker = new Worker(new URL(import.meta.url), { workerData: watchdog.#seed });
    await new Promise((resolve) => worker.once('online', resolve));
    worker.unref();
    return watchdog;
  }

  /** A batch begins. */
  begin(seed: number): void {
    Atomics.store(this.#seed, 0, seed);
    Atomics.notify(this.#seed, 0);
  }
}

function watch(words: Int32Array): void {
  for (let seed = 0; ; seed = Atomics.load(words, 0)) {
    if (Atomics.wait(words, 0, seed, HANG_MS) !== 'timed-out') continue;
    writeSync(STANDARD_ERROR_FD, `hangs; again: node dist/scripts/fuzz.js --seconds 1 --seed ${seed}\n`);
    process.kill(process.pid, 'SIGKILL');
  }
}

if (!isMainThread) watch(workerData as Int32Array);
