/** Bits of a connection's flags (set/handle-record.ts) that hold for any protocol; they belong to the thread that is inside. */
import { BROKEN, PEER_ENDED } from '../set/handle-table.js';

/** Lingering close is under way, see connection.ts: a thread that enters the connection continues it. */
export const IS_LINGERING = 1;
/**
 * The connection is handed over: a thread has received a request and left it to another one, which calls the handler whatever its own
 * state is. One bit for hand-overs to a free thread, and one for those to a host (set/engagement.ts). Set before the handle is left, and
 * cleared by the thread that enters it next. The leader reads them as it enters the handle.
 */
export const TO_FREE_THREAD = 2;
export const TO_HOST = 16;
export const HANDED_OVER = TO_FREE_THREAD | TO_HOST;
/**
 * What the kernel has reported of a connection that is handed over, PEER_ENDED and BROKEN of set/handle-table.ts: set by the leader that
 * passes the connection on, cleared with HANDED_OVER.
 */
export const REPORTED = PEER_ENDED | BROKEN;
/** The bits from here on are the protocol's. */
export const FIRST_PROTOCOL_FLAG = 32;
