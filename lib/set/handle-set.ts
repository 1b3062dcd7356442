/**
 * The handle set: one epoll instance that all threads share, and the ready list filled by it.
 *
 * Handles are registered once and edge-triggered: the kernel reports a change, the handle table remembers what was
 * reported while a thread was inside, and no call is needed to arm a handle again after each event.
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

/** What a handle is watched for. The peer's end and errors are always reported. */
export const WATCH_INPUT = EPOLLIN | EPOLLRDHUP;
/** For handlers that speak first: the first event comes at once, because the handle is writable. */
export const WATCH_BOTH = EPOLLIN | EPOLLOUT | EPOLLRDHUP;

/** Why `waitForEvent` came back. */
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
   * Puts a descriptor into the table and the kernel's set. From then on any thread may be inside it.
   *
   * @param deadline the tick at which its time is up, 0 for never
   * @throws PacelineError `PACELINE_SYSTEM`; the descriptor is then in neither
   */
  registerHandle(fd: number, kind: number, watch: number, deadline = 0): void {
    const generation = this.table.open(fd, kind, deadline, this.self);
    try {
      this.watchHandle(fd, generation, watch);
    } catch (error) {
      this.table.close(fd);
      throw error;
    }
  }

  /**
   * The second half of `registerHandle`: puts a descriptor that the caller has opened in the table into the kernel's set, and
   * leaves it.
   *
   * @throws PacelineError `PACELINE_SYSTEM`; the caller is then still inside it
   */
  watchHandle(fd: number, generation: number, watch: number): void {
    const result = epollAdd(this.#epoll, fd, generation, watch | EPOLLET);
    if (result < 0) must('epoll_ctl', result);
    // What was reported since is reported again to whoever comes next.
    while (this.table.leave(fd) !== 0) epollModify(this.#epoll, fd, generation, watch | EPOLLET);
  }

  /** Puts a descriptor into the kernel's set that took the place of the one in the table. The caller need not be inside it. */
  watchAgain(fd: number, watch: number): void {
    epollAdd(this.#epoll, fd, this.table.generation(fd), watch | EPOLLET);
  }

  /** Takes a descriptor out of the kernel's set and the table; the caller is inside it. Closing it does the first too. */
  unregisterHandle(fd: number): void {
    epollDelete(this.#epoll, fd);
    this.table.close(fd);
  }

  /** Stops the reports of a handle. */
  suspendHandle(fd: number): void {
    epollModify(this.#epoll, fd, this.table.generation(fd), EPOLLERR | EPOLLET);
  }

  /** Watches a handle for `watch` from now on; what is ready already is reported again. */
  resumeHandle(fd: number, watch: number): void {
    epollModify(this.#epoll, fd, this.table.generation(fd), watch | EPOLLET);
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
