/**
 * Starts the threads of the set and replaces those that die. Each place in the set has a number, which a replacement
 * inherits once the reviver has cleaned up after its predecessor.
 */
import { Worker } from 'node:worker_threads';
import { PacelineError, type PacelineErrorCode } from '../errors.js';
import { Mailbox } from '../set/mailbox.js';
import { moveState } from '../set/thread-set.js';
import { STARTING } from '../set/thread-state.js';
import type { ThreadMessage, ThreadStart } from '../thread/messages.js';
import type { Logger } from './log.js';

const ENTRY = new URL('../thread/worker.js', import.meta.url);

/** A thread that lived shorter than this counts as failing, and its replacement waits. */
const SHORT_LIFE_MS = 1000;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 10_000;

/** What the keeper tells the plane. */
export interface KeeperEvents {
  /** The thread has ended; everything that it held is to be taken back now. */
  died(thread: number, exitCode: number, error: unknown): void;
  started(thread: number): void;
  /** It fails again and again; it is still tried, but more and more rarely. */
  failing(thread: number, error: PacelineError): void;
}

interface Place {
  worker: Worker | null;
  startedAt: number;
  /** Deaths soon after a start, in a row. */
  shortLives: number;
  retry: NodeJS.Timeout | null;
  error: unknown;
}

export class ThreadKeeper {
  readonly #start: Omit<ThreadStart, 'self'>;
  readonly #logger: Logger;
  readonly #events: KeeperEvents;
  readonly #places: Place[];
  #replacing = false;

  constructor(start: Omit<ThreadStart, 'self'>, count: number, logger: Logger, events: KeeperEvents) {
    this.#start = start;
    this.#logger = logger;
    this.#events = events;
    this.#places = Array.from({ length: count }, () => ({
      worker: null,
      startedAt: 0,
      shortLives: 0,
      retry: null,
      error: undefined,
    }));
  }

  /**
   * Starts all threads.
   *
   * @returns the protocol that the app speaks, once every thread has joined the set
   * @throws PacelineError of the first thread that fails; the others are to be ended then
   */
  async startAll(): Promise<'http' | 'tcp'> {
    const protocols = await Promise.all(this.#places.map((_, thread) => this.#spawn(thread)));
    this.#replacing = true;
    return protocols[0]!;
  }

  /** No replacements from now on. @returns once every thread has ended by itself or the time was up: those left over */
  async settle(timeoutMs: number): Promise<number> {
    this.#replacing = false;
    for (const place of this.#places) {
      if (place.retry !== null) clearTimeout(place.retry);
    }
    await this.#ended(timeoutMs);
    return this.#running().length;
  }

  /** Ends threads that do not leave by themselves. JavaScript stops at once; a native call only when it returns. */
  async terminate(timeoutMs: number): Promise<number> {
    for (const worker of this.#running()) void worker.terminate();
    await this.#ended(timeoutMs);
    return this.#running().length;
  }

  #running(): Worker[] {
    return this.#places.flatMap(({ worker }) => (worker === null ? [] : [worker]));
  }

  async #ended(timeoutMs: number): Promise<void> {
    const exits = this.#running().map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([Promise.all(exits), timeout]);
    clearTimeout(timer);
  }

  #spawn(thread: number): Promise<'http' | 'tcp'> {
    const place = this.#places[thread]!;
    new Mailbox(this.#start.memory.control, thread).clear();
    moveState(this.#start.memory.control, thread, STARTING);
    place.startedAt = performance.now();
    place.error = undefined;
    const start: ThreadStart = { ...this.#start, self: thread };
    const worker = new Worker(ENTRY, { workerData: start, name: `paceline-${thread}` });
    place.worker = worker;
    return new Promise((resolve, reject) => {
      worker.on('message', (message: ThreadMessage) => {
        if (message.type === 'log') this.#logger[message.level](message.message, message.fields);
        else if (message.type === 'ready') {
          this.#events.started(thread);
          resolve(message.protocol);
        } else {
          place.error = new PacelineError(message.code as PacelineErrorCode, message.message, {
            cause: message.stack,
          });
        }
      });
      worker.on('error', (error) => {
        place.error = error;
      });
      worker.on('exit', (exitCode) => {
        place.worker = null;
        reject(place.error ?? exitedWhileLoading(exitCode));
        this.#exited(thread, exitCode);
      });
    });
  }

  #exited(thread: number, exitCode: number): void {
    const place = this.#places[thread]!;
    this.#events.died(thread, exitCode, place.error);
    if (!this.#replacing) return;
    const short = performance.now() - place.startedAt < SHORT_LIFE_MS;
    place.shortLives = short ? place.shortLives + 1 : 0;
    // The first replacement comes at once: a single crash must not cost capacity.
    const delayMs =
      place.shortLives < 2 ? 0 : Math.min(FIRST_DELAY_MS * 2 ** (place.shortLives - 2), LONGEST_DELAY_MS);
    if (delayMs === LONGEST_DELAY_MS) {
      this.#events.failing(
        thread,
        new PacelineError(
          'PACELINE_THREAD_LOOP',
          `thread ${thread} has died ${place.shortLives} times right after its start; the next try is in ${delayMs / 1000} s`,
          { cause: place.error },
        ),
      );
    }
    place.retry = setTimeout(() => {
      place.retry = null;
      this.#spawn(thread).catch(() => {
        // Its exit has been reported, and is what leads to the next try.
      });
    }, delayMs);
  }
}

function exitedWhileLoading(exitCode: number): PacelineError {
  return new PacelineError(
    'PACELINE_APP_LOAD',
    `the app ended its thread while it loaded (exit code ${exitCode}); an app module must not call process.exit()`,
  );
}
