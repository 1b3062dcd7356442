/** The child processes of a comparison: none outlives it. */
import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

/** How long a child may take to end by itself. */
const END_MS = 3000;

export class Children {
  readonly #all = new Set<ChildProcess>();
  readonly #killAll = (): void => {
    for (const child of this.#all) child.kill('SIGKILL');
  };

  constructor() {
    // Where nothing can be awaited any more. Where this process is killed, each child ends by itself: its channel ends.
    process.once('exit', this.#killAll);
  }

  /** Starts a module. Its session is its own: a terminal sends its signals to this process only, which ends the children in order. */
  start(module: URL, line: readonly string[], options: ForkOptions): ChildProcess {
    const child = fork(module, line, { ...options, detached: true });
    this.#all.add(child);
    child.once('exit', () => this.#all.delete(child));
    // Reported as its end: a child that cannot be started has no pid.
    child.on('error', () => this.#all.delete(child));
    return child;
  }

  /** Resolves with a sentence once a child has ended. @param what its name in the sentence */
  static endOf(child: ChildProcess, what: string): Promise<string> {
    return new Promise((resolve) => {
      child.once('error', ({ message }) => resolve(`${what} could not be started: ${message}`));
      child.once('exit', (code, signal) => {
        resolve(`${what} has ended ${signal === null ? `with exit code ${code}` : `by ${signal}`}`);
      });
    });
  }

  /** Ends all of them, in bounded time. */
  async end(): Promise<void> {
    const ended = Promise.all([...this.#all].map((child) => once(child, 'exit')));
    for (const child of this.#all) child.kill('SIGTERM');
    await Promise.race([ended, delay(END_MS)]);
    this.#killAll();
    await ended;
    process.off('exit', this.#killAll);
  }
}
