/**
 * Engagement: which threads others depend on, and which threads ordinary events are for. Owner of the masks ENGAGED and RESERVED.
 *
 * What waits in a thread (a handler's pending promise, a stream, an app's own timer or socket) continues in that thread only, and waits
 * for any handler that blocks it. So such work gathers on as many threads as there are cores to run it, the *hosts*: those with the lowest
 * numbers, which promotions prefer. The others stand ready to run the handlers that are known to block.
 *
 *   engaged    others depend on the thread: it hands requests of blocking routes over
 *   reserved   handlers of blocking routes continue in it, which may stall each other
 *   free       neither
 *
 * While any thread is engaged, a thread that is no host leaves ordinary events to the hosts. While none is, all threads are equal.
 *
 * A thread counts its dependants itself. Its bits are set as soon as it becomes engaged or reserved, because a thread that is awake may be
 * handed a connection, and brought up to date before it parks. A decision on a bit that is still set costs a stall at worst.
 */
import { availableParallelism } from 'node:os';
import { ENGAGED, HOST_LED, PARKED, RESERVED } from '../memory/layout.js';
import { nowMicros } from '../sys/clock.js';

/** What a dependant makes of its thread. */
export const NO_DEPENDANT = 0;
/** It waits for the thread's event loop, and a handler that blocks would stall it. */
export const WAITS = 1;
/** It waits, and is known to block the thread when it continues. */
export const WAITS_TO_BLOCK = 2;

/** An own timer that is due within this time makes its thread engaged. */
const DUE_SOON_MS = 50;
/** Own I/O in two such windows in a row makes its thread engaged, as a connection of the app's own that is in use does. */
const IO_WINDOW_MICROS = 50_000;
/** After this time own I/O no longer counts. */
const IO_STALE_MS = (2 * IO_WINDOW_MICROS) / 1000;

/**
 * If no host has led for so long, all of them are inside long handlers, and the other threads take ordinary events as if there were no
 * hosts. Until then the follower on watch takes one at a time.
 */
const HOSTS_STUCK_MICROS = 5000;

/** A reading further ahead of this thread's clock than this is one of long ago: the word wraps. */
const MAX_AHEAD_MICROS = 120e6;

/** How many of `threads` are hosts: one for each core, and one thread at least is none, where there are two. */
export const hostsOf = (threads: number, cores = availableParallelism()): number =>
  Math.max(1, Math.min(cores, threads - 1));

export interface EngagementOptions {
  /** The number of threads. */
  readonly threads: number;
  /** Milliseconds until the thread's own next timer is due; -1 for none. */
  readonly timeoutMs: () => number;
  /** Default: those available. */
  readonly cores?: number;
}

export class Engagement {
  readonly #words: Int32Array;
  readonly #word: number;
  readonly #bit: number;
  readonly #timeoutMs: () => number;
  readonly #hosts: number;
  /** Whether the thread is one of those that ordinary events are for. */
  readonly isHost: boolean;
  /** There is a host for each core: one more thread would not make the hosts' work faster. */
  readonly #coresAreHosted: boolean;
  /** Words of a mask that have bits of threads, and of hosts. */
  readonly #maskWords: number;
  readonly #hostMasks: number[];
  /** Dependants, by what they make of the thread. */
  readonly #dependants = [0, 0, 0];
  #isEngaged = false;
  #isReserved = false;
  /** The last window with own I/O, and whether there was some in the window before. */
  #ioWindow = -2;
  #ioBefore = false;

