/** HTTP's own bits of a connection's flags; they belong to the thread that is inside. */
import { FIRST_PROTOCOL_FLAG } from '../connection/flags.js';

/** Parser registers and input of an unfinished message are saved. */
export const HAS_SAVED = FIRST_PROTOCOL_FLAG;
/** The handle set reports when the connection becomes writable as well. */
export const INTERESTED_IN_OUTPUT = FIRST_PROTOCOL_FLAG << 1;
/** A request has been answered, and nothing of the next one has been received. */
export const BETWEEN_REQUESTS = FIRST_PROTOCOL_FLAG << 2;
/** A thread has seen the connection of a Node server. */
export const SEEN = FIRST_PROTOCOL_FLAG << 3;
