/**
 * The supervisor of `paceline dev`: runs one child after the other; see protocol.ts. Its states:
 *
 *     starting ──ready──▶ serving ──changed──▶ releasing ──released──▶ starting
 *      │  │ ▲                  └──the child ended──▶ failed
 *      │  │ └─────────────────────────changed─────────┘ ▲
 *      │  └──changed──▶ releasing                       │
 *      └───────────────the child ended──────────────────┘
 *
 * A child that has been released ends beside the next one, within its deadline.
 */
import { relative } from 'node:path';
import type { ListenOptions } from '../options/listen-options.js';
import { fileVersion } from '../thread/file-version.js';
import { Child, type ChildFailure } from './child-process.js';
import { ErrorPages } from './error-pages.js';
import { FileWatcher } from './file-watcher.js';
import type { ChildMessage, DashboardPlace } from './protocol.js';
import { Sockets } from './sockets.js';

/** Released children beside the one that serves: each has the memory of a whole server. */
const MAX_RELEASED = 2;
/** Files named in a line. */
const MAX_NAMED = 3;

export interface SupervisorOptions {
  /** What follows the path of Node.js in the command line of a child. */
  readonly line: readonly string[];
  /** Called for each child, as files of variables may have changed. */
  readonly environment: () => NodeJS.ProcessEnv;
  /** Where the command listens. */
  readonly addresses: readonly ListenOptions[];
  /** Files that are watched whatever the app loads. */
  readonly files: readonly string[];
  /** How long a child may finish the requests in flight, in milliseconds. */
  readonly drainMs: number;
  /** Tells the developer in one line. */
  readonly say: (line: string) => void;
}

/** A promise to be resolved once. */
class Latch {
  open!: () => void;
  readonly opened = new Promise<'opened'>((resolve) => {
    this.open = () => resolve('opened');
  });
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #sockets = new Sockets();
  readonly #watcher = new FileWatcher((files) => this.#filesChanged(files));
  readonly #released = new Set<Child>();
  #addresses: readonly ListenOptions[];
  #dashboard: DashboardPlace | null = null;
  #child: Child | null = null;
  /** Opened by a change, and by the end. */
  #interrupt = new Latch();
  #isEnding = false;
  /** Files that have changed since the last start. */
  readonly #changed = new Set<string>();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#addresses = options.addresses;
  }

  /**
   * Runs children until `end` is called.
   *
   * @returns the exit code of the command; another than 0 where the first child fails for a reason that no change of the app can mend
   */
  async run(): Promise<number> {
    try {
      for (let isFirst = true; !this.#isEnding; isFirst = false) {
        const child = await this.#start();
        const outcome = await this.#unlessInterrupted(child.started);
        if (outcome === 'opened') await this.#release(child);
        else if ('type' in outcome) await this.#serves(child);
        else if (isFirst && !outcome.ofApp) return outcome.exitCode;
        else await this.#fails('The app does not load', outcome);
      }
      return 0;
    } finally {
      await this.#finish();
    }
  }

  /** Ends the child, which finishes the requests in flight. */
  end(): void {
    this.#isEnding = true;
    this.#interrupt.open();
  }

  /** Kills all children. Resolves once they have ended. */
  async kill(): Promise<void> {
    this.end();
    const children = [...this.#released, ...(this.#child ? [this.#child] : [])];
    await Promise.all(children.map((child) => child.kill()));
  }

  async #start(): Promise<Child> {
    await this.#sockets.open(this.#addresses);
    this.#sayChanged();
    const { line, environment, files } = this.#options;
    if (!this.#isEnding) this.#interrupt = new Latch();
    for (const file of files) this.#watcher.add([file, fileVersion(file)]);
    const { start, descriptors } = this.#sockets.pass();
    const command = {
      line,
      environment: environment(),
      start: { ...start, dashboard: this.#dashboard },
      descriptors,
    };
    const loaded = new Set(files);
    const child = new Child(command, {
      loads: (file) => {
        if (this.#child !== child) return;
        loaded.add(file[0]);
        this.#watcher.add(file);
      },
      message: (message, handle) => {
        const socket = handle as unknown as RawHandle | undefined;
        // What an earlier child still does no longer counts.
        if (this.#child === child) this.#receive(message, socket, loaded);
        socket?.close();
      },
    });
    this.#child = child;
    return child;
  }

  #receive(message: ChildMessage, socket: RawHandle | undefined, loaded: Set<string>): void {
    switch (message.type) {
      case 'opened':
        // Without descriptors left, none is received.
        if (socket !== undefined) this.#sockets.opened(message.asked, socket.fd);
        return;
      case 'took':
        this.#sockets.took(message.fd);
        return;
      case 'serving':
      case 'ready':
        this.#addresses = message.own;
        this.#dashboard = message.dashboard;
        this.#sockets.served(message.served);
        // Also those of versions that failed were watched until now.
        if (message.type === 'ready') this.#watcher.retain(loaded);
    }
  }

  async #serves(child: Child): Promise<void> {
    const outcome = await this.#unlessInterrupted(child.ended);
    if (outcome !== 'opened') {
      await this.#fails('The app has ended', outcome);
      return;
    }
    await this.#release(child);
    this.#sockets.forgetUnused();
  }

  /** Also of a child that starts: it may serve already, although it has not been heard of. */
  async #release(child: Child): Promise<void> {
    await child.release();
    this.#released.add(child);
    void child.endsWithin(this.#options.drainMs).then(() => this.#released.delete(child));
    const [oldest] = this.#released;
    if (this.#released.size > MAX_RELEASED) await oldest!.kill();
  }

  /** Answers with the error until a file changes. */
  async #fails(title: string, { message, error, isSaid }: ChildFailure): Promise<void> {
    if (this.#isEnding) return;
    if (!isSaid) this.#options.say(message);
    const pages = await ErrorPages.open({ title, error }, this.#sockets.forPages());
    this.#options.say('waiting for one of its files to change');
    await this.#interrupt.opened;
    pages.close();
    if (this.#isEnding) pages.destroy();
  }

  #unlessInterrupted<T>(promise: Promise<T>): Promise<T | 'opened'> {
    return Promise.race([this.#interrupt.opened, promise]);
  }

  #filesChanged(files: readonly string[]): void {
    for (const file of files) this.#changed.add(file);
    this.#interrupt.open();
  }

  /** Says what has changed, once nothing serves the earlier version any more. */
  #sayChanged(): void {
    const names = [...this.#changed].map((file) => relative(process.cwd(), file) || file);
    this.#changed.clear();
    if (names.length === 0) return;
    const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : '';
    this.#options.say(`${names.slice(0, MAX_NAMED).join(', ')}${more} changed: starting again`);
  }

  async #finish(): Promise<void> {
    this.#watcher.close();
    this.#sockets.close();
    await Promise.all([...this.#released].map((child) => child.ended));
  }
}

/** A libuv handle, as node:child_process delivers one. */
interface RawHandle {
  readonly fd: number;
  close(): void;
}
