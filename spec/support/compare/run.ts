/** Runs of `paceline compare`, and the processes that they start. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { until, within } from '../server/wait.js';

const MAIN = 'dist/lib/cli/main.js';

export class CompareRun implements AsyncDisposable {
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  /** Resolves with the exit code and the signal, once all output has arrived. */
  readonly ended: Promise<[number | null, NodeJS.Signals | null]>;

  constructor(...line: readonly string[]) {
    const { PACELINE_DASHBOARD_TOKEN: _token, ...env } = process.env;
    this.#child = spawn(process.execPath, [MAIN, 'compare', ...line], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.ended = once(this.#child, 'close') as typeof this.ended;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** The page's URL, once it is served. */
  async page(): Promise<string> {
    const pattern = /^paceline: comparison at (\S+)$/m;
    let has = false;
    void this.ended.then(() => {
      has = true;
    });
    await until(`the page is served: ${this.stderr}`, () => has || pattern.test(this.stdout));
    const url = pattern.exec(this.stdout)?.[1];
    if (url === undefined) throw new Error(`it ended without a page: ${this.stdout}${this.stderr}`);
    return url;
  }

  /** The processes that it has started and that still run, in the order in which they were started. */
  children(): number[] {
    const pids = readdirSync('/proc').map(Number);
    const own = pids.filter((pid) => Number.isInteger(pid) && parentOf(pid) === this.pid);
    return own.sort((a, b) => startOf(a) - startOf(b));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill('SIGKILL');
    await within('the end of the run', this.ended);
  }
}

/** Whether a process still runs; one that has ended and that nobody has waited for does not. */
export function runs(pid: number): boolean {
  const state = statOf(pid)?.[0];
  return state !== undefined && state !== 'Z';
}

const parentOf = (pid: number): number => Number(statOf(pid)?.[1] ?? 0);

/** When it was started, in ticks. */
const startOf = (pid: number): number => Number(statOf(pid)?.[19] ?? 0);

/** The fields of /proc/PID/stat from the third one on, the state. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
