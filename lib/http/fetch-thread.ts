/** What the connections of one thread share whose requests are answered by a fetch app. */
import type { ThreadContext } from '../connection/event-handler.js';
import type { FetchApp } from '../web/context.js';
import type { FailureAnswer } from './failure-answer.js';
import { HttpThread } from './http-thread.js';
import type { Routes } from './routes.js';

export class FetchThread extends HttpThread {
  constructor(
    context: ThreadContext,
    routes: Routes,
    readonly app: FetchApp,
    /** The host of request.url for clients that send none. */
    readonly fallbackHost: string,
    readonly failureAnswer: FailureAnswer,
  ) {
    super(context, routes);
  }
}
