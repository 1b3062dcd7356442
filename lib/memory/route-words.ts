/**
 * The words of the shared memory `routes`: the route table (owner: routes/route-table.ts). What a word's comment says is explained in
 * memory/layout.ts.
 */

/** Words of a cache line (64 bytes). */
const LINE = 16;

/**
 * Bits of the sets that have a learned route, one for each set. Atomic. Written by the thread that takes or frees a slot, by the
 * control plane when it frees one, and by recovery. Read by every thread at each request.
 */
export const ROUTES_KNOWN = 0;
/** Slots of a set. A route's hash names the set; any slot of it may have the route. */
export const ROUTE_WAYS = 8;
/** As many as bits in ROUTES_KNOWN. */
export const ROUTE_SETS = 32;
export const ROUTE_SLOTS = ROUTE_SETS * ROUTE_WAYS;
/**
 * A word for each slot: the hash of its route; 0 for none; 1 + the thread that is writing the slot. Atomic. Written by the thread
 * that takes the slot (CAS to its own number, then the hash) or frees it (CAS to 0), by the control plane to free it, and by
 * recovery for a dead writer. Read by every thread.
 */
export const ROUTE_TAGS = LINE;
/** No hash is one of these: 0, and the numbers of threads. */
export const RESERVED_ROUTE_TAGS = 256;

// A record for each slot. All words are written by the thread that takes the slot; the others' writes are named. Read by every
// thread and the observer.

const ROUTE_RECORDS = ROUTE_TAGS + ROUTE_SLOTS;
/** Two cache lines. */
const ROUTE_WORDS = 2 * LINE;
/** One of the classes of routes/route-table.ts. Plain. */
export const ROUTE_CLASS = 0;
/** The typical hold, in sixteenths of a microsecond. Atomic. Changed by threads that learn, and by the control plane (CAS). */
export const ROUTE_TYPICAL = 1;
/** The longest hold in microseconds. Plain. Changed by threads that learn; of two at the same time one may be missed. */
export const ROUTE_LONGEST = 2;
/** Requests of the route since the slot was taken; wraps. Atomic. Added to by threads that learn. */
export const ROUTE_CALLS = 3;
/** How many of them were handed over; wraps. Atomic. Added to by the thread that hands one over. */
export const ROUTE_HAND_OVERS = 4;
/** When the last one ended, in seconds of sys/clock.ts. Plain. Changed by threads that learn. */
export const ROUTE_LAST_USE = 5;
/** How often the typical hold was halved since. Plain. Changed by threads that learn, and by the control plane. */
export const ROUTE_HALVINGS = 6;
/** The length of the name in bytes, and the name, UTF-8. Plain. */
export const ROUTE_NAME_BYTES = 7;
export const ROUTE_NAME = 8;
export const MAX_ROUTE_NAME_BYTES = (ROUTE_WORDS - ROUTE_NAME) * 4;

/** The first word of a slot's record. */
export const routeRecord = (slot: number): number => ROUTE_RECORDS + slot * ROUTE_WORDS;

/** Bytes of all of it. */
export const ROUTES_BYTES = routeRecord(ROUTE_SLOTS) * 4;
