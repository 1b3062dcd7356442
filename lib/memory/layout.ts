/**
 * The shared memory, all of it: where each word lies, who owns it, and who may write it when.
 *
 * Five SharedArrayBuffers, made by the control plane and handed to every thread:
 *
 * - `control` coordinates the thread set, and holds what each thread records of itself. Words that different threads write lie
 *   in different cache lines.
 * - `handles` has one record for every descriptor number: the handle table.
 * - `blocks` is the pool that keeps partial input between events.
 * - `inputs` has a buffer for each thread, into which it receives.
 * - `routes` has what the threads have learned about routes: how long a request of each holds its thread.
 *
 * A word's comment says: its value; Atomic or Plain; the writers, and when they write; the readers. "Atomic" words are written
 * by Atomics only; a plain load of one may lag behind. "Plain" words belong to one thread at a time: another thread sees its writes
 * in order because an atomic word was handed over in between. Readers that wait for no such hand-over are named as such: the
 * observer (lib/observe) may read any word at any time, and allows for values that are about to change.
 *
 * The module that owns a word is named at the head of its section, or with the word. All words are 32 bits, except the sums and
 * two times, which are doubles. Words that count without end wrap; docs/decisions/0008-counters-that-wrap.md says when each does
 * and why that is right.
 */

import { HISTOGRAM_BUCKETS } from './histogram.js';

/** Words of a cache line (64 bytes). */
const LINE = 16;

/** Threads of a set at most: four words of bits. */
export const MAX_THREADS = 128;
/** Words that hold one bit for each thread. */
export const MASK_WORDS = MAX_THREADS / 32;

// ---- control: the election (owner: set/thread-set.ts) --------------------------------------------------------------

/**
 * 0, or 1 + the thread that leads. Atomic. Written by a thread that takes leadership (CAS from 0), by the holder to vacate it,
 * and by recovery for a dead holder. Read by every thread.
 */
export const LEADER = 0;
/** Leaderships so far; wraps. Plain. Written by the leader as it begins. Read by the follower on watch, to see any change. */
export const EPOCH = 1;
/**
 * 1 + the thread that last gave leadership up; 0 at first. Plain. Written by the holder of LEADER right before it vacates, and
 * by recovery in its name (owner: set/recorder.ts). Read by the next leader.
 */
export const PROMOTER = 2;
/**
 * When a host last began to lead: the low 32 bits of the microseconds of sys/clock.ts (owner: set/engagement.ts). Plain. Written
 * by the leader, if it is a host. Read by threads that are no hosts: a hint.
 */
export const HOST_LED = 3;
/**
 * When it gave leadership up, in microseconds of sys/clock.ts. A double: the index among the doubles. Plain. Written and read with PROMOTER.
 */
export const PROMOTED_AT = LINE / 2 - 1;

// ---- control: the follower on watch (owner: set/watch.ts) ------------------------------------------------------------

/**
 * 0, or 1 + the parked thread that is on watch. Atomic. Written by that thread (CAS from 0, and back), and by recovery once it
 * is dead. Read by threads that park, and by leaders that have vacated.
 */
export const WATCH = 8 * LINE;
/**
 * Promotions that wake a follower although one is on watch. Atomic. Written by the follower on watch at a stall, and counted
 * down by leaders that have vacated. Read by these.
 */
export const UNTHROTTLED = 8 * LINE + 1;
/**
 * Checks with a backlog before a trial of one more thread. Atomic. Written by the thread of the last trial, when it parks. Read
 * by the follower on watch.
 */
export const TRIAL_DELAY = 8 * LINE + 2;

// ---- control: parking (owner: set/parking-lot.ts) ------------------------------------------------------------------

/**
 * 0, or 1 + the thread that a promotion is waking. Atomic. Written by the waker (CAS from 0, and back when its candidate is
 * awake), by the woken thread to clear it, and by recovery. Read by wakers.
 */
export const WAKING = LINE;
/**
 * Bits of the threads that are parked, in MASK_WORDS words. Atomic. A bit is set by the thread that parks, and cleared by the
 * thread that claims it (a waker, or itself), by recovery, and by the control plane when it wakes all. Read by wakers.
 */
export const PARKED = 2 * LINE;

// ---- control: engagement (owner: set/engagement.ts) ------------------------------------------------------------------
// Read by promotions and hand-overs, to choose among parked threads, and by the observer: hints, which may lag behind.

