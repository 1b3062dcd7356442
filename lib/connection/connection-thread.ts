/** What the connections of one thread share, whatever protocol they speak. */
import type { ThreadContext } from './event-handler.js';

/** A connection that is bound to its thread, as its event handler sees it. */
export interface BoundConnection {
  /** Processes events of it, see connection.ts. */
  dispatch(events: number): void;
  /** As EventHandler.abort. */
  abort(): void;
}

export class ConnectionThread {
  /** The connections that are bound to this thread, by descriptor. */
  readonly boundConnections = new Map<number, BoundConnection>();

  constructor(readonly context: ThreadContext) {}
}
