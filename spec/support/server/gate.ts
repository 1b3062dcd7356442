/**
 * A gate that blocks handlers: a pair of FIFOs. A handler that arrives, in any thread, reports so and then blocks its thread in
 * read(2) until the spec releases it. The app's side is `pass` in fixtures/server/pass.ts.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './wait.js';

/** More handlers than ever wait at one gate. */
const EVERYBODY = 64;

/** What is left of the gates that were opened for good. */
const leftovers: (() => void)[] = [];
process.once('exit', () => {
  for (const remove of leftovers) remove();
});

export class Gate implements Disposable {
  /** For the handler: the FIFOs are `PATH.entered` and `PATH.release`. */
  readonly path: string;
  readonly #folder: string;
  readonly #entered: number;
  readonly #release: number;
  /** The threads of the handlers that have arrived, in that order; 0 where a handler does not say. */
  readonly threads: number[] = [];

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'paceline-gate-'));
    this.path = join(this.#folder, 'gate');
    execFileSync('mkfifo', [`${this.path}.entered`, `${this.path}.release`]);
    // Opened for reading and writing, so that neither side blocks until the other one opens (fifo(7)).
    this.#entered = openSync(`${this.path}.entered`, constants.O_RDWR | constants.O_NONBLOCK);
    this.#release = openSync(`${this.path}.release`, constants.O_RDWR | constants.O_NONBLOCK);
  }

  /** Resolves once `total` handlers have arrived since the gate was made. */
  entered(total: number): Promise<void> {
    return until(`${total} handlers are at the gate`, () => this.arrivals >= total);
  }

  /** How many have arrived so far. */
  get arrivals(): number {
    this.#look();
    return this.threads.length;
  }

  /** Releases `count` handlers. */
  release(count = 1): void {
    writeSync(this.#release, Buffer.alloc(count));
  }

  /** Opens the gate for good: later handlers pass without waiting. */
  [Symbol.dispose](): void {
    this.release(EVERYBODY);
    // The descriptors stay open until no handler can be inside: closing them would block one that is just opening them.
    leftovers.push(() => {
      closeSync(this.#entered);
      closeSync(this.#release);
      rmSync(this.#folder, { recursive: true, force: true });
    });
  }

  #look(): void {
    try {
      const bytes = Buffer.alloc(EVERYBODY);
      this.threads.push(...bytes.subarray(0, readSync(this.#entered, bytes)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}