/**
 * Bits of the threads that are engaged: others depend on them. In MASK_WORDS words. Atomic. A thread's bit is written by the thread,
 * at the latest before it parks, and by recovery once it is dead.
 */
export const ENGAGED = 3 * LINE;
/** Bits of the threads that await the continuation of a handler known to block; as ENGAGED. */
export const RESERVED = 3 * LINE + MASK_WORDS;

// ---- control: the state of the set (owner: control/shutdown.ts) -----------------------------------------------------

/** One of the SET_ states. Atomic. Written by the control plane. Read by every thread. */
export const SET_STATE = 4 * LINE;
export const SET_SERVING = 0;
/** Nothing new is accepted; connections end as soon as they are between messages. */
export const SET_DRAINING = 1;
/** Threads leave. */
export const SET_STOPPING = 2;
/**
 * 1 asks the next leader to look at every handle once, as if each had an event: after a leader died with events in hand, and
 * when draining begins. Atomic. Written to set it by the control plane (also in control/recovery.ts and control/thread-keeper.ts), and by a leader that has handed
 * a connection over to a thread that is dead (thread/hand-over.ts); by the leader that starts the scan to clear it
 * (set/ready-list.ts). Read by leaders.
 */
export const RESCAN = 4 * LINE + 1;
/**
 * 1 while the threads record what they do (owner: set/recorder.ts). Atomic. Written by the control plane. Read by every thread.
 */
export const RECORDING = 4 * LINE + 2;
/**
 * The clock of the timeouts, in ticks; wraps (owner: connection/timeouts.ts). Atomic. Written by the thread that is inside the
 * timer handle. Read by every thread.
 */
export const TICK = 4 * LINE + 3;

// ---- control: connections (owner: connection/acceptor.ts; what closing does to them: connection/close.ts) ---------------

/**
 * Open connections. Atomic. Added to by a thread that accepts, subtracted from by one that closes, and by recovery. Read by
 * all.
 */
export const CONNECTIONS = 5 * LINE;
/**
 * 0, or 1 + the listening handle while accepting is suspended. Atomic. Written by the thread that suspends it, by the thread
 * that closes a connection next and resumes it, and by the control plane. Read by threads that close, and by the control plane.
 */
export const ACCEPT_SUSPENDED = 5 * LINE + 1;
/**
 * Connections that were open at once, at most. Plain. Written by threads that accept; of two at the same time one may be
 * missed. Read by the observer.
 */
export const CONNECTIONS_PEAK = 5 * LINE + 2;
/** How often accepting was suspended; wraps. Atomic. Written by the thread that suspends it. Read by the control plane. */
export const SUSPENSIONS = 5 * LINE + 3;
/**
 * Why it was last suspended: an errno, 0 for maxConnections, -1 for a full handle table. Plain. Written by the thread that
 * suspends it, before SUSPENSIONS. Read by the control plane (control/suspensions.ts).
 */
export const SUSPENDED_FOR = 5 * LINE + 4;

// ---- control: the ready list (owner: set/ready-list.ts) ----------------------------------------------------------------
// All plain: written and read by the leader.

/**
 * Index of the next event to take, and of the end of the list. Read as hints by threads that join, and by the follower on
 * watch.
 */
export const READY_NEXT = 6 * LINE;
export const READY_END = 6 * LINE + 1;
/** The descriptor at which a rescan goes on; -1 while none is under way. */
export const SCAN_CURSOR = 6 * LINE + 2;
/** Events in the list at most, so far. Read by the observer. */
export const READY_PEAK = 6 * LINE + 4;
/** When the list was last filled, as PROMOTED_AT (owner: set/recorder.ts). A double: the index among the doubles. */
export const READY_SINCE = (7 * LINE) / 2 - 1;
/** Events that one refill takes from the kernel. 512 is more than 64 busy connections ever have ready at once. */
export const READY_CAPACITY = 512;
/** Room for either layout of `struct epoll_event`. */
const READY_EVENT_WORDS = 4;
export const READY_EVENTS = 9 * LINE;

// ---- control: one area for each thread (owners: with the words) ---------------------------------------------------------
// "The thread" is the one whose area it is.

const THREADS = READY_EVENTS + READY_CAPACITY * READY_EVENT_WORDS;

/**
 * One of the states of set/thread-state.ts (owner: set/thread-set.ts). Plain. Written by the thread; by the control plane
 * before it starts and once it is dead. Read by the observer.
 */
