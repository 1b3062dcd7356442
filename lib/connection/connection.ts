/**
 * The base of HTTP and raw TCP connections: their lifecycle, and the dispatch, which is a thread's work on one event of a connection
 * that it is inside of, or that is bound to it.
 *
 * The lifecycle is one state. An object is CLOSED as long as it has no connection: before `enter`, and once the connection has been
 * left to any thread, or closed.
 *
 *   CLOSED ── enter ──▶ OPEN ── beginClosing ──▶ CLOSING ── beginLingering ──▶ LINGERING
 *     ▲                  │ left, closed           │ closed                      │ left, closed
 *     └──────────────────┴────────────────────────┴─────────────────────────────┘
 *
 * - OPEN: requests are read, or what the protocol has in their place.
 * - CLOSING: what is under way is completed and sent; nothing more is read as a request. The connection stays in its thread.
 * - LINGERING: everything is sent and the sending side is ended; input is discarded until the peer ends its side, or its time is
 *   up. A lingering connection may be left to any thread: the flag IS_LINGERING of its record says so to the next one, whose
 *   `enter` goes to LINGERING instead of OPEN.
 *
 * Any other transition is a mistake of ours and throws. Beside the state there are independent facts, which hold in any state:
 * whether the connection is bound, whether the kernel has input, what of the peer's end is known, whether it is broken or its time
 * is up.
 *
 * How a dispatch goes and ends:
 *
 *                              ┌── true ──┐
 *   dispatch, proceed ──▶ step ┴──────────┴─▶ left     idle: any thread takes its next event
 *                                          ├─▶ bound    bound to this thread, until an event or `wake`
 *                                          ├─▶ yielded  bound to this thread, and goes on by itself after the others' events
 *                                          └─▶ closed
 */
import { DROPPED } from '../memory/counters.js';
import { hasFlag, setFlag } from '../set/handle-record.js';
import { BROKEN, PEER_ENDED, READABLE, TIMED_OUT } from '../set/handle-table.js';
import { EAGAIN, EINTR } from '../sys/libc.js';
import { receive, shutdownSending } from '../sys/socket.js';
import { closeConnection } from './close.js';
import type { BoundConnection, ConnectionThread } from './connection-thread.js';
import { isDue, setDeadline } from './deadlines.js';
import { DispatchBudget, RECEIVE_COST } from './dispatch-budget.js';
import type { Deferred, ThreadContext } from './event-handler.js';
import { IS_LINGERING } from './flags.js';
import { RECEIVE_BYTES } from './limits.js';

/** States of the lifecycle. */
export const CLOSED = 0;
export const OPEN = 1;
export const CLOSING = 2;
export const LINGERING = 3;
const STATE_NAMES = ['closed', 'open', 'closing', 'lingering'];

/** What is known of the peer's end of the connection. */
export const INPUT_OPEN = 0;
/** The peer has ended its side; there may be input from before that. */
export const INPUT_ENDING = 1;
/** All input has been received. */
export const INPUT_ENDED = 2;

/** Whether a dispatch is under way, and there has been a `wake` meanwhile. */
const NOT_DISPATCHING = 0;
const DISPATCHING = 1;
const WOKEN = 2;

export abstract class Connection implements BoundConnection, Deferred {
  /** -1 while the state is CLOSED. */
  fd = -1;
  bound = false;
  protected readonly context: ThreadContext;
  protected readonly budget = new DispatchBudget();
  /** There is nothing to receive until an event says so. */
  protected readWouldBlock = false;
  /** One of the INPUT_ values. */
  protected inputState = INPUT_OPEN;
  protected broken = false;
  /** The deadline has been found passed. */
  protected timedOut = false;
  readonly #shared: ConnectionThread;
  #state = CLOSED;
  #progress = NOT_DISPATCHING;

  constructor(shared: ConnectionThread) {
    this.context = shared.context;
    this.#shared = shared;
  }

  /** One of the states above. */
  protected get state(): number {
    return this.#state;
  }

  protected get peerEnded(): boolean {
    return this.inputState !== INPUT_OPEN;
  }

  /** Takes over a connection that this thread has just come to be inside of. */
  enter(fd: number): void {
    if (this.#state !== CLOSED) this.#illegal(OPEN);
    this.#state = hasFlag(this.context.table, fd, IS_LINGERING) ? LINGERING : OPEN;
    this.fd = fd;
    this.readWouldBlock = false;
    this.inputState = INPUT_OPEN;
    this.broken = false;
    this.timedOut = false;
  }

  #illegal(next: number): never {
    throw new Error(`a connection can't go from ${STATE_NAMES[this.#state]} to ${STATE_NAMES[next]}`);
  }

  /** Does the next thing there is to do. @returns false once the connection has been left, bound, yielded or closed */
  protected abstract step(): boolean;

  /** Ends the connection, whatever is under way. */
  protected abstract destroy(): false;

  /** Processes what happened; leaves, binds, yields or closes the connection in the end. */
  dispatch(events: number): void {
    // The clock has just been read, for the change of the thread's state.
    this.budget.begin(this.context.recorder.micros);
    this.#takeSteps(events);
  }

