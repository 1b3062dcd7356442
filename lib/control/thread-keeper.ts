/**
 * Starts the threads of the set and replaces those that die. Each slot of the set has a number, which a replacement
 * inherits once recovery has cleaned up after its predecessor.
 *
 * A slot is always filled again, whatever ended its thread. Recovery and the replacement's timer come first, and events
 * are emitted after them, because listeners are the embedder's code and may throw.
 */
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { PacelineError, type PacelineErrorCode } from '../errors.js';
import type { Logger } from '../logger.js';
import { readCounters } from '../memory/counters.js';
import { LOGS_READ, RESCAN, threadArea } from '../memory/layout.js';
import { Mailbox } from '../set/mailbox.js';
import { moveState } from '../set/thread-set.js';
import { STARTING } from '../set/thread-state.js';
import { signalEventCounter } from '../sys/descriptor.js';
import { WORKER_URL } from '../thread/entry-url.js';
import { LogLimiter, lineOf } from '../thread/log-limiter.js';
import type { ThreadMessage, ThreadStart } from '../thread/messages.js';
import { LoadingMonitor } from './loading-monitor.js';
import { shortageError, startError } from './start-errors.js';

/**
 * A thread that ends sooner than this after its start has died early. After two early deaths in a row the next replacement
 * is delayed. If the threads had processed events, requests kill them: the delay stays at FIRST_DELAY_MS, because other
 * requests need the threads. If they had not, starting kills them: the delay doubles each time, up to MAX_DELAY_MS.
 */
const EARLY_DEATH_MS = 1000;
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 10_000;

/** What all threads together may log: 100 lines a second, and for each kind beyond that one line with the count. */
const LOG_LIMITS = { maxPerKind: 20, maxTotal: 100, maxKinds: 64, periodMs: 1000 };

type Protocol = 'http' | 'tcp';

/** The events that the keeper reports to the plane. */
export interface KeeperEvents {
  /** The thread has ended, or could not be created: to recover what it held. @returns how many connections were lost */
  recover(thread: number): number;
  /** The thread has ended, and recovery is done. */
  died(exit: { thread: number; exitCode: number; error: unknown; connectionsLost: number }): void;
  started(thread: number): void;
  /** The thread died early so often that the delay has reached its maximum. */
  failing(thread: number, error: PacelineError): void;
}

interface Slot {
  worker: Worker | null;
  /** The thread has not joined the set yet. */
  loading: boolean;
  startedAt: number;
  /** Early deaths in a row, and failed starts in a row: early deaths without an event processed. */
  earlyDeaths: number;
  failedStarts: number;
  /** Events that the slot had processed when the thread was started. */
  eventsBefore: number;
  retry: NodeJS.Timeout | null;
  error: unknown;
}

/** Settles the promise of a start. */
interface StartPromise {
  resolve(protocol: Protocol): void;
  reject(error: PacelineError): void;
}

export class ThreadKeeper {
  readonly #start: Omit<ThreadStart, 'self' | 'port'>;
  readonly #words: Int32Array;
  readonly #logger: Logger;
  readonly #logs: LogLimiter;
  readonly #loading: LoadingMonitor;
  readonly #events: KeeperEvents;
  readonly #slots: Slot[];
  #replacing = false;

