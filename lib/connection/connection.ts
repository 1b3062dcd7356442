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
 * - OPEN: requests are read, or the protocol's equivalent of them.
 * - CLOSING: the exchange under way is completed and everything is sent; no further request is read. The connection stays in its
 *   thread.
 * - LINGERING: everything is sent and the sending side is shut down; input is discarded until the peer ends its side, or the
 *   deadline passes. A lingering connection may be left to any thread: the flag IS_LINGERING of its record makes the next `enter` go
 *   to LINGERING instead of OPEN.
 *
 * Any other transition is a bug of ours and throws. Independent of the state are: whether the connection is bound, whether a receive
 * would block, how much of the peer's end is known, whether the connection is broken, and whether its deadline has passed.
 *
 * A dispatch takes steps until one ends it:
 *
 *                              ┌── true ──┐
 *   dispatch, proceed ──▶ step ┴──────────┴─▶ left     idle: the next event may go to any thread
 *                                          ├─▶ bound    waits in this thread for an event or `wake`
 *                                          ├─▶ yielded  bound to this thread, and continues after the events of others
 *                                          └─▶ closed
 */
import { DROPPED } from '../memory/counters.js';
import { NO_DEPENDANT, WAITS } from '../set/engagement.js';
import { hasFlag, setFlag } from '../set/handle-record.js';
import { INTEREST_INPUT_OUTPUT } from '../set/handle-set.js';
import { BROKEN, PEER_ENDED, READABLE, TIMED_OUT } from '../set/handle-table.js';
import { EAGAIN, EINTR } from '../sys/libc.js';
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

/** How much of the peer's end is known: it may still send. */
export const INPUT_OPEN = 0;
/** The peer has ended its side; input that it sent before may still be unread. */
export const INPUT_ENDING = 1;
/** All input has been received. */
export const INPUT_ENDED = 2;

/** Whether a dispatch is under way, and whether `wake` was called meanwhile. */
const NOT_DISPATCHING = 0;
const DISPATCHING = 1;
const WOKEN = 2;

export abstract class Connection implements BoundConnection, Deferred {
  /** -1 while the state is CLOSED. */
  fd = -1;
  bound = false;
  protected readonly context: ThreadContext;
  protected readonly budget = new DispatchBudget();
  /** Edge-triggered: there is nothing to receive before the next event. */
  protected readWouldBlock = false;
  /** One of the INPUT_ values. */
  protected inputState = INPUT_OPEN;
  protected broken = false;
  /** The timeouts have found the deadline passed. */
  protected timedOut = false;
  readonly #shared: ConnectionThread;
  /** What the connection makes of its thread while it is bound; see set/engagement.ts. */
  #dependant = NO_DEPENDANT;
  #state = CLOSED;
  #progress = NOT_DISPATCHING;
  /** The server ends it, whatever is still to be sent. */
  #dropped = false;

  constructor(shared: ConnectionThread) {
    this.context = shared.context;
    this.#shared = shared;
  }

  /** One of the states above. */
  protected get state(): number {
    return this.#state;
  }

  /** Whether a dispatch is under way: code of the app that runs now was called by it. */
  protected get dispatching(): boolean {
    return this.#progress !== NOT_DISPATCHING;
  }

  protected get peerEnded(): boolean {
    return this.inputState !== INPUT_OPEN;
  }

  /**
   * Takes over a connection that this thread has just entered.
   *
   * @throws Error while this object has another one
   */
  enter(fd: number): void {
    if (this.#state !== CLOSED) this.#illegal(OPEN);
    this.#state = hasFlag(this.context.table, fd, IS_LINGERING) ? LINGERING : OPEN;
    this.fd = fd;
    this.readWouldBlock = false;
    this.inputState = INPUT_OPEN;
    this.broken = false;
    this.timedOut = false;
    this.#dropped = false;
  }

  #illegal(next: number): never {
    throw new Error(`a connection can't go from ${STATE_NAMES[this.#state]} to ${STATE_NAMES[next]}`);
  }

  /** Does the next thing that is due. @returns false once the connection has been left, bound, yielded or closed */
  protected abstract step(): boolean;

  /** Closes the connection in any state but CLOSED, whatever is under way. */
  protected abstract destroy(): false;

  /** Processes events; leaves, binds, yields or closes the connection in the end. */
  dispatch(events: number): void {
    // The clock has just been read, for the change of the thread's state.
    this.budget.begin(this.context.recorder.micros);
    this.#takeSteps(events);
  }

  /** Continues after `wake` or `yield`. */
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

