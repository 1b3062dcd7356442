/**
 * The ready list: events that the kernel has reported and no thread has taken yet. It lies in shared memory, so one wait
 * serves many threads: each leader takes one event and leaves the rest to the next. With a private batch for each thread
 * the rest would wait for the first one's handler.
 *
 * Only the leader touches it; LEADER is its lock, and the exchange of that word orders the plain accesses here.
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
import { FREE, type HandleTable } from './handle-table.js';

export class ReadyList {
  readonly #words: Int32Array;
  readonly #events: Int32Array;
  readonly #table: HandleTable;
  readonly #epoll: number;

  /** The event that `take` took last. */
  fd = -1;
  generation = 0;
  /** Bits of epoll(7). */
  events = 0;

  constructor(control: SharedArrayBuffer, table: HandleTable, epoll: number) {
    this.#words = new Int32Array(control);
    this.#events = new Int32Array(control, READY_EVENTS * 4, READY_CAPACITY * EVENT_WORDS);
    this.#table = table;
    this.#epoll = epoll;
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
    if (Atomics.load(words, RESCAN) === 1 && Atomics.exchange(words, RESCAN, 0) === 1) words[SCAN_CURSOR] = 0;
    const count = words[SCAN_CURSOR]! >= 0 ? this.#scan() : 0;
    const more = count > 0 ? count : epollWait(this.#epoll, this.#events, READY_CAPACITY, 0);
    words[READY_NEXT] = 0;
    words[READY_END] = more;
    if (more > words[READY_PEAK]!) words[READY_PEAK] = more;
    return more;
  }

  /** Makes an event for each handle from the cursor on, as many as fit, in place of those that may be lost. */
  #scan(): number {
    const words = this.#words;
    let fd = words[SCAN_CURSOR]!;
    let count = 0;
    const end = this.#table.end();
    for (; fd < end && count < READY_CAPACITY; fd++) {
      if (this.#table.state(fd) === FREE) continue;
      const at = count++ * EVENT_WORDS;
      this.#events[at] = EPOLLIN | EPOLLOUT;
      this.#events[at + EVENT_DATA] = fd;
      this.#events[at + EVENT_DATA + 1] = this.#table.generation(fd);
    }
    words[SCAN_CURSOR] = fd < end ? fd : -1;
    return count;
  }
}
