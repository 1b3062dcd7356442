/** Bits of a connection's flags (set/handle-record.ts) that hold for any protocol; they belong to the thread that is inside. */

/** Lingering close is under way, see connection.ts: a thread that enters the connection continues it. */
export const IS_LINGERING = 1;
/** The bits from here on are the protocol's. */
export const FIRST_PROTOCOL_FLAG = 2;
