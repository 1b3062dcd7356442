/** Bits of a connection's flags (set/handle-record.ts) that hold for any protocol; they belong to the thread that is inside. */
import { BROKEN, PEER_ENDED } from '../set/handle-table.js';

/** Lingering close is under way, see connection.ts: a thread that enters the connection continues it. */
export const IS_LINGERING = 1;
/**
 * The connection is handed over: a thread has received a request and left it to another one, which calls the handler whatever its own
 * state is. Set before the handle is left, and cleared by the thread that enters it next. The leader reads it as it enters the handle.
 */
export const HANDED_OVER = 2;
/**
 * What the kernel has reported of a connection that is handed over, PEER_ENDED and BROKEN of set/handle-table.ts: set by the leader that
 * passes the connection on, cleared with HANDED_OVER.
 */
export const REPORTED = PEER_ENDED | BROKEN;
/** The bits from here on are the protocol's. */
export const FIRST_PROTOCOL_FLAG = 16;