  constructor(
    control: SharedArrayBuffer,
    self: number,
    { threads, timeoutMs, cores = availableParallelism() }: EngagementOptions,
  ) {
    this.#words = new Int32Array(control);
    this.#word = self >> 5;
    this.#bit = 1 << (self & 31);
    this.#timeoutMs = timeoutMs;
    this.#hosts = hostsOf(threads, cores);
    this.isHost = self < this.#hosts;
    this.#coresAreHosted = this.#hosts >= cores;
    this.#maskWords = (threads + 31) >> 5;
    this.#hostMasks = Array.from({ length: this.#maskWords }, (_, word) => {
      const hosts = this.#hosts - word * 32;
      return hosts >= 32 ? -1 : hosts <= 0 ? 0 : (1 << hosts) - 1;
    });
  }

  // ---- what depends on this thread ---------------------------------------------------------------------------------------

  /** A dependant changes: from NO_DEPENDANT when it appears, to NO_DEPENDANT when it is gone. */
  change(from: number, to: number): void {
    this.#dependants[from]!--;
    this.#dependants[to]!++;
    if (to === WAITS && !this.#isEngaged) this.#setEngaged(true);
    if (to === WAITS_TO_BLOCK && !this.#isReserved) this.#setReserved(true);
  }

  /** The thread's own event loop has had I/O. @param micros by sys/clock.ts */
  hadIo(micros: number): void {
    const window = Math.floor(micros / IO_WINDOW_MICROS);
    if (window === this.#ioWindow) return;
    this.#ioBefore = window === this.#ioWindow + 1;
    this.#ioWindow = window;
  }

  /**
   * Whether something depends on the thread now.
   *
   * @param micros the present time by sys/clock.ts, roughly
   * @param except what the caller itself makes of the thread
   * @param timeoutMs until the thread's own next timer is due, if the caller has just asked
   */
  isEngaged(micros: number, except = NO_DEPENDANT, timeoutMs?: number): boolean {
    return this.#dependantsWait(except, timeoutMs) || this.#hasIo(micros);
  }

  #dependantsWait(except: number, timeoutMs = this.#timeoutMs()): boolean {
    if (this.#dependants[WAITS]! > (except === WAITS ? 1 : 0)) return true;
    return timeoutMs >= 0 && timeoutMs <= DUE_SOON_MS;
  }

  #hasIo(micros: number): boolean {
    return this.#ioBefore && Math.floor(micros / IO_WINDOW_MICROS) <= this.#ioWindow + 1;
  }

  /**
   * Brings the thread's bits up to date; called before it parks. Parameters as above.
   *
   * @returns after how many milliseconds they are to be brought up to date again, if the thread has not run by then; Infinity for never
   */
  publish(micros: number, timeoutMs: number): number {
    const waits = this.#dependantsWait(NO_DEPENDANT, timeoutMs);
    const isEngaged = waits || this.#hasIo(micros);
    if (isEngaged !== this.#isEngaged) this.#setEngaged(isEngaged);
    const isReserved = this.#dependants[WAITS_TO_BLOCK]! > 0;
    if (isReserved !== this.#isReserved) this.#setReserved(isReserved);
    return isEngaged && !waits ? IO_STALE_MS : Number.POSITIVE_INFINITY;
  }

  #setEngaged(engaged: boolean): void {
    this.#isEngaged = engaged;
    this.#store(ENGAGED, engaged);
  }

  #setReserved(reserved: boolean): void {
    this.#isReserved = reserved;
    this.#store(RESERVED, reserved);
  }

  #store(mask: number, on: boolean): void {
    if (on) Atomics.or(this.#words, mask + this.#word, this.#bit);
    else Atomics.and(this.#words, mask + this.#word, ~this.#bit);
  }

  // ---- what this thread leaves to the hosts. All by plain loads: hints -----------------------------------------------------

  /** Whether this thread, which leads, leaves leadership to a host: it is none, a thread is engaged, and a host is parked. */
  yields(): boolean {
    return !this.isHost && this.#anyEngaged() && this.#hostIsParked();
  }

  /**
   * Whether this thread, which could try to lead, leaves that to the hosts: it is none, a thread is engaged, and a host has led lately. While
   * all hosts are inside long handlers this is false.
   */
  defers(): boolean {
    if (this.isHost || !this.#coresAreHosted || !this.#anyEngaged()) return false;
    // Unsigned: an age of half the clock's range is none that lies ahead. A host may have written later than this thread read its clock.
    return (
      ((nowMicros() | 0) - this.#words[HOST_LED]! + MAX_AHEAD_MICROS) >>> 0 <
      HOSTS_STUCK_MICROS + MAX_AHEAD_MICROS
    );
  }

  /** This thread begins to lead. @param micros when, by sys/clock.ts */
  leads(micros: number): void {
    if (this.isHost) this.#words[HOST_LED] = micros | 0;
  }

  /** Whether a backlog is left to the hosts: they are all awake, so this thread would make none of them faster. */
  leavesBacklog(): boolean {
    return !this.isHost && this.#coresAreHosted && this.#anyEngaged() && !this.#hostIsParked();
  }

  /** Whether this thread, which vacates leadership, needs no other awake than the one on watch: only threads that are no hosts could be woken. */
  leavesOthersParked(): boolean {
    return this.isHost && this.#coresAreHosted && this.#anyEngaged() && !this.#hostIsParked();
  }

  /** Whether ordinary requests that reach this thread are for the hosts. */
  leavesRequests(): boolean {
    return !this.isHost && this.#anyEngaged();
  }

  #anyEngaged(): boolean {
    for (let word = 0; word < this.#maskWords; word++) if (this.#words[ENGAGED + word] !== 0) return true;
    return false;
  }

  /** Reserved hosts do not count: promotions take them last, so other threads would be woken, which yield as well. */
  #hostIsParked(): boolean {
    for (let word = 0; word < this.#maskWords; word++) {
      const unreserved = this.#words[PARKED + word]! & ~this.#words[RESERVED + word]!;
      if ((unreserved & this.#hostMasks[word]!) !== 0) return true;
    }
    return false;
  }
}

/** Nothing depends on a dead thread. */
export function clearEngagement(control: SharedArrayBuffer, dead: number): void {
  const words = new Int32Array(control);
  for (const mask of [ENGAGED, RESERVED]) Atomics.and(words, mask + (dead >> 5), ~(1 << (dead & 31)));
}
