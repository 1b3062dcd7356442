/** A program of spec/fixtures/local, in a process of its own. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { until, within } from '../server/wait.js';

export class Program {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  stdout = '';
  stderr = '';

  /** @param name of its file, and arguments */
  constructor(name: string, ...args: string[]) {
    const file = fileURLToPath(import.meta.resolve(`../../fixtures/local/${name}.js`));
    this.#child = spawn(process.execPath, ['--enable-source-maps', file, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#ended = new Promise((resolve) =>
      this.#child.once('close', (code, signal) => resolve({ code, signal })),
    );
  }

  /** The port that it has printed: it listens. */
  async port(): Promise<number> {
    await this.printed('port ');
    return Number(/port (\d+)/.exec(this.stdout)![1]);
  }

  async printed(text: string): Promise<void> {
    await until(`the program prints ${text}; it has printed ${this.stdout}${this.stderr}`, () =>
      this.stdout.includes(text),
    );
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** How it has ended. */
  end(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    return within('the end of a program', this.#ended);
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  [Symbol.asyncDispose] = async (): Promise<void> => {
    if (this.running) this.kill('SIGKILL');
    await this.end();
  };
}
