/**
 * The shared memory, all of it: which word lies where, who owns it and who may write it when.
 *
 * Four SharedArrayBuffers, made by the control plane and handed to every thread:
 *
 * - `control` coordinates the thread set, and has what each thread records of itself. Words that different threads write lie
 *   in different cache lines.
 * - `handles` has one record for every descriptor number: the handle table.
 * - `blocks` is the pool that keeps partial input between events.
 * - `inputs` has a buffer for each thread, into which it receives.
 *
 * All words are 32 bits, but for the sums and two times, which are doubles. "Atomic" words are read and written by Atomics only. The others are plain and belong to
 * one thread at a time; another thread sees them in order because an atomic word was handed over in between.
 *
 * Words that count on for ever wrap; docs/decisions/0008-counters-that-wrap.md says when each does and why that is right.
 */

import { HISTOGRAM_BUCKETS } from './histogram.js';

/** Words of a cache line (64 bytes). */
const LINE = 16;

/** The most threads of a set: four words of bits. */
export const MAX_THREADS = 128;
/** Words that hold one bit for each thread. */
export const MASK_WORDS = MAX_THREADS / 32;

// ---- control: the election (owner: set/thread-set.ts) --------------------------------------------------------------

/** Atomic. 0, or 1 + the number of the thread that leads. Taken by CAS from 0; vacated by its holder or by recovery. */
export const LEADER = 0;
/** Plain. Counts leaderships; only the leader writes it. Tells the follower on watch whether anything moves. */
export const EPOCH = 1;
/**
 * Plain. 1 + the thread that gave leadership up last. Written by the holder of LEADER right before it vacates it, or by its
 * recovery (owner: set/recorder.ts).
 */
export const PROMOTER = 2;
/** Plain, a double: its index among the doubles. When that was, in microseconds of sys/clock.ts; written with PROMOTER. */
export const PROMOTED_AT = LINE / 2 - 1;

// ---- control: the follower on watch (owner: set/watch.ts) ------------------------------------------------------------

/** Atomic. 0, or 1 + the number of the parked thread that is on watch. Set and cleared by that thread, or by recovery. */
export const WATCH = 8 * LINE;
/** Atomic. Promotions that wake a follower although one is on watch. Set by the one on watch, counted down by promotions. */
export const UNTHROTTLED = 8 * LINE + 1;
/** Atomic. Checks with a backlog before a trial of one more thread; written by the thread of the last trial, when it parks. */
export const TRIAL_DELAY = 8 * LINE + 2;

// ---- control: parking (owner: set/parking-lot.ts) ------------------------------------------------------------------

/** Atomic. 0, or 1 + the number of the thread that a promotion is waking. Set by a waker, cleared by the woken. */
export const WAKING = LINE;
/** Atomic. Bits of the threads that are parked. Set by the parked thread, cleared by whoever claims it. */
export const PARKED = 2 * LINE;

// ---- control: the state of the set (owner: control/plane.ts) --------------------------------------------------------

/** Atomic. One of the SET_ states; only the control plane writes it. */
export const SET_STATE = 4 * LINE;
export const SET_SERVING = 0;
/** Nothing new is accepted; connections end as soon as they are between messages. */
export const SET_DRAINING = 1;
/** Threads leave. */
export const SET_STOPPING = 2;
/**
 * Atomic. 1 asks the next leader to look at every handle once, as if each had an event: after a leader died with
 * events in hand, and when draining begins. Set by the control plane, cleared by the leader that starts the scan.
 */
export const RESCAN = 4 * LINE + 1;
/** Atomic. 1 while the threads record what they do (owner: set/recorder.ts); written by the control plane. */
export const RECORDING = 4 * LINE + 2;
/** Atomic. The clock of the timeouts; counts on with each sweep (owner: connection/timeouts.ts). */
export const TICK = 4 * LINE + 3;

// ---- control: connections (owner: connection/acceptor.ts) --------------------------------------------------------------

