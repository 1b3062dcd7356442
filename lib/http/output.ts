/**
 * The output of one HTTP connection: what is sent at once, what the kernel did not take, and how the connection's end is to be
 * understood. It knows bytes only.
 */
import type { ThreadContext } from '../connection/event-handler.js';
import { FAILED, OutputQueue, QUEUED, SENT } from '../connection/output-queue.js';
import type { Transport, Written } from '../connection/transport.js';
import { hasFlag, setFlag } from '../set/handle-record.js';
import { EAGAIN, EINTR } from '../sys/libc.js';
import { INTERESTED_IN_OUTPUT } from './flags.js';

/** A buffer that heads and short bodies are put together in. */
interface OutputBuffer extends Written {
  length: number;
}

export class ConnectionOutput {
  readonly #context: ThreadContext;
  readonly #transport: Transport;
  readonly #written: OutputBuffer;
  readonly #queue: OutputQueue;
  /** Closing the connection resets it. */
  #resets = false;
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

  /** Sends what is queued, as far as the kernel takes it. @returns as OutputQueue.flush */
  flush(): number {
    return this.#queue.bytes === 0 ? SENT : this.#queue.flush(this.fd);
  }

  /** Discards all output that is not sent. */
  clear(): void {
    this.#queue.clear();
    this.#written.length = 0;
    this.#resets = false;
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
