/**
 * The concrete event handler of HTTP connections: finds the HttpConnection that an event is for.
 *
 * A connection that is bound to the thread has an object of its own. All others are served by one spare object, so a plain request
 * allocates none.
 */

import type { EventHandler, ThreadContext } from '../connection/event-handler.js';
import type { FetchApp } from '../web/context.js';
import { HttpConnection } from './connection.js';
import { HttpThread } from './http-thread.js';
import type { Routes } from './routes.js';

export class HttpConnections implements EventHandler {
  readonly #thread: HttpThread;
  /** For connections that are left at the end of the dispatch. Once one is bound, the object stays with it. */
  #spare: HttpConnection;

  constructor(context: ThreadContext, app: FetchApp, fallbackHost: string, routes: Routes) {
    this.#thread = new HttpThread(context, app, fallbackHost, routes);
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
