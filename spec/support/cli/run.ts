/** Runs of the command, for specs of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

const MAIN = resolve('dist/lib/cli/main.js');
const TIMEOUT_MS = 60_000;

/** What the command prints when it serves. */
const LISTENING = /^paceline: listening on (\S+)\n/m;

/** Ends the line of a run that is to have the default dashboard. */
export const BY_DEFAULT = 'the default dashboard';

const runs = new Set<Run>();

export interface RunOptions {
  /** Descriptors that the process gets as 3 and so on. */
  readonly inherited?: readonly number[];
  /** The current folder of the process. */
  readonly directory?: string;
}

/** One run of the command, with what it has printed so far. */
export class Run {
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  /** Resolves with the exit code and the signal, once all output has arrived. */
  readonly ended: Promise<[number | null, NodeJS.Signals | null]>;
  /** The same, whatever waits to be read. */
  readonly exited: typeof this.ended;

  /** Without a dashboard, unless the line says otherwise: the default port is there once on a machine. */
  constructor(...args: readonly (string | RunOptions)[]) {
    const line = args.filter((arg) => typeof arg === 'string');
    const { inherited = [], directory } = args.find((arg) => typeof arg === 'object') ?? {};
    if (line.at(-1) === BY_DEFAULT) line.pop();
    else if (!line.includes('--dashboard')) line.push('--dashboard', 'off');
    // A run that hangs is to fail its test, not to hang the tests.
    const child = spawn(process.execPath, [MAIN, ...line], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe', ...inherited],
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#child = child;
    this.ended = once(child, 'close') as typeof this.ended;
    this.exited = once(child, 'exit') as typeof this.ended;
    runs.add(this);
  }

  /** Resolves with the match once `stream` has printed it, and rejects where the process ends without it. */
  printed(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this[stream]);
        if (match !== null) resolve(match);
      };
      this.#child[stream]!.on('data', look);
      look();
      this.ended.then(() => reject(new Error(`it ended without ${pattern}: ${this.stdout}${this.stderr}`)));
    });
  }

  async url(): Promise<string> {
    return (await this.printed('stdout', LISTENING))[1]!;
  }

  /** Standard error is a pipe from now on that nobody reads, or one that is read again. */
  reads(stderr: boolean): void {
    if (stderr) this.#child.stderr!.resume();
    else this.#child.stderr!.pause();
  }

  get pid(): number {
    return this.#child.pid!;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

/** What is set for a server of the user's is not for specs. */
export function forgetSettings(): void {
  for (const name of Object.keys(process.env)) {
    if (/^(PORT|HOST|PACELINE_\w+)$/.test(name)) delete process.env[name];
  }
}

/** Ends all runs, however they are. */
export async function endRuns(): Promise<void> {
  for (const run of runs) {
    run.kill('SIGKILL');
    await run.ended;
  }
  runs.clear();
}
