/**
 * The concrete event handler of raw TCP connections, and what an app sees of one.
 *
 * A connection belongs to no thread: each event may come in another one. An app that hangs JavaScript state on a
 * connection, or wants to write outside of its handlers, binds it to its thread by `connection.data = …` or
 * `connection.bind()`; the leader then hands its events over. Bytes that the kernel does not take at once and
 * handlers that return a promise bind it as long as they last. While bytes wait to be sent, nothing is read: an app that
 * writes what it reads can't be flooded.
 *
 *   accepted ─▶ open() ─▶ data()… ⇄ (unsent bytes: nothing read) ─▶ drain() ─▶ … ─▶ close()
 */
import { PacelineError } from '../errors.js';
import { DROPPED, ERRORS } from '../memory/counters.js';
import { HANDLE_FLAGS, HANDLE_WORDS } from '../memory/layout.js';
import { BYTES_IN } from '../memory/sums.js';
import { BROKEN, PEER_ENDED, READABLE, TIMED_OUT } from '../set/handle-table.js';
import { addressOf, EAGAIN, EINTR, systemError } from '../sys/libc.js';
import { receive, remoteAddress, shutdownSending } from '../sys/socket.js';
import { closeConnection } from './acceptor.js';
import { setDeadline } from './deadlines.js';
import type { Deferred, EventHandler, ThreadContext } from './event-handler.js';
import { FAILED, MAX_QUEUED_BYTES, OutputQueue, SENT } from './output.js';

/** A connection as a raw TCP app sees it. */
export interface TcpConnection {
  /**
   * Sends bytes (a string as UTF-8). What the kernel does not take is kept and sent later.
   *
   * @returns true when everything has left; false when some waits, and `drain` will be called
   * @throws PacelineError `PACELINE_CONNECTION` after the end, or outside of the handlers of an unbound connection;
   * `PACELINE_WRITE_OVERFLOW` when more than 64 MiB would wait (the connection is closed)
   */
  write(bytes: Uint8Array | string): boolean;
  /** Sends what waits, and `bytes`, then closes the connection. */
  end(bytes?: Uint8Array | string): void;
  /** Closes the connection at once; what waits is lost. */
  terminate(): void;
  /** Keeps the connection in this thread from now on. */
  bind(): void;
  /** Anything of the app's own. Setting it binds the connection. */
  data: unknown;
  /** The peer's address; '' over a Unix socket and once the peer has gone. */
  readonly remoteAddress: string;
  /** The number of the thread that runs the handler, from 0. */
  readonly thread: number;
  /** Bytes that wait to be sent. */
  readonly unsentBytes: number;
}

/** A raw TCP app: the default export of an app module. A handler may return a promise: the next one waits for it. */
export interface TcpApp {
  open?(connection: TcpConnection): unknown;
  /** @param bytes belong to the app */
  data(connection: TcpConnection, bytes: Uint8Array): unknown;
  /** Everything that waited has been sent. */
  drain?(connection: TcpConnection): unknown;
  /** The connection is closed; called once for each connection that was opened. */
  close?(connection: TcpConnection): unknown;
  /** A handler failed, or the connection broke. Without it the error is logged and the connection closed. */
  error?(connection: TcpConnection, error: unknown): unknown;
}

/** Bytes of one receive. */
const RECEIVE_BYTES = 64 * 1024;
/** Receives of one visit, so that a fast sender does not keep its thread for itself. */
const READS_A_VISIT = 16;

/** Bits of HANDLE_FLAGS: the app has been told of the connection. */
const OPENED = 1;
/** Everything is sent and the sending side ended; what the peer still sends is read away until it ends, too. */
const LINGERING = 2;

class TcpThread {
  readonly input: Buffer;
  readonly inputAddress: number;
  readonly held = new Map<number, Connection>();

  constructor(
    readonly context: ThreadContext,
    readonly app: TcpApp,
  ) {
    this.input = context.input.subarray(0, RECEIVE_BYTES);
    this.inputAddress = addressOf(this.input);
  }
}

export class TcpConnections implements EventHandler {
  readonly #thread: TcpThread;

  constructor(context: ThreadContext, app: TcpApp) {
    this.#thread = new TcpThread(context, app);
  }

  handleEvent(fd: number, events: number): void {
    const connection = this.#thread.held.get(fd) ?? new Connection(this.#thread, fd);
    connection.run(events);
  }

  bound(): Iterable<number> {
    return this.#thread.held.keys();
  }
}

