/**
 * The shared request queue: a bounded ring of events from the I/O thread to the workers, without a lock. Owner of the words QUEUE_… and
 * TAKING.
 *
 * It is Dmitry Vyukov's bounded queue (1024cores.net, "Bounded MPMC queue") with one producer at a time: only the holder of LEADER puts.
 * Each cell has a state, which says for which *lap* of the ring it is free or full; so no thread has to see another's position to know
 * whether the cell is its own, and a slow worker delays nobody but the one that needs its cell a lap later.
 *
 *   state of a cell, for position p:  lap(p) ─ put ─▶ lap(p) | 1 ─ the worker that took position p has read it ─▶ lap(p) + QUEUE_CAPACITY
 *
 *   put    (I/O thread)  state = lap(p)?  fill the cell ─▶ state := lap(p) | 1, QUEUE_PUT := p + 1
 *   take   (workers)     state = lap(p) | 1?  CAS QUEUE_TAKEN p → p + 1, TAKING := 1 + cell ─▶ read the cell
 *                        ─▶ state := lap(p) + QUEUE_CAPACITY, TAKING := -1 ─▶ claim the handle ─▶ TAKING := 0 (`settled`)
 *
 * lap(p) is p without the bits that name the cell. Positions wrap at 2^32, a whole number of laps.
 *
 * An entry does not hold its handle: the worker claims that as a leader would (HandleTable.claim). So two entries for one handle do no harm,
 * and an entry that is lost is an event that is lost, which a rescan brings back.
 *
 * A thread may be terminated at any function call and in any loop, as connection/acceptor.ts explains, and so between any two lines but those
 * that belong together: an exchange, or a store, of an atomic word and the plain stores right after it are one step. So a thread that has taken
 * a position has recorded the cell, and recovery frees it (`releaseTaken`); and a cell is full when QUEUE_PUT counts it.
 *
 * spec/model/request-queue.pml models the queue, and what set/queue-wake-ups.ts makes of it.
 */
import {
  QUEUE_CAPACITY,
  QUEUE_CELL_WORDS,
  QUEUE_CELLS,
  QUEUE_PEAK,
  QUEUE_PUT,
  QUEUE_TAKEN,
  TAKING,
  threadArea,
} from '../memory/layout.js';

const CELL_MASK = QUEUE_CAPACITY - 1;
const LAP_MASK = ~CELL_MASK;
const FULL = 1;

/** Values of the word TAKING; the cell is added to FIRST_CELL. */
const NOTHING_TAKEN = 0;
const FIRST_CELL = 1;
const UNCLAIMED = -1;

/** An entry's word of generation and events: the generation in the upper half. */
const GENERATION_SHIFT = 16;
const EVENTS_MASK = 0xffff;

export class RequestQueue {
  readonly #words: Int32Array;
  /** Index of this thread's word TAKING. */
  readonly #taking: number;

  /** The entry that `take` took last. */
  fd = -1;
  generation = 0;
  /** Bits READABLE, WRITABLE … of set/handle-table.ts. */
  events = 0;
  /** When it was put, as `put` was told. */
  micros = 0;

  constructor(control: SharedArrayBuffer, self: number) {
    this.#words = new Int32Array(control);
    this.#taking = threadArea(self) + TAKING;
  }

  // ---- the I/O thread ------------------------------------------------------------------------------------------------------

  /**
   * Puts an entry. Called only by the I/O thread.
   *
   * @param micros the present time by sys/clock.ts, roughly
   * @returns how many entries there are now; 0 when the queue is full, and has not taken the entry
   */
  put(fd: number, generation: number, events: number, micros: number): number {
    const words = this.#words;
    const position = words[QUEUE_PUT]!;
    const cell = cellOf(position);
    const free = position & LAP_MASK;
    if (Atomics.load(words, cell) !== free) return 0;
    words[cell + 1] = fd;
    words[cell + 2] = (generation << GENERATION_SHIFT) | events;
    words[cell + 3] = micros;
    const next = (position + 1) | 0;
    Atomics.store(words, cell, free | FULL);
    words[QUEUE_PUT] = next;
    // A worker may have taken it already, and the next put is its own.
    const length = Math.max(1, (next - Atomics.load(words, QUEUE_TAKEN)) | 0);
    if (length > words[QUEUE_PEAK]!) words[QUEUE_PEAK] = length;
    return length;
  }

