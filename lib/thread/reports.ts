/**
 * What a thread reports to the control plane: the outcome of its start, and its log. The log is limited twice: entries that an
 * app logs again and again are counted instead (thread/log-limiter.ts), and a control plane that does not read is sent no more.
 */
import { parentPort } from 'node:worker_threads';
import { LOGS_READ, threadArea } from '../memory/layout.js';
import { describeError } from './describe-error.js';
import { type Level, type LogEntry, LogLimiter } from './log-limiter.js';
import { MAX_UNREAD_LOGS, type ThreadMessage, type ThreadStart } from './messages.js';

/** A few entries of each kind show what is wrong; all together are no more than a person reads in a second. */
const LIMITS = { maxPerKind: 4, maxTotal: 16, maxKinds: 16, periodMs: 1000 };

export class Reports {
  readonly #self: number;
  readonly #words: Int32Array;
  readonly #read: number;
  readonly #port: ThreadStart['port'];
  readonly #limiter: LogLimiter;
  /** Log messages sent. Wraps, as the word LOGS_READ does that it is compared with. */
  #sent = 0;

  /** Removes the port from `start`, and closes the thread's parentPort, on which nobody listens. */
  constructor(start: ThreadStart) {
    this.#self = start.self;
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

  ready(protocol: 'http' | 'tcp'): void {
    this.#send({ type: 'ready', protocol });
  }

  failed(code: string, message: string, stack: string): void {
    this.#send({ type: 'failed', code, message, stack });
  }

  log(level: Level, message: string, fields: LogEntry['fields'] = {}): void {
    this.#limiter.log(level, message, fields);
  }

  #mayLog(): boolean {
    return ((this.#sent - Atomics.load(this.#words, this.#read)) | 0) < MAX_UNREAD_LOGS;
  }

  #sendEntry(entry: LogEntry): void {
    this.#sent = (this.#sent + 1) | 0;
    this.#send({ type: 'log', entry: { ...entry, fields: { thread: this.#self, ...entry.fields } } });
  }

  #send(message: ThreadMessage): void {
    this.#port.postMessage(message);
  }
}

/** Turns values that are not plain into text: anything can be thrown, also what cannot be cloned. */
function prepare(fields: LogEntry['fields']): LogEntry['fields'] {
  const plain = Object.entries(fields).map(([name, value]) => [
    name,
    isPlain(value) ? value : describeError(value),
  ]);
  return Object.fromEntries(plain);
}

const isPlain = (value: unknown): boolean =>
  value === undefined || ['string', 'number', 'boolean'].includes(typeof value);
