/**
 * The words of a handle's record, in the part `handles` of shared memory (layout.ts explains the comments). Owner of the state word:
 * set/handle-table.ts; of the others: set/handle-record.ts.
 */

/** Words of a record; one cache line, so that two connections never share one. */
export const HANDLE_WORDS = 16;
/** The state word; set/handle-table.ts explains its bits. Atomic. Written and read by any thread. */
export const HANDLE_STATE = 0;

// All other words of a record are plain: written and read by the thread that is inside the handle, or that it is bound to; by the
// thread that opens it, and by recovery once that thread is dead.

/** Which event handler serves the handle, the number of its listener, and that of its set (set/handle-table.ts). */
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
