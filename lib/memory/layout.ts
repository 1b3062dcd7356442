/**
 * The shared memory, all of it: where each word lies, who owns it, and who may write it when.
 *
 * Six SharedArrayBuffers, made by the control plane and handed to every thread:
 *
 * - `control` coordinates the thread set, and holds what each thread records of itself. Words that different threads write lie
 *   in different cache lines.
 * - `handles` has one record for every descriptor number: the handle table (memory/handle-words.ts).
 * - `blocks` is the pool that keeps partial input between events.
 * - `inputs` has a buffer for each thread, into which it receives.
 * - `routes` has what the threads have learned about routes: how long a request of each holds its thread (memory/route-words.ts).
 * - `channels` has the bytes between the thread that does the I/O and the workers, in the one model in which these are different threads;
 *   it is empty in the others (memory/channel-words.ts).
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

export * from './handle-words.js';

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
 * Promotions that wake a follower although one is on watch; or puts that wake a worker although one is awake. Atomic. Written at a stall by the
 * follower on watch, or the I/O thread; counted down by leaders that have vacated, or that thread; set to 0 by one that caused none. Read by these.
 */
export const UNTHROTTLED = 8 * LINE + 1;
/**
 * Checks with a backlog before a trial of one more thread. Atomic. Written by the thread of the last trial, when it parks. Read
 * by the follower on watch.
 */
export const TRIAL_DELAY = 8 * LINE + 2;
/**
 * When the last stall was seen: the low 32 bits of the microseconds of sys/clock.ts. Plain. Written by the follower on watch at a stall, and
 * by a thread that has caused none. Read by the follower on watch: a hint.
 */
export const STALLED_AT = 8 * LINE + 3;
/** EPOCH at the last stall. Plain. Written and read by the follower on watch. */
export const STALLED_EPOCH = 8 * LINE + 4;

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
/** Connections end as soon as they are between messages; threads accept what still waits. */
export const SET_DRAINING = 1;
/** It drains, nothing is accepted any more, and connections that have sent nothing are closed as well. */
export const SET_CLEARING = 2;
/** Threads leave. */
export const SET_STOPPING = 3;
/**
 * 1 asks the next leader to look at every handle once, as if each had an event: after a leader died with events in hand, and
 * when draining begins. Atomic. Written to set it by the control plane (also in control/recovery.ts and control/thread-keeper.ts), and by a leader that has handed
 * a connection over to a thread that is dead (strategies/hand-over.ts); by the leader that starts the scan to clear it
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

/**
 * Until when responses in flight may take and hooks of apps are awaited, in microseconds of sys/clock.ts. A double: the index among the
 * doubles. Plain. Written by the control plane before SET_STATE becomes SET_DRAINING. Read by threads that leave.
 */
export const DRAIN_DEADLINE = (4 * LINE + 4) / 2;

// ---- control: connections (owner: connection/acceptor.ts; what closing does to them: connection/close.ts) ---------------

/**
 * Open connections. Atomic. Added to by a thread that accepts, subtracted from by one that closes, and by recovery. Read by
 * all.
 */
export const CONNECTIONS = 5 * LINE;
/**
 * Bits of the listeners at which accepting is suspended, by their numbers (owner: connection/listeners.ts). Atomic. A bit is written by
 * the thread that is inside the listening handle, or the control plane. Read by threads that close, and by the control plane.
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
// All plain: written and read by the leader. Where threads have sets of their own, each has a list of its own as well: `ownReadyList`.

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

// ---- control: the listeners (owner: connection/listeners.ts) -----------------------------------------------------------
// A line for each, by its number. All words but LISTENER_CONNECTIONS are written by who registers the listener and closes it: the
// control plane, or the one thread of a local set.

/** Listeners of a set: as many as bits in ACCEPT_SUSPENDED. */
export const MAX_LISTENERS = 32;
/** 0 for none, else 1 + the descriptor of the listening socket. Atomic. Read by any thread. */
export const LISTENER_FD = 0;
/**
 * The generation of its record. Atomic. Written before LISTENER_FD is set. Read by threads that close a connection, and resume accepting.
 */
export const LISTENER_GENERATION = 1;
/** The kind of its connections (connection/event-handler.ts). Atomic. Written before LISTENER_FD is set. Read by threads that accept. */
export const LISTENER_KIND = 2;
/** Its open connections. Atomic. Written with CONNECTIONS. Read by who registers listeners, and for a server's maxConnections. */
export const LISTENER_CONNECTIONS = 3;

const LISTENERS = READY_EVENTS + READY_CAPACITY * READY_EVENT_WORDS;

/** The first word of a listener's line. */
export const listenerArea = (index: number): number => LISTENERS + index * LINE;

// ---- control: the request queue (owner: set/request-queue.ts) -----------------------------------------------------------
// Of strategies with an I/O thread, which holds LEADER. "The I/O thread" is that holder.

const QUEUE = listenerArea(MAX_LISTENERS);

/**
 * Entries put so far, which is the position of the next one; wraps. Plain. Written by the I/O thread, in the step that completes an entry.
 * Read by threads that make room in a full queue, after QUEUE_AWAITED says so, and by the observer.
 */
