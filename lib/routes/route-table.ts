/**
 * The route table: how long a request of each route holds its thread without returning to the event loop. All threads learn it
 * together, in shared memory and without a lock.
 *
 * Only a request that held its thread for BLOCKING_MICROS or longer gives its route a slot, so cheap and invented paths take none,
 * and the table of a server without slow routes stays empty: `anyKnown` is then all that a request pays. From then on every request
 * of the route counts, the short ones as well.
 *
 * - The mean that decides is a moving one with weight 1/16, which begins at 0: a single call makes a route block only if it took 16
 *   times BLOCKING_MICROS. A cheap handler may take some milliseconds when the system runs another process, or when it is compiled.
 * - A route blocks while that mean is BLOCKING_MICROS or longer.
 * - A cheap request makes its route forgotten, which frees its slot, when the mean is below a quarter of that. A minute without a request
 *   halves it, so a route that is called no more is forgotten, too.
 * - A route takes a free slot of its set, or replaces the route used least recently. Clients that invent slow paths make the table
 *   forget; they cannot make it grow.
 *
 * What the threads may do to each other:
 *
 * - Calls and hand-overs are counted exactly. Of two requests that end at the same moment, the mean may miss one.
 * - A thread that looks at a slot while another replaces it may decide about one request, or count one, for the wrong route.
 * - Two threads may take a slot each for the same route. Each looks for the other's after it has written its own tag, so one of them
 *   sees both; the second of the set is freed.
 * - A bit of ROUTES_KNOWN follows the tags of its set: a thread that has changed a tag compares them, and again after each change
 *   that it makes to the bit. So the last change to a bit agrees with the tags.
 * - A thread may die at any step. Until recovery calls `releaseRoutes`, a slot that it was writing is out of use, and a bit may be
 *   wrong: if set, requests look for a route in vain; if missing, a route is not found until another is learned in its set.
 */
import * as layout from '../memory/route-words.js';
import { nowMicros } from '../sys/clock.js';

const { RESERVED_ROUTE_TAGS, ROUTE_SETS, ROUTE_SLOTS, ROUTE_TAGS, ROUTE_WAYS, ROUTES_KNOWN, routeRecord } =
  layout;

/**
 * A route blocks from this typical hold on. Chosen, not measured: well above what a hand-over costs, which is two wake-ups, and well
 * below a delay that a client notices.
 */
export const BLOCKING_MICROS = 500;
/** Below this typical hold a route is forgotten. */
const FORGOTTEN_MICROS = BLOCKING_MICROS / 4;

/** The classes of a route. What the app has declared counts whatever was learned. */
export const LEARNED = 0;
export const DECLARED_BLOCKING = 1;
export const DECLARED_NON_BLOCKING = 2;
export type RouteClass = typeof LEARNED | typeof DECLARED_BLOCKING | typeof DECLARED_NON_BLOCKING;

/** What {@link RouteTable.find} returns for a route without a slot. */
export const NO_SLOT = -1;

/** Means are kept in sixteenths of a microsecond, so that rounding does not stop them short of what they tend to. */
const MEAN_SHIFT = 4;
const SCALE = 1 << MEAN_SHIFT;
/** Longer holds count as this, 134 s: in sixteenths, a word holds no more. */
const MAX_MICROS = 2 ** 27 - 1;
const SET_SHIFT = 32 - Math.log2(ROUTE_SETS);
const HALF_LIFE_SECONDS = 60;
/** Shifts by more than this would begin anew. */
const MAX_HALVINGS = 31;

/** A route as the observer sees it. */
export interface RouteRecord {
  /** For example `GET /users/*`, or the pattern that the app has declared. */
  readonly name: string;
  readonly blocking: boolean;
  /** The app has declared the class. */
  readonly declared: boolean;
  readonly typicalMicros: number;
  readonly longestMicros: number;
  /** Requests since the route was learned. */
  readonly calls: number;
  readonly handOvers: number;
}

/** The route table as one thread has it. */
export class RouteTable {
  readonly #words: Int32Array;
  readonly #bytes: Buffer;
  readonly #writing: number;
  readonly #clock: () => number;

