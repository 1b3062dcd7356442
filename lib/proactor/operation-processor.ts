/**
 * The I/O thread's side of the channels: receives when a socket is readable and its input ring has room, sends what is in the output ring, and
 * does what else was asked for behind it. Owner of the word IO_AT.
 *
 * Its results are events for the connection's handler: READABLE when input is in the ring, or its end; WRITABLE when there is room that
 * was waited for; BROKEN.
 *
 * If its thread dies, all of that is in shared memory, and the replacement looks at every connection. Only a call that the thread was in has
 * moved bytes that no position counts: IO_AT names that connection, and recovery breaks it.
 */
import { closeConnection } from '../connection/close.js';
import { isDue } from '../connection/deadlines.js';
import { SOCKET_CONNECTION, type ThreadContext } from '../connection/event-handler.js';
import { IO_AT } from '../memory/channel-words.js';
import { INTEREST_INPUT_OUTPUT } from '../set/handle-set.js';
import { BROKEN, FREE, PEER_ENDED, READABLE, WRITABLE } from '../set/handle-table.js';
import { IO_THREAD } from '../set/queue-wake-ups.js';
import { EAGAIN, EINTR } from '../sys/libc.js';
import { receive, resetOnClose, shutdownSending, transmitFrom } from '../sys/socket.js';
import {
  AT_ONCE,
  type Channels,
  CLOSES,
  COMPLETES,
  DETACHED,
  DETACHES,
  END_UNSEEN,
  INPUT_ENDED,
  INPUT_ENDING,
  INPUT_FAILED,
  INPUT_WAITS,
  IS_KNOWN,
  IS_RESETTING,
  IS_SHUT,
  OUTPUT_FAILED,
  OUTPUT_WATCHED,
  RESETS,
  SHUTS,
} from './channels.js';

/** Calls that send for one connection before others have their turn; a ring takes two. */
const MAX_SENDS = 4;

export class OperationProcessor {
  readonly #context: ThreadContext;
  readonly #channels: Channels;
  /** Connections to be closed whose clients have not taken all yet. */
  readonly #closing = new Set<number>();

  constructor(context: ThreadContext, channels: Channels) {
    this.#context = context;
    this.#channels = channels;
  }