export const QUEUE_PUT = QUEUE;
/** Entries in the queue at most, so far. Plain. Written by the I/O thread. Read by the observer. */
export const QUEUE_PEAK = QUEUE + 1;
/**
 * Entries taken so far, which is the position of the oldest one; wraps. Atomic. Written by the worker that takes an entry (CAS). Read by the
 * I/O thread and by workers.
 */
export const QUEUE_TAKEN = QUEUE + LINE;
/**
 * 1 while the I/O thread waits for room. Atomic. Written by that thread; after its death it stays until the next one has waited, which does no
 * harm. Read by workers that have freed a cell.
 */
export const QUEUE_AWAITED = QUEUE + 2 * LINE;
/** Cells of the queue; a power of two. Twice what one refill takes from the kernel: READY_CAPACITY. */
export const QUEUE_CAPACITY = 1024;
/** Words of a cell: its state, the descriptor, generation and events, when it was put. */
export const QUEUE_CELL_WORDS = 4;
/**
 * The cells. The state of each is atomic: written by the I/O thread when it has filled the cell, and by the worker that has read it, or by
 * recovery in its name. The others are plain: written by the I/O thread while the cell is free, read by the worker that has taken the entry.
 */
export const QUEUE_CELLS = QUEUE + 3 * LINE;

// ---- control: one area for each thread (owners: with the words) ---------------------------------------------------------
// "The thread" is the one whose area it is.

const THREADS = QUEUE_CELLS + QUEUE_CAPACITY * QUEUE_CELL_WORDS;

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
 * Written by the thread; its recorder sets REQUEST_TO to 0 when it begins to process something else. Read by the observer.
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
 * The listener whose count has what ACCEPTING and CLOSING are about: 0 for none, else 1 + its number. Plain. Written by the thread when
 * it has changed that count, which is a step of its own. Read by recovery once it is dead, which clears it.
 */
export const ACCEPTING_FROM = LINE + 2;
export const CLOSING_FROM = LINE + 3;
/**
 * What the thread is taking from the request queue: 0 for nothing, 1 + the cell whose entry it has taken and not read yet, or -1 for an
 * entry whose handle it has not claimed yet (owner: set/request-queue.ts). Plain. Written by the thread. Read by recovery once it is
 * dead, which clears it.
 */
export const TAKING = LINE + 4;
/**
 * The thread whose OWN_CONNECTIONS has what ACCEPTING and CLOSING are about, as ACCEPTING_FROM and CLOSING_FROM (owner: connection/dealing.ts): 0
 * for none, since thread 0 has no set of its own.
 */
export const ACCEPTING_TO = LINE + 5;
export const CLOSING_OF = LINE + 6;
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

/** Sums and counts of requests by class: doubles, and words (owner: memory/request-classes.ts). Plain. Read by the observer. */
export const CLASS_SUMS = Math.ceil((HISTOGRAM_AREA + HISTOGRAM_COUNT * HISTOGRAM_BUCKETS) / LINE) * LINE;
const CLASS_SUMS_ROOM = 2 * LINE;
export const CLASS_COUNTS = CLASS_SUMS + CLASS_SUMS_ROOM;
const CLASS_COUNTS_ROOM = 14 * LINE;

// The thread's own ready list, in models where it has one. Written and read by the thread, as the leader does those of the shared list.

const OWN_READY = CLASS_COUNTS + CLASS_COUNTS_ROOM;
const OWN_READY_WORDS = READY_EVENTS - READY_NEXT + READY_CAPACITY * READY_EVENT_WORDS;

// In the line of its first words, which such a thread writes at every event (owner: connection/dealing.ts).

/** Open connections of the thread's own set. Atomic. Written with CONNECTIONS. Read by the thread that deals, and by the observer. */
export const OWN_CONNECTIONS = OWN_READY + 5;
/**
 * Since when the thread has been inside one handler, or its event loop: the low 32 bits of the microseconds of sys/clock.ts, made odd; 0 while
 * it waits for its own set. Plain. Written by the thread. Read by the thread that deals: a hint.
 */
export const PROCESSING_SINCE = OWN_READY + 6;

const THREAD_WORDS = OWN_READY + OWN_READY_WORDS;

/** The first word of a thread's area. */
export const threadArea = (thread: number): number => THREADS + thread * THREAD_WORDS;

/**
 * Where a view of `control` begins in which READY_NEXT, READY_END, READY_PEAK, READY_SINCE and READY_EVENTS are those of the thread's own ready
 * list, in words: so one code serves both lists, and the shared one costs nothing more.
 */
export const ownReadyList = (thread: number): number => threadArea(thread) + OWN_READY - READY_NEXT;

// ---- blocks: the pool (owner: memory/block-pool.ts) ------------------------------------------------------------------

/** Bytes of a block. Two hold a typical browser's head; a head at its limit of 16 KiB takes eight. */
export const BLOCK_BYTES = 2048;
/** Blocks of the pool: 64 MiB of address space, resident only where used. */
export const BLOCK_COUNT = 32_768;
/** Bytes before the first block: the pool's own words, see memory/block-pool.ts. */
export const POOL_HEADER_WORDS = LINE;

// ---- inputs: a buffer for each thread (owner: http/input-window.ts) ----------------------------------------------------

/** Bytes of a thread's buffer: input of one receive, and the longest saved head in front of it. */
export const INPUT_BYTES = 128 * 1024;