  /**
   * @param self the thread that this object belongs to
   * @param clock gives microseconds. Default: the shared clock; a spec passes its own
   */
  constructor(memory: SharedArrayBuffer, self: number, clock = nowMicros) {
    this.#words = new Int32Array(memory);
    this.#bytes = Buffer.from(memory);
    this.#writing = 1 + self;
    this.#clock = clock;
  }

  /** Whether any route was learned. While none was, no request needs to be looked up. One plain load. */
  get anyKnown(): boolean {
    return this.#words[ROUTES_KNOWN] !== 0;
  }

  /** @returns the number of the route's slot, or NO_SLOT */
  find(hash: number): number {
    const words = this.#words;
    const first = firstSlot(hash);
    for (let slot = first; slot < first + ROUTE_WAYS; slot++) {
      if (words[ROUTE_TAGS + slot] === hash) return slot;
    }
    return NO_SLOT;
  }

  /** Whether the route of a slot blocks; false for NO_SLOT. */
  blocks(slot: number): boolean {
    return slot !== NO_SLOT && blocks(this.#words, slot);
  }

  /**
   * Counts a request of a route, once it has ended or first returned to the event loop. A route without a slot takes one if the
   * request blocked, or if the app has declared that it blocks; otherwise this does nothing. So while `anyKnown` is false, it need
   * not be called for a request that did not block; while it is true, it must be, or the mean is of slow requests only.
   *
   * @param hash of route-key.ts, or of the declared pattern
   * @param micros how long the request held its thread
   * @param name the route's name; called only to write it into a slot
   * @param routeClass what the app has declared. Default: nothing
   */
  learn(hash: number, micros: number, name: () => string, routeClass: RouteClass = LEARNED): void {
    const slot = this.find(hash);
    const held = micros < MAX_MICROS ? micros | 0 : MAX_MICROS;
    if (slot !== NO_SLOT) this.#update(slot, hash, held);
    else if (held >= BLOCKING_MICROS || routeClass === DECLARED_BLOCKING)
      this.#add(hash, held, name(), routeClass);
  }

  /** Counts a request of the route that was handed over to another thread; nothing for NO_SLOT. */
  noteHandOver(slot: number): void {
    if (slot !== NO_SLOT) Atomics.add(this.#words, routeRecord(slot) + layout.ROUTE_HAND_OVERS, 1);
  }

  #update(slot: number, hash: number, micros: number): void {
    const words = this.#words;
    const at = routeRecord(slot);
    const now = this.#seconds();
    Atomics.add(words, at + layout.ROUTE_CALLS, 1);
    if (micros > words[at + layout.ROUTE_LONGEST]!) words[at + layout.ROUTE_LONGEST] = micros;
    const before = Atomics.load(words, at + layout.ROUTE_TYPICAL);
    const aged = before >> dueHalvings(words, at, now);
    // mean += (micros - mean) / 16, as TCP computes its smoothed round-trip time (Jacobson 1988, RFC 6298).
    const mean = aged + micros - (aged >> MEAN_SHIFT);
    words[at + layout.ROUTE_LAST_USE] = now;
    words[at + layout.ROUTE_HALVINGS] = 0;
    Atomics.compareExchange(words, at + layout.ROUTE_TYPICAL, before, mean);
    if (micros < FORGOTTEN_MICROS && isForgotten(words, at, mean)) free(words, slot, hash);
  }

  /** Takes a slot. If another thread is taking the same one, the request is not counted. */
  #add(hash: number, micros: number, name: string, routeClass: RouteClass): void {
    const words = this.#words;
    const now = this.#seconds();
    const slot = this.#choose(firstSlot(hash), now);
    const tag = Atomics.load(words, ROUTE_TAGS + slot);
    if (isWriting(tag) || Atomics.compareExchange(words, ROUTE_TAGS + slot, tag, this.#writing) !== tag)
      return;
    const at = routeRecord(slot);
    words[at + layout.ROUTE_CLASS] = routeClass;
    // From a mean of 0, by 1/16.
    Atomics.store(words, at + layout.ROUTE_TYPICAL, micros);
    words[at + layout.ROUTE_LONGEST] = micros;
    Atomics.store(words, at + layout.ROUTE_CALLS, 1);
    Atomics.store(words, at + layout.ROUTE_HAND_OVERS, 0);
    words[at + layout.ROUTE_LAST_USE] = now;
    words[at + layout.ROUTE_HALVINGS] = 0;
    const nameAt = (at + layout.ROUTE_NAME) * 4;
    words[at + layout.ROUTE_NAME_BYTES] = this.#bytes.write(name, nameAt, layout.MAX_ROUTE_NAME_BYTES);
    Atomics.store(words, ROUTE_TAGS + slot, hash);
    this.#freeDuplicates(hash);
    settle(words, setOf(hash));
  }

  /**
   * A free slot of a set; or the one used least recently, and of several used in the same second the one with the fewest calls:
   * a busy route survives many that are called once.
   */
  #choose(first: number, now: number): number {
    const words = this.#words;
    let chosen = first;
    let longestIdle = -1;
    let fewestCalls = 0;
    for (let slot = first; slot < first + ROUTE_WAYS; slot++) {
      if (words[ROUTE_TAGS + slot] === 0) return slot;
      const at = routeRecord(slot);
      const idle = Math.max(0, now - words[at + layout.ROUTE_LAST_USE]!);
      const calls = words[at + layout.ROUTE_CALLS]! >>> 0;
      if (idle < longestIdle || (idle === longestIdle && calls >= fewestCalls)) continue;
      chosen = slot;
      longestIdle = idle;
      fewestCalls = calls;
    }
    return chosen;
  }

  /** Frees all slots of a route but the first. */
  #freeDuplicates(hash: number): void {
    const words = this.#words;
    const first = firstSlot(hash);
    let seen = false;
    for (let slot = first; slot < first + ROUTE_WAYS; slot++) {
      if (Atomics.load(words, ROUTE_TAGS + slot) !== hash) continue;
      if (seen) free(words, slot, hash);
      seen = true;
    }
  }

