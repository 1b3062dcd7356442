/**
 * The handle table: one record for each descriptor number, and in it the state word that says which thread may touch the
 * handle.
 *
 *       registered         an event, taken by the leader            nothing noted meanwhile
 *   FREE ─(INSIDE)───────▶ IDLE ─────────────────────────────▶ INSIDE ─────────────────────────────▶ IDLE
 *     ▲                                                        │   │ bind: the thread keeps it
 *     │                  closed by the thread that is inside   │   ▼        nothing noted: unbind
 *     └────────────────────────────────────────────────────────┴─ BOUND ──────────────────────────▶ IDLE
 *
 * INSIDE: a thread is processing it now; the leader only *notes* further events in the word, and the thread checks for them
 * before the handle becomes idle. BOUND: the handle belongs to one thread across events, because JavaScript state
 * (a pending promise, unsent bytes, an app's own object) depends on it; the leader notes the event and hands it off to
 * that thread. A descriptor is closed only by the thread that is inside it or that it is bound to (or by the control
 * plane, for a dead thread), and is FREE before it is closed, so a number is never used after another thread closed it.
 *
 * The state word, from its low end: 2 bits state, 1 bit QUEUED (an entry for it is in its thread's mailbox), 5 bits of
 * noted events, 8 bits owner, 16 bits generation. The generation counts how often the descriptor number was opened, and also
 * travels in the epoll data, so an event of an earlier generation is recognised in the same compare-and-exchange.
 */
import { HANDLE_DEADLINE, HANDLE_KIND, HANDLE_STATE, HANDLE_WORDS } from '../memory/layout.js';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from '../sys/epoll.js';

export const FREE = 0;
export const IDLE = 1;
export const INSIDE = 2;
export const BOUND = 3;
const STATE_MASK = 3;

const QUEUED = 1 << 2;

/** Events, as event handlers get them. */
export const READABLE = 1;
export const WRITABLE = 2;
/** The peer will send no more. */
export const PEER_ENDED = 4;
/** The connection is closed by the peer or has an error. */
export const BROKEN = 8;
/** Its deadline has passed: noted by connection/timeouts.ts. */
export const TIMED_OUT = 16;
const EVENTS_SHIFT = 3;
const EVENTS_MASK = 31 << EVENTS_SHIFT;

const OWNER_SHIFT = 8;
const OWNER_MASK = 0xff << OWNER_SHIFT;
const GENERATION_SHIFT = 16;
const GENERATION_MASK = 0xffff << GENERATION_SHIFT;

/** The control plane as owner; no thread has this number. */
export const CONTROL_PLANE = 0xff;

/** Results of `claim`. */
export const ENTERED = 0;
export const NOTED = 1;
export const STALE = 2;
/** The event was noted for the thread that `handOffTo` names; the caller has to hand it off. */
export const HAND_OFF = 3;
/** Of `route`: no thread has the handle, and any may enter it. */
export const QUEUES = 4;

/** In place of a thread that would enter the handle. */
const NOBODY = -1;

/** The kind, the listener's number and the set's share a word, which is written when a record is opened. */
const KIND_MASK = 0xff;
const LISTENER_SHIFT = 8;
const LISTENER_MASK = 0xff;
const SET_SHIFT = 16;

/** Translates bits of epoll(7) into those of the state word. */
export function eventBits(epollEvents: number): number {
  return (
    (epollEvents & EPOLLIN ? READABLE : 0) |
    (epollEvents & EPOLLOUT ? WRITABLE : 0) |
    (epollEvents & EPOLLRDHUP ? PEER_ENDED : 0) |
    (epollEvents & (EPOLLERR | EPOLLHUP) ? BROKEN : 0)
  );
}

/** How many descriptors a table has records for. */
export const descriptorsOf = (handles: SharedArrayBuffer): number =>
  handles.byteLength / 4 / HANDLE_WORDS - 1;

export class HandleTable {
  /** All records; HANDLE_WORDS words each. The plain words belong to the thread that is inside the handle. */
  readonly words: Int32Array;
  /** Descriptors at or above this have no record. */
  readonly capacity: number;
  /**
   * After HAND_OFF: the thread that the handle was bound to. If it has unbound the handle meanwhile, it ignores the hand-off.
   */
  handOffTo = -1;
  /** Atomic. The word behind the last record: numbers from its value on were never in use. */
  readonly #end: number;

  constructor(handles: SharedArrayBuffer) {
    this.words = new Int32Array(handles);
    this.capacity = descriptorsOf(handles);
    this.#end = this.capacity * HANDLE_WORDS;
  }

