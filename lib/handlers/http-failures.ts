/** What becomes of requests that fail: by the client's fault, by the handler's, or because the client has gone. */
import { PacelineError } from '../errors.js';
import type { Exchange } from '../http/exchange.js';
import { refusal } from '../http/response-writer.js';
import { DROPPED, ERRORS, RESPONSES } from '../memory/counters.js';
import { requestLine } from '../web/light-request.js';
import type { Outgoing } from '../web/outgoing.js';
import type { ThreadContext } from './event-handler.js';

/** The response in place of a handler that threw. */
export function failureOf(exchange: Exchange, context: ThreadContext): Outgoing {
  const { error } = exchange;
  let gone = false;
  exchange.inScope(() => {
    gone = isClientGone(error);
    if (!gone) context.log('error', 'a handler failed', { error, ...requestLine(exchange.request) });
  });
  if (gone) return refusal(400);
  context.counters[ERRORS]!++;
  return { ...refusal(500), close: false };
}

/** Counts a request that is refused, or whose time is up. */
export function countRefusal({ counters, log }: ThreadContext, status: number, reason: string): void {
  counters[ERRORS]!++;
  counters[DROPPED]!++;
  counters[RESPONSES - 1 + ((status / 100) | 0)]!++;
  log('debug', 'a request was refused', { status, reason });
}

/** What the handler of a request is told whose body was refused. */
export function bodyRefused(status: number, reason: string): PacelineError {
  return new PacelineError(
    status === 413 ? 'PACELINE_BODY_LIMIT' : 'PACELINE_CLIENT_GONE',
    `the request's body was refused: ${reason}`,
  );
}

export function clientGone(): PacelineError {
  return new PacelineError(
    'PACELINE_CLIENT_GONE',
    'the client closed the connection before its message was complete',
  );
}

function isClientGone(error: unknown): boolean {
  try {
    return error instanceof PacelineError && error.code === 'PACELINE_CLIENT_GONE';
  } catch {
    // A proxy may answer even this question with an error.
    return false;
  }
}
