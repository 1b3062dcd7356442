/**
 * What a thread reports to the control plane: the outcome of its start, and its log. The log is limited twice: entries that an
 * app logs again and again are counted instead (thread/log-limiter.ts), and a control plane that does not read is sent no more.
 */
import { parentPort } from 'node:worker_threads';
import { LOGS_READ, threadArea } from '../memory/layout.js';
import { errorRecord } from '../report/error-record.js';
import { type Level, type LogEntry, LogLimiter } from './log-limiter.js';
import {
  type AppKind,
  type CutRequests,
  MAX_UNREAD_LOGS,
  type ThreadMessage,
  type ThreadStart,
} from './messages.js';

/** A few entries of each kind show what is wrong; all together are no more than a person reads in a second. */
const LIMITS = { maxPerKind: 4, maxTotal: 16, maxKinds: 16, periodMs: 1000 };

export class Reports {
  readonly #number: number;
  readonly #words: Int32Array;
  readonly #read: number;
  readonly #port: ThreadStart['port'];
  readonly #limiter: LogLimiter;
  #loaded = false;
  /** Log messages sent. Wraps, as the word LOGS_READ does that it is compared with. */
  #sent = 0;

  /** Removes the port from `start`, and closes the thread's parentPort, on which nobody listens. */
  constructor(start: ThreadStart) {
    this.#number = start.number;
    this.#port = start.port;
    // The app can import workerData and parentPort as well.
    Reflect.deleteProperty(start, 'port');
    parentPort!.close();
    this.#words = new Int32Array(start.memory.control);
    this.#read = threadArea(start.self) + LOGS_READ;
    this.#limiter = new LogLimiter(
      { ready: () => this.#mayLog(), send: (entry) => this.#sendEntry(entry), prepare },
      LIMITS,
    );
    // However the thread ends, what was only counted so far is sent.
    process.on('exit', () => this.#limiter.flush());
  }

  ready(app: AppKind): void {
    this.#loaded = true;
    this.#send({ type: 'ready', app });
  }

  leaving(cut: CutRequests): void {
    this.#send({ type: 'leaving', cut });
  }

  /** @param cause what the app threw; undefined where it is something else that failed */
  failed(code: string, message: string, cause: unknown): void {
    const error = cause === undefined ? undefined : errorRecord(cause, { frame: true });
    this.#send({ type: 'failed', code, message, error });
  }

  died(error: unknown): void {
    // Who develops an app sees it fail while it loads.
    this.#send({ type: 'died', error: errorRecord(error, { frame: !this.#loaded }) });
  }

  log(level: Level, message: string, fields: LogEntry['fields'] = {}): void {
    this.#limiter.log(level, message, fields);
  }

  #mayLog(): boolean {
    return ((this.#sent - Atomics.load(this.#words, this.#read)) | 0) < MAX_UNREAD_LOGS;
  }

  #sendEntry(entry: LogEntry): void {
    this.#sent = (this.#sent + 1) | 0;
    this.#send({ type: 'log', entry: { ...entry, fields: { thread: this.#number, ...entry.fields } } });
  }

  #send(message: ThreadMessage): void {
    this.#port.postMessage(message);
  }
}

/** Turns errors, and whatever else is not plain, into records: anything can be thrown, also what cannot be cloned. */
function prepare(fields: LogEntry['fields']): LogEntry['fields'] {
  const prepared = Object.entries(fields).map(([name, value]) => [
    name,
    name !== 'error' && isPlain(value) ? value : errorRecord(value),
  ]);
  return Object.fromEntries(prepared);
}

const isPlain = (value: unknown): boolean =>
  value === undefined || ['string', 'number', 'boolean'].includes(typeof value);
