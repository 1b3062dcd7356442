/**
 * What the concrete event handlers of connections have in common: how a thread visits a connection that it is inside of, or
 * that is bound to it, and how the visit ends.
 *
 *                         ┌── true ──┐
 *   run, proceed ──▶ step ┴──────────┴─▶ left     idle: any thread takes its next event
 *                                     ├─▶ held     bound to this thread, until an event or `wake`
 *                                     ├─▶ yielded  bound to this thread, and goes on by itself after the others' events
 *                                     └─▶ closed
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
import { LINGERING } from './flags.js';
import { RECEIVE_BYTES } from './limits.js';

export abstract class Connection implements BoundConnection, Deferred {
  /** -1 while this object has no connection. */
  fd = -1;
  bound = false;
  protected readonly context: ThreadContext;
  protected readonly budget = new DispatchBudget();
  /** There is nothing to receive until an event says so. */
  protected drained = false;
  protected peerEnded = false;
  protected broken = false;
  /** The deadline has been found passed. */
  protected timedOut = false;
  readonly #shared: ConnectionThread;
  #running = false;
  /** News came while running. */
  #woken = false;

  constructor(shared: ConnectionThread) {
    this.context = shared.context;
    this.#shared = shared;
  }

  /** Does the next thing there is to do. @returns false once the connection has been left, held, yielded or closed */
  protected abstract step(): boolean;

  /** Ends the connection, whatever is under way. */
  protected abstract destroy(): false;

  /** Processes what happened; leaves, holds, yields or closes the connection in the end. */
  run(events: number): void {
    // The clock has just been read, for the change of the thread's state.
    this.budget.begin(this.context.recorder.micros);
    this.#visit(events);
  }

  proceed(): void {
    if (this.fd < 0 || !this.bound) return;
    this.budget.beginAgain();
    this.#visit(0);
  }

  #visit(events: number): void {
    this.#running = true;
    this.#woken = false;
    this.note(events);
    this.resumed();
    while (this.step()) {}
    this.#running = false;
  }

  /** An exception has left `run` or `proceed`: ends the connection. This object is not to be used for another one. */
  abort(): void {
    this.#running = false;
    try {
      if (this.fd >= 0) this.drop();
    } catch (error) {
      // Only a table that is not what it should be: its record is what is lost.
      this.context.log('error', 'a connection could not be aborted', { error });
    }
  }

  /** There is news of the connection, which goes on as soon as this thread is out of user code. */
  wake(): void {
    if (this.#running) this.#woken = true;
    else this.context.defer(this);
  }

  protected note(events: number): void {
    if (events & (READABLE | PEER_ENDED | BROKEN)) this.drained = false;
    if (events & PEER_ENDED) this.peerEnded = true;
    if (events & BROKEN) this.broken = true;
    if (events & TIMED_OUT) this.timedOut = isDue(this.context, this.fd);
  }

  /** A visit begins. */
  protected resumed(): void {}

  /** Sets the deadline for what the connection waits for while it is bound. */
  protected abstract waits(): void;

  /** A visit ends, and the connection is bound. */
  protected suspended(): void {}

  /** Keeps the connection in this thread: something that cannot be shared is under way. */
  protected hold(): boolean {
    if (this.#woken) {
      this.#woken = false;
      return true;
    }
    this.waits();
    const noted = this.#bind();
    if (noted !== 0) {
      this.note(noted);
      return true;
    }
    this.suspended();
    return false;
  }

  /** The visit has had its share: what is left is done after the others' events. */
  protected yield(): false {
    this.waits();
    this.note(this.#bind());
    this.suspended();
    this.context.defer(this);
    return false;
  }

  /** @returns events noted meanwhile */
  #bind(): number {
    if (this.bound) return 0;
    this.bound = true;
    this.#shared.held.set(this.fd, this);
    return this.context.table.bind(this.fd, this.context.self);
  }

  /** Lets go of the connection, unless there is news. @returns whether there is, and the thread is still inside */
  protected letGo(): boolean {
    const { table } = this.context;
    const noted = this.bound ? table.unbind(this.fd) : table.leave(this.fd);
    if (noted === 0) {
      this.forget();
      return false;
    }
    this.note(noted);
    return true;
  }

  /** Nothing is left to do until the peer sends more: leaves the connection to any thread, or keeps it in this one. */
  protected abstract leave(): boolean;

  /** Whether lingering close is under way. */
  protected get lingering(): boolean {
    return hasFlag(this.context.table, this.fd, LINGERING);
  }

  /**
   * Lingering close, once everything is sent. Closing a connection while input is unread, or on its way, would reset it, and could
   * cost the peer the end of what it was sent (RFC 9112, 9.6). So only the sending side is ended, and the peer gets some time to
   * end its own.
   */
  protected beginLingering(): true {
    const { context, fd } = this;
    shutdownSending(fd);
    setFlag(context.table, fd, LINGERING);
    setDeadline(context, fd, context.limits.lingerTicks);
    return true;
  }

  /** The step of a connection that lingers: discards input until the peer ends its side, or its time is up. */
  protected linger(): boolean {
    if (this.timedOut) return this.destroy();
    if (this.drained) return this.leave();
    if (!this.budget.spend(RECEIVE_COST)) return this.yield();
    const count = receive(this.fd, this.#shared.inputAddress, RECEIVE_BYTES);
    if (count === -EAGAIN) this.drained = true;
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
    this.forget();
    closeConnection(this.context, fd);
    return false;
  }

  /** This object has nothing to do with the connection any more. */
  protected forget(): void {
    if (this.bound) this.#shared.held.delete(this.fd);
    this.fd = -1;
  }
}
