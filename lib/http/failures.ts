/** The outcome of requests that fail: by the client's fault, by the handler's, or because the client has left. */

import type { ThreadContext } from '../connection/event-handler.js';
import { isCausedBy, type PacelineErrorCode } from '../errors.js';
import { DROPPED, ERRORS, RESPONSES } from '../memory/counters.js';
import { requestLine } from '../web/light-request.js';
import type { Outgoing } from '../web/outgoing.js';
import type { Exchange } from './exchange.js';
import type { FetchThread } from './fetch-thread.js';
import { refusal } from './response-writer.js';

/**
 * The response in place of a handler that threw.
 *
 * @param peerEnded whether the client has ended its side
 * @returns null when the handler only gave up because its client had left, and no answer is awaited
 */
export function failureOf(
  exchange: Exchange,
  { context, failureAnswer }: FetchThread,
  peerEnded: boolean,
): Outgoing | null {
  const { body, error, request } = exchange;
  if (peerEnded && gaveUp(exchange, error)) {
    logDeparture(exchange, context);
    return body?.failed ? refusal(400) : null;
  }
  report(exchange, error, context);
  let answer: Outgoing | null = null;
  exchange.inScope(() => {
    answer = failureAnswer(error, request);
  });
  return answer;
}

/**
 * A handler has thrown after its client had left for good, or after its request had been refused. Reported as any other failure, unless it
 * only gave up.
 */
export function reportLate(exchange: Exchange, error: unknown, context: ThreadContext): void {
  if (!isTold(exchange, error, 'PACELINE_CLIENT_GONE', 'PACELINE_BODY_LIMIT'))
    report(exchange, error, context);
}

function report(exchange: Exchange, error: unknown, { counters, log }: ThreadContext): void {
  counters[ERRORS]!++;
  exchange.inScope(() => log('error', 'a handler failed', { error, ...requestLine(exchange.request) }));
}

/** That a client has left before its response is nothing that an operator has to look at. */
export function logDeparture(exchange: Exchange, { log }: ThreadContext): void {
  exchange.inScope(() =>
    log('debug', 'a client left before its response was complete', { ...requestLine(exchange.request) }),
  );
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
  return isTold(exchange, error, 'PACELINE_CLIENT_GONE');
}

/** Whether an error comes from what the app was told of its client, by an error with one of these codes. */
function isTold(exchange: Exchange, error: unknown, ...codes: PacelineErrorCode[]): boolean {
  let told = false;
  exchange.inScope(() => {
    told = isCausedBy(error, ...codes);
  });
  return told;
}
