/**
 * The child process that runs a campaign's servers, and its parent's side: the child answers questions over the IPC channel of
 * child_process.fork, and may die without ending the campaign.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { bounded } from '../../spec/support/server/wait.js';

/** The child's main thread runs no handler, so nothing may keep it from answering; far above what a busy machine takes. */
const ANSWER_MS = 30_000;
/** How long its servers may take to load their apps. */
const START_MS = 60_000;
/** How long a process may take to end once its servers are closed. */
const EXIT_MS = 10_000;
/** How many of the last characters of its standard error are kept. */
const STDERR_LIMIT = 8000;

/** What a process is asked; `start` comes first and `close` last. */
export interface Question {
  readonly ask: string;
}

type Message<Q, A> =
  | { readonly id: number; readonly question: Q }
  | { readonly id: number; readonly answer: A }
  | { readonly id: number; readonly failed: string };

interface Asked<A> {
  resolve(answer: A): void;
  reject(error: Error): void;
}

/** The campaign's side. */
export class CampaignChild<Q extends Question, A> {
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, Asked<A>>();
  readonly #exited: Promise<string>;
  #stderr = '';
  #ids = 0;
  #closing = false;
  /** Rejects when the process exits without having been told to. */
  readonly died: Promise<never>;

  constructor(entry: URL, environment: NodeJS.ProcessEnv = {}) {
    const child = fork(fileURLToPath(entry), [], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: ['--enable-source-maps'],
      env: { ...process.env, ...environment },
    });
    this.#child = child;
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_LIMIT);
    });
    child.on('message', (message: Message<Q, A>) => this.#receive(message));
    this.#exited = new Promise((resolve) => {
      child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    this.died = this.#exited.then((how) => {
      const error = new Error(`the process ended with ${how}${this.#stderr && `, saying:\n${this.#stderr}`}`);
      for (const { reject } of this.#asked.values()) reject(error);
      if (this.#closing) return new Promise<never>(() => {});
      throw error;
    });
    this.died.catch(() => {});
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** @throws when the process fails to answer, does not answer in time, or dies */
  ask(question: Q): Promise<A> {
    const id = ++this.#ids;
    const answer = new Promise<A>((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      this.#child.send({ id, question }, (error) => error && reject(error));
    });
    const ms = question.ask === 'start' ? START_MS : ANSWER_MS;
    return bounded(answer, ms, `the main thread did not answer in ${ms / 1000} s (${question.ask})`);
  }

  /**
   * Asks the last question, and waits for the process to exit by itself.
   *
   * @throws when it does not exit in time, or not with 0
   */
  async close(question: Q): Promise<A> {
    this.#closing = true;
    const answer = await this.ask(question);
    const late = 'the process did not end although its servers are closed';
    const how = await bounded(this.#exited, EXIT_MS, late);
    if (how !== 'exit code 0') throw new Error(`the process ended with ${how}, saying:\n${this.#stderr}`);
    return answer;
  }

  /** Kills the process, whatever it is doing. */
  async kill(): Promise<void> {
    this.#closing = true;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #receive(message: Message<Q, A>): void {
    const asked = this.#asked.get(message.id);
    this.#asked.delete(message.id);
    if ('failed' in message) asked?.reject(new Error(message.failed));
    else if ('answer' in message) asked?.resolve(message.answer);
  }
}

/** The child's side: answers until it has answered `close`; exits with 1 if the campaign disconnects before. */
export function answerCampaign<Q extends Question, A>(answer: (question: Q) => Promise<A>): void {
  let closed = false;
  process.on('disconnect', () => closed || process.exit(1));
  process.on('message', async (message: Message<Q, A>) => {
    if (!('question' in message)) return;
    const { id, question } = message;
    try {
      process.send!({ id, answer: await answer(question) });
    } catch (error) {
      process.send!({ id, failed: (error as Error).stack ?? String(error) });
    }
    // Once the servers are closed nothing may keep the process alive, so the campaign's own channel goes as well.
    if (question.ask !== 'close') return;
    closed = true;
    process.disconnect();
  });
}