  /** The kernel has reported a connection. @returns events for its handler, 0 for none */
  ready(fd: number, events: number): number {
    const channels = this.#channels;
    // Closed since the kernel reported it.
    if (this.#context.table.state(fd) === FREE) return 0;
    if (this.#mayClose(fd, channels.asked(fd))) return this.#send(fd);
    // A thread's event loop serves it.
    if (this.#context.table.kind(fd) === SOCKET_CONNECTION) return events;
    const isFirst = !channels.hasStatus(fd, IS_KNOWN);
    if (isFirst) channels.setStatus(fd, IS_KNOWN);
    if (events & (PEER_ENDED | BROKEN)) channels.setStatus(fd, INPUT_ENDING);
    let completed = events & (READABLE | PEER_ENDED | BROKEN);
    if (completed !== 0) this.#receive(fd);
    // Also where the socket has nothing new: a thread that noted an event and left the handle has had the kernel report it again.
    if (completed !== 0 || channels.hasInput(fd)) completed |= this.#inputEvents(fd);
    if (events & WRITABLE) {
      completed |= this.#send(fd);
      // A server that speaks first, or wants to know of every connection.
      if (isFirst) completed |= WRITABLE;
    }
    return completed;
  }

  /** An operation of the connection is to be done. @returns as `ready` */
  perform(fd: number): number {
    const channels = this.#channels;
    // Closed since then.
    if (this.#context.table.state(fd) === FREE) return 0;
    let completed = 0;
    if (channels.hasStatus(fd, INPUT_WAITS) && channels.inputRoom(fd) > 0) {
      channels.clearStatus(fd, INPUT_WAITS);
      this.#receive(fd);
      completed = this.#inputEvents(fd);
    }
    return completed | this.#send(fd);
  }

  /** A tick has passed: closes connections whose clients have not taken the rest in time. */
  tick(): void {
    for (const fd of this.#closing)
      if (isDue(this.#context, fd)) this.#close(fd, this.#channels.asked(fd), false);
  }

  /** Whether closing was asked for, and the handle is passed. In between it is its worker's still, which then puts it on the board. */
  #mayClose(fd: number, asked: number): boolean {
    return (asked & CLOSES) !== 0 && this.#context.table.owner(fd) === IO_THREAD;
  }

  // ---- input -----------------------------------------------------------------------------------------------------------------

  /** What is said of input. Each time also its end: the connection may have been left since that was said, or its event lost with a thread. */
  #inputEvents(fd: number): number {
    return this.#channels.hasStatus(fd, INPUT_ENDING | INPUT_ENDED) ? READABLE | PEER_ENDED : READABLE;
  }

  #receive(fd: number): void {
    const channels = this.#channels;
    const { words } = channels;
    if (channels.hasStatus(fd, INPUT_ENDED | INPUT_FAILED | DETACHED)) return;
    for (;;) {
      const room = channels.inputRoom(fd);
      if (room === 0) {
        // The worker makes room and then looks at the bit, or this thread sees the room.
        channels.setStatus(fd, INPUT_WAITS);
        if (channels.inputRoom(fd) === 0) return;
        channels.clearStatus(fd, INPUT_WAITS);
        continue;
      }
      words[IO_AT] = fd + 1;
      const count = receive(fd, channels.address + channels.inputAt(fd), room);
      if (count > 0) channels.received(fd, count);
      words[IO_AT] = 0;
      if (count === 0) channels.setStatus(fd, INPUT_ENDED);
      else if (count < 0 && count !== -EAGAIN && count !== -EINTR) channels.failInput(fd, -count);
      if (count <= 0 && count !== -EINTR) {
        if (channels.hasStatus(fd, END_UNSEEN)) channels.clearStatus(fd, END_UNSEEN);
        return;
      }
      // A stream socket that gave less than was asked for is empty (epoll(7)); only its end may still be unseen.
      if (count > 0 && count < room && !channels.hasStatus(fd, INPUT_ENDING | END_UNSEEN)) return;
    }
  }

  // ---- output ----------------------------------------------------------------------------------------------------------------

  /** Sends, and does what was asked for behind the output once all is sent. */
  #send(fd: number): number {
    const channels = this.#channels;
    // Before the output is looked at: what was asked for behind it is done behind all of it.
    const asked = channels.asked(fd);
    const resets = (asked & (RESETS | COMPLETES)) === RESETS;
    const closes = this.#mayClose(fd, asked);
    const discards = (closes && resets) || channels.hasStatus(fd, OUTPUT_FAILED | DETACHED);
    const events = discards ? 0 : this.#transmit(fd);
    const isSent = discards || channels.hasStatus(fd, OUTPUT_FAILED) || channels.outputLength(fd) === 0;
    if (closes) {
      if (isSent || asked & AT_ONCE) this.#close(fd, asked, isSent);
      else this.#closing.add(fd);
      return 0;
    }
    return isSent ? events | this.#follow(fd, asked) : events;
  }

  /** All is sent: does what was asked for behind it. */
  #follow(fd: number, asked: number): number {
    const channels = this.#channels;
    this.#applyReset(fd, resetsAt(asked, true));
    if (asked & SHUTS && !channels.hasStatus(fd, IS_SHUT)) {
      shutdownSending(fd);
      channels.setStatus(fd, IS_SHUT);
    }
    if ((asked & DETACHES) === 0 || channels.hasStatus(fd, DETACHED)) return 0;
    channels.setStatus(fd, DETACHED);
    return WRITABLE;
  }

  /** Sends until all is sent or the kernel takes no more. */
  #transmit(fd: number): number {
    const channels = this.#channels;
    const { words } = channels;
    let events = 0;
    for (let sends = 0; sends < MAX_SENDS; sends++) {
      const length = channels.outputLength(fd);
      if (length === 0) return events;
      if (channels.asked(fd) & RESETS) this.#applyReset(fd, true);
      const part = channels.outputUnbroken(fd, length);
      words[IO_AT] = fd + 1;
      const count = transmitFrom(fd, channels.address + channels.outputAt(fd), part, part < length);
      if (count > 0 && channels.sent(fd, count)) events |= WRITABLE;
      words[IO_AT] = 0;
      if (count === -EAGAIN) {
        this.#watchOutput(fd);
        return events;
      }
      if (count < 0 && count !== -EINTR) {
        channels.setStatus(fd, OUTPUT_FAILED);
        return events | BROKEN;
      }
    }
    channels.board.post(fd);
    return events;
  }

  /** From now on the kernel reports when the socket becomes writable; also if it is by now. */
  #watchOutput(fd: number): void {
    const channels = this.#channels;
    if (channels.hasStatus(fd, OUTPUT_WATCHED)) return;
    channels.setStatus(fd, OUTPUT_WATCHED);
    this.#context.handles.resumeHandle(fd, INTEREST_INPUT_OUTPUT);
  }

  #applyReset(fd: number, resets: boolean): void {
    const channels = this.#channels;
    if (channels.hasStatus(fd, IS_RESETTING) === resets) return;
    resetOnClose(fd, resets);
    if (resets) channels.setStatus(fd, IS_RESETTING);
    else channels.clearStatus(fd, IS_RESETTING);
  }

  #close(fd: number, asked: number, isSent: boolean): void {
    this.#applyReset(fd, resetsAt(asked, isSent));
    this.#closing.delete(fd);
    closeConnection(this.#context, fd);
  }
}

/** Whether the end of the connection is a reset, by what was asked for. @param isSent whether all output is sent */
const resetsAt = (asked: number, isSent: boolean): boolean =>
  (asked & RESETS) !== 0 && !(isSent && (asked & COMPLETES) !== 0);