  /** An exception has left `dispatch` or `proceed`: closes the connection. This object must not be used for another one. */
  abort(): void {
    this.#progress = NOT_DISPATCHING;
    try {
      if (this.#state !== CLOSED) this.drop();
    } catch (error) {
      // Only when the handle table is corrupt: the record is lost.
      this.context.log('error', 'a connection could not be aborted', { error });
    }
  }

  /** The connection has something to do; it continues as soon as this thread is out of user code. */
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

  /** A dispatch begins: puts back what `keepInput` kept. For protocols that keep input between dispatches. */
  protected restoreInput(): void {}

  /** A dispatch ends, and the connection is bound: sets the deadline for what it waits for. */
  protected abstract setWaitDeadline(): void;

  /** A dispatch ends, and the connection is bound: copies unprocessed input out of the buffer, which other connections use next. */
  protected keepInput(): void {}

  /** Ends the dispatch with the connection bound, because something is under way that threads cannot share. @returns as `step` */
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

  /** Ends the dispatch because its budget is spent: the connection continues after the events of others. */
  protected yield(): false {
    this.setWaitDeadline();
    this.noteEvents(this.#bind());
    this.keepInput();
    this.context.defer(this);
    return false;
  }

  /** What the connection makes of its thread while it is bound: see set/engagement.ts. */
  protected get waitingFor(): number {
    return WAITS;
  }

  /** What the connection makes of its thread now: NO_DEPENDANT while it is not bound. */
  protected get dependant(): number {
    return this.#dependant;
  }

  #depend(dependant: number): void {
    if (dependant === this.#dependant) return;
    this.context.engagement.change(this.#dependant, dependant);
    this.#dependant = dependant;
  }

  /** @returns events noted meanwhile */
  #bind(): number {
    this.#depend(this.waitingFor);
    if (this.bound) return 0;
    this.bound = true;
    this.#shared.boundConnections.set(this.fd, this);
    return this.context.table.bind(this.fd, this.context.self);
  }

  /** Releases the connection to any thread. @returns true when events were noted meanwhile: this thread is then still inside */
  protected release(): boolean {
    // What is still to be sent lies in this thread's memory.
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

  /**
   * Releases the connection to any thread with work left in it. The kernel reports it again: before it is left, because afterwards another
   * thread may close it; and once more where that report was noted meanwhile.
   */
  protected releaseReported(): void {
    const { table, handles } = this.context;
    const { fd } = this;
    do handles.resumeHandle(fd, INTEREST_INPUT_OUTPUT);
    while ((this.bound ? table.unbind(fd) : table.leave(fd)) !== 0);
    this.detach();
  }

  /** Nothing is due until the peer sends more: leaves the connection to any thread, or waits bound. @returns as `step` */
  protected abstract leave(): boolean;

  /** Goes from OPEN to CLOSING; in CLOSING, does nothing. */
  protected beginClosing(): void {
    if (this.#state === CLOSING) return;
    if (this.#state !== OPEN) this.#illegal(CLOSING);
    this.#state = CLOSING;
  }

  /**
   * Begins lingering close, once everything is sent. Closing a connection while input is unread, or in flight, would reset it, and
   * the peer could lose the end of what it was sent (RFC 9112, 9.6). So only the sending side is shut down, and the peer is given
   * `lingerTicks` to end its own.
   */
  protected beginLingering(): true {
    if (this.#state !== CLOSING) this.#illegal(LINGERING);
    const { context, fd } = this;
    this.#state = LINGERING;
    context.transport.shutdownSending(fd);
    setFlag(context.table, fd, IS_LINGERING);
    setDeadline(context, fd, context.limits.lingerTicks);
    return true;
  }

  /** The step in the state LINGERING: discards input until the peer ends its side, or the deadline passes. */
  protected linger(): boolean {
    if (this.timedOut) return this.destroy();
    if (this.readWouldBlock) return this.leave();
    if (!this.budget.spend(RECEIVE_COST)) return this.yield();
    const count = this.context.transport.receive(this.fd, 0, RECEIVE_BYTES);
    if (count === -EAGAIN) this.readWouldBlock = true;
    else if (count <= 0 && count !== -EINTR) return this.destroy();
    return true;
  }

  /** Aborts the connection, counted as dropped: the server ends it, not the peer. */
  protected drop(): false {
    this.context.counters[DROPPED]!++;
    this.#dropped = true;
    return this.destroy();
  }

  /** Closes the connection, with nothing under way. */
  protected close(): false {
    const { fd } = this;
    this.detach();
    closeConnection(this.context, fd, this.#dropped);
    return false;
  }

  /** Detaches this object from its connection, which has been released or is about to be closed. */
  protected detach(): void {
    if (this.#state === CLOSED) this.#illegal(CLOSED);
    // The state comes last: while it is another one, `abort` still closes the connection.
    if (this.bound) this.#shared.boundConnections.delete(this.fd);
    this.#depend(NO_DEPENDANT);
    this.fd = -1;
    this.#state = CLOSED;
  }
}
