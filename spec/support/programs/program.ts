/** A server file of others, started as its users start it: by node, or by the command of Paceline. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { WATCHDOG_MS, within } from '../server/wait.js';

const MAIN = resolve('dist/lib/cli/main.js');
const LISTENING = /^paceline: listening on (\S+)$/m;
/** Between two attempts to connect; not a bound on anything. */
const RETRY_MS = 20;
const HOST = '127.0.0.1';
/** Below Linux's range of ephemeral ports, which other processes get at any moment. */
const MIN_PORT = 15_000;
const MAX_PORT = 32_000;
/** pino's level of a warning: what Paceline itself logs from there on is a complaint. */
const WARN_LEVEL = 40;

export type Runtime = 'node' | 'paceline';
type End = [code: number | null, signal: NodeJS.Signals | null];

export interface ProgramOptions {
  /** The folder that the program is started in. */
  readonly folder: string;
  /** Relative to the folder. */
  readonly file: string;
  /** Of Paceline. */
  readonly threads: number;
}

export class Program implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #closed: Promise<End>;
  stdout = '';
  stderr = '';

  private constructor(
    readonly runtime: Runtime,
    readonly port: number,
    { folder, file, threads }: ProgramOptions,
  ) {
    // A port for every name of the variable that a server file may read its address from.
    const env = { ...process.env, PORT: String(port), HOST, HOSTNAME: HOST, NODE_ENV: 'production' };
    const options = ['--threads', String(threads), '--dashboard', 'off', '--log-format', 'json'];
    const line = runtime === 'node' ? [file] : [MAIN, file, ...options, '--log-level', 'warn'];
    this.#child = spawn(process.execPath, line, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#closed = once(this.#child, 'close') as Promise<End>;
  }

  /** Resolves once connections are accepted. */
  static async start(runtime: Runtime, options: ProgramOptions): Promise<Program> {
    const program = new Program(runtime, await freePort(), options);
    try {
      await program.#ready();
    } catch (error) {
      program.#child.kill('SIGKILL');
      throw new Error(`${runtime} ${options.file}: ${(error as Error).message}\n${program.output}`);
    }
    return program;
  }

  get url(): string {
    return `http://${HOST}:${this.port}`;
  }

  get output(): string {
    return `${this.stdout}${this.stderr}`;
  }

  /** What Paceline itself has logged as a warning or an error. */
  get complaints(): string[] {
    return this.stderr.split('\n').filter((line) => {
      const level = /^\{"level":(?:(\d+)|"(\w+)")/.exec(line);
      return level !== null && (Number(level[1]) >= WARN_LEVEL || /warn|error/.test(level[2] ?? ''));
    });
  }

  /** Ends it by SIGTERM. @returns its exit code, null where the signal ended it */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    const [code] = await within(`the end of ${this.runtime}`, this.#closed);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
  }

  async #ready(): Promise<void> {
    const endMs = performance.now() + WATCHDOG_MS;
    for (;;) {
      if (this.#child.exitCode !== null) throw new Error(`it ended with ${this.#child.exitCode}`);
      const announced = this.runtime === 'node' || LISTENING.test(this.stdout);
      if (announced && (await accepts(this.port))) return;
      if (performance.now() > endMs) throw new Error('it does not listen');
      await pause(RETRY_MS);
    }
  }
}

/** A port that nobody listens on, and that the system gives to nobody who has not asked for it. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(MIN_PORT, MAX_PORT);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, HOST, () => resolve(true));
    });
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
