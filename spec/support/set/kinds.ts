/** Numbers of the specs' own event handlers, beside those of connection/event-handler.ts. */

/** An eventfd whose counts are added up. */
export const COUNTER = 10;
/** The same, with input kept in the block pool. */
export const SAVER = 11;
/** The same, bound to the thread that first gets it. */
export const BINDER = 12;
/** The same, with a handler that holds its thread as user code does. */
export const HOLDER = 13;
