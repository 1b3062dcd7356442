/**
 * The concrete event handler of HTTP connections: finds or makes the HttpConnection that an event is for.
 *
 * A plain request is served by one object that the thread keeps for that; a connection that is bound to the thread has one of
 * its own.
 */

import type { EventHandler, ThreadContext } from '../connection/event-handler.js';
import type { FetchApp } from '../web/context.js';
import { HttpConnection } from './connection.js';
import { HttpThread } from './thread.js';

export class HttpConnections implements EventHandler {
  readonly #thread: HttpThread;
  /** For connections that come and go with their event. Once one is bound it is not used for another. */
  #spare: HttpConnection;

  constructor(context: ThreadContext, app: FetchApp, fallbackHost: string) {
    this.#thread = new HttpThread(context, app, fallbackHost);
    this.#spare = new HttpConnection(this.#thread);
  }

  handleEvent(fd: number, events: number): void {
    const all = this.#thread.boundConnections;
    const bound = all.size === 0 ? undefined : all.get(fd);
    if (bound !== undefined) {
      bound.dispatch(events);
      return;
    }
    const connection = this.#spare;
    connection.enter(fd);
    connection.dispatch(events);
    if (connection.bound) this.#spare = new HttpConnection(this.#thread);
  }

  abort(fd: number): void {
    const connection = this.#thread.boundConnections.get(fd) ?? this.#spare;
    if (connection === this.#spare) this.#spare = new HttpConnection(this.#thread);
    connection.abort();
  }

  bound(): Iterable<number> {
    return this.#thread.boundConnections.keys();
  }
}