class Connection implements TcpConnection, Deferred {
  readonly #thread: TcpThread;
  readonly #context: ThreadContext;
  readonly #output: OutputQueue;
  #fd: number;
  /** Whether the handle is bound to this thread, and whether the app wants it so. */
  #bound = false;
  #keep = false;
  #data: unknown;
  /** A handler's promise is pending. */
  #waiting = false;
  #running = false;
  #woken = false;
  #drained = false;
  #broken = false;
  #inputEnded = false;
  /** Everything is to be sent, then the connection is to be closed. */
  #ending = false;
  #terminated = false;
  #drainOwed = false;
  #reads = 0;
  /** The peer had its time to end its side. */
  #timedOut = false;

  constructor(thread: TcpThread, fd: number) {
    this.#thread = thread;
    this.#context = thread.context;
    this.#output = new OutputQueue(thread.context.sums);
    this.#fd = fd;
  }

  // ---- what the app calls ----------------------------------------------------------------------------------------------

  get thread(): number {
    return this.#context.self;
  }

  get remoteAddress(): string {
    return this.#fd < 0 ? '' : (remoteAddress(this.#fd)?.address ?? '');
  }

  get unsentBytes(): number {
    return this.#output.bytes;
  }

  get data(): unknown {
    return this.#data;
  }

  set data(value: unknown) {
    this.bind();
    this.#data = value;
  }

  bind(): void {
    this.#require('bind');
    this.#keep = true;
  }

  write(bytes: Uint8Array | string): boolean {
    this.#require('write');
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    if (this.#output.bytes + buffer.length > MAX_QUEUED_BYTES) {
      this.#context.counters[DROPPED]!++;
      this.terminate();
      throw new PacelineError(
        'PACELINE_WRITE_OVERFLOW',
        `more than ${MAX_QUEUED_BYTES} bytes wait on one connection; stop writing when write() returns false and go on in drain()`,
      );
    }
    const result = this.#output.send(this.#fd, buffer, buffer.length);
    if (result === FAILED) {
      this.#broken = true;
      this.#goOn();
      return false;
    }
    if (result !== SENT) this.#drainOwed = true;
    return result === SENT;
  }

  end(bytes?: Uint8Array | string): void {
    if (bytes !== undefined && bytes.length > 0) this.write(bytes);
    else this.#require('end');
    this.#ending = true;
    this.#goOn();
  }

