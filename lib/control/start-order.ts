/**
 * When each thread of a server is started: side by side, but no more at a time than there are cores to load the app. The server serves
 * with the first one that is ready; if all of them loaded at the same time on a few cores, the first would be ready about when the last is.
 *
 * A thread counts until it has loaded the app. One that waits needs no core, so the next is started as soon as
 *
 * - its event loop has been idle for half of the time between two checks: the app awaits something, perhaps the other threads;
 * - or it has been loading for MAX_MS: what it waits for may block it, and its loop is not idle then.
 *
 * Replacements are started at once, whatever else is loading.
 */
import { availableParallelism } from 'node:os';

const CHECK_MS = 20;
/** A thread loads a small app in 0.1 s of CPU time. */
const MAX_MS = 1000;

/** A thread that has been started. */
export interface StartedThread {
  /** How long its event loop has been idle since it began, in milliseconds. */
  idleMs(): number;
}

interface Loading {
  readonly thread: StartedThread;
  readonly since: number;
  idleMs: number;
}

export class StartOrder {
  readonly #start: (thread: number) => StartedThread | null;
  readonly #cores: number;
  /** The threads that occupy a core, as far as is known. */
  readonly #loading = new Map<number, Loading>();
  #next = 0;
  #count = 0;
  #timer: NodeJS.Timeout | null = null;

  /** @param start starts a thread; null if there is no core to wait for */
  constructor(start: (thread: number) => StartedThread | null, cores = availableParallelism()) {
    this.#start = start;
    this.#cores = cores;
  }

  /** Begins to start threads 0 to count - 1. */
  begin(count: number): void {
    this.#count = count;
    this.#advance();
    if (this.#next < count) this.#timer = setInterval(() => this.check(), CHECK_MS);
  }

  /** The thread has loaded the app, or has ended. */
  done(thread: number): void {
    if (this.#loading.delete(thread)) this.#advance();
  }

  /** Starts no more threads. */
  stop(): void {
    this.#next = this.#count;
    this.#loading.clear();
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Looks which threads wait. Called by a timer as long as threads are to be started. */
  check(now = performance.now()): void {
    for (const [number, loading] of this.#loading) {
      const idleMs = loading.thread.idleMs();
      const waits = idleMs - loading.idleMs >= CHECK_MS / 2 || now - loading.since >= MAX_MS;
      loading.idleMs = idleMs;
      if (waits) this.#loading.delete(number);
    }
    this.#advance();
  }

  #advance(): void {
    while (this.#next < this.#count && this.#loading.size < this.#cores) {
      const number = this.#next++;
      const thread = this.#start(number);
      if (thread !== null) this.#loading.set(number, { thread, since: performance.now(), idleMs: 0 });
    }
    if (this.#next >= this.#count) this.stop();
  }
}
