/**
 * Holds handlers: a pair of FIFOs. A handler in any thread that passes through the gate says that it is there and then
 * blocks its thread in read(2) until the spec lets it go. The app's side is `pass` in fixtures/server/pass.ts.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './wait.js';

/** More than ever wait at one gate. */
const EVERYBODY = 64;

export class Gate implements Disposable {
  /** For the handler: the FIFOs are `PATH.entered` and `PATH.release`. */
  readonly path: string;
  readonly #folder: string;
  readonly #entered: number;
  readonly #release: number;
  #count = 0;

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'paceline-gate-'));
    this.path = join(this.#folder, 'gate');
    execFileSync('mkfifo', [`${this.path}.entered`, `${this.path}.release`]);
    // Open for both directions, so that no side ever waits for the other one to open (fifo(7)).
    this.#entered = openSync(`${this.path}.entered`, constants.O_RDWR | constants.O_NONBLOCK);
    this.#release = openSync(`${this.path}.release`, constants.O_RDWR | constants.O_NONBLOCK);
  }

  /** Resolves once `total` handlers have come to the gate since it was made. */
  entered(total: number): Promise<void> {
    return until(`${total} handlers are at the gate`, () => this.arrivals >= total);
  }

  /** How many have come so far. */
  get arrivals(): number {
    this.#look();
    return this.#count;
  }

  /** Lets `count` of those at the gate go. */
  release(count = 1): void {
    writeSync(this.#release, Buffer.alloc(count));
  }

  /** Opens the gate for good; whatever still comes passes. */
  [Symbol.dispose](): void {
    this.release(EVERYBODY);
    // The descriptors stay open until nobody can be inside any more: closing would strand who opens just now.
    process.once('exit', () => {
      closeSync(this.#entered);
      closeSync(this.#release);
      rmSync(this.#folder, { recursive: true, force: true });
    });
  }

  #look(): void {
    try {
      this.#count += readSync(this.#entered, Buffer.alloc(EVERYBODY));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}