  #seconds(): number {
    return secondsOf(this.#clock());
  }
}

/**
 * Halves the typical hold of routes for each minute without a request, and forgets those that no longer hold their thread. The
 * control plane calls it now and then, at least once a minute: a route that is called no more is never looked at otherwise.
 *
 * @param micros the time on the clock of the table's threads. Default: now
 */
export function ageRoutes(memory: SharedArrayBuffer, micros = nowMicros()): void {
  const words = new Int32Array(memory);
  const now = secondsOf(micros);
  for (let slot = 0; slot < ROUTE_SLOTS; slot++) {
    const tag = Atomics.load(words, ROUTE_TAGS + slot);
    if (tag === 0 || isWriting(tag)) continue;
    const at = routeRecord(slot);
    const halvings = dueHalvings(words, at, now);
    if (halvings === 0) continue;
    const before = Atomics.load(words, at + layout.ROUTE_TYPICAL);
    const mean = before >> halvings;
    if (Atomics.compareExchange(words, at + layout.ROUTE_TYPICAL, before, mean) !== before) continue;
    words[at + layout.ROUTE_HALVINGS]! += halvings;
    if (isForgotten(words, at, mean)) free(words, slot, tag);
  }
}

/** All routes of the table for the observer, those that have held threads longest in total first. */
export function readRoutes(memory: SharedArrayBuffer): RouteRecord[] {
  const words = new Int32Array(memory);
  const bytes = Buffer.from(memory);
  const routes: RouteRecord[] = [];
  for (let slot = 0; slot < ROUTE_SLOTS; slot++) {
    const tag = Atomics.load(words, ROUTE_TAGS + slot);
    if (tag === 0 || isWriting(tag)) continue;
    const at = routeRecord(slot);
    const nameAt = (at + layout.ROUTE_NAME) * 4;
    const route = {
      name: bytes.toString('utf8', nameAt, nameAt + words[at + layout.ROUTE_NAME_BYTES]!),
      blocking: blocks(words, slot),
      declared: words[at + layout.ROUTE_CLASS] !== LEARNED,
      typicalMicros: typicalOf(words, at),
      longestMicros: words[at + layout.ROUTE_LONGEST]!,
      calls: words[at + layout.ROUTE_CALLS]! >>> 0,
      handOvers: words[at + layout.ROUTE_HAND_OVERS]! >>> 0,
    };
    // Another route's, or half of each, if the slot was taken meanwhile.
    if (Atomics.load(words, ROUTE_TAGS + slot) === tag) routes.push(route);
  }
  return routes.sort((a, b) => b.typicalMicros * b.calls - a.typicalMicros * a.calls);
}

