/** One child of the supervisor, from its start to its end; see protocol.ts. */
import { type ChildProcess, type SendHandle, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { ErrorRecord } from '../report/error-record.js';
import type { LoadedFile } from '../thread/loaded-files.js';
import {
  type ChildMessage,
  type ChildStart,
  DEV_CHILD,
  DEV_START,
  type SupervisorMessage,
} from './protocol.js';

/** The main thread of a child runs no code of the app, so it answers soon. */
const RELEASE_MS = 3000;
/** After the deadline of its requests in flight a child has this long to end. */
const END_MS = 3000;
/** After its end, what it has sent may take this long to arrive. */
const LAST_WORDS_MS = 500;

/** Of the command, when it was started. */
const DIRECTORY = process.cwd();

/** Why a child does not serve. */
export interface ChildFailure {
  readonly message: string;
  readonly error: ErrorRecord;
  /** Another version of the app may mend it. */
  readonly ofApp: boolean;
  readonly exitCode: number;
  /** The child has told the developer itself. */
  readonly isSaid: boolean;
}

export type Ready = Extract<ChildMessage, { type: 'ready' }>;

export interface ChildEvents {
  loads(file: LoadedFile): void;
  message(message: ChildMessage, handle: SendHandle | undefined): void;
}

export interface ChildCommand {
  /** What follows the path of Node.js. */
  readonly line: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly start: ChildStart;
  /** Of this process, from FIRST_SOCKET_FD on. */
  readonly descriptors: readonly number[];
}

export class Child {
  readonly #process: ChildProcess;
  readonly #events: ChildEvents;
  #failure: ChildFailure | null = null;
  #reports = '';
  /** Resolves once it serves, or with the reason why it does not. */
  readonly started: Promise<Ready | ChildFailure>;
  readonly #released: Promise<void>;
  /** Resolves once the process has ended, and all that it has reported is known. */
  readonly ended: Promise<ChildFailure>;

  constructor({ line, environment, start, descriptors }: ChildCommand, events: ChildEvents) {
    this.#events = events;
    const env = { ...environment, [DEV_CHILD]: '1', [DEV_START]: JSON.stringify(start) };
    this.#process = spawn(process.execPath, line, {
      // By its path: the folder may have been replaced by another one of its name.
      cwd: DIRECTORY,
      env,
      stdio: ['inherit', 'inherit', 'inherit', 'pipe', 'ipc', ...descriptors],
    });
    const reports = this.#process.stdio[3] as Readable;
    reports.setEncoding('utf8').on('data', (text: string) => this.#report(text));
    reports.on('error', () => {});
    const reported = once(reports, 'close');
    const said = new Promise((resolve) => this.#process.once('disconnect', resolve));
    this.ended = new Promise((resolve) => {
      this.#process.on('error', (error) =>
        resolve(this.#failure ?? failureOf(`the process of the app could not be started: ${error.message}`)),
      );
      this.#process.once('exit', async (code, signal) => {
        // A process that the app has started may hold the other ends open.
        await Promise.race([Promise.all([reported, said]), delay(LAST_WORDS_MS, undefined, { ref: false })]);
        reports.destroy();
        resolve(this.#failure ?? diedOf(code, signal));
      });
    });
    let release = (): void => {};
    this.#released = new Promise((resolve) => {
      release = resolve;
    });
    const ready = new Promise<Ready>((resolve) => {
      this.#process.on('message', (message: ChildMessage, handle) => {
        if (message.type === 'ready') resolve(message);
        if (message.type === 'released') release();
        if (message.type === 'failed') {
          const { message: text, error, ofApp, exitCode } = message;
          this.#failure = { message: text, error, ofApp, exitCode, isSaid: true };
        }
        events.message(message, handle);
      });
    });
    this.started = Promise.race([ready, this.ended]);
  }

  #report(text: string): void {
    const lines = (this.#reports + text).split('\n');
    this.#reports = lines.pop()!;
    for (const line of lines) {
      const file = loadedFileIn(line);
      if (file !== null) this.#events.loads(file);
    }
  }

  /** Has it finish the requests in flight. Resolves once it listens no more. */
  async release(): Promise<void> {
    this.stop();
    const isReleased = await Promise.race([
      Promise.race([this.#released, this.ended]).then(() => true),
      delay(RELEASE_MS, false, { ref: false }),
    ]);
    if (!isReleased) await this.kill();
  }

  stop(): void {
    const { connected } = this.#process;
    if (connected) this.#process.send({ type: 'stop' } satisfies SupervisorMessage, () => {});
  }

  /** Resolves once it has ended, which it is made to after the deadline of its requests. */
  async endsWithin(drainMs: number): Promise<void> {
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), drainMs + END_MS);
    await this.ended;
    clearTimeout(timer);
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.ended;
  }
}

/** Null for what code of the app has written there. */
function loadedFileIn(line: string): LoadedFile | null {
  try {
    const value: unknown = JSON.parse(line);
    const isFile =
      Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string');
    return isFile ? (value as unknown as LoadedFile) : null;
  } catch {
    return null;
  }
}

function failureOf(message: string): ChildFailure {
  return { message, error: { name: 'Error', message }, ofApp: true, exitCode: 1, isSaid: false };
}

function diedOf(code: number | null, signal: NodeJS.Signals | null): ChildFailure {
  const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
  return { ...failureOf(`the process of the app has ended ${how}`), exitCode: code ?? 1 };
}
