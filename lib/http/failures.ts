/** The outcome of requests that fail: by the client's fault, by the handler's, or because the client has left. */

import type { ThreadContext } from '../connection/event-handler.js';
import { abortError, isClientGone, PacelineError } from '../errors.js';
import { DROPPED, ERRORS, RESPONSES } from '../memory/counters.js';
import { requestLine } from '../web/light-request.js';
import type { Outgoing } from '../web/outgoing.js';
import type { Exchange } from './exchange.js';
import { refusal } from './response-writer.js';

/**
 * The response in place of a handler that threw.
 *
 * @param peerEnded whether the client has ended its side
 * @returns null when the handler only gave up because its client had left, and no answer is awaited
 */
export function failureOf(exchange: Exchange, context: ThreadContext, peerEnded: boolean): Outgoing | null {
  const { body, error } = exchange;
  if (peerEnded && gaveUp(exchange, error)) return body?.failed ? refusal(400) : null;
  exchange.inScope(() =>
    context.log('error', 'a handler failed', { error, ...requestLine(exchange.request) }),
  );
  context.counters[ERRORS]!++;
  return { ...refusal(500), close: false };
}

/** Counts a request that is refused, or timed out. */
export function countRefusal({ counters, log }: ThreadContext, status: number, reason: string): void {
  counters[ERRORS]!++;
  counters[DROPPED]!++;
  counters[RESPONSES - 1 + ((status / 100) | 0)]!++;
  log('debug', 'a request was refused', { status, reason });
}

/** Whether the handler, or the stream that it returned, failed with `error` only because its client had left. */
export function gaveUp(exchange: Exchange, error: unknown): boolean {
  let gone = false;
  exchange.inScope(() => {
    gone = isClientGone(error);
  });
  return gone;
}

/** The error of a body that was refused. One beyond the limit has a code of its own; any other counts as the client's leaving. */
export function bodyRefused(status: number, reason: string): Error {
  const message = `the request's body was refused: ${reason}`;
  return status === 413
    ? new PacelineError('PACELINE_BODY_LIMIT', message)
    : abortError(new PacelineError('PACELINE_CLIENT_GONE', message));
}

/** The error of a body that the client held back, when the response ended before it was told to send it. */
export function neverSent(): PacelineError {
  return new PacelineError(
    'PACELINE_CLIENT_GONE',
    'the response ended before the body was asked for, so the client was never told to send it',
  );
}

/** The error of a request whose client has left. @param received whether the client had sent the whole request */
export function clientGone(received: boolean): DOMException {
  const when = received
    ? 'while its request was being handled'
    : 'before the whole of its request was received';
  return abortError(new PacelineError('PACELINE_CLIENT_GONE', `the client closed the connection ${when}`));
}
