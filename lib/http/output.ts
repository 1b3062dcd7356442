/**
 * The output of one HTTP connection: what is sent at once, what is held back for a moment, what the kernel did not take, and how the
 * connection's end is to be understood. It knows bytes only.
 */
import type { ThreadContext } from '../connection/event-handler.js';
import { FAILED, OutputQueue, QUEUED, SENT } from '../connection/output-queue.js';
import type { Transport, Written } from '../connection/transport.js';
import { hasFlag, setFlag } from '../set/handle-record.js';
import { NO_MICROS, nowMicros } from '../sys/clock.js';
import { EAGAIN, EINTR } from '../sys/libc.js';
import { INTERESTED_IN_OUTPUT } from './flags.js';

/** What is held back is sent when it is as long as this, or as old: far more than a batch of pipelined requests to short handlers has. */
const MAX_HELD_BYTES = 16 * 1024;
const MAX_HELD_MICROS = 200;

/** A buffer that heads and short bodies are put together in. */
interface OutputBuffer extends Written {
  length: number;
  /** The output that holds back what is in it; null while nothing is. */
  heldBy: object | null;
}

export class ConnectionOutput {
  readonly #context: ThreadContext;
  readonly #transport: Transport;
  readonly #written: OutputBuffer;
  readonly #queue: OutputQueue;
  /** Closing the connection resets it. */
  #resets = false;
  /** Since when something is held back, by sys/clock.ts. */
  #heldSince = NO_MICROS;
  fd = -1;

  /** @param written the thread's buffer, see `sendWritten` */
  constructor(context: ThreadContext, written: OutputBuffer) {
    this.#context = context;
    this.#transport = context.transport;
    this.#written = written;
    this.#queue = new OutputQueue(context);
  }

  /** Bytes that are queued. */
  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  /** Bytes that the kernel has taken since this object exists. */
  get sentBytes(): number {
    return this.#queue.sentBytes;
  }

  /** Counts bytes that the kernel has taken by another way than this object. */
  count(bytes: number): void {
    this.#queue.count(bytes);
  }

  /** Whether a response is held back. */
  get holds(): boolean {
    return this.#written.heldBy === this;
  }

  /** Sends what is queued, as far as the kernel takes it; to be called while nothing is held back. @returns as OutputQueue.flush */
  flush(): number {
    return this.#queue.bytes === 0 ? SENT : this.#queue.flush(this.fd);
  }

  /** Discards all output that is not sent. */
  clear(): void {
    this.#queue.clear();
    this.#resets = false;
    const written = this.#written;
    if (written.heldBy !== null && written.heldBy !== this) return;
    written.heldBy = null;
    written.length = 0;
  }

  /**
   * Leaves a response in the thread's buffer, to be sent by one call with those that follow at once. No other connection of the thread writes
   * there during a dispatch; before that ends, or waits for anything, it has to `release` the buffer. What is sent after it by this object
   * is sent behind it.
   *
   * @returns false when the connection is broken: where nothing can be held back, it is sent
   */
  hold(): boolean {
    const written = this.#written;
    if (written.heldBy === null) {
      if (this.#queue.bytes > 0) return this.sendWritten();
      written.heldBy = this;
      this.#heldSince = nowMicros();
    } else if (written.length > MAX_HELD_BYTES || nowMicros() - this.#heldSince > MAX_HELD_MICROS)
      return this.sendWritten();
    return true;
  }

  /** Sends what is held back. @returns false when the connection is broken */
  release(): boolean {
    return !this.holds || this.sendWritten();
  }

  /**
   * The client takes the connection's end for the response's. So until the response is complete, any other end is a reset: by a
   * failing stream, a timeout, the death of the thread or of the process.
   */
  resetUntilEnded(): void {
    this.#resets = true;
    this.#transport.resetOnClose(this.fd, true);
  }

  /** Everything is sent: from now on the connection's end may be taken for the response's. */
  ended(): void {
    if (this.#resets) this.#transport.resetOnClose(this.fd, false);
    this.#resets = false;
  }

  /** Sends the first `length` bytes of `bytes`. @returns false when the connection is broken */
  send(bytes: Uint8Array, length: number): boolean {
    if (!this.release()) return false;
    const result = this.#queue.send(this.fd, bytes, length);
    if (result === QUEUED) this.addInterest();
    return result !== FAILED;
  }

  /**
   * Sends what is in the thread's buffer, and empties it.
   *
   * @param more whether more follows at once
   * @returns false when the connection is broken
   */
  sendWritten(more = false): boolean {
    const written = this.#written;
    const { length } = written;
    written.length = 0;
    written.heldBy = null;
    if (this.#queue.bytes > 0) return this.send(written.bytes, length);
    // The fast path: nothing is queued, and the kernel takes it all.
    const sent = this.#transport.transmitFrom(this.fd, written, length, more);
    if (sent > 0) this.#queue.count(sent);
    if (sent === length) return true;
    if (sent < 0 && sent !== -EAGAIN && sent !== -EINTR) return false;
    this.#queue.queue(written.bytes, Math.max(sent, 0), length);
    this.addInterest();
    return true;
  }

  /** From now on the connection also gets the event WRITABLE. */
  addInterest(): void {
    const { table } = this.#context;
    if (hasFlag(table, this.fd, INTERESTED_IN_OUTPUT)) return;
    setFlag(table, this.fd, INTERESTED_IN_OUTPUT);
    this.#transport.reportWritable(this.fd);
  }
}
