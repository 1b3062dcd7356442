/** What an HTTP connection needs of a request and its response, whoever answers it. */
import type { Holder } from '../connection/hold-meter.js';
import type { RequestParser } from './parser/request-parser.js';
import type { RequestLine, Route } from './routes.js';

export interface HttpExchange extends Holder {
  readonly head: RequestLine;
  readonly route: Route;
  /** When it began, as the thread's recorder returned it. */
  readonly began: number;
  readonly handlerCalled: boolean;
  /** The response has begun. */
  readonly answered: boolean;
  /** Of the response, once it has begun. */
  readonly status: number;
  /** Nothing of the response is left to be made. */
  readonly responded: boolean;
  /** Whether there is room for more of the request's body. */
  readonly wantsBody: boolean;
  /** The last byte of the request has been parsed, or no more of it is expected. */
  received: boolean;
  /** The parser has found a part of the body. */
  bodyArrived(bytes: Buffer, parser: RequestParser): void;
  bodyEnded(): void;
  /** The rest of the body will never arrive. */
  bodyFailed(error: Error): void;
  /** The client has ended its side. */
  peerEnded(): void;
  /** The connection continues without the exchange, or is closed. */
  abandon(reason: Error): void;
}
