/** Bits of an HTTP connection's HANDLE_FLAGS; they belong to the thread that is inside. */

/** Parser registers and input of an unfinished message are saved. */
export const HAS_SAVED = 1;
/** The handle set also reports when the connection becomes writable. */
export const INTERESTED_IN_OUTPUT = 2;
/** A request has been answered, and nothing of the next one has come. */
export const BETWEEN_REQUESTS = 4;
/** Everything is sent and said; what the client still sends is read away until it ends, too. */
export const LINGERING = 8;