  /** All numbers that were ever in use are below this. */
  end(): number {
    return Atomics.load(this.words, this.#end);
  }

  /**
   * Begins the next generation of the number, with `self` inside it: a rescan or the timeouts may find the record before the
   * descriptor is in the kernel's set.
   *
   * @param deadline the tick at which its time is up, 0 for never
   * @param listener the number of the listener that it is, or that accepted it
   * @param set the thread whose own set reports its events, 0 for the shared one
   * @returns its generation
   */
  open(fd: number, kind: number, deadline = 0, self = CONTROL_PLANE, listener = 0, set = 0): number {
    const at = fd * HANDLE_WORDS;
    const before = Atomics.load(this.words, at + HANDLE_STATE);
    if ((before & STATE_MASK) !== FREE) throw new Error(`descriptor ${fd} is in the table already`);
    this.words.fill(0, at + 1, at + HANDLE_WORDS);
    this.words[at + HANDLE_KIND] = kind | (listener << LISTENER_SHIFT) | (set << SET_SHIFT);
    this.words[at + HANDLE_DEADLINE] = deadline;
    for (let end = this.end(); end <= fd; end = this.end()) {
      Atomics.compareExchange(this.words, this.#end, end, fd + 1);
    }
    const generation = ((before >>> GENERATION_SHIFT) + 1) & 0xffff;
    Atomics.store(
      this.words,
      at + HANDLE_STATE,
      (generation << GENERATION_SHIFT) | (self << OWNER_SHIFT) | INSIDE,
    );
    return generation;
  }

  /** Ends a generation. The caller is inside the handle, or it is bound to the caller; it closes the descriptor next. */
  close(fd: number): void {
    const at = fd * HANDLE_WORDS + HANDLE_STATE;
    const word = Atomics.load(this.words, at);
    if ((word & STATE_MASK) === FREE) throw new Error(`descriptor ${fd} is closed already`);
    this.words[fd * HANDLE_WORDS + HANDLE_DEADLINE] = 0;
    Atomics.store(this.words, at, word & GENERATION_MASK);
  }

  /**
   * Decides which thread processes an event: the caller, which enters the handle, or the thread that is inside it or that it is
   * bound to, for which the event is noted.
   *
   * @returns ENTERED, NOTED, STALE or HAND_OFF
   */
  claim(fd: number, generation: number, events: number, self: number): number {
    const at = fd * HANDLE_WORDS + HANDLE_STATE;
    for (let attempts = 0; ; attempts++) {
      // The first load is a plain one, here and below: the exchange fails if it was stale.
      const word = attempts === 0 ? this.words[at]! : Atomics.load(this.words, at);
      if (word >>> GENERATION_SHIFT !== generation || (word & STATE_MASK) === FREE) {
        if (attempts > 0) return STALE;
        continue;
      }
      let next = word | (events << EVENTS_SHIFT);
      let result = NOTED;
      switch (word & STATE_MASK) {
        case IDLE:
          if (self === NOBODY) return QUEUES;
          next = (word & GENERATION_MASK) | (self << OWNER_SHIFT) | INSIDE;
          result = ENTERED;
          break;
        case BOUND:
          if ((word & QUEUED) === 0) result = HAND_OFF;
          next |= QUEUED;
          break;
        default:
      }
      if (Atomics.compareExchange(this.words, at, word, next) !== word) continue;
      this.handOffTo = (word & OWNER_MASK) >> OWNER_SHIFT;
      return result;
    }
  }

  /**
   * Decides the same for an I/O thread, which enters no handle: the event of an idle one is for the thread that claims the handle later.
   *
   * @returns QUEUES, NOTED, STALE or HAND_OFF
   */
  route(fd: number, generation: number, events: number): number {
    return this.claim(fd, generation, events, NOBODY);
  }

  /**
   * Enters a handle of that generation without an event, unless a thread is inside it or it is bound.
   *
   * @returns whether the thread is inside
   */
  enterIdle(fd: number, generation: number, self: number): boolean {
    const at = fd * HANDLE_WORDS + HANDLE_STATE;
    const word = Atomics.load(this.words, at);
    if (word >>> GENERATION_SHIFT !== generation || (word & STATE_MASK) !== IDLE) return false;
    const next = (word & GENERATION_MASK) | (self << OWNER_SHIFT) | INSIDE;
    return Atomics.compareExchange(this.words, at, word, next) === word;
  }

  /**
   * The thread inside leaves, unless events were noted meanwhile.
   *
   * @returns the events noted (the thread is still inside), or 0: it has left
   */
  leave(fd: number): number {
    return this.#leaveUnlessNoted(fd);
  }

  /** The thread inside binds the handle to itself. @returns events noted meanwhile (it is bound in any case) */
  bind(fd: number, self: number): number {
    const at = fd * HANDLE_WORDS + HANDLE_STATE;
    for (;;) {
      const word = Atomics.load(this.words, at);
      const next = (word & GENERATION_MASK) | (self << OWNER_SHIFT) | BOUND;
      if (Atomics.compareExchange(this.words, at, word, next) === word)
        return (word & EVENTS_MASK) >> EVENTS_SHIFT;
    }
  }

  /**
   * The thread that is inside a handle, or that it is bound to, passes it to another thread, which is inside from then on. What was noted is
   * dropped.
   */
  pass(fd: number, to: number): void {
    const at = fd * HANDLE_WORDS + HANDLE_STATE;
    const generation = Atomics.load(this.words, at) & GENERATION_MASK;
    Atomics.store(this.words, at, generation | (to << OWNER_SHIFT) | INSIDE);
  }

  /** The thread that a handle is bound to unbinds it. @returns as `leave` */
  unbind(fd: number): number {
    return this.#leaveUnlessNoted(fd);
  }

  #leaveUnlessNoted(fd: number): number {
    const at = fd * HANDLE_WORDS + HANDLE_STATE;
    for (let attempts = 0; ; attempts++) {
      const word = attempts === 0 ? this.words[at]! : Atomics.load(this.words, at);
      const noted = word & EVENTS_MASK;
      const next = noted === 0 ? (word & GENERATION_MASK) | IDLE : word & ~(EVENTS_MASK | QUEUED);
      if (Atomics.compareExchange(this.words, at, word, next) === word) return noted >> EVENTS_SHIFT;
    }
  }

  /** The events noted for a handle that is still bound to `self` in that generation; 0 for none or an earlier generation. */
  takeNoted(fd: number, generation: number, self: number): number {
    const at = fd * HANDLE_WORDS + HANDLE_STATE;
    for (;;) {
      const word = Atomics.load(this.words, at);
      if (word >>> GENERATION_SHIFT !== generation || (word & STATE_MASK) !== BOUND) return 0;
      if ((word & OWNER_MASK) >> OWNER_SHIFT !== self) return 0;
      const next = word & ~(EVENTS_MASK | QUEUED);
      if (Atomics.compareExchange(this.words, at, word, next) === word)
        return (word & EVENTS_MASK) >> EVENTS_SHIFT;
    }
  }

  /** Leaves a handle in the name of a thread that died inside it. Noted events are lost: the caller requests a rescan. */
  abandon(fd: number): void {
    const at = fd * HANDLE_WORDS + HANDLE_STATE;
    Atomics.store(this.words, at, (Atomics.load(this.words, at) & GENERATION_MASK) | IDLE);
  }

  /** The number's state: FREE, IDLE, INSIDE or BOUND. */
  state(fd: number): number {
    return Atomics.load(this.words, fd * HANDLE_WORDS + HANDLE_STATE) & STATE_MASK;
  }

  /** The number's current generation. */
  generation(fd: number): number {
    return Atomics.load(this.words, fd * HANDLE_WORDS + HANDLE_STATE) >>> GENERATION_SHIFT;
  }

  /** The thread that is inside a handle, or that it is bound to; -1 for none. One load, as it may change at any time. */
  owner(fd: number): number {
    const word = Atomics.load(this.words, fd * HANDLE_WORDS + HANDLE_STATE);
    return (word & STATE_MASK) < INSIDE ? -1 : (word & OWNER_MASK) >> OWNER_SHIFT;
  }

  /** Which event handler serves the number. */
  kind(fd: number): number {
    return this.words[fd * HANDLE_WORDS + HANDLE_KIND]! & KIND_MASK;
  }

  /** The number of the listener that the handle is, or that accepted it. */
  listener(fd: number): number {
    return (this.words[fd * HANDLE_WORDS + HANDLE_KIND]! >>> LISTENER_SHIFT) & LISTENER_MASK;
  }

  /** The thread whose own set reports the handle's events, 0 for the shared one: see set/handle-set.ts. */
  set(fd: number): number {
    return this.words[fd * HANDLE_WORDS + HANDLE_KIND]! >>> SET_SHIFT;
  }
}
