/** The campaign's side of target.ts: asks it, and reads from the system what it costs. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { UPSTREAM_VARIABLE } from '../../spec/support/proxies/app.js';
import { bounded } from '../chaos/disturbed-process.js';
import type { Look, Ports, Question, Reply, Setup } from './messages.js';

const TARGET = fileURLToPath(new URL('./target.js', import.meta.url));
/** Far above what a busy machine takes: the main thread runs no handler. */
const ANSWER_MS = 30_000;
/** A loop of libuv keeps one as a spare from its first socket on. */
const SPARE = '/dev/null';
/** What resets the most memory that a process ever had (proc_pid_clear_refs(5)). */
const RESET_PEAK = '5';

/** What the process costs, by the system's count. */
export interface Costs {
  readonly residentBytes: number;
  /** The most since `forgetPeak()`. */
  readonly peakBytes: number;
  readonly descriptors: number;
  readonly systemThreads: number;
}

export class TargetProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown[]>;
  #words = '';

  private constructor(upstream: string) {
    this.#child = fork(TARGET, [], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: ['--enable-source-maps'],
      env: { ...process.env, [UPSTREAM_VARIABLE]: upstream },
    });
    this.#exited = once(this.#child, 'close');
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#words = (this.#words + text).slice(-4000);
    });
  }

  static async start(setup: Setup, upstream: string): Promise<{ process: TargetProcess; ports: Ports }> {
    const process = new TargetProcess(upstream);
    return { process, ports: (await process.#ask({ ask: 'start', setup })) as Ports };
  }

  look(): Promise<Look> {
    return this.#ask({ ask: 'look' }) as Promise<Look>;
  }

  costs(): Costs {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)![1]);
    return {
      residentBytes: field('VmRSS') * 1024,
      peakBytes: field('VmHWM') * 1024,
      descriptors: this.#descriptors(),
      systemThreads: field('Threads'),
    };
  }

  /** From now on the peak is that of the time from now on. */
  forgetPeak(): void {
    writeFileSync(`/proc/${this.#child.pid}/clear_refs`, RESET_PEAK);
  }

  /** @throws when the server does not close, or its process does not end in order */
  async close(): Promise<void> {
    await this.#ask({ ask: 'close' });
    const [code] = await bounded(this.#exited, ANSWER_MS, 'the process did not end with its server');
    if (code !== 0) throw new Error(`the process ended with ${code}: ${this.#words}`);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #descriptors(): number {
    const folder = `/proc/${this.#child.pid}/fd`;
    return readdirSync(folder).filter((number) => {
      try {
        return readlinkSync(`${folder}/${number}`) !== SPARE;
      } catch {
        // Closed meanwhile.
        return false;
      }
    }).length;
  }

  async #ask(question: Question): Promise<Ports | Look> {
    const gone = this.#exited.then(([code, signal]) => {
      throw new Error(`the process ended with ${signal ?? code}: ${this.#words}`);
    });
    const replied = once(this.#child, 'message') as Promise<[Reply]>;
    gone.catch(() => {});
    replied.catch(() => {});
    this.#child.send(question);
    const asked = Promise.race([replied, gone]);
    const [reply] = await bounded(asked, ANSWER_MS, `the main thread did not answer (${question.ask})`);
    if ('failed' in reply) throw new Error(reply.failed);
    return reply.answer;
  }
}
