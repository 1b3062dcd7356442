/**
 * Starts the threads of the set and replaces those that die. Each slot of the set has a number, which a replacement
 * inherits once recovery has cleaned up after its predecessor.
 *
 * A slot whose first thread has joined the set is always filled again, whatever ended its thread, also while other threads still load:
 * the server may serve already. A first thread that ends before it has joined fails the start. Recovery and the replacement's timer come
 * first, and events are emitted after them, because listeners are the embedder's code and may throw.
 *
 * While the set drains, threads that are each other's peers are not replaced: those that are left finish the work. In models with an I/O thread
 * no thread can do another one's part, and connections would stay until the deadline. So there a thread is replaced as long as connections
 * are open and another thread lives. The replacement is not told that the set drains: an app that ends its threads then would do so for ever.
 */
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { PacelineError, type PacelineErrorCode } from '../errors.js';
import type { LogFields, Logger } from '../logger.js';
import { readCounters } from '../memory/counters.js';
import { CONNECTIONS, LOGS_READ, RESCAN, SET_STATE, SET_STOPPING, threadArea } from '../memory/layout.js';
import type { ErrorRecord } from '../report/error-record.js';
import { recordError } from '../report/record-error.js';
import { Mailbox } from '../set/mailbox.js';
import { moveState } from '../set/thread-set.js';
import { STARTING } from '../set/thread-state.js';
import { DESCRIPTIONS } from '../strategies/descriptions.js';
import { signalEventCounter } from '../sys/descriptor.js';
import { WORKER_URL } from '../thread/entry-url.js';
import { LogLimiter, lineOf } from '../thread/log-limiter.js';
import type {
  AppKind,
  ControlMessage,
  CutRequests,
  ListenMessage,
  ThreadMessage,
  ThreadStart,
} from '../thread/messages.js';
import { LoadingMonitor } from './loading-monitor.js';
import { shortageError, startError } from './start-errors.js';
import { type StartedThread, StartOrder } from './start-order.js';
import { delayOf, emptySlot, MAX_DELAY_MS, noteDeath, type Slot } from './thread-slot.js';
import { changeDirectory } from './working-directory.js';

/** The longest time that a timer of Node has. */
const MAX_TIMER_MS = 0x7fffffff;

/** What all threads together may log: 100 lines a second, and for each kind beyond that one line with the count. */
const LOG_LIMITS = { maxPerKind: 20, maxTotal: 100, maxKinds: 64, periodMs: 1000 };

/** The events that the keeper reports to the plane. */
export interface KeeperEvents {
  /** The thread is about to start. @param post sends it a message, until it ends */
  begun(thread: number, post: (message: ControlMessage) => void): void;
  /** The thread has loaded the app. @param admit to be called once it may join the set, unless it ends before */
  loaded(thread: number, app: AppKind, admit: () => void): void;
  /** One of its servers listens, or listens no longer. */
  asked(thread: number, message: ListenMessage): void;
  /** The thread has ended, or could not be created: to recover what it held. @returns how many connections were lost */
  recover(thread: number): number;
  /** The thread has ended, and recovery is done. */
  died(
    exit: { thread: number; exitCode: number; error: unknown; connectionsLost: number },
    cause: Exit,
  ): void;
  started(thread: number): void;
  /** The thread has left the set. @param cut the requests that it has cut */
  left(cut: CutRequests): void;
  /** The thread died early so often that the delay has reached its maximum. */
  failing(thread: number, error: PacelineError): void;
}

/** How the end of a thread is to be understood: a replacement follows, the server closes, or the start has failed. */
export type Exit = 'replaced' | 'closing' | 'not-started';

/** What all threads are started with. */
export interface KeeperStart extends Omit<ThreadStart, 'self' | 'number' | 'port'> {
  /** The number of thread 0 in the server: messages name threads by these numbers. */
  readonly firstThread: number;
}

/** Settles the promise of the start. */
interface StartPromise {
  resolve(): void;
  reject(error: PacelineError): void;
}

export class ThreadKeeper {
  readonly #start: KeeperStart;
  readonly #words: Int32Array;
  readonly #logger: Logger;
  readonly #logs: LogLimiter;
  readonly #loading: LoadingMonitor;
  readonly #events: KeeperEvents;
  readonly #slots: Slot[];
  readonly #order: StartOrder;
  #starting: StartPromise | null = null;
  #draining = false;

