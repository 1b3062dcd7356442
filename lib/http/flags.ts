/** Bits of the flags that an HTTP connection has of its own; they belong to the thread that is inside. */
import { FIRST_PROTOCOL_FLAG } from '../connection/flags.js';

/** Parser registers and input of an unfinished message are saved. */
export const HAS_SAVED = FIRST_PROTOCOL_FLAG;
/** The handle set also reports when the connection becomes writable. */
export const INTERESTED_IN_OUTPUT = FIRST_PROTOCOL_FLAG << 1;
/** A request has been answered, and nothing of the next one has come. */
export const BETWEEN_REQUESTS = FIRST_PROTOCOL_FLAG << 2;
