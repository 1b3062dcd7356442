/**
 * The transport: all that connections do to their sockets. Results are as in sys/socket.ts: the bytes moved, or -errno.
 *
 * A thread has one, whatever its connections speak. In every model in which the thread that runs a handler also does its I/O, that is
 * DirectTransport, so the calls below have one target and are inlined.
 */
import { type HandleSet, INTEREST_INPUT_OUTPUT } from '../set/handle-set.js';
import { sendFile } from '../sys/file.js';
import { addressOf } from '../sys/libc.js';
import { receive, resetOnClose, shutdownSending, transmit, transmitFrom } from '../sys/socket.js';

/** Bytes of the thread that are to be sent. */
export interface Written {
  readonly bytes: Uint8Array;
  /** Where `bytes` begins, as addressOf of sys/libc.ts gives it. */
  readonly address: number;
}

export interface Transport {
  /**
   * Receives up to `bytes` bytes into the thread's input buffer, from its byte `at` on.
   *
   * @returns their number, 0 at the end of input, or -errno
   */
  receive(fd: number, at: number, bytes: number): number;
  /** Sends the first `length` bytes of `bytes`. @returns how many were taken, or -errno */
  transmit(fd: number, bytes: Uint8Array, length: number): number;
  /**
   * As `transmit`, from a buffer whose address is known.
   *
   * @param more whether more follows at once
   */
  transmitFrom(fd: number, written: Written, length: number, more: boolean): number;
  /**
   * Sends up to `count` bytes of a file from `offset` on.
   *
   * @returns as `transmit`; 0 when the file ends at `offset`
   */
  sendFile(fd: number, fileFd: number, offset: number, count: number): number;
  /** From now on the connection gets the event WRITABLE when more can be sent, after not all was taken. */
  reportWritable(fd: number): void;
  /** Ends the sending side, behind all that was taken. */
  shutdownSending(fd: number): void;
  /**
   * Leaves the socket to the caller, who uses it by other means from then on, once all that was taken is sent.
   *
   * @returns false when that is not so yet: the connection then gets the event WRITABLE when to ask again
   */
  detaches(fd: number): boolean;
  /** Input of a detached socket that was received before: as `receive`, without the socket. @returns how many bytes, 0 for none */
  unread(fd: number, at: number, bytes: number): number;
  /** Whether closing the connection, also by the end of the process, resets it instead of ending it in order. */
  resetOnClose(fd: number, resets: boolean): void;
  /**
   * Passes a connection to another thread, which closes it once all that was taken is sent.
   *
   * @param atOnce sends only what can be sent without waiting
   * @returns false where the calling thread, which is inside, is to close it
   */
  passesClose(fd: number, atOnce: boolean): boolean;
}

/** System calls of the thread that is inside the connection. */
export class DirectTransport implements Transport {
  readonly #handles: HandleSet;
  readonly #inputAddress: number;

  /** @param input the thread's input buffer */
  constructor(handles: HandleSet, input: Uint8Array) {
    this.#handles = handles;
    this.#inputAddress = addressOf(input);
  }

  receive(fd: number, at: number, bytes: number): number {
    return receive(fd, this.#inputAddress + at, bytes);
  }

  transmit(fd: number, bytes: Uint8Array, length: number): number {
    return transmit(fd, bytes, length);
  }

  transmitFrom(fd: number, written: Written, length: number, more: boolean): number {
    return transmitFrom(fd, written.address, length, more);
  }

  sendFile(fd: number, fileFd: number, offset: number, count: number): number {
    return sendFile(fd, fileFd, offset, count);
  }

  reportWritable(fd: number): void {
    this.#handles.resumeHandle(fd, INTEREST_INPUT_OUTPUT);
  }

  shutdownSending(fd: number): void {
    shutdownSending(fd);
  }

  resetOnClose(fd: number, resets: boolean): void {
    resetOnClose(fd, resets);
  }

  detaches(_fd: number): boolean {
    return true;
  }

  unread(_fd: number, _at: number, _bytes: number): number {
    return 0;
  }

  passesClose(_fd: number, _atOnce: boolean): boolean {
    return false;
  }
}
