/** Where the handlers of a TCP app can fail, and how; and how it ends a connection in order. */

export const FAREWELL = 'bye\n';

/** Each of the handlers, where a fault can be. */
export const WHERES = ['data', 'drain', 'close', 'error'] as const;
export type Where = (typeof WHERES)[number];

/** How a handler fails; the thread may die of those in LETHAL, of `exit` in any case. */
export const HOWS = ['throw', 'reject', 'tick', 'microtask', 'immediate', 'exit'] as const;
export type How = (typeof HOWS)[number];
export const LETHAL: readonly How[] = ['tick', 'microtask', 'immediate'];
export const OPEN_FAULTS = '127.9.0.';
