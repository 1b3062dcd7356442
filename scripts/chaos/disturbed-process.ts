/** The campaign's side of site.ts: starts the process, asks it, and knows when it has died. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Look, Message, Ports, Question, Setup } from './messages.js';

const SITE = fileURLToPath(new URL('./site.js', import.meta.url));
/** The main thread of the process runs no handler, so nothing may keep it from answering; far above what a busy machine takes. */
const ANSWER_MS = 20_000;
/** How long its servers may take to load their apps. */
const START_MS = 60_000;
/** How long a process may take to end once its servers are closed. */
const EXIT_MS = 10_000;
/** Of its standard error. */
const WORDS = 8000;

interface Asked {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

export class DisturbedProcess {
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, Asked>();
  readonly #exited: Promise<string>;
  #words = '';
  #ids = 0;
  #closing = false;
  /** Rejects when the process ends without having been told to. */
  readonly died: Promise<never>;

  private constructor() {
    const child = fork(SITE, [], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: ['--enable-source-maps'],
    });
    this.#child = child;
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#words = (this.#words + text).slice(-WORDS);
    });
    child.on('message', (message: Message) => this.#hear(message));
    this.#exited = new Promise((resolve) => {
      child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    this.died = this.#exited.then((how) => {
      const error = new Error(`the process ended with ${how}${this.#words && `, saying:\n${this.#words}`}`);
      for (const { reject } of this.#asked.values()) reject(error);
      if (this.#closing) return new Promise<never>(() => {});
      throw error;
    });
    this.died.catch(() => {});
  }

  /** @throws when it does not come up */
  static async start(setup: Setup): Promise<{ process: DisturbedProcess; ports: Ports }> {
    const process = new DisturbedProcess();
    try {
      return { process, ports: (await process.#ask({ ask: 'start', setup })) as Ports };
    } catch (error) {
      await process.kill();
      throw error;
    }
  }

  look(): Promise<Look> {
    return this.#ask({ ask: 'look' }) as Promise<Look>;
  }

  async arm(steps: readonly (readonly [number, number])[]): Promise<void> {
    await this.#ask({ ask: 'arm', steps });
  }

  async disarm(): Promise<void> {
    await this.#ask({ ask: 'disarm' });
  }

  async terminate(which: number): Promise<void> {
    await this.#ask({ ask: 'terminate', which });
  }

  /**
   * Closes the servers, and waits for the process to end by itself.
   *
   * @returns what was to be seen once they were closed
   * @throws when they do not close, or the process does not end
   */
  async close(drainMs: number): Promise<Look> {
    this.#closing = true;
    const look = (await this.#ask({ ask: 'close', drainMs })) as Look;
    const how = await bounded(
      this.#exited,
      EXIT_MS,
      'the process did not end although its servers are closed',
    );
    if (how !== 'exit code 0') throw new Error(`the process ended with ${how}, saying:\n${this.#words}`);
    return look;
  }

  /** Ends the process, whatever it does. */
  async kill(): Promise<void> {
    this.#closing = true;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #ask(question: Question): Promise<unknown> {
    const id = ++this.#ids;
    const answer = new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      this.#child.send({ id, question } satisfies Message, (error) => error && reject(error));
    });
    const ms = question.ask === 'start' ? START_MS : ANSWER_MS;
    return bounded(answer, ms, `the main thread did not answer in ${ms / 1000} s (${question.ask})`);
  }

  #hear(message: Message): void {
    const asked = this.#asked.get(message.id);
    this.#asked.delete(message.id);
    if ('failed' in message) asked?.reject(new Error(message.failed));
    else if ('answer' in message) asked?.resolve(message.answer);
  }
}

/** `promise`, or an error after `ms`. */
export async function bounded<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(what)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