/** Atomic. Open connections. Added to on accepting, subtracted from on closing. */
export const CONNECTIONS = 5 * LINE;
/** Atomic. 0, or 1 + the listening handle while accepting is suspended; whoever closes a connection resumes it. */
export const ACCEPT_SUSPENDED = 5 * LINE + 1;
/** Plain. The most that were open at once; whoever accepts raises it, and two at once may miss one. */
export const CONNECTIONS_PEAK = 5 * LINE + 2;
/** Atomic. How often accepting was suspended, ever; wraps. Counted by whoever suspends it. */
export const SUSPENSIONS = 5 * LINE + 3;
/**
 * Plain. Why it was suspended last: an errno, 0 for maxConnections, -1 for a full handle table. Written by whoever suspends it,
 * before it counts; for the control plane, which tells (control/suspensions.ts).
 */
export const SUSPENDED_FOR = 5 * LINE + 4;

// ---- control: the ready list (owner: set/ready-list.ts; plain, the leader's) -----------------------------------------

/** Index of the next event to take, and of the end of the list. */
export const READY_NEXT = 6 * LINE;
export const READY_END = 6 * LINE + 1;
/** The descriptor at which a rescan goes on; -1 while none is under way. */
export const SCAN_CURSOR = 6 * LINE + 2;
/** The most events that the list ever had. */
export const READY_PEAK = 6 * LINE + 4;
/** A double: its index among the doubles. When the list was filled last, as PROMOTED_AT (owner: set/recorder.ts). */
export const READY_SINCE = (7 * LINE) / 2 - 1;
/** Events that one refill takes from the kernel. 512 is more than 64 busy connections ever have ready at once. */
export const READY_CAPACITY = 512;
/** Room for either layout of `struct epoll_event`. */
const READY_EVENT_WORDS = 4;
export const READY_EVENTS = 9 * LINE;

// ---- control: one area a thread --------------------------------------------------------------------------------------

const THREADS = READY_EVENTS + READY_CAPACITY * READY_EVENT_WORDS;

/** Plain. One of the states of set/thread-state.ts. Written by the thread; by the control plane once it is dead. */
export const STATE = 0;
/** Plain. The connection that the thread is inside, or -1; for people who look (owner: thread/worker-loop.ts). */
export const CURRENT_FD = 1;
/**
 * Plain. Where the method and target of the request in hand lie in the thread's input buffer, for the same people. Written by
 * the thread (owner: http/connection.ts); its recorder sets REQUEST_TO to 0 when the next event begins.
 */
export const REQUEST_AT = 2;
export const REQUEST_TO = 3;
/**
 * Plain. What an acceptor in this thread has counted as a connection and not yet put into the handle table: 0 nothing, 1 a
 * place for one, else 2 + its descriptor. For recovery (owner: connection/acceptor.ts).
 */
export const ACCEPTING = LINE;
/**
 * Plain. The connection that this thread is about to close: 0 for none, else 1 + its descriptor. Written by the thread around
 * each close, and read by the control plane: once the thread is dead to complete a close that was cut, while it lives to leave a
 * descriptor alone that it is just closing (owner: connection/acceptor.ts).
 */
export const CLOSING = LINE + 1;
/**
 * Atomic. Log messages of the thread that the control plane has read, for the thread to know how many wait; wraps. Written by
 * the control plane, which sets it to 0 before it starts a thread (owner: control/thread-keeper.ts).
 */
