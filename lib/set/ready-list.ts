/**
 * The ready list: events that the kernel has reported and no thread has taken yet. It lies in shared memory, so one wait
 * serves many threads: each leader takes one event and leaves the rest to the next. With a private batch for each thread
 * the rest would wait for the first one's handler.
 *
 * Only the leader touches it; LEADER is its lock, and the exchange of that word orders the plain accesses here.
 *
 * A thread that has a set of its own (set/handle-set.ts) has a list for it, which only that thread touches. It lies in shared memory, too, where
 * observers see it. Rescans are the shared list's: a handle that it finds in another set is reported there.
 */
import {
  READY_CAPACITY,
  READY_END,
  READY_EVENTS,
  READY_NEXT,
  READY_PEAK,
  RESCAN,
  SCAN_CURSOR,
} from '../memory/layout.js';
import { EPOLLIN, EPOLLOUT, EVENT_DATA, EVENT_WORDS, epollWait } from '../sys/epoll.js';
import { addEnds } from '../sys/waiting.js';
import { FREE, type HandleTable } from './handle-table.js';

/** What a rescan looks at. */
export interface Rescanned {
  readonly table: HandleTable;
  /** Has a handle of another set reported there. @returns whether that is left to another thread */
  reportsElsewhere(fd: number): boolean;
}

export class ReadyList {
  readonly #words: Int32Array;
  readonly #events: Int32Array;
  readonly #epoll: number;
  readonly #rescanned: Rescanned | null;

  /** The event that `take` took last. */
  fd = -1;
  generation = 0;
  /** Bits of epoll(7). */
  events = 0;

  /**
   * @param rescanned null for the list of a thread's own set
   * @param first the word at which a view of `control` begins that has the list's words at their indices: see ownReadyList. Default: the shared list
   */
  constructor(control: SharedArrayBuffer, epoll: number, rescanned: Rescanned | null, first = 0) {
    this.#words = new Int32Array(control, first * 4);
    this.#events = new Int32Array(control, (first + READY_EVENTS) * 4, READY_CAPACITY * EVENT_WORDS);
    this.#epoll = epoll;
    this.#rescanned = rescanned;
  }

  /** Takes the next event into `fd`, `generation` and `events`. @returns false when the list is empty */
  take(): boolean {
    const words = this.#words;
    const next = words[READY_NEXT]!;
    if (next === words[READY_END]!) return false;
    const at = next * EVENT_WORDS;
    this.events = this.#events[at]!;
    this.fd = this.#events[at + EVENT_DATA]!;
    this.generation = this.#events[at + EVENT_DATA + 1]!;
    words[READY_NEXT] = next + 1;
    return true;
  }

  /** Fills the list, which is empty, from the kernel's, without waiting. @returns how many events came */
  refill(): number {
    const words = this.#words;
    const count = this.#rescanned === null ? 0 : this.#rescan(this.#rescanned);
    const more = count > 0 ? count : epollWait(this.#epoll, this.#events, READY_CAPACITY, 0);
    words[READY_NEXT] = 0;
    words[READY_END] = more;
    if (more > words[READY_PEAK]!) words[READY_PEAK] = more;
    return more;
  }

  /** Whether a rescan has more to look at. */
  isScanning(): boolean {
    return this.#rescanned !== null && this.#words[SCAN_CURSOR]! >= 0;
  }

  #rescan(rescanned: Rescanned): number {
    const words = this.#words;
    if (Atomics.load(words, RESCAN) === 1 && Atomics.exchange(words, RESCAN, 0) === 1) words[SCAN_CURSOR] = 0;
    return words[SCAN_CURSOR]! >= 0 ? this.#scan(rescanned) : 0;
  }

  /**
   * Makes an event for each handle from the cursor on, in place of those that may be lost, or has it reported in its own set; for no more
   * handles than the list has room for. What is made up is that a handle may be readable and writable; that its peer has ended is asked for,
   * because a connection that has read less than it has room for does not look for its end.
   *
   * @returns how many events it made
   */
  #scan(rescanned: Rescanned): number {
    const words = this.#words;
    const { table } = rescanned;
    let fd = words[SCAN_CURSOR]!;
    let count = 0;
    const end = table.end();
    for (let left = READY_CAPACITY; fd < end && left > 0; fd++) {
      if (table.state(fd) === FREE) continue;
      left--;
      if (rescanned.reportsElsewhere(fd)) continue;
      const at = count++ * EVENT_WORDS;
      this.#events[at] = EPOLLIN | EPOLLOUT;
      this.#events[at + EVENT_DATA] = fd;
      this.#events[at + EVENT_DATA + 1] = table.generation(fd);
    }
    words[SCAN_CURSOR] = fd < end ? fd : -1;
    addEnds(this.#events, count);
    return count;
  }
}
