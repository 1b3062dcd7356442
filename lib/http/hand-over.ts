/**
 * The first part of a hand-over: a request, of which the head is parsed and the handler not called, that is better processed by another
 * thread. Its connection is left with what was received, and the leader passes it on (strategies/hand-over.ts).
 *
 * - A request of a route that is known to block would stall what depends on an engaged thread: it is for a free thread.
 * - While a thread is engaged, other requests are for the hosts, so that what waits gathers there (set/engagement.ts).
 */
import type { ThreadContext } from '../connection/event-handler.js';
import { HANDED_OVER, REPORTED, TO_FREE_THREAD, TO_HOST } from '../connection/flags.js';
import { HAND_OVERS, HAND_OVERS_TAKEN } from '../memory/counters.js';
import { clearFlag, flagsOf, setFlag } from '../set/handle-record.js';
import { INTERESTED_IN_OUTPUT } from './flags.js';
import type { HttpThread } from './http-thread.js';
import type { InputWindow } from './input-window.js';
import type { RequestParser } from './parser/request-parser.js';
import type { Route } from './routes.js';
import { saveUnparsed } from './saved-message.js';

/**
 * The kind of threads that a request is for, if this is none of them and there is one.
 *
 * @param dependant what the request's own connection makes of this thread
 * @returns a bit of HANDED_OVER, 0 for this thread
 */
export function otherThreads(
  { handsOver, lot, engagement, recorder }: ThreadContext,
  route: Route,
  dependant: number,
): number {
  if (!handsOver) return 0;
  if (route.blocks)
    return engagement.isEngaged(recorder.micros, dependant) && lot.someoneIsFree() ? TO_FREE_THREAD : 0;
  return engagement.leavesRequests() && lot.someHostIsFree() ? TO_HOST : 0;
}

/**
 * Saves the request, whose head the parser has just completed, and what was received after it.
 *
 * @param to as `otherThreads` returns it
 * @returns false when the pool is exhausted: nothing has changed then
 */
export function saveForHandOver(
  thread: HttpThread,
  fd: number,
  parser: RequestParser,
  { bytes, to: end }: InputWindow,
  route: Route,
  to: number,
): boolean {
  const { context, routes } = thread;
  const start = parser.messageStart;
  if (!saveUnparsed(thread, fd, parser, bytes, start, end - start)) return false;
  setFlag(context.table, fd, to | INTERESTED_IN_OUTPUT);
  context.counters[HAND_OVERS]!++;
  context.recorder.handedOver();
  routes.noteHandOver(route);
  return true;
}

/**
 * This thread has entered a connection, and takes it over if it was handed over.
 *
 * @returns -1 if it was not, else the events that the kernel has reported of it
 */
export function takeHandOver({ table, counters, recorder }: ThreadContext, fd: number): number {
  if (flagsOf(table, fd, HANDED_OVER) === 0) return -1;
  const events = flagsOf(table, fd, REPORTED);
  clearFlag(table, fd, HANDED_OVER | REPORTED);
  counters[HAND_OVERS_TAKEN]!++;
  recorder.tookHandOver();
  return events;
}