export const LOGS_READ = 3 * LINE + 2;
/** Atomic. Mailbox: entries ever put (by the leader) and ever taken (by the thread), in lines of their own. */
export const MAILBOX_PUT = 2 * LINE;
export const MAILBOX_TAKEN = 3 * LINE;
/** Atomic. 1 asks the thread to look at every handle bound to it: an entry did not fit, or may have been lost with a leader. */
export const MAILBOX_SWEEP = 3 * LINE + 1;
/** Entries of a mailbox; a power of two. More bound handles than this may wait at once, see MAILBOX_SWEEP. */
export const MAILBOX_CAPACITY = 256;
/** Words of an entry: descriptor and generation. */
export const MAILBOX_ENTRY_WORDS = 2;
export const MAILBOX_ENTRIES = 4 * LINE;
/** Atomic. Transitions ever recorded; then the ring of them (owner: set/transitions.ts; only the thread writes). */
export const TRANSITIONS_PUT = MAILBOX_ENTRIES + MAILBOX_CAPACITY * MAILBOX_ENTRY_WORDS;
export const TRANSITIONS = TRANSITIONS_PUT + LINE;
/** At 200,000 changes a second, which is a thread at its limit, the ring holds 20 ms. */
export const TRANSITION_CAPACITY = 4096;
/** Words of a transition: states and promoter, the time in microseconds as two halves, how long the promotion took. */
export const TRANSITION_WORDS = 4;
/** Plain. Counters of this thread, in the order of COUNTERS in memory/counters.ts; only the thread writes them. */
export const COUNTS = TRANSITIONS + TRANSITION_CAPACITY * TRANSITION_WORDS;
const COUNTS_ROOM = 2 * LINE;
/** Plain. Doubles, in the order of memory/sums.ts; only the thread writes them. */
export const SUMS = COUNTS + COUNTS_ROOM;
const SUMS_ROOM = 2 * LINE;
/** Plain. Histograms of durations, in the order of memory/sums.ts; only the thread writes them. */
export const HISTOGRAM_AREA = SUMS + SUMS_ROOM;
export const HISTOGRAM_COUNT = 4;

const THREAD_WORDS = Math.ceil((HISTOGRAM_AREA + HISTOGRAM_COUNT * HISTOGRAM_BUCKETS) / LINE) * LINE;

/** The first word of a thread's area. */
export const threadArea = (thread: number): number => THREADS + thread * THREAD_WORDS;

// ---- handles: the table (owner: set/handle-table.ts) -----------------------------------------------------------------

/** Words of a record; one cache line, so that two connections never share one. */
export const HANDLE_WORDS = 16;
/** Atomic. The state word; its bits are explained in set/handle-table.ts. */
export const HANDLE_STATE = 0;
/** Plain, the rest: they belong to the thread that is inside the handle. Which event handler serves it. */
export const HANDLE_KIND = 1;
/** First block of saved input in the pool (0: none), and the bytes saved. */
export const HANDLE_BLOCK = 2;
export const HANDLE_SAVED = 3;
/** Bits that an event handler keeps between events. */
export const HANDLE_FLAGS = 4;
/** The HTTP parser's registers: PARSER_WORDS of http/parser/request-parser.ts, which are 8. */
export const HANDLE_PARSER = 5;
/** The tick at which the connection's time is up, 0 for never. Read by connection/timeouts.ts without being inside. */
export const HANDLE_DEADLINE = 13;
/** Requests begun on the connection, where there is a limit of them. */
export const HANDLE_REQUESTS = 14;
/**
 * The network of the client, as remoteNetwork of sys/socket.ts says; 0 until input is saved for the first time. Written by
 * http/saved-message.ts, and read by http/head-eviction.ts without being inside.
 */
export const HANDLE_NETWORK = 15;

// ---- blocks: the pool (owner: memory/block-pool.ts) ------------------------------------------------------------------

/** Bytes of a block. Two hold a typical browser's head; a head at its limit of 16 KiB takes eight. */
export const BLOCK_BYTES = 2048;
/** Blocks of the pool: 64 MiB of address space, resident only where used. */
export const BLOCK_COUNT = 32_768;

// ---- inputs: a buffer for each thread (owner: http/input-window.ts) ----------------------------------------------------

/** Bytes of a thread's buffer: what one receive takes, and the longest head in front of it. */
export const INPUT_BYTES = 128 * 1024;

export interface SharedMemory {
  readonly control: SharedArrayBuffer;
  readonly handles: SharedArrayBuffer;
  readonly blocks: SharedArrayBuffer;
  readonly inputs: SharedArrayBuffer;
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
  };
  new Int32Array(memory.control)[SCAN_CURSOR] = -1;
  return memory;
}
