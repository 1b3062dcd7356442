/**
 * How many requests wait for a thread. Without reading them nobody knows, so what is counted are connections: those with an event in the
 * ready list or an entry in a mailbox or in the request queue, those with unread input while nobody waits for events, and those in the
 * listening sockets' accept queues.
 *
 * While a thread waits for events, it takes what is readable at once, so the connections themselves are looked at only when none has for
 * some time: that takes a system call over all of them. Where threads have handle sets of their own, each waits for its own connections.
 */
import { isConnection } from '../connection/event-handler.js';
import {
  LISTENER_FD,
  listenerArea,
  MAILBOX_CAPACITY,
  MAILBOX_ENTRIES,
  MAILBOX_ENTRY_WORDS,
  MAILBOX_PUT,
  MAILBOX_TAKEN,
  MAX_LISTENERS,
  ownReadyList,
  READY_CAPACITY,
  READY_END,
  READY_EVENTS,
  READY_NEXT,
  threadArea,
} from '../memory/layout.js';
import { FREE, type HandleTable, INSIDE } from '../set/handle-table.js';
import type { RequestQueue } from '../set/request-queue.js';
import { EVENT_DATA, EVENT_WORDS } from '../sys/epoll.js';
import { acceptQueueLength, socketCookie, withUnreadInput } from '../sys/waiting.js';

/** A promotion takes some microseconds. */
const NOT_AWAITED_MS = 50;

/** What waits: all of it, and the part that is in each listening socket's queue, by the socket's cookie, where that is not empty. */
export interface Waiting {
  readonly waiting: number;
  readonly acceptQueues: ReadonlyMap<number, number>;
}

export class WaitingRequests {
  readonly #words: Int32Array;
  readonly #table: HandleTable;
  readonly #threads: number;
  readonly #queue: RequestQueue | null;

  /** @param queue null in models without one */
  constructor(control: SharedArrayBuffer, table: HandleTable, threads: number, queue: RequestQueue | null) {
    this.#queue = queue;
    this.#words = new Int32Array(control);
    this.#table = table;
    this.#threads = threads;
  }

  /**
   * @param notAwaitedMs for how long no thread has waited for the events of a handle set, by its number (0 for the shared one); 0 if one does
   * @param own gets how many wait of each thread's own set
   */
  count(notAwaitedMs: readonly number[], own: number[]): Waiting {
    const waiting = new Set<number>();
    const isStale = notAwaitedMs.map((ms) => ms >= NOT_AWAITED_MS);
    for (const set of notAwaitedMs.keys()) this.#addReady(waiting, set === 0 ? 0 : ownReadyList(set));
    this.#queue?.forEachDescriptor((fd) => this.#add(waiting, fd));
    for (let thread = 0; thread < this.#threads; thread++) this.#addMailbox(waiting, thread);
    if (isStale.includes(true)) {
      for (const fd of withUnreadInput(this.#untouched(isStale))) waiting.add(fd);
    }
    for (const fd of waiting) own[this.#table.set(fd)]!++;
    const acceptQueues = this.#acceptQueues();
    return { waiting: waiting.size + totalOf(acceptQueues), acceptQueues };
  }

  /** Threads take from the lists meanwhile: what is read is a hint. @param first the word at which the list's words begin */
  #addReady(waiting: Set<number>, first: number): void {
    const words = this.#words.subarray(first);
    const end = Math.min(READY_CAPACITY, words[READY_END]!);
    for (let index = words[READY_NEXT]!; index < end; index++) {
      this.#add(waiting, words[READY_EVENTS + index * EVENT_WORDS + EVENT_DATA]!);
    }
  }

  #addMailbox(waiting: Set<number>, thread: number): void {
    const words = this.#words;
    const area = threadArea(thread);
    const put = Atomics.load(words, area + MAILBOX_PUT);
    const taken = Atomics.load(words, area + MAILBOX_TAKEN);
    const entries = Math.min(MAILBOX_CAPACITY, Math.max(0, (put - taken) | 0));
    for (let index = 0; index < entries; index++) {
      const slot = (taken + index) & (MAILBOX_CAPACITY - 1);
      this.#add(waiting, words[area + MAILBOX_ENTRIES + slot * MAILBOX_ENTRY_WORDS]!);
    }
  }

  #add(waiting: Set<number>, fd: number): void {
    const table = this.#table;
    if (fd < table.capacity && table.state(fd) !== FREE && isConnection(table.kind(fd))) waiting.add(fd);
  }

  /** The connections that no thread is inside. @param sets those of which they are, by their numbers */
  #untouched(sets: readonly boolean[]): number[] {
    const table = this.#table;
    const fds: number[] = [];
    for (let fd = 0, end = table.end(); fd < end; fd++) {
      const state = table.state(fd);
      if (state === FREE || state === INSIDE || !isConnection(table.kind(fd))) continue;
      if (sets[table.set(fd)] === true) fds.push(fd);
    }
    return fds;
  }

  #acceptQueues(): Map<number, number> {
    const queues = new Map<number, number>();
    for (let index = 0; index < MAX_LISTENERS; index++) {
      const fd = Atomics.load(this.#words, listenerArea(index) + LISTENER_FD) - 1;
      const length = fd < 0 ? 0 : acceptQueueLength(fd);
      if (length > 0) queues.set(socketCookie(fd), length);
    }
    return queues;
  }
}

/** The connections in all of the queues. */
export function totalOf(acceptQueues: ReadonlyMap<number, number>): number {
  let total = 0;
  for (const length of acceptQueues.values()) total += length;
  return total;
}