  terminate(): void {
    if (this.#fd < 0) return;
    this.#terminated = true;
    this.#goOn();
  }

  #require(call: string): void {
    if (this.#fd >= 0 && !this.#ending && !this.#terminated) return;
    throw new PacelineError(
      'PACELINE_CONNECTION',
      `${call}() on a connection that has ended or left this thread; to use it outside of its handlers call connection.bind() inside of one`,
    );
  }

  // ---- events ----------------------------------------------------------------------------------------------------------

  run(events: number): void {
    this.#running = true;
    if (events & (READABLE | PEER_ENDED | BROKEN)) this.#drained = false;
    if (events & BROKEN) this.#broken = true;
    if (events & TIMED_OUT) this.#timedOut = true;
    this.#reads = 0;
    while (this.#step()) {}
    this.#running = false;
  }

  proceed(): void {
    if (this.#fd >= 0 && this.#bound) this.run(0);
  }

  #goOn(): void {
    if (this.#running) this.#woken = true;
    else this.#context.defer(this);
  }

  #step(): boolean {
    const { app } = this.#thread;
    if (this.#terminated || this.#timedOut) return this.#close();
    if (this.#hasFlag(LINGERING)) return this.#linger();
    if (this.#output.bytes > 0 && this.#output.flush(this.#fd) === FAILED) this.#broken = true;
    // What arrived before the connection broke is still the app's, unless a handler is waiting on it.
    if (this.#broken && (this.#drained || this.#waiting)) return this.#close();
    if (this.#waiting) return this.#hold();
    if (!this.#hasFlag(OPENED)) {
      this.#setFlag(OPENED);
      if (app.open !== undefined) this.#call(() => app.open!(this));
      return true;
    }
    if (this.#output.bytes > 0 && !this.#broken) return this.#hold();
    if (this.#drainOwed && !this.#ending) {
      this.#drainOwed = false;
      if (app.drain !== undefined) this.#call(() => app.drain!(this));
      return true;
    }
    if (this.#ending) return this.#shut();
    if (this.#inputEnded) return this.#shut();
    return this.#drained ? this.#rest() : this.#receive();
  }

  #receive(): boolean {
    const { input, inputAddress, app } = this.#thread;
    if (this.#reads++ >= READS_A_VISIT) {
      this.#context.defer(this);
      return this.#hold();
    }
    const count = receive(this.#fd, inputAddress, input.length);
    if (count > 0) {
      this.#context.sums[BYTES_IN]! += count;
      const bytes = Buffer.from(input.subarray(0, count));
      this.#call(() => app.data(this, bytes));
      return true;
    }
    this.#drained = count !== -EINTR;
    if (count === 0) this.#inputEnded = true;
    else if (count !== -EAGAIN && count !== -EINTR) {
      this.#failed(systemError('recv', -count, 'the connection broke'));
      this.#terminated = true;
    }
    return true;
  }

  /** Calls the app; a promise that it returns holds everything else back. */
  #call(handler: () => unknown): void {
    try {
      const result = handler();
      if (typeof result !== 'object' || result === null || !('then' in result)) return;
      this.#waiting = true;
      (result as PromiseLike<unknown>).then(
        () => this.#settled(),
        (error) => this.#settled(() => this.#failed(error)),
      );
      this.#context.drainTicks();
    } catch (error) {
      this.#failed(error);
    }
  }

  #settled(also?: () => void): void {
    this.#waiting = false;
    if (this.#fd < 0) return;
    also?.();
    this.#goOn();
  }

  #failed(error: unknown): void {
    const { app } = this.#thread;
    this.#context.counters[ERRORS]!++;
    if (app.error !== undefined) {
      try {
        app.error(this, error);
        return;
      } catch (second) {
        this.#context.log('error', "the app's error handler failed", { error: second });
      }
    } else {
      this.#context.log('error', 'a handler failed', { error });
    }
    this.#terminated = true;
  }

  // ---- leaving ---------------------------------------------------------------------------------------------------------

  #rest(): boolean {
    if (this.#keep) return this.#hold();
    const { table } = this.#context;
    const fd = this.#fd;
    const noted = this.#bound ? table.unbind(fd) : table.leave(fd);
    if (noted !== 0) {
      if (noted & (READABLE | PEER_ENDED | BROKEN)) this.#drained = false;
      if (noted & BROKEN) this.#broken = true;
      return true;
    }
    this.#forget();
    return false;
  }

  #hold(): boolean {
    if (this.#woken) {
      this.#woken = false;
      return true;
    }
    if (this.#bound) return false;
    this.#bound = true;
    this.#thread.held.set(this.#fd, this);
    const noted = this.#context.table.bind(this.#fd, this.#context.self);
    if (noted & (READABLE | PEER_ENDED | BROKEN)) this.#drained = false;
    if (noted & BROKEN) this.#broken = true;
    return noted !== 0;
  }

  /** Everything is sent: ends the connection in order, so that nothing of it is lost to a reset. */
  #shut(): boolean {
    if (this.#inputEnded) return this.#close();
    shutdownSending(this.#fd);
    this.#setFlag(LINGERING);
    setDeadline(this.#context, this.#fd, this.#context.limits.lingerTicks);
    return true;
  }

  /** Reads away what still comes. */
  #linger(): boolean {
    const { input, inputAddress } = this.#thread;
    if (this.#drained) return this.#rest();
    const count = receive(this.#fd, inputAddress, input.length);
    if (count === -EAGAIN) this.#drained = true;
    else if (count <= 0 && count !== -EINTR) return this.#close();
    return true;
  }

  #close(): false {
    const fd = this.#fd;
    const opened = this.#hasFlag(OPENED);
    this.#output.clear();
    this.#forget();
    closeConnection(this.#context, fd);
    if (opened) this.#farewell();
    return false;
  }

  #farewell(): void {
    const { app } = this.#thread;
    try {
      const result = app.close?.(this);
      if (typeof result === 'object' && result !== null && 'then' in result) {
        (result as PromiseLike<unknown>).then(undefined, (error) => this.#reportClose(error));
      }
    } catch (error) {
      this.#reportClose(error);
    }
  }

  #reportClose(error: unknown): void {
    this.#context.counters[ERRORS]!++;
    this.#context.log('error', "the app's close handler failed", { error });
  }

  /** The app's reference to this object is of no more use for writing. */
  #forget(): void {
    this.#thread.held.delete(this.#fd);
    this.#fd = -1;
  }

  #hasFlag(flag: number): boolean {
    return (this.#context.table.words[this.#fd * HANDLE_WORDS + HANDLE_FLAGS]! & flag) !== 0;
  }

  #setFlag(flag: number): void {
    this.#context.table.words[this.#fd * HANDLE_WORDS + HANDLE_FLAGS]! |= flag;
  }
}
