/**
 * Warns of threads that take long to load the app. A top-level await that never settles gives no other sign: the server
 * neither serves nor fails.
 */
import type { Logger } from '../logger.js';
import { describeApp } from '../thread/app-loader.js';

/** Far above what an app takes to load on a busy machine. */
const FIRST_MS = 10_000;
/** The interval doubles with each warning, up to this. */
const MAX_MS = 300_000;

export interface LoadingThread {
  readonly thread: number;
  /** On the clock of performance.now(). */
  readonly since: number;
}

export class LoadingMonitor {
  readonly #app: string;
  readonly #threads: number;
  readonly #logger: Logger;
  readonly #loading: () => LoadingThread[];
  #timer: NodeJS.Timeout | null = null;

  /** @param loading the threads that load the app at present */
  constructor(app: string, threads: number, logger: Logger, loading: () => LoadingThread[]) {
    this.#app = app;
    this.#threads = threads;
    this.#logger = logger;
    this.#loading = loading;
  }

  /** To be called when a thread begins to load. */
  begin(delayMs = FIRST_MS): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      const loading = this.#loading();
      if (loading.length === 0) return;
      this.begin(this.#warn(loading) ? Math.min(delayMs * 2, MAX_MS) : FIRST_MS);
    }, delayMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** @returns whether a warning was logged */
  #warn(loading: readonly LoadingThread[]): boolean {
    const now = performance.now();
    // A timer may fire a millisecond early.
    const late = loading.filter(({ since }) => now - since >= FIRST_MS - 1);
    if (late.length === 0) return false;
    const seconds = Math.round(Math.max(...late.map(({ since }) => now - since)) / 1000);
    const threads = late.map(({ thread }) => thread);
    const who = threads.length === 1 ? `thread ${threads[0]} still loads` : `threads ${threads} still load`;
    const others = this.#threads - loading.length;
    const rest = others === 0 ? 'no thread has loaded it' : `${others} of ${this.#threads} have loaded it`;
    this.#logger.warn(
      `${who} the app ${describeApp(this.#app)} after ${seconds} s, ${rest}; see what its modules await, or compute, at their top level or in \`init\``,
      { threads, seconds },
    );
    return true;
  }
}
