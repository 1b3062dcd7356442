/**
 * The concrete event handlers of HTTP connections: find the connection object that an event is for.
 *
 * A connection that is bound to the thread has an object of its own. All others are served by one spare object, so a plain request
 * allocates none.
 */

import type { ConnectionThread } from '../connection/connection-thread.js';
import type { EventHandler, ThreadContext } from '../connection/event-handler.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import type { FetchApp } from '../web/context.js';
import type { HttpConnection } from './connection.js';
import { type FailureAnswer, plainAnswer } from './failure-answer.js';
import { FetchConnection } from './fetch-connection.js';
import { FetchThread } from './fetch-thread.js';
import type { HttpExchange } from './http-exchange.js';
import { ObservedFetchConnection } from './observed-connection.js';
import type { Routes } from './routes.js';

export class HttpConnections implements EventHandler {
  readonly #thread: ConnectionThread;
  readonly #create: () => HttpConnection<HttpExchange>;
  /** For connections that are left at the end of the dispatch. Once one is bound, the object stays with it. */
  #spare: HttpConnection<HttpExchange>;

  /** @param create makes a connection object of the thread */
  constructor(thread: ConnectionThread, create: () => HttpConnection<HttpExchange>) {
    this.#thread = thread;
    this.#create = create;
    this.#spare = create();
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
    if (connection.bound) this.#spare = this.#create();
  }

  abort(fd: number): void {
    const connection = this.#thread.boundConnections.get(fd) ?? this.#spare;
    if (connection === this.#spare) this.#spare = this.#create();
    connection.abort();
  }

  cut(): string[] {
    const all = [...this.#thread.boundConnections.values()] as HttpConnection<HttpExchange>[];
    return all.flatMap((connection) => connection.cut() ?? []);
  }

  bound(): Iterable<number> {
    return this.#thread.boundConnections.keys();
  }
}

/** The event handler of connections whose requests are answered by a fetch app. @param telemetry observes the requests. Default: nothing does */
export function fetchConnections(
  context: ThreadContext,
  app: FetchApp,
  fallbackHost: string,
  routes: Routes,
  telemetry: Telemetry | null = null,
  failureAnswer: FailureAnswer = plainAnswer,
): HttpConnections {
  const thread = new FetchThread(context, routes, app, fallbackHost, failureAnswer);
  const create = (): FetchConnection =>
    telemetry === null ? new FetchConnection(thread) : new ObservedFetchConnection(thread, telemetry);
  return new HttpConnections(thread, () => create() as unknown as HttpConnection<HttpExchange>);
}