export const STATE = 0;
/**
 * The connection that the thread is inside; -1 for none, or OWN_CODE (owner: thread/dispatcher.ts). Plain. Written by the thread,
 * before it leaves the state of a leader to process an event; by recovery once it is dead. Read by the leader, to choose a thread for a
 * hand-over, and by the observer.
 */
export const CURRENT_FD = 1;
/** The thread is inside no connection, and may run code of the app: in its event loop, or in deferred work. */
export const OWN_CODE = -2;
/**
 * Where the method and target of the request in hand lie in the thread's input buffer (owner: http/begin-exchange.ts). Plain.
 * Written by the thread; its recorder sets REQUEST_TO to 0 when the next event begins. Read by the observer.
 */
export const REQUEST_AT = 2;
export const REQUEST_TO = 3;
/**
 * What the thread's acceptor has counted as a connection and not yet put into the handle table: 0 nothing, 1 a place for one,
 * else 2 + its descriptor (owner: connection/acceptor.ts). Plain. Written by the thread around each accept. Read by recovery
 * once it is dead, which clears it, and by the control plane, which leaves such a descriptor alone.
 */
export const ACCEPTING = LINE;
/**
 * The connection that the thread is about to close: 0 for none, else 1 + its descriptor (owner: connection/close.ts). Plain.
 * Written by the thread around each close. Read by recovery once it is dead, which completes the close and clears the word, and
 * by the control plane while it lives, which leaves such a descriptor alone.
 */
export const CLOSING = LINE + 1;
/**
 * Log messages of the thread that the control plane has read; wraps (owner: control/thread-keeper.ts). Atomic. Written by the
 * control plane, which sets it to 0 before it starts a thread. Read by the thread, to know how many are unread.
 */
export const LOGS_READ = 3 * LINE + 2;

// The thread's mailbox (owner: set/mailbox.ts). MAILBOX_PUT and MAILBOX_TAKEN lie in lines of their own.

/** Entries put so far; wraps. Atomic. Written by the leader. Read by the leader and the thread. */
export const MAILBOX_PUT = 2 * LINE;
/**
 * Entries taken so far; wraps. Atomic. Written by the thread; by the control plane before it starts. Read by the leader and the
 * thread.
 */
export const MAILBOX_TAKEN = 3 * LINE;
/**
 * 1 asks the thread to look at every handle bound to it: an entry did not fit, or an event may have been noted and not handed
 * off. Atomic. Written by any thread and by recovery to set it, by the thread to clear it, by the control plane before it
 * starts. Read by the thread.
 */
export const MAILBOX_SWEEP = 3 * LINE + 1;
/** Entries of a mailbox; a power of two. More bound handles than this may have events at once: see MAILBOX_SWEEP. */
export const MAILBOX_CAPACITY = 256;
/** Words of an entry: the descriptor; the generation, and whether it is a hand-over. */
export const MAILBOX_ENTRY_WORDS = 2;
/** The ring of entries. Plain. Written by the leader before MAILBOX_PUT. Read by the thread before MAILBOX_TAKEN. */
export const MAILBOX_ENTRIES = 4 * LINE;

// What the thread records. Written by the thread, and by the control plane once it is dead.

/** Transitions recorded so far; wraps (owner: set/transitions.ts). Atomic. Read by readers of transitions, and the observer. */
export const TRANSITIONS_PUT = MAILBOX_ENTRIES + MAILBOX_CAPACITY * MAILBOX_ENTRY_WORDS;
/** The ring of transitions. Plain. Written before TRANSITIONS_PUT. Read as that. */
export const TRANSITIONS = TRANSITIONS_PUT + LINE;
/** At 200,000 changes a second, which is a thread at its limit, the ring holds 20 ms. */
export const TRANSITION_CAPACITY = 4096;
/** Words of a transition: states and promoter (or the kind of a mark), the time in microseconds as two halves, how long the promotion took. */
export const TRANSITION_WORDS = 4;
/** Counters, in the order of COUNTERS (owner: memory/counters.ts). Plain. Read by the observer. */
export const COUNTS = TRANSITIONS + TRANSITION_CAPACITY * TRANSITION_WORDS;
const COUNTS_ROOM = 2 * LINE;
/** Sums: doubles (owner: memory/sums.ts). Plain. Read by the observer. */
export const SUMS = COUNTS + COUNTS_ROOM;
const SUMS_ROOM = 2 * LINE;
/** Histograms of durations (owner: memory/sums.ts). Plain. Read by the observer. */
export const HISTOGRAM_AREA = SUMS + SUMS_ROOM;
export const HISTOGRAM_COUNT = 4;