  proceed(): void {
    if (this.#state === CLOSED || !this.bound) return;
    this.budget.beginAgain();
    this.#takeSteps(0);
  }

  #takeSteps(events: number): void {
    this.#progress = DISPATCHING;
    this.noteEvents(events);
    this.restoreInput();
    while (this.step()) {}
    this.#progress = NOT_DISPATCHING;
  }

  /** An exception has left `dispatch` or `proceed`: ends the connection. This object is not to be used for another one. */
  abort(): void {
    this.#progress = NOT_DISPATCHING;
    try {
      if (this.#state !== CLOSED) this.drop();
    } catch (error) {
      // Only a table that is not what it should be: its record is what is lost.
      this.context.log('error', 'a connection could not be aborted', { error });
    }
  }

  /** There is news of the connection, which goes on as soon as this thread is out of user code. */
  wake(): void {
    if (this.#progress === NOT_DISPATCHING) this.context.defer(this);
    else this.#progress = WOKEN;
  }

  protected noteEvents(events: number): void {
    if (events & (READABLE | PEER_ENDED | BROKEN)) this.readWouldBlock = false;
    if (events & PEER_ENDED && this.inputState === INPUT_OPEN) this.inputState = INPUT_ENDING;
    if (events & BROKEN) this.broken = true;
    if (events & TIMED_OUT) this.timedOut = isDue(this.context, this.fd);
  }

  /** A dispatch begins: puts back what `keepInput` kept, where there is input that the protocol keeps in its thread. */
  protected restoreInput(): void {}

  /** Sets the deadline for what the connection waits for while it is bound. */
  protected abstract setWaitDeadline(): void;

  /** A dispatch ends, and the connection is bound: keeps input that is not processed, as the thread's buffer serves others next. */
  protected keepInput(): void {}

  /** Keeps the connection in this thread: something that cannot be shared is under way. */
  protected waitBound(): boolean {
    if (this.#progress === WOKEN) {
      this.#progress = DISPATCHING;
      return true;
    }
    this.setWaitDeadline();
    const noted = this.#bind();
    if (noted !== 0) {
      this.noteEvents(noted);
      return true;
    }
    this.keepInput();
    return false;
  }

  /** The dispatch has spent its budget: what is left is done after the others' events. */
  protected yield(): false {
    this.setWaitDeadline();
    this.noteEvents(this.#bind());
    this.keepInput();
    this.context.defer(this);
    return false;
  }

  /** @returns events noted meanwhile */
  #bind(): number {
    if (this.bound) return 0;
    this.bound = true;
    this.#shared.boundConnections.set(this.fd, this);
    return this.context.table.bind(this.fd, this.context.self);
  }

  /** Releases the connection to any thread, unless there is news. @returns whether there is, and the thread is still inside */
  protected release(): boolean {
    // What waits to be sent lies in this thread's memory.
    if (this.#state === CLOSING) this.#illegal(CLOSED);
    const { table } = this.context;
    const noted = this.bound ? table.unbind(this.fd) : table.leave(this.fd);
    if (noted === 0) {
      this.detach();
      return false;
    }
    this.noteEvents(noted);
    return true;
  }

  /** Nothing is left to do until the peer sends more: leaves the connection to any thread, or keeps it in this one. */
  protected abstract leave(): boolean;

  /** To be closed once what is under way is completed and sent. Closing already, it goes on with that. */
  protected beginClosing(): void {
    if (this.#state === CLOSING) return;
    if (this.#state !== OPEN) this.#illegal(CLOSING);
    this.#state = CLOSING;
  }

  /**
   * Lingering close, once everything is sent. Closing a connection while input is unread, or on its way, would reset it, and could
   * cost the peer the end of what it was sent (RFC 9112, 9.6). So only the sending side is ended, and the peer gets some time to
   * end its own.
   */
  protected beginLingering(): true {
    if (this.#state !== CLOSING) this.#illegal(LINGERING);
    const { context, fd } = this;
    this.#state = LINGERING;
    shutdownSending(fd);
    setFlag(context.table, fd, IS_LINGERING);
    setDeadline(context, fd, context.limits.lingerTicks);
    return true;
  }

  /** The step in the state LINGERING: discards input until the peer ends its side, or its time is up. */
  protected linger(): boolean {
    if (this.timedOut) return this.destroy();
    if (this.readWouldBlock) return this.leave();
    if (!this.budget.spend(RECEIVE_COST)) return this.yield();
    const count = receive(this.fd, this.#shared.inputAddress, RECEIVE_BYTES);
    if (count === -EAGAIN) this.readWouldBlock = true;
    else if (count <= 0 && count !== -EINTR) return this.destroy();
    return true;
  }

  /** The server ends it of its own accord. */
  protected drop(): false {
    this.context.counters[DROPPED]!++;
    return this.destroy();
  }

  protected close(): false {
    const { fd } = this;
    this.detach();
    closeConnection(this.context, fd);
    return false;
  }

  /** Detaches this object from its connection, which has been released or is about to be closed. */
  protected detach(): void {
    if (this.#state === CLOSED) this.#illegal(CLOSED);
    this.#state = CLOSED;
    if (this.bound) this.#shared.boundConnections.delete(this.fd);
    this.fd = -1;
  }
}
