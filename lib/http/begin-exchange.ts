/** From a parsed head to an exchange. */

import { remoteAddress } from '../sys/socket.js';
import { traceContextOf } from '../telemetry/trace-context.js';
import type { FetchContext, TraceContext } from '../web/context.js';
import { createRequest } from '../web/light-request.js';
import type { RequestHead } from '../web/request-head.js';
import { Exchange, type ExchangeOwner } from './exchange.js';
import type { FetchThread } from './fetch-thread.js';
import type { RequestParser } from './parser/request-parser.js';
import type { Route } from './routes.js';

/** The connection as an app's context of a request sees it. */
interface Served {
  readonly fd: number;
  /** Changes whenever the object serves another connection. */
  readonly generation: number;
}

export class RequestContext implements FetchContext {
  readonly #connection: Served;
  readonly #generation: number;
  readonly #head: RequestHead;
  /** Undefined until it is asked for. */
  #trace: TraceContext | null | undefined;

  constructor(
    readonly thread: number,
    connection: Served,
    head: RequestHead,
  ) {
    this.#connection = connection;
    this.#generation = connection.generation;
    this.#head = head;
  }

  get remoteAddress(): string {
    const { fd, generation } = this.#connection;
    return fd < 0 || generation !== this.#generation ? '' : (remoteAddress(fd)?.address ?? '');
  }

  get trace(): TraceContext | null {
    if (this.#trace === undefined) this.#trace = traceContextOf(this.#head);
    return this.#trace;
  }
}

/**
 * Makes the exchange for the head that `parser` has just completed in `bytes`, and records for observers which request is being
 * handled.
 */
export function beginExchange(
  thread: FetchThread,
  owner: ExchangeOwner,
  parser: RequestParser,
  bytes: Buffer,
  route: Route,
): Exchange {
  const start = parser.messageStart;
  const text = bytes.toString('latin1', start, start + parser.headLength);
  const { fallbackHost, routes } = thread;
  const exchange = new Exchange(
    owner,
    parser.hasBody,
    parser.keepAlive,
    parser.minorVersion,
    parser.methodEnd === 4 && text.startsWith('HEAD'),
    parser.expectContinue,
  );
  exchange.route = route;
  exchange.routes = routes;
  exchange.began = thread.requestBegan(parser);
  const { methodEnd, targetStart, targetEnd, headersStart, hostStart, hostEnd } = parser;
  const head = { text, methodEnd, targetStart, targetEnd, headersStart, hostStart, hostEnd, fallbackHost };
  exchange.head = head;
  exchange.request = createRequest(head, exchange.body);
  return exchange;
}
