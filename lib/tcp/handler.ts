/** The concrete event handler of raw TCP connections: finds the ServedTcp of a bound connection, or makes
 * one for the event. */
import type { BoundConnection } from '../connection/connection-thread.js';
import type { EventHandler, ThreadContext } from '../connection/event-handler.js';
import type { TcpApp } from './app.js';
import { ServedTcp } from './connection.js';
import { TcpThread } from './tcp-thread.js';

export class TcpConnections implements EventHandler {
  readonly #thread: TcpThread;
  /** The connection of the last event. */
  #current: BoundConnection | null = null;

  constructor(context: ThreadContext, app: TcpApp) {
    this.#thread = new TcpThread(context, app);
  }

  handleEvent(fd: number, events: number): void {
    const connection = this.#thread.boundConnections.get(fd) ?? new ServedTcp(this.#thread, fd);
    this.#current = connection;
    connection.dispatch(events);
  }

  abort(fd: number): void {
    const current = this.#current;
    this.#current = null;
    (this.#thread.boundConnections.get(fd) ?? current)?.abort();
  }

  bound(): Iterable<number> {
    return this.#thread.boundConnections.keys();
  }
}
