/**
 * Ends a fuzz run that hangs, from a thread of its own: a parser that never returns would stop any timer of its own thread.
 *
 * One shared word: the seed of the running batch. Atomic; the fuzzer writes it and wakes this thread, which waits for it to
 * change.
 */
import { writeSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

/** Far above what a batch takes, and above the timeouts inside of it, which say what they waited for. */
const HANG_MS = 120_000;
const STANDARD_ERROR_FD = 2;

export class Watchdog {
  readonly #seed = new Int32Array(new SharedArrayBuffer(4));

  /** Resolves once the watchdog runs. */
  static async start(): Promise<Watchdog> {
    const watchdog = new Watchdog();
    const worker = new Worker(new URL(import.meta.url), { workerData: watchdog.#seed });
    await new Promise((resolve) => worker.once('online', resolve));
    worker.unref();
    return watchdog;
  }

  /** Called when a batch begins. */
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
