/**
 * The examples of docs/examples, as a reader runs them: their dependencies come from the registry, once, into a cache of the
 * system's temporary folder, and the command starts them.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { within } from '../server/wait.js';

const EXAMPLES = resolve('docs/examples');
const MAIN = resolve('dist/lib/cli/main.js');
const CACHE = join(tmpdir(), 'paceline-examples');
const INSTALL_MS = 150_000;
const LISTENING = /^paceline: listening on (\S+)\n/m;
/** What npm says where the registry is out of reach. */
const OFFLINE = /\b(EAI_AGAIN|ENOTFOUND|ENETUNREACH|ECONNREFUSED|ECONNRESET|ETIMEDOUT)\b/;

/** An example whose dependencies are installed. */
export class Example {
  readonly #name: string;
  readonly #modules: string;

  private constructor(name: string, modules: string) {
    this.#name = name;
    this.#modules = modules;
  }

  /** @returns undefined where the registry cannot be reached */
  static async install(name: string): Promise<Example | undefined> {
    const manifest = join(EXAMPLES, name, 'package.json');
    const key = createHash('sha256').update(readFileSync(manifest)).digest('hex').slice(0, 16);
    const folder = join(CACHE, `${name}-${key}`);
    if (!existsSync(folder)) {
      mkdirSync(CACHE, { recursive: true });
      const unfinished = mkdtempSync(`${folder}.`);
      try {
        cpSync(manifest, join(unfinished, 'package.json'));
        if (!(await npmInstall(unfinished))) return undefined;
        // Another run may have been faster.
        if (!existsSync(folder)) renameSync(unfinished, folder);
      } finally {
        rmSync(unfinished, { recursive: true, force: true });
      }
    }
    return new Example(name, join(folder, 'node_modules'));
  }

  /** A package that the example depends on. */
  require<T>(name: string): T {
    return createRequire(join(this.#modules, 'anything.js'))(name) as T;
  }

  /** Starts one of its modules. @param environment besides that of this process */
  async start(module: string, threads: number, environment: NodeJS.ProcessEnv = {}): Promise<RunningExample> {
    const folder = mkdtempSync(join(tmpdir(), `paceline-example-${this.#name}-`));
    cpSync(join(EXAMPLES, this.#name), folder, {
      recursive: true,
      // What readers leave there: their own installation and databases.
      filter: (path) => !/\/node_modules$|\.db(-\w+)?$/.test(path),
    });
    symlinkSync(this.#modules, join(folder, 'node_modules'));
    const line = [
      MAIN,
      module,
      '--port',
      '0',
      '--threads',
      `${threads}`,
      '--dashboard',
      'off',
      '--log-format',
      'json',
    ];
    const child = spawn(process.execPath, line, {
      cwd: folder,
      env: { ...withoutSettings(process.env), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return RunningExample.of(child, folder);
  }
}

/** A started example. When the spec's scope ends it is stopped, and must exit with 0 and without an error in its log. */
export class RunningExample implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #ended: Promise<unknown[]>;
  #stdout = '';
  #stderr = '';
  #url: URL | undefined;

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
    this.#ended = once(child, 'close');
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
  }

  /** Resolves once it listens. */
  static async of(child: ChildProcess, folder: string): Promise<RunningExample> {
    const running = new RunningExample(child, folder);
    try {
      running.#url = new URL(await within('the line that says where it listens', running.#listening()));
      return running;
    } catch (error) {
      child.kill('SIGKILL');
      await running.#end();
      throw new Error(`${running.#stdout}${running.#stderr}`, { cause: error });
    }
  }

  get url(): string {
    return this.#url!.origin === 'null' ? this.#url!.href : this.#url!.origin;
  }

  get port(): number {
    return Number(this.#url!.port);
  }

  #listening(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
        this.#stdout += text;
        const match = LISTENING.exec(this.#stdout);
        if (match !== null) resolve(match[1]!);
      });
      this.#ended.then(() => reject(new Error('it ended')), reject);
    });
  }

  async #end(): Promise<unknown[]> {
    const ended = await this.#ended;
    rmSync(this.#folder, { recursive: true, force: true });
    return ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM');
    const [code, signal] = await within('its end', this.#end()).finally(() => this.#child.kill('SIGKILL'));
    assert.equal([code, signal], [0, null], this.#stderr);
    assert.not.match(this.#stderr, /"level":"error"/);
  }
}

/** `test` for the specs of an example; they are skipped where its dependencies cannot be installed. */
export function testOf(example: Example | undefined): typeof test | typeof test.skip {
  if (example !== undefined) return test;
  console.log(
    'skipped: the dependencies of the example cannot be installed, because the registry is out of reach',
  );
  // A file in which no spec runs counts as failed.
  test('without the registry the specs of the example are skipped', () => {});
  return test.skip;
}

/** @returns false where the registry cannot be reached */
async function npmInstall(folder: string): Promise<boolean> {
  // The packages bring what they need ready-made: no script of theirs runs.
  const line = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
  try {
    await promisify(execFile)('npm', line, { cwd: folder, timeout: INSTALL_MS });
    return true;
  } catch (error) {
    if (OFFLINE.test(String((error as { stderr?: string }).stderr))) return false;
    throw error;
  }
}

/** Without what is set for a server of the user's. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(
    ([name]) => !/^(PORT|HOST|LOG_LEVEL|PACELINE_\w+)$/.test(name),
  );
  return Object.fromEntries(kept);
}
