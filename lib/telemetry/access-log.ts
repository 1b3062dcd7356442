/**
 * The access log of one thread. Lines gather in a buffer, and leave it
 *
 * - before the thread waits for events: under light load, at once;
 * - when BATCH_BYTES have gathered, or the oldest line is MAX_AGE_MICROS old: under load, many by one call;
 * - before a handler that is known to block, and when the thread ends.
 *
 * A line for which there is no room is lost, and counted: a reader that takes nothing costs the buffer's memory, and no time.
 */
// Imported, because a program may replace the global (fake timers of a test).
import { setTimeout } from 'node:timers';
import { ACCESS_LOST } from '../memory/counters.js';
import { nowMicros } from '../sys/clock.js';
import { ACCESS_LINES, type AccessEntry, type AccessFormat } from './access-line.js';
import type { LogOutput } from './log-output.js';

export interface AccessLogSettings {
  readonly format: AccessFormat;
  /** The share of the requests that are logged, above 0 and at most 1. */
  readonly sample: number;
}

/** What the log has of its thread. */
export interface AccessLogParts {
  readonly output: LogOutput;
  readonly counters: Int32Array;
  /** Has `work` proceed before the thread waits. */
  beforeWaiting(work: { proceed(): void; abort(): void }): void;
  log(level: 'warn', message: string): void;
}

const BUFFER_BYTES = 256 * 1024;
const BATCH_BYTES = 16 * 1024;
const MAX_AGE_MICROS = 100_000;
/** Until a full output is tried again. */
const RETRY_MS = 100;
const NEWLINE = 0x0a;

export class AccessLog {
  readonly #parts: AccessLogParts;
  readonly #line: (entry: AccessEntry) => string;
  readonly #share: number;
  readonly #random: () => number;
  readonly #bytes = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #from = 0;
  #to = 0;
  /** When the oldest line was written into the buffer. */
  #since = 0;
  #retry: NodeJS.Timeout | null = null;
  #isDue = false;
  readonly #flushDue = {
    proceed: (): void => {
      this.#isDue = false;
      this.flush();
    },
    abort: (): void => {},
  };

  /** @param random from 0 to below 1. Default: Math.random; a spec passes its own */
  constructor({ format, sample }: AccessLogSettings, parts: AccessLogParts, random = Math.random) {
    this.#parts = parts;
    this.#line = ACCESS_LINES[format];
    this.#share = sample;
    this.#random = random;
  }

  /** Whether a request that begins now is to be logged. */
  samples(): boolean {
    return this.#share >= 1 || this.#random() < this.#share;
  }

  /** Adds the line of a request. */
  add(entry: AccessEntry): void {
    const line = this.#line(entry);
    if (!this.#makeRoom(line.length)) {
      this.#lose();
      return;
    }
    const now = nowMicros();
    if (this.#from === this.#to) this.#since = now;
    this.#to += this.#bytes.write(line, this.#to, 'latin1');
    // While the output is full, the timer tries it.
    if (this.#retry !== null) return;
    if (this.#to - this.#from >= BATCH_BYTES || now - this.#since >= MAX_AGE_MICROS) this.flush();
    else if (!this.#isDue) {
      this.#isDue = true;
      this.#parts.beforeWaiting(this.#flushDue);
    }
  }

  #makeRoom(bytes: number): boolean {
    if (this.#to + bytes <= BUFFER_BYTES) return true;
    this.#bytes.copyWithin(0, this.#from, this.#to);
    this.#to -= this.#from;
    this.#from = 0;
    return this.#to + bytes <= BUFFER_BYTES;
  }

  #lose(): void {
    const { counters, log } = this.#parts;
    counters[ACCESS_LOST]!++;
    log('warn', 'lines of the access log are lost: standard output is not read fast enough');
  }

  /** Writes what has gathered, as far as the output takes it without waiting. */
  flush(): void {
    const { output } = this.#parts;
    while (this.#from < this.#to) {
      const count = output.write(this.#bytes.subarray(this.#from, this.#endOfLines(output.maxBytes)));
      if (count === 0) {
        this.#retryLater();
        return;
      }
      // Nobody will read it: as what an app prints, it is dropped.
      this.#from = count < 0 ? this.#to : this.#from + count;
    }
    this.#from = 0;
    this.#to = 0;
  }

  /** Where as many whole lines end as fit into `maxBytes`; no line is longer. */
  #endOfLines(maxBytes: number): number {
    if (this.#to - this.#from <= maxBytes) return this.#to;
    const end = this.#bytes.lastIndexOf(NEWLINE, this.#from + maxBytes - 1) + 1;
    return end > this.#from ? end : this.#from + maxBytes;
  }

  #retryLater(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = null;
      this.flush();
    }, RETRY_MS).unref();
  }
}
