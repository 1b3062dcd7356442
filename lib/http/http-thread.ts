/** What the HTTP connections of one thread share. */
import { ConnectionThread } from '../connection/connection-thread.js';
import type { ThreadContext } from '../connection/event-handler.js';
import { REQUEST_AT, REQUEST_TO, threadArea } from '../memory/layout.js';
import type { FetchApp } from '../web/context.js';
import { HeadEviction } from './head-eviction.js';
import { InputBuffer } from './input-window.js';
import { ResponseWriter } from './response-writer.js';
import type { Routes } from './routes.js';

export class HttpThread extends ConnectionThread {
  readonly input: InputBuffer;
  /** Indexes of the words that tell observers which request is being handled. */
  readonly requestAt: number;
  readonly requestTo: number;
  readonly writer: ResponseWriter;
  readonly eviction: HeadEviction;

  constructor(
    context: ThreadContext,
    readonly app: FetchApp,
    /** The host of request.url for clients that send none. */
    readonly fallbackHost: string,
    readonly routes: Routes,
  ) {
    super(context);
    this.requestAt = threadArea(context.self) + REQUEST_AT;
    this.requestTo = threadArea(context.self) + REQUEST_TO;
    this.writer = new ResponseWriter(context.recorder);
    this.eviction = new HeadEviction(context);
    this.input = new InputBuffer(context.input, this.inputAddress, context.limits.maxHeaderSize);
  }
}
