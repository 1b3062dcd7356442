/**
 * Starts the threads of the set and replaces those that die. Each place in the set has a number, which a replacement
 * inherits once the reviver has cleaned up after its predecessor.
 */
import { Worker } from 'node:worker_threads';
import { PacelineError, type PacelineErrorCode } from '../errors.js';
import { readCounters } from '../memory/counters.js';
import { Mailbox } from '../set/mailbox.js';
import { moveState } from '../set/thread-set.js';
import { STARTING } from '../set/thread-state.js';
import type { ThreadMessage, ThreadStart } from '../thread/messages.js';
import type { Logger } from './log.js';

const ENTRY = new URL('../thread/worker.js', import.meta.url);

/**
 * Two lives in a row shorter than this, and the next replacement waits: for FIRST_DELAY_MS, however often it happens, where
 * requests are what kills them, as the other requests need the threads; longer each time where threads die without having
 * processed a single event, so that it must be their start.
 */
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
  /** Deaths soon after a start, in a row, and how many of them without an event processed. */
  shortLives: number;
  failedStarts: number;
  /** Events that the place had processed when the thread was started. */
  eventsBefore: number;
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
      failedStarts: 0,
      eventsBefore: 0,
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
    place.eventsBefore = this.#processed(thread);
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

  #processed(thread: number): number {
    return readCounters(this.#start.memory.control, thread).events;
  }

  #exited(thread: number, exitCode: number): void {
    const place = this.#places[thread]!;
    this.#events.died(thread, exitCode, place.error);
    if (!this.#replacing) return;
    const short = performance.now() - place.startedAt < SHORT_LIFE_MS;
    const served = this.#processed(thread) !== place.eventsBefore;
    place.shortLives = short ? place.shortLives + 1 : 0;
    place.failedStarts = short && !served ? place.failedStarts + 1 : 0;
    const delayMs = delayOf(place);
    if (delayMs === LONGEST_DELAY_MS) {
      this.#events.failing(
        thread,
        new PacelineError(
          'PACELINE_THREAD_LOOP',
          `thread ${thread} has died ${place.failedStarts} times right after its start; the next try is in ${delayMs / 1000} s`,
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

/** How long a replacement waits. The first one comes at once: a single crash must not cost capacity. */
function delayOf({ shortLives, failedStarts }: Place): number {
  if (shortLives < 2) return 0;
  return Math.min(FIRST_DELAY_MS * 2 ** Math.max(0, failedStarts - 2), LONGEST_DELAY_MS);
}

function exitedWhileLoading(exitCode: number): PacelineError {
  return new PacelineError(
    'PACELINE_APP_LOAD',
    `the app ended its thread while it loaded (exit code ${exitCode}); an app module must not call process.exit()`,
  );
}
