/**
 * The transport of workers: asks the I/O thread for everything, by the channel of the connection and the board. It makes no system call on a
 * socket, and never waits: input that has not come, and output for which there is no room, give -EAGAIN as the kernel would.
 *
 * A file is read by the worker, straight into the output ring. Were the I/O thread to send it, a slow disk would hold up every connection, and
 * the file's descriptor would have to outlive the worker that opened it.
 */

import { setDeadline } from '../connection/deadlines.js';
import type { ThreadContext } from '../connection/event-handler.js';
import type { Transport, Written } from '../connection/transport.js';
import { IO_THREAD } from '../set/queue-wake-ups.js';
import { readFileAt } from '../sys/file.js';
import { EAGAIN, EPIPE } from '../sys/libc.js';
import {
  AT_ONCE,
  type Channels,
  CLOSES,
  COMPLETES,
  DETACHED,
  DETACHES,
  INPUT_ENDED,
  INPUT_FAILED,
  INPUT_WAITS,
  OUTPUT_FAILED,
  RESETS,
  SHUTS,
} from './channels.js';
import type { OperationBoard } from './operation-board.js';

/** What it has of its thread. */
type ThreadParts = Pick<ThreadContext, 'input' | 'table' | 'control' | 'limits'>;

export class ChannelTransport implements Transport {
  readonly #thread: ThreadParts;
  readonly #channels: Channels;
  readonly #board: OperationBoard;
  readonly #input: Uint8Array;

  constructor(channels: Channels, thread: ThreadParts) {
    this.#thread = thread;
    this.#channels = channels;
    this.#board = channels.board;
    this.#input = thread.input;
  }

  receive(fd: number, at: number, bytes: number): number {
    const channels = this.#channels;
    // In this order: the bits are set behind the last byte.
    const ended = channels.hasStatus(fd, INPUT_ENDED);
    const failed = channels.hasStatus(fd, INPUT_FAILED);
    const count = channels.take(fd, this.#input, at, bytes);
    if (count > 0) {
      if (channels.hasStatus(fd, INPUT_WAITS)) this.#board.post(fd);
      return count;
    }
    if (ended) return 0;
    return failed ? -channels.errno(fd) : -EAGAIN;
  }

  transmit(fd: number, bytes: Uint8Array, length: number): number {
    const taken = this.#put(fd, bytes, length);
    this.#board.post(fd);
    return taken;
  }

  transmitFrom(fd: number, { bytes }: Written, length: number, more: boolean): number {
    const taken = this.#put(fd, bytes, length);
    // Else what follows is sent with it.
    if (taken !== length || !more) this.#board.post(fd);
    return taken;
  }

  sendFile(fd: number, fileFd: number, offset: number, count: number): number {
    const channels = this.#channels;
    if (channels.hasStatus(fd, OUTPUT_FAILED)) return -EPIPE;
    if (channels.outputRoom(fd) === 0 && !channels.awaitRoom(fd)) {
      // A head may be there that was put without being posted.
      this.#board.post(fd);
      return -EAGAIN;
    }
    const space = channels.outputSpace(fd);
    const read = readFileAt(fileFd, space, Math.min(count, space.length), offset);
    if (read <= 0) return read;
    channels.putWritten(fd, read);
    this.#board.post(fd);
    return read;
  }

  #put(fd: number, bytes: Uint8Array, length: number): number {
    const channels = this.#channels;
    if (channels.hasStatus(fd, OUTPUT_FAILED)) return -EPIPE;
    let taken = 0;
    for (;;) {
      const to = Math.min(taken + channels.outputRoom(fd), length);
      if (to > taken) channels.put(fd, bytes, taken, to);
      taken = to;
      // Once there is no room, a report is due, or there is room again.
      if (taken === length || !channels.awaitRoom(fd)) return taken === 0 ? -EAGAIN : taken;
    }
  }

  /** Is under way wherever not all was taken. */
  reportWritable(_fd: number): void {}

  shutdownSending(fd: number): void {
    this.#channels.ask(fd, SHUTS);
    this.#board.post(fd);
  }

  /** Done before the next byte is sent; undone when all is sent, since the client may take an earlier end for that of a response. */
  resetOnClose(fd: number, resets: boolean): void {
    const channels = this.#channels;
    if (resets) channels.takeBack(fd, COMPLETES);
    channels.ask(fd, resets ? RESETS : COMPLETES);
  }

  detaches(fd: number): boolean {
    if (this.#channels.hasStatus(fd, DETACHED)) return true;
    this.#channels.ask(fd, DETACHES);
    this.#board.post(fd);
    return false;
  }

  unread(fd: number, at: number, bytes: number): number {
    return this.#channels.take(fd, this.#input, at, bytes);
  }

  passesClose(fd: number, atOnce: boolean): boolean {
    const { table, limits } = this.#thread;
    setDeadline(this.#thread, fd, limits.sendTicks || limits.graceTicks);
    this.#channels.ask(fd, atOnce ? CLOSES | AT_ONCE : CLOSES);
    table.pass(fd, IO_THREAD);
    this.#board.post(fd);
    return true;
  }
}
