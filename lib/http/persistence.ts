/** Whether a connection stays open after a response (RFC 9112, 9.3). */
import type { ThreadContext } from '../connection/event-handler.js';
import { SET_SERVING, SET_STATE } from '../memory/layout.js';
import { countRequest } from '../set/handle-record.js';
import type { Outgoing } from '../web/outgoing.js';
import type { Exchange } from './exchange.js';

/** To be called once for each response, as it counts requests where their number is limited. */
export function persists(
  exchange: Exchange,
  outgoing: Outgoing,
  context: ThreadContext,
  fd: number,
): boolean {
  // A plain load of the set's state: when draining begins, a rescan makes an event for every connection.
  // A client that was never told to send its body may send it or not, so where the next message begins is unknown.
  return (
    exchange.keepAlive &&
    !outgoing.close &&
    !(exchange.awaitsContinue && !exchange.received) &&
    !isLastRequest(context, fd) &&
    context.control[SET_STATE] === SET_SERVING
  );
}

/** Counts the request, where there is a limit. @returns whether it is the last that the connection may make */
function isLastRequest({ limits, table }: ThreadContext, fd: number): boolean {
  return limits.maxRequestsPerSocket !== 0 && countRequest(table, fd) >= limits.maxRequestsPerSocket;
}