  constructor(
    start: Omit<ThreadStart, 'self' | 'port'>,
    count: number,
    logger: Logger,
    events: KeeperEvents,
  ) {
    this.#start = start;
    this.#words = new Int32Array(start.memory.control);
    this.#logger = logger;
    this.#logs = new LogLimiter(
      {
        ready: () => true,
        prepare: (fields) => fields,
        send: (entry) => {
          const { level, more, fields } = entry;
          logger[level](lineOf(entry), more === 0 ? fields : { ...fields, more });
        },
      },
      LOG_LIMITS,
    );
    this.#loading = new LoadingMonitor(start.app, count, logger, () =>
      this.#slots.flatMap(({ loading, startedAt }, thread) =>
        loading ? [{ thread, since: startedAt }] : [],
      ),
    );
    this.#events = events;
    this.#slots = Array.from({ length: count }, () => ({
      worker: null,
      loading: false,
      startedAt: 0,
      earlyDeaths: 0,
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
   * @throws PacelineError of the first thread that fails; the caller ends the others
   */
  async startAll(): Promise<Protocol> {
    const protocols = await Promise.all(this.#slots.map((_, thread) => this.#spawn(thread)));
    this.#replacing = true;
    // Some may have joined and died while others still loaded.
    for (const [thread, { worker }] of this.#slots.entries()) {
      if (worker === null) this.#spawnAgain(thread);
    }
    return protocols[0]!;
  }

  /**
   * Stops replacing threads, and waits until every thread has ended by itself or the time is up.
   *
   * @param loadMs at least this long for threads that still load the app
   * @returns how many threads are left
   */
  async settle(timeoutMs: number, loadMs: number): Promise<number> {
    this.#replacing = false;
    for (const slot of this.#slots) {
      if (slot.retry !== null) clearTimeout(slot.retry);
      slot.retry = null;
    }
    await Promise.all([
      ended(this.#running(false), timeoutMs),
      ended(this.#running(true), Math.max(timeoutMs, loadMs)),
    ]);
    this.#loading.stop();
    this.#logs.flush();
    return this.#running().length;
  }

  /** Terminates the threads that are left. JavaScript stops at once, a native call only when it returns. */
  async terminate(timeoutMs: number): Promise<number> {
    for (const worker of this.#running()) void worker.terminate();
    await ended(this.#running(), timeoutMs);
    this.#logs.flush();
    return this.#running().length;
  }

  /** @param loading selects the threads that still load, or those that do not; both where it is left out */
  #running(loading?: boolean): Worker[] {
    return this.#slots.flatMap((slot) =>
      slot.worker === null || slot.loading === !loading ? [] : [slot.worker],
    );
  }

  #spawn(thread: number): Promise<Protocol> {
    const slot = this.#slots[thread]!;
    const { control } = this.#start.memory;
    // A leader that had claimed the dead thread may have put its entry after the recovery.
    if (new Mailbox(control, thread).clear()) {
      Atomics.store(this.#words, RESCAN, 1);
      signalEventCounter(this.#start.wakeUp);
    }
    moveState(control, thread, STARTING);
    Atomics.store(this.#words, threadArea(thread) + LOGS_READ, 0);
    slot.startedAt = performance.now();
    slot.eventsBefore = this.#processed(thread);
    slot.error = undefined;
    return new Promise((resolve, reject) => {
      try {
        this.#create(thread, slot, { resolve, reject });
      } catch (cause) {
        const error = shortageError(thread, cause);
        reject(error);
        this.#refused(thread, error);
      }
    });
  }

  /** @throws the error of Node.js when the system refuses a thread */
  #create(thread: number, slot: Slot, start: StartPromise): void {
    const { port1: port, port2 } = new MessageChannel();
    try {
      slot.worker = new Worker(WORKER_URL, {
        workerData: { ...this.#start, self: thread, port: port2 } satisfies ThreadStart,
        transferList: [port2],
        name: `paceline-${thread}`,
      });
    } catch (error) {
      port.close();
      throw error;
    }
    slot.loading = true;
    this.#loading.begin();
    const receive = (message: ThreadMessage) => this.#receive(thread, slot, message, start);
    port.on('message', receive);
    slot.worker.on('error', (error) => {
      slot.error = error;
    });
    slot.worker.on('exit', (exitCode) => {
      // Messages that it posted before it ended.
      for (let last = receiveMessageOnPort(port); last !== undefined; last = receiveMessageOnPort(port)) {
        receive(last.message as ThreadMessage);
      }
      port.close();
      slot.worker = null;
      slot.loading = false;
      start.reject(startError(thread, exitCode, slot.error));
      this.#exited(thread, exitCode);
    });
  }

  #receive(thread: number, slot: Slot, message: ThreadMessage, { resolve }: StartPromise): void {
    switch (message.type) {
      case 'log': {
        Atomics.add(this.#words, threadArea(thread) + LOGS_READ, 1);
        const { level, message: text, fields, more } = message.entry;
        this.#logs.log(level, text, fields, more);
        return;
      }
      case 'failed':
        slot.error = new PacelineError(message.code as PacelineErrorCode, message.message, {
          cause: message.stack,
        });
        return;
      case 'ready':
        slot.loading = false;
        resolve(message.protocol);
        this.#events.started(thread);
    }
  }

  #processed(thread: number): number {
    return readCounters(this.#start.memory.control, thread).events;
  }

  #exited(thread: number, exitCode: number): void {
    const { error } = this.#slots[thread]!;
    const connectionsLost = this.#events.recover(thread);
    const delayMs = this.#replaceLater(thread);
    try {
      this.#events.died({ thread, exitCode, error, connectionsLost });
    } finally {
      this.#reportFailing(thread, delayMs);
    }
  }

  /** The system refused to create the thread. */
  #refused(thread: number, error: PacelineError): void {
    this.#slots[thread]!.error = error;
    this.#events.recover(thread);
    const delayMs = this.#replaceLater(thread);
    if (delayMs === null) return;
    this.#logger.error(`${error.message}; the next try is in ${delayMs} ms`, { thread, error });
    this.#reportFailing(thread, delayMs);
  }

  /** @returns the delay in milliseconds, or null where threads are not replaced */
  #replaceLater(thread: number): number | null {
    if (!this.#replacing) return null;
    const slot = this.#slots[thread]!;
    const short = performance.now() - slot.startedAt < EARLY_DEATH_MS;
    const served = this.#processed(thread) !== slot.eventsBefore;
    slot.earlyDeaths = short ? slot.earlyDeaths + 1 : 0;
    slot.failedStarts = short && !served ? slot.failedStarts + 1 : 0;
    const delayMs = delayOf(slot);
    slot.retry = setTimeout(() => this.#spawnAgain(thread), delayMs);
    return delayMs;
  }

  #spawnAgain(thread: number): void {
    this.#slots[thread]!.retry = null;
    this.#spawn(thread).catch(() => {
      // Its end has been reported, and has scheduled the next try.
    });
  }

  #reportFailing(thread: number, delayMs: number | null): void {
    if (delayMs !== MAX_DELAY_MS) return;
    const { failedStarts, error } = this.#slots[thread]!;
    this.#events.failing(
      thread,
      new PacelineError(
        'PACELINE_THREAD_LOOP',
        `thread ${thread} has died ${failedStarts} times right after its start; the next try is in ${delayMs / 1000} s`,
        { cause: error },
      ),
    );
  }
}

async function ended(workers: readonly Worker[], timeoutMs: number): Promise<void> {
  const exits = workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([Promise.all(exits), timeout]);
  clearTimeout(timer);
}

/** The delay of a replacement, in milliseconds. None after a single crash, which must not cost capacity. */
function delayOf({ earlyDeaths, failedStarts }: Slot): number {
  if (earlyDeaths < 2) return 0;
  return Math.min(FIRST_DELAY_MS * 2 ** Math.max(0, failedStarts - 2), MAX_DELAY_MS);
}