  constructor(start: KeeperStart, count: number, logger: Logger, events: KeeperEvents) {
    this.#start = start;
    this.#order = new StartOrder((thread) => this.#startFirst(thread), start.cores);
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
        loading ? [{ thread: this.#number(thread), since: startedAt }] : [],
      ),
    );
    this.#events = events;
    this.#slots = Array.from({ length: count }, emptySlot);
  }

  /**
   * Starts all threads, in the order of start-order.ts. Resolves once every thread may join the set.
   *
   * @throws PacelineError of the first thread that fails, or given to `fail`, and `PACELINE_STATE` if the server drains before; the caller
   * ends the threads
   */
  startAll(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#starting = { resolve, reject };
      for (const thread of this.#slots.keys()) moveState(this.#start.memory.control, thread, STARTING);
      this.#order.begin(this.#slots.length);
    });
  }

  /** The start has failed. */
  fail(error: PacelineError): void {
    this.#order.stop();
    this.#starting?.reject(error);
  }

  /** The server drains: the apps are told so, and may end their threads. */
  drain(): void {
    this.#draining = true;
    this.fail(
      new PacelineError('PACELINE_STATE', 'the server was closed before every thread had loaded the app'),
    );
    if (!this.#replacesInDrain()) this.#cancelRetries();
    for (const { worker, post } of this.#slots) {
      if (worker !== null) post?.({ type: 'draining' });
    }
  }

  #cancelRetries(): void {
    for (const slot of this.#slots) {
      if (slot.retry !== null) clearTimeout(slot.retry);
      slot.retry = null;
    }
  }

  /** Whether a thread is running, or is about to be replaced. */
  get hasThreads(): boolean {
    return this.#slots.some(({ worker, retry }) => worker !== null || retry !== null);
  }

  /**
   * Waits until every thread has ended by itself or the time is up. To be called when SET_STATE has become STOPPING: none is replaced from then on.
   *
   * @param loadMs at least this long for threads that still load the app
   * @returns how many threads are left
   */
  async settle(timeoutMs: number, loadMs: number): Promise<number> {
    this.#cancelRetries();
    await Promise.all([
      ended(this.#running(false), timeoutMs),
      ended(this.#running(true), Math.max(timeoutMs, loadMs)),
    ]);
    this.#loading.stop();
    this.#logs.flush();
    return this.#running().length;
  }

  /** The threads that have not ended, and what keeps them. */
  remaining(): { thread: number; phase: 'loading' | 'serving' | 'left' }[] {
    return this.#slots.flatMap(({ worker, loading, left }, thread) => {
      if (worker === null) return [];
      return [{ thread, phase: loading ? 'loading' : left ? 'left' : 'serving' }];
    });
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

  #startFirst(thread: number): StartedThread | null {
    this.#spawn(thread);
    const { worker } = this.#slots[thread]!;
    return worker && { idleMs: () => worker.performance.eventLoopUtilization().idle };
  }

  #spawn(thread: number): void {
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
    try {
      this.#create(thread, slot);
    } catch (cause) {
      this.#refused(thread, shortageError(this.#number(thread), cause));
    }
  }

  /** @throws the error of Node.js when the system refuses a thread */
  #create(thread: number, slot: Slot): void {
    const { port1: port, port2 } = new MessageChannel();
    const number = this.#number(thread);
    try {
      slot.worker = new Worker(WORKER_URL, {
        workerData: { ...this.#start, self: thread, number, port: port2 } satisfies ThreadStart,
        transferList: [port2],
        name: `paceline-${number}`,
      });
    } catch (error) {
      port.close();
      throw error;
    }
    slot.loading = true;
    slot.left = false;
    this.#loading.begin();
    const post = (message: ControlMessage) => port.postMessage(message);
    slot.post = post;
    this.#events.begun(thread, post);
    const receive = (message: ThreadMessage) => this.#receive(thread, slot, message);
    port.on('message', receive);
    slot.worker.on('error', (error) => {
      // What the thread has reported itself says more.
      slot.error ??= error;
    });
    slot.worker.on('exit', (exitCode) => {
      // Messages that it posted before it ended.
      for (let last = receiveMessageOnPort(port); last !== undefined; last = receiveMessageOnPort(port)) {
        receive(last.message as ThreadMessage);
      }
      port.close();
      slot.worker = null;
      slot.loading = false;
      this.#exited(thread, exitCode);
    });
  }

  #receive(thread: number, slot: Slot, message: ThreadMessage): void {
    switch (message.type) {
      case 'log': {
        Atomics.add(this.#words, threadArea(thread) + LOGS_READ, 1);
        const { level, message: text, fields, more } = message.entry;
        this.#logs.log(level, text, withError(fields), more);
        return;
      }
      case 'failed':
        slot.error = new PacelineError(message.code as PacelineErrorCode, message.message, {
          ...(message.error && { cause: recordError(message.error) }),
        });
        return;
      case 'died':
        slot.error = recordError(message.error);
        return;
      case 'ready':
        this.#events.loaded(thread, message.app, () => this.#admit(thread, slot));
        return;
      case 'leaving':
        slot.left = true;
        this.#events.left(message.cut);
        return;
      case 'chdir':
        changeDirectory(message);
        return;
      default:
        this.#events.asked(thread, message);
    }
  }

  #admit(thread: number, slot: Slot): void {
    slot.loading = false;
    slot.filled = true;
    this.#order.done(thread);
    slot.post!({ type: 'join' });
    if (this.#slots.every(({ filled }) => filled)) this.#starting?.resolve();
    this.#events.started(thread);
  }

  #number(thread: number): number {
    return this.#start.firstThread + thread;
  }

  #processed(thread: number): number {
    return readCounters(this.#start.memory.control, thread).events;
  }

  #exited(thread: number, exitCode: number): void {
    const { error, filled } = this.#slots[thread]!;
    if (!filled) this.fail(startError(this.#number(thread), exitCode, error));
    const connectionsLost = this.#events.recover(thread);
    const delayMs = this.#replaceLater(thread);
    // Many an app ends its threads when the set drains, which is no accident.
    const isEnd = delayMs === null || (this.#draining && exitCode === 0);
    const cause = !filled ? 'not-started' : isEnd ? 'closing' : 'replaced';
    try {
      this.#events.died({ thread, exitCode, error, connectionsLost }, cause);
    } finally {
      this.#reportFailing(thread, delayMs);
    }
  }

  /** The system refused to create the thread. */
  #refused(thread: number, error: PacelineError): void {
    const slot = this.#slots[thread]!;
    slot.error = error;
    if (!slot.filled) this.fail(error);
    this.#events.recover(thread);
    const delayMs = this.#replaceLater(thread);
    if (delayMs === null) return;
    this.#logger.error(`${error.message}; the next try is in ${delayMs} ms`, {
      thread: this.#number(thread),
      error,
    });
    this.#reportFailing(thread, delayMs);
  }

  /** @returns the delay in milliseconds, or null where the thread is not replaced */
  #replaceLater(thread: number): number | null {
    const slot = this.#slots[thread]!;
    if (!slot.filled || (this.#draining && !this.#replacesInDrain())) return null;
    noteDeath(slot, this.#processed(thread) !== slot.eventsBefore);
    const delayMs = delayOf(slot);
    slot.retry = setTimeout(() => this.#spawnAgain(thread), delayMs);
    return delayMs;
  }

  /** Whether a thread that dies while the set drains is replaced: see the head. */
  #replacesInDrain(): boolean {
    if (DESCRIPTIONS[this.#start.strategy].ioThreads === 0) return false;
    const isOver = Atomics.load(this.#words, SET_STATE) === SET_STOPPING;
    return !isOver && this.hasThreads && Atomics.load(this.#words, CONNECTIONS) > 0;
  }

  #spawnAgain(thread: number): void {
    this.#slots[thread]!.retry = null;
    this.#spawn(thread);
  }

  #reportFailing(thread: number, delayMs: number | null): void {
    if (delayMs !== MAX_DELAY_MS) return;
    const { failedStarts, error } = this.#slots[thread]!;
    this.#events.failing(
      thread,
      new PacelineError(
        'PACELINE_THREAD_LOOP',
        `thread ${this.#number(thread)} has died ${failedStarts} times right after its start; the next try is in ${delayMs / 1000} s`,
        { cause: error },
      ),
    );
  }
}

/** Loggers know errors, not records. */
function withError(fields: LogFields): LogFields {
  const { error } = fields;
  return error === undefined ? fields : { ...fields, error: recordError(error as ErrorRecord) };
}

async function ended(workers: readonly Worker[], timeoutMs: number): Promise<void> {
  const exits = workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise((resolve) => {
    timer = setTimeout(resolve, Math.min(timeoutMs, MAX_TIMER_MS));
  });
  await Promise.race([Promise.all(exits), timeout]);
  clearTimeout(timer);
}
