/**
 * For how long the calling thread has run, and for how long it was ready to run while the system ran something else: the first two numbers
 * of `/proc/thread-self/schedstat` (Linux, Documentation/scheduler/sched-stats.rst).
 */
import { openSync, readSync } from 'node:fs';
import { NO_MICROS } from './clock.js';

const MAX_BYTES = 96;

export class SchedulingDelay {
  readonly #buffer = Buffer.alloc(MAX_BYTES);
  #fd: number;
  #micros = NO_MICROS;
  #ranMicros = NO_MICROS;

  /** To be made by the thread that calls `micros`. */
  constructor() {
    this.#fd = openStatistics();
  }

  /** Microseconds since the thread exists; 0 where the system does not count them. Takes about 2 µs. Never throws. */
  micros(): number {
    if (this.#fd >= 0) this.#read();
    return this.#micros;
  }

  /** For how long the thread had run at the last reading, in microseconds. */
  get ranMicros(): number {
    return this.#ranMicros;
  }

  #read(): void {
    try {
      const bytes = readSync(this.#fd, this.#buffer, 0, MAX_BYTES, 0);
      const [ranNanos, waitNanos] = this.#buffer.toString('latin1', 0, bytes).split(' ');
      this.#micros = Number(waitNanos) / 1000 || this.#micros;
      this.#ranMicros = Number(ranNanos) / 1000 || this.#ranMicros;
    } catch {
      // The app has closed the descriptor, whose number may be another's by now.
      this.#fd = -1;
    }
  }
}

function openStatistics(): number {
  try {
    return openSync('/proc/thread-self/schedstat', 'r');
  } catch {
    return -1;
  }
}
