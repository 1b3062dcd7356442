/** Which handlers of a TCP app can fail, and how; and its farewell in an orderly close. */

export const FAREWELL = 'bye\n';

/** The handlers that can fail, apart from `open`. */
export const WHERES = ['data', 'drain', 'close', 'error'] as const;
export type Where = (typeof WHERES)[number];

/** How a handler fails. The thread dies of `exit`, and may die of those in LETHAL. */
export const HOWS = ['throw', 'reject', 'tick', 'microtask', 'immediate', 'exit'] as const;
export type How = (typeof HOWS)[number];
export const LETHAL: readonly How[] = ['tick', 'microtask', 'immediate'];
export const OPEN_FAULTS = '127.9.0.';
