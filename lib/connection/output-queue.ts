/**
 * The unsent output of a connection: bytes that the kernel did not take at once. They lie in the memory of one thread, so the
 * connection is bound to that thread until they are sent.
 */
import { BYTES_OUT } from '../memory/sums.js';
import { EAGAIN, EINTR } from '../sys/libc.js';
import type { Transport } from './transport.js';

/** Results of sending. */
export const SENT = 0;
/** Some of it is in the queue until the connection is writable. */
export const QUEUED = 1;
export const FAILED = 2;
/** Some of it is in the queue although the kernel may take more: this dispatch has sent its share. */
export const MORE = 3;

/**
 * Bytes that one call sends. A reader that keeps up with the sender would otherwise occupy the thread for as long as there is
 * anything to send. 4 MiB are more than the kernel buffers for a connection, and take about a millisecond.
 */
const SENT_AT_ONCE_BYTES = 4 * 1024 * 1024;

export class OutputQueue {
  readonly #sums: Float64Array;
  readonly #transport: Transport;
  #chunks: Uint8Array[] = [];
  /** Bytes that the transport has taken. */
  sentBytes = 0;
  /** Bytes in the queue. */
  bytes = 0;

  /** @param sums where the bytes sent are counted, see memory/sums.ts */
  constructor({ sums, transport }: { readonly sums: Float64Array; readonly transport: Transport }) {
    this.#sums = sums;
    this.#transport = transport;
  }

  /**
   * Sends the first `length` bytes of `bytes`, after the queue. What the kernel does not take is copied, so the caller may reuse the
   * buffer.
   *
   * @returns SENT, QUEUED or FAILED
   */
  send(fd: number, bytes: Uint8Array, length: number): number {
    let done = 0;
    if (this.bytes === 0) {
      done = this.#transmitAll(fd, bytes, Math.min(length, SENT_AT_ONCE_BYTES));
      if (done < 0) return FAILED;
      this.count(done);
      if (done === length) return SENT;
    }
    this.queue(bytes, done, length);
    return QUEUED;
  }

  /** Appends a copy of bytes[from, to) to the queue. */
  queue(bytes: Uint8Array, from: number, to: number): void {
    this.#chunks.push(Uint8Array.prototype.slice.call(bytes, from, to));
    this.bytes += to - from;
  }

  /** Sends the queue, as far as the kernel takes it. @returns SENT, QUEUED, MORE or FAILED */
  flush(fd: number): number {
    let room = SENT_AT_ONCE_BYTES;
    while (this.#chunks.length > 0) {
      if (room === 0) return MORE;
      const chunk = this.#chunks[0]!;
      const wanted = Math.min(chunk.length, room);
      const done = this.#transmitAll(fd, chunk, wanted);
      if (done < 0) return FAILED;
      this.count(done);
      room -= done;
      this.bytes -= done;
      if (done === chunk.length) {
        this.#chunks.shift();
        continue;
      }
      this.#chunks[0] = chunk.subarray(done);
      if (done < wanted) return QUEUED;
    }
    return SENT;
  }

  /** Counts bytes that the kernel has taken. */
  count(bytes: number): void {
    this.sentBytes += bytes;
    this.#sums[BYTES_OUT]! += bytes;
  }

  /** Discards the queue. */
  clear(): void {
    this.#chunks = [];
    this.bytes = 0;
  }

  /** @returns the bytes that were taken before it would block, or -1 when the connection is broken */
  #transmitAll(fd: number, bytes: Uint8Array, length: number): number {
    let done = 0;
    while (done < length) {
      const rest = done === 0 ? bytes : bytes.subarray(done, length);
      const count = this.#transport.transmit(fd, rest, length - done);
      if (count >= 0) done += count;
      else if (count === -EAGAIN) break;
      else if (count !== -EINTR) return -1;
    }
    return done;
  }
}
