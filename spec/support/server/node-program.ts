/** A server file of the spec's, run by plain node or by the command, so that both can be compared. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Client } from './http-client.js';
import { until, within } from './wait.js';

const MAIN = 'dist/lib/cli/main.js';
/** What the command prints. */
const LISTENING = /^paceline: listening on http:\/\/\S+:(\d+)$/m;

/** What runs a server file: plain node, the command, or node with paceline/http in the place of node:http. */
export type Host = 'node' | 'paceline' | 'paceline/http';

const HTTP_MODULES = {
  node: 'node:http',
  paceline: 'node:http',
  'paceline/http': new URL('../../../lib/node-http.js', import.meta.url).href,
};

export interface ProgramOptions {
  /** Options of node, such as `--require`. */
  readonly node?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Where the command runs it; 1 unless given. */
  readonly threads?: number;
  /** The file exports an app, which only the command can run. */
  readonly exportsApp?: boolean;
}

export class NodeProgram implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #clients: Client[] = [];
  readonly #exportsApp: boolean;
  stdout = '';
  stderr = '';

  private constructor(host: Host, file: string, options: ProgramOptions) {
    const { node = [], env = {}, threads = 1, exportsApp = false } = options;
    this.#exportsApp = exportsApp;
    const command = [MAIN, '--port', '0', '--threads', `${threads}`, '--dashboard', 'off'];
    const line = [...node, ...(host === 'paceline' ? command : []), file];
    this.#child = spawn(process.execPath, line, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PORT: '0', HTTP_MODULE: HTTP_MODULES[host], ...env },
    });
    for (const name of ['stdout', 'stderr'] as const) {
      this.#child[name]!.setEncoding('utf8').on('data', (text: string) => {
        this[name] += text;
      });
    }
  }

  /**
   * Starts a file that prints `ready NAME PORT` for each of its servers, in every thread, or exports an app, and waits until `names` are
   * ready. The one of an app is `http`.
   */
  static async start(
    host: Host,
    file: string,
    names: readonly string[],
    options: ProgramOptions = {},
  ): Promise<NodeProgram> {
    const program = new NodeProgram(host, file, options);
    await program.until(`${names} are ready`, () => names.every((name) => program.#ready(name) !== null));
    return program;
  }

  /** Resolves once `condition` holds, and rejects with all output where it does not, or the program has ended. */
  async until(what: string, condition: () => boolean): Promise<void> {
    await until(what, () => condition() || this.#child.exitCode !== null).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.stdout}\n${this.stderr}`);
    });
    if (!condition()) throw new Error(`it ended before ${what}:\n${this.stdout}\n${this.stderr}`);
  }

  /** The values of all lines `NAME JSON` that were printed so far. */
  lines<T>(name: string): T[] {
    return this.stdout
      .split('\n')
      .slice(0, -1)
      .flatMap((line) => (line.startsWith(`${name} `) ? [JSON.parse(line.slice(name.length + 1)) as T] : []));
  }

  /** The port of one of its servers. */
  port(name: string): number {
    return Number(this.#ready(name)![1]);
  }

  /** A new connection to one of its servers, closed with the program. */
  async connect(name: string): Promise<Client> {
    const client = await Client.connect({ host: '127.0.0.1', port: this.port(name) });
    this.#clients.push(client);
    return client;
  }

  #ready(name: string): RegExpExecArray | null {
    const ready = this.#exportsApp ? LISTENING : new RegExp(`^ready ${name} (\\d+)$`, 'm');
    return ready.exec(this.stdout);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    const ended = once(this.#child, 'exit');
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await within('its end', ended);
  }
}