/** Completes what a dead thread may have begun: frees a slot that it was writing, and corrects ROUTES_KNOWN. */
export function releaseRoutes(memory: SharedArrayBuffer, dead: number): void {
  const words = new Int32Array(memory);
  for (let slot = 0; slot < ROUTE_SLOTS; slot++) {
    Atomics.compareExchange(words, ROUTE_TAGS + slot, 1 + dead, 0);
  }
  for (let set = 0; set < ROUTE_SETS; set++) settle(words, set);
}

/**
 * The mean of the calls so far: the moving mean began at 0, which has a weight of (15/16)^calls in it. The count of calls may have
 * wrapped, so this could be too high, and the longest hold bounds it.
 */
function typicalOf(words: Int32Array, at: number): number {
  const calls = words[at + layout.ROUTE_CALLS]! >>> 0 || 2 ** 32;
  const mean = words[at + layout.ROUTE_TYPICAL]! / SCALE / (1 - (1 - 1 / SCALE) ** calls);
  return Math.min(Math.round(mean), words[at + layout.ROUTE_LONGEST]!);
}

/** The set of a hash: its upper bits, which are as good as any. */
const setOf = (hash: number): number => hash >>> SET_SHIFT;
const firstSlot = (hash: number): number => setOf(hash) * ROUTE_WAYS;
const isWriting = (tag: number): boolean => tag > 0 && tag < RESERVED_ROUTE_TAGS;
const secondsOf = (micros: number): number => (micros / 1e6) | 0;

function blocks(words: Int32Array, slot: number): boolean {
  const at = routeRecord(slot);
  const routeClass = words[at + layout.ROUTE_CLASS];
  if (routeClass !== LEARNED) return routeClass === DECLARED_BLOCKING;
  return words[at + layout.ROUTE_TYPICAL]! >= BLOCKING_MICROS * SCALE;
}

const isForgotten = (words: Int32Array, at: number, mean: number): boolean =>
  mean < FORGOTTEN_MICROS * SCALE && words[at + layout.ROUTE_CLASS] !== DECLARED_BLOCKING;

/** How often the typical hold is to be halved: once for each minute since the last use for which it was not yet. */
function dueHalvings(words: Int32Array, at: number, now: number): number {
  const minutes = ((now - words[at + layout.ROUTE_LAST_USE]!) / HALF_LIFE_SECONDS) | 0;
  return Math.min(MAX_HALVINGS, Math.max(0, minutes - words[at + layout.ROUTE_HALVINGS]!));
}

/** Frees a slot if it still has that tag. */
function free(words: Int32Array, slot: number, tag: number): void {
  if (Atomics.compareExchange(words, ROUTE_TAGS + slot, tag, 0) === tag) settle(words, setOf(tag));
}

/** Makes a set's bit in ROUTES_KNOWN agree with the set's tags. */
function settle(words: Int32Array, set: number): void {
  const bit = 1 << set;
  for (;;) {
    const isKnown = hasLearned(words, set);
    if (isKnown === ((Atomics.load(words, ROUTES_KNOWN) & bit) !== 0)) return;
    if (isKnown) Atomics.or(words, ROUTES_KNOWN, bit);
    else Atomics.and(words, ROUTES_KNOWN, ~bit);
  }
}

/** Declared routes are found without the table, so they do not count. */
function hasLearned(words: Int32Array, set: number): boolean {
  for (let slot = set * ROUTE_WAYS; slot < (set + 1) * ROUTE_WAYS; slot++) {
    const tag = Atomics.load(words, ROUTE_TAGS + slot);
    if (tag === 0 || isWriting(tag)) continue;
    if (words[routeRecord(slot) + layout.ROUTE_CLASS] === LEARNED) return true;
  }
  return false;
}
