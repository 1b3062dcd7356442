/**
 * A raw TCP connection, for its event handler and for the app.
 *
 * A connection belongs to no thread: each event may be processed in another one. An app that attaches JavaScript state to a
 * connection, or writes outside of its handlers, binds it to its thread by `connection.data = …` or `connection.bind()`; the
 * leader then hands its events off to that thread. Queued output and a pending promise of a handler bind it as long as they last.
 * While output is queued, nothing is read: an app that writes what it reads can't be flooded.
 *
 *   accepted ─▶ open() ─▶ data()… ⇄ (queued output: nothing read) ─▶ drain() ─▶ … ─▶ close()
 */

import { CLOSED, CLOSING, Connection, INPUT_ENDED, LINGERING, OPEN } from '../connection/connection.js';
import { setDeadline } from '../connection/deadlines.js';
import { NOTED_COST, RECEIVE_COST, REQUEST_COST } from '../connection/dispatch-budget.js';
import { FIRST_PROTOCOL_FLAG } from '../connection/flags.js';
import { MAX_QUEUED_BYTES } from '../connection/limits.js';
import { FAILED, MORE, OutputQueue, SENT } from '../connection/output-queue.js';
import { PacelineError } from '../errors.js';
import { DROPPED, ERRORS } from '../memory/counters.js';
import { BYTES_IN } from '../memory/sums.js';
import { hasFlag, setFlag } from '../set/handle-record.js';
import { EAGAIN, EINTR, systemError } from '../sys/libc.js';
import { remoteAddress } from '../sys/socket.js';
import { newScope } from '../user-code/async-scope.js';
import { plainBytes } from '../user-code/plain-bytes.js';
import { adopt, isThenable } from '../user-code/thenable.js';
import type { TcpApp, TcpConnection } from './app.js';
import type { TcpThread } from './tcp-thread.js';

/** Bit of the connection's flags: the app has been told of it. */
const OPENED = FIRST_PROTOCOL_FLAG;

/** The app's handler: none is under way. */
const HANDLER_IDLE = 0;
/** A handler's promise is pending. */
const HANDLER_PENDING = 1;
/** The same, and the peer has ended its side meanwhile: the handler has been given the grace period. */
const HANDLER_GRACED = 2;

export class ServedTcp extends Connection implements TcpConnection {
  readonly #thread: TcpThread;
  readonly #output: OutputQueue;
  /** The app has bound it to this thread. */
  #boundByApp = false;
  #data: unknown;
  /** One of the HANDLER_ values. */
  #handler = HANDLER_IDLE;
  /** To be closed at once; queued output is lost. */
  #terminated = false;
  /** Output has been queued since the last call of the app's `drain`. */
  #drainOwed = false;

  constructor(thread: TcpThread, fd: number) {
    super(thread);
    this.#thread = thread;
    this.#output = new OutputQueue(thread.context);
    this.enter(fd);
  }

  // ---- what the app calls ----------------------------------------------------------------------------------------------

  get thread(): number {
    return this.context.self;
  }

  get remoteAddress(): string {
    return this.state === CLOSED ? '' : (remoteAddress(this.fd)?.address ?? '');
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
    this.#boundByApp = true;
  }