const THREAD_WORDS = Math.ceil((HISTOGRAM_AREA + HISTOGRAM_COUNT * HISTOGRAM_BUCKETS) / LINE) * LINE;

/** The first word of a thread's area. */
export const threadArea = (thread: number): number => THREADS + thread * THREAD_WORDS;

// ---- handles: the table (owner of the state word: set/handle-table.ts; of the others: set/handle-record.ts) ------------

/** Words of a record; one cache line, so that two connections never share one. */
export const HANDLE_WORDS = 16;
/** The state word; set/handle-table.ts explains its bits. Atomic. Written and read by any thread. */
export const HANDLE_STATE = 0;

// All other words of a record are plain: written and read by the thread that is inside the handle, or that it is bound to; by the
// thread that opens it, and by recovery once that thread is dead.

/** Which event handler serves the handle. */
export const HANDLE_KIND = 1;
/**
 * First block of saved input in the pool, 0 for none; and the bytes saved. The block is also read by http/head-eviction.ts and
 * by recovery, without being inside.
 */
export const HANDLE_BLOCK = 2;
export const HANDLE_SAVED = 3;
/** Bits that an event handler keeps between events. */
export const HANDLE_FLAGS = 4;
/** The HTTP parser's registers: PARSER_WORDS of http/parser/request-parser.ts, which are 8. */
export const HANDLE_PARSER = 5;
/**
 * The tick at which the connection's time is up, 0 for never. Also read by connection/timeouts.ts and http/head-eviction.ts,
 * without being inside.
 */
export const HANDLE_DEADLINE = 13;
/** Requests begun on the connection, where there is a limit of them. */
export const HANDLE_REQUESTS = 14;
/**
 * The network of the client, as remoteNetwork of sys/socket.ts gives it; 0 until input is first saved. Written by
 * http/saved-message.ts. Also read by http/head-eviction.ts, without being inside.
 */
export const HANDLE_NETWORK = 15;

// ---- blocks: the pool (owner: memory/block-pool.ts) ------------------------------------------------------------------

/** Bytes of a block. Two hold a typical browser's head; a head at its limit of 16 KiB takes eight. */
export const BLOCK_BYTES = 2048;
/** Blocks of the pool: 64 MiB of address space, resident only where used. */
export const BLOCK_COUNT = 32_768;

// ---- inputs: a buffer for each thread (owner: http/input-window.ts) ----------------------------------------------------

/** Bytes of a thread's buffer: input of one receive, and the longest saved head in front of it. */
export const INPUT_BYTES = 128 * 1024;

// ---- routes: the route table (owner: routes/route-table.ts) -------------------------------------------------------------

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

export interface SharedMemory {
  readonly control: SharedArrayBuffer;
  readonly handles: SharedArrayBuffer;
  readonly blocks: SharedArrayBuffer;
  readonly inputs: SharedArrayBuffer;
  readonly routes: SharedArrayBuffer;
}

/** Bytes before the first block: the pool's own words, see memory/block-pool.ts. */
export const POOL_HEADER_WORDS = LINE;

/**
 * Allocates zeroed memory for `threads` threads and descriptors below `descriptors`.
 *
 * @param blocks of the pool; specs that fill it have fewer
 */
export function allocateMemory(threads: number, descriptors: number, blocks = BLOCK_COUNT): SharedMemory {
  const memory = {
    control: new SharedArrayBuffer(threadArea(threads) * 4),
    // One record more than descriptors: its first word is the end of the numbers in use, see set/handle-table.ts.
    handles: new SharedArrayBuffer((descriptors + 1) * HANDLE_WORDS * 4),
    blocks: new SharedArrayBuffer(POOL_HEADER_WORDS * 4 + blocks * (4 + BLOCK_BYTES)),
    inputs: new SharedArrayBuffer(threads * INPUT_BYTES),
    routes: new SharedArrayBuffer(routeRecord(ROUTE_SLOTS) * 4),
  };
  new Int32Array(memory.control)[SCAN_CURSOR] = -1;
  return memory;
}