  /** Whether `put` would take an entry. Called only by the I/O thread. */
  hasRoom(): boolean {
    const position = this.#words[QUEUE_PUT]!;
    return Atomics.load(this.#words, cellOf(position)) === (position & LAP_MASK);
  }

  /** Entries taken so far: whether it has changed says whether workers make progress. Wraps. */
  taken(): number {
    return Atomics.load(this.#words, QUEUE_TAKEN);
  }

  // ---- workers -------------------------------------------------------------------------------------------------------------

  /**
   * Takes the oldest entry into `fd`, `generation`, `events` and `micros`. `settled` is to be called when its handle has been claimed.
   *
   * @returns false when the queue is empty
   */
  take(): boolean {
    const words = this.#words;
    const taking = this.#taking;
    for (;;) {
      const position = Atomics.load(words, QUEUE_TAKEN);
      const cell = cellOf(position);
      const full = (position & LAP_MASK) | FULL;
      const ahead = (Atomics.load(words, cell) - full) | 0;
      if (ahead < 0) return false;
      const record = FIRST_CELL + (position & CELL_MASK);
      const next = (position + 1) | 0;
      // Another worker has taken it: then that worker has made progress, so this goes on for ever only if entries do.
      if (ahead > 0 || Atomics.compareExchange(words, QUEUE_TAKEN, position, next) !== position) continue;
      words[taking] = record;
      this.#read(cell);
      const freed = ((position & LAP_MASK) + QUEUE_CAPACITY) | 0;
      Atomics.store(words, cell, freed);
      words[taking] = UNCLAIMED;
      return true;
    }
  }

  #read(cell: number): void {
    const words = this.#words;
    this.fd = words[cell + 1]!;
    this.generation = words[cell + 2]! >>> GENERATION_SHIFT;
    this.events = words[cell + 2]! & EVENTS_MASK;
    this.micros = words[cell + 3]!;
  }

  /** The handle of the entry taken last has been claimed: whatever became of it is written in its record, where recovery finds it. */
  settled(): void {
    this.#words[this.#taking] = NOTHING_TAKEN;
  }

  // ---- any thread ----------------------------------------------------------------------------------------------------------

  /** Whether there is an entry; also true while another thread is taking one. */
  hasEntry(): boolean {
    const words = this.#words;
    const position = Atomics.load(words, QUEUE_TAKEN);
    return ((Atomics.load(words, cellOf(position)) - ((position & LAP_MASK) | FULL)) | 0) >= 0;
  }

  /** Calls back with the descriptor of each entry. Others take and put meanwhile: a hint. */
  forEachDescriptor(take: (fd: number) => void): void {
    const first = this.taken();
    const entries = Math.min(QUEUE_CAPACITY, this.length());
    for (let index = 0; index < entries; index++) take(this.#words[cellOf(first + index) + 1]!);
  }

  /** How many entries there are, by a plain load of the I/O thread's position: exact for the I/O thread, else a hint. */
  length(): number {
    return Math.max(0, (this.#words[QUEUE_PUT]! - Atomics.load(this.#words, QUEUE_TAKEN)) | 0);
  }
}

const cellOf = (position: number): number => QUEUE_CELLS + (position & CELL_MASK) * QUEUE_CELL_WORDS;

/**
 * Completes what a dead thread was doing with an entry that it had taken: frees the cell, as no other thread would. Only for recovery.
 *
 * @returns whether the event may be lost: the caller requests a rescan
 */
export function releaseTaken(control: SharedArrayBuffer, dead: number): boolean {
  const words = new Int32Array(control);
  const word = threadArea(dead) + TAKING;
  const recorded = words[word]!;
  words[word] = NOTHING_TAKEN;
  if (recorded >= FIRST_CELL) {
    const cell = cellOf(recorded - FIRST_CELL);
    Atomics.store(words, cell, ((Atomics.load(words, cell) & LAP_MASK) + QUEUE_CAPACITY) | 0);
  }
  return recorded !== NOTHING_TAKEN;
}
