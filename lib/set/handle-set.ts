/**
 * The handle set: one epoll instance that all threads share, and the ready list filled from it.
 *
 * Handles are registered once and edge-triggered: the kernel reports a change, the handle table notes what is reported while a
 * thread is inside, and no call is needed to re-arm a handle after each event.
 */
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
import { ReadyList } from './ready-list.js';

/** The interest of a handle, in bits of epoll(7). The end of the peer's input and errors are always reported. */
export const INTEREST_INPUT = EPOLLIN | EPOLLRDHUP;
/** For handlers that send first: the first event comes at once, because the handle is writable. */
export const INTEREST_INPUT_OUTPUT = EPOLLIN | EPOLLOUT | EPOLLRDHUP;

/** Why `waitForEvent` returned. */
export const EVENTS_READY = POLL_FIRST;
export const LOOP_READY = POLL_SECOND;

export class HandleSet {
  readonly #epoll: number;
  readonly ready: ReadyList;

  constructor(
    control: SharedArrayBuffer,
    readonly table: HandleTable,
    epoll: number,
    /** The thread that this object belongs to. */
    readonly self = CONTROL_PLANE,
  ) {
    this.#epoll = epoll;
    this.ready = new ReadyList(control, table, epoll);
  }

  /**
   * Adds a descriptor to the table and to the kernel's set. From then on any thread may be inside it.
   *
   * @param deadline the tick at which its time is up, 0 for never
   * @throws PacelineError `PACELINE_SYSTEM`; the descriptor is then in neither of them
   */
  registerHandle(fd: number, kind: number, interest: number, deadline = 0): void {
    const generation = this.table.open(fd, kind, deadline, this.self);
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
    const result = epollAdd(this.#epoll, fd, generation, interest | EPOLLET);
    if (result < 0) must('epoll_ctl', result);
    // What was reported meanwhile is reported again, to the next leader.
    while (this.table.leave(fd) !== 0) epollModify(this.#epoll, fd, generation, interest | EPOLLET);
  }

  /**
   * Adds a descriptor to the kernel's set that replaces the one registered under its number. The caller need not be inside the
   * handle.
   */
  reregisterHandle(fd: number, interest: number): void {
    epollAdd(this.#epoll, fd, this.table.generation(fd), interest | EPOLLET);
  }

  /**
   * Removes a handle from the kernel's set and the table; the caller is inside it. Closing the descriptor does the first, too.
   */
  unregisterHandle(fd: number): void {
    epollDelete(this.#epoll, fd);
    this.table.close(fd);
  }

  /** Stops the reports of a handle, except those of errors and hang-ups. */
  suspendHandle(fd: number): void {
    epollModify(this.#epoll, fd, this.table.generation(fd), EPOLLERR | EPOLLET);
  }

  /** Sets a handle's interest; what is ready already is reported again. */
  resumeHandle(fd: number, interest: number): void {
    epollModify(this.#epoll, fd, this.table.generation(fd), interest | EPOLLET);
  }

  /**
   * Blocks the leader until events are ready or its own event loop has work.
   *
   * @param timeoutMs until the loop's next timer; -1 for none
   * @returns bits EVENTS_READY and LOOP_READY; 0 when the timer is due (or a signal came)
   */
  waitForEvent(loopFd: number, timeoutMs: number): number {
    return pollTwo(this.#epoll, loopFd, timeoutMs);
  }
}