  write(bytes: Uint8Array | string): boolean {
    this.#require('write');
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes) : plainBytes(bytes);
    if (buffer === null) throw new TypeError('write() takes a string or a Uint8Array');
    if (this.#output.bytes + buffer.length > MAX_QUEUED_BYTES) {
      this.context.counters[DROPPED]!++;
      this.terminate();
      throw new PacelineError(
        'PACELINE_WRITE_OVERFLOW',
        `more than ${MAX_QUEUED_BYTES} bytes wait on one connection; stop writing when write() returns false and go on in drain()`,
      );
    }
    const result = this.#output.send(this.fd, buffer, buffer.length);
    if (result === FAILED) {
      this.broken = true;
      this.wake();
      return false;
    }
    if (result !== SENT) this.#drainOwed = true;
    return result === SENT;
  }

  end(bytes?: Uint8Array | string): void {
    if (bytes !== undefined && bytes !== '') this.write(bytes);
    else this.#require('end');
    this.beginClosing();
    this.wake();
  }

  terminate(): void {
    if (this.state === CLOSED) return;
    this.#terminated = true;
    this.wake();
  }

  #require(call: string): void {
    if (this.state === OPEN && !this.#terminated) return;
    throw new PacelineError(
      'PACELINE_CONNECTION',
      `${call}() on a connection that has ended or left this thread; to use it outside of its handlers call connection.bind() inside of one`,
    );
  }

  // ---- events ----------------------------------------------------------------------------------------------------------

  protected step(): boolean {
    const waits = this.#handler !== HANDLER_IDLE;
    if (this.timedOut && waits) return this.drop();
    if (this.#terminated || this.timedOut) return this.destroy();
    if (this.state === LINGERING) return this.linger();
    if (this.#output.bytes > 0) {
      const flushed = this.#output.flush(this.fd);
      if (flushed === MORE) return this.yield();
      if (flushed === FAILED) this.broken = true;
    }
    // Input from before the connection broke is still delivered, unless a handler is pending.
    if (this.broken && (this.readWouldBlock || waits)) return this.destroy();
    if (waits) return this.waitBound();
    if (!hasFlag(this.context.table, this.fd, OPENED)) {
      setFlag(this.context.table, this.fd, OPENED);
      return this.#event((app) => app.open?.(this));
    }
    if (this.#output.bytes > 0 && !this.broken) return this.waitBound();
    if (this.#drainOwed && this.state === OPEN) {
      if (!this.budget.spend(REQUEST_COST)) return this.yield();
      this.#drainOwed = false;
      return this.#event((app) => app.drain?.(this));
    }
    if (this.inputState === INPUT_ENDED) return this.destroy();
    if (this.state === CLOSING) return this.beginLingering();
    return this.readWouldBlock ? this.leave() : this.#receive();
  }

  #receive(): boolean {
    if (!this.budget.spend(RECEIVE_COST)) return this.yield();
    const { input } = this.#thread;
    const count = this.context.transport.receive(this.fd, 0, input.length);
    if (count > 0) {
      this.context.sums[BYTES_IN]! += count;
      const bytes = Buffer.from(input.subarray(0, count));
      return this.#event((app) => app.data(this, bytes));
    }
    this.readWouldBlock = count !== -EINTR;
    if (count === 0) this.inputState = INPUT_ENDED;
    else if (count !== -EAGAIN && count !== -EINTR) {
      this.#broke(systemError('recv', -count, 'the connection broke'));
    }
    return true;
  }

  #event(handler: (app: TcpApp) => unknown): true {
    this.#call(handler, (error) => this.#failed(error));
    // Settles an async handler that has awaited nothing but settled promises.
    if (this.#handler !== HANDLER_IDLE) this.context.drainTicks();
    return true;
  }

  /** Calls the app, in an async scope of this event; until a promise that it returns settles, nothing else is called. */
  #call(handler: (app: TcpApp) => unknown, failed: (error: unknown) => void): void {
    newScope().runInAsyncScope(this.#run, this, handler, failed);
  }

  #run(handler: (app: TcpApp) => unknown, failed: (error: unknown) => void): void {
    try {
      const result = handler(this.#thread.app);
      if (!isThenable(result)) return;
      adopt(
        result,
        () => this.#settled(),
        (error) => this.#settled(() => failed(error)),
      );
      this.#handler = HANDLER_PENDING;
    } catch (error) {
      failed(error);
    }
  }

  #settled(also?: () => void): void {
    const graced = this.#handler === HANDLER_GRACED;
    this.#handler = HANDLER_IDLE;
    if (this.state === CLOSED) return;
    if (graced) setDeadline(this.context, this.fd, 0);
    also?.();
    this.wake();
  }

  #failed(error: unknown): void {
    this.context.counters[ERRORS]!++;
    this.#callError(error, () => this.context.log('error', 'a handler failed', { error }));
  }

  /** The peer has left, or cannot be reached: no fault of the app. */
  #broke(error: PacelineError): void {
    this.#callError(error, () => this.context.log('debug', error.message));
    this.#terminated = true;
  }

  /** @param otherwise called in place of the app's error handler, if it has none; the connection is aborted then */
  #callError(error: unknown, otherwise: () => void): void {
    this.#call(
      (app) => {
        if (app.error !== undefined) return app.error(this, error);
        otherwise();
        this.#terminated = true;
        return undefined;
      },
      (second) => {
        this.context.log('error', "the app's error handler failed", { error: second });
        this.#terminated = true;
      },
    );
  }

  // ---- leaving ---------------------------------------------------------------------------------------------------------

  protected leave(): boolean {
    if (this.#boundByApp) return this.waitBound();
    return this.budget.spend(NOTED_COST) ? this.release() : this.yield();
  }

  protected override setWaitDeadline(): void {
    if (this.#handler !== HANDLER_PENDING || !this.peerEnded) return;
    const { sendTicks, graceTicks } = this.context.limits;
    this.#handler = HANDLER_GRACED;
    setDeadline(this.context, this.fd, sendTicks || graceTicks);
  }

  protected destroy(): false {
    const opened = hasFlag(this.context.table, this.fd, OPENED);
    this.#output.clear();
    this.close();
    if (opened) newScope().runInAsyncScope(this.#farewell, this);
    return false;
  }

  #farewell(): void {
    const { app } = this.#thread;
    try {
      const result = app.close?.(this);
      if (!isThenable(result)) return;
      adopt(
        result,
        () => {},
        (error) => this.#reportClose(error),
      );
    } catch (error) {
      this.#reportClose(error);
    }
  }

  #reportClose(error: unknown): void {
    this.context.counters[ERRORS]!++;
    this.context.log('error', "the app's close handler failed", { error });
  }
}
