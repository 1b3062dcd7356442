/**
 * The handle set: one epoll instance that all threads share, and the ready list filled from it.
 *
 * Handles are registered once and edge-triggered: the kernel reports a change, the handle table notes what is reported while a
 * thread is inside, and no call is needed to re-arm a handle after each event.
 *
 * In half-sync/half-async every thread but the first has an epoll instance of its own besides, with a ready list of its own. A handle is in
 * one of them for life, and its record says in which (`HandleTable.set`), so any thread may suspend, resume or remove it; only the thread
 * that a set belongs to waits for its events. The shared set is then that of thread 0. All sets are the control plane's: the handles of a
 * dead thread's set stay in it, and its replacement goes on with them.
 */
import { ownReadyList } from '../memory/layout.js';
import {
  EPOLLERR,
  EPOLLET,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  epollAdd,
  epollDelete,
  epollModify,
  POLL_FIRST,
  POLL_SECOND,
  pollTwo,
} from '../sys/epoll.js';
import { must } from '../sys/libc.js';
import { CONTROL_PLANE, type HandleTable } from './handle-table.js';
import { ReadyList, type Rescanned } from './ready-list.js';

/** The interest of a handle, in bits of epoll(7). The end of the peer's input and errors are always reported. */
export const INTEREST_INPUT = EPOLLIN | EPOLLRDHUP;
/** For handlers that send first: the first event comes at once, because the handle is writable. */
export const INTEREST_INPUT_OUTPUT = EPOLLIN | EPOLLOUT | EPOLLRDHUP;

/** Why `waitForEvent` returned. */
export const EVENTS_READY = POLL_FIRST;
export const LOOP_READY = POLL_SECOND;

export class HandleSet implements Rescanned {
  /** The shared set. */
  readonly #epoll: number;
  /** All sets by their threads, the shared one first; null where there is no other. */
  readonly #sets: readonly number[] | null;
  /** The set whose events this thread waits for. */
  readonly #waited: number;
  readonly ready: ReadyList;

  /** @param ownSets epoll descriptors of the threads' own sets, from thread 1 on. Default: none has one */
  constructor(
    control: SharedArrayBuffer,
    readonly table: HandleTable,
    epoll: number,
    /** The thread that this object belongs to. */
    readonly self = CONTROL_PLANE,
    ownSets: readonly number[] = [],
  ) {
    this.#epoll = epoll;
    this.#sets = ownSets.length === 0 ? null : [epoll, ...ownSets];
    this.#waited = this.#sets?.[self] ?? epoll;
    this.ready =
      this.#waited === epoll
        ? new ReadyList(control, epoll, this)
        : new ReadyList(control, this.#waited, null, ownReadyList(self));
  }

  /** How many sets there are: one for each thread, or the shared one alone. */
  get count(): number {
    return this.#sets === null ? 1 : this.#sets.length;
  }

  /** Whether this thread waits for the events of a set of its own. */
  get waitsForOwnSet(): boolean {
    return this.#waited !== this.#epoll;
  }

  /** The kernel's set that a handle is in. */
  #setOf(fd: number): number {
    return this.#sets === null ? this.#epoll : this.#sets[this.table.set(fd)]!;
  }

  /**
   * Adds a descriptor to the table and to the kernel's set. From then on any thread may be inside it.
   *
   * @param deadline the tick at which its time is up, 0 for never
   * @param listener the number of the listener that accepted it
   * @throws PacelineError `PACELINE_SYSTEM`; the descriptor is then in neither of them
   */
  registerHandle(fd: number, kind: number, interest: number, deadline = 0, listener = 0): void {
    const generation = this.table.open(fd, kind, deadline, this.self, listener);
    try {
      this.completeRegistration(fd, generation, interest);
    } catch (error) {
      this.table.close(fd);
      throw error;
    }
  }

  /**
   * The second half of `registerHandle`: adds a descriptor that the caller has opened in the table to the kernel's set, and
   * leaves the handle.
   *
   * @throws PacelineError `PACELINE_SYSTEM`; the caller is then still inside it
   */
  completeRegistration(fd: number, generation: number, interest: number): void {
    const epoll = this.#setOf(fd);
    const result = epollAdd(epoll, fd, generation, interest | EPOLLET);
    if (result < 0) must('epoll_ctl', result);
    // What was reported meanwhile is reported again, to the next leader.
    while (this.table.leave(fd) !== 0) epollModify(epoll, fd, generation, interest | EPOLLET);
  }

  /**
   * Adds a descriptor to the kernel's set that replaces the one registered under its number. The caller need not be inside the
   * handle.
   */
  reregisterHandle(fd: number, interest: number): void {
    epollAdd(this.#setOf(fd), fd, this.table.generation(fd), interest | EPOLLET);
  }

  /**
   * Removes a handle from the kernel's set and the table; the caller is inside it. Closing the descriptor does the first, too.
   */
  unregisterHandle(fd: number): void {
    epollDelete(this.#setOf(fd), fd);
    this.table.close(fd);
  }

  /** Removes a handle from the kernel's set; its record stays. The caller is inside it. */
  ignoreHandle(fd: number): void {
    epollDelete(this.#setOf(fd), fd);
  }

  /** Stops the reports of a handle, except those of errors and hang-ups. */
  suspendHandle(fd: number): void {
    epollModify(this.#setOf(fd), fd, this.table.generation(fd), EPOLLERR | EPOLLET);
  }

  /** Sets a handle's interest; what is ready already is reported again. */
  resumeHandle(fd: number, interest: number): void {
    epollModify(this.#setOf(fd), fd, this.table.generation(fd), interest | EPOLLET);
  }

  /**
   * For a rescan of the shared set: has the kernel report a handle of another one there, to its thread or to that thread's replacement.
   *
   * @returns whether the handle was left to another thread
   */
  reportsElsewhere(fd: number): boolean {
    if (this.#sets === null || this.table.set(fd) === 0) return false;
    this.resumeHandle(fd, INTEREST_INPUT_OUTPUT);
    return true;
  }

  /**
   * Blocks the leader, or the thread that the set belongs to, until events are ready or its own event loop has work.
   *
   * @param timeoutMs until the loop's next timer; -1 for none
   * @returns bits EVENTS_READY and LOOP_READY; 0 when the timer is due (or a signal came)
   */
  waitForEvent(loopFd: number, timeoutMs: number): number {
    // A rescan that has found handles of other sets only may have more to look at.
    if (this.#sets !== null && this.ready.isScanning()) return EVENTS_READY;
    return pollTwo(this.#waited, loopFd, timeoutMs);
  }
}
