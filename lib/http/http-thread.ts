/** What the HTTP connections of one thread share. */
import { ConnectionThread } from '../connection/connection-thread.js';
import type { ThreadContext } from '../connection/event-handler.js';
import { REQUEST_AT, REQUEST_TO, threadArea } from '../memory/layout.js';
import { HeadEviction } from './head-eviction.js';
import { InputBuffer } from './input-window.js';
import type { ParserLimits } from './parser/limits.js';
import type { RequestParser } from './parser/request-parser.js';
import { ResponseWriter } from './response-writer.js';
import type { Routes } from './routes.js';

export class HttpThread extends ConnectionThread {
  readonly input: InputBuffer;
  readonly writer: ResponseWriter;
  readonly eviction: HeadEviction;
  /** Indexes of the words that tell observers which request is being handled. */
  readonly #requestAt: number;
  readonly #requestTo: number;

  constructor(
    context: ThreadContext,
    readonly routes: Routes,
  ) {
    super(context);
    this.#requestAt = threadArea(context.self) + REQUEST_AT;
    this.#requestTo = threadArea(context.self) + REQUEST_TO;
    this.writer = new ResponseWriter(context.recorder);
    this.eviction = new HeadEviction(context);
    this.input = new InputBuffer(context.input, context.limits.maxHeaderSize);
  }

  /** Limits and options of the parsers. */
  get parserLimits(): ParserLimits {
    return this.context.limits;
  }

  /** Records for observers that the request whose head `parser` has just completed is being handled. @returns when it began */
  requestBegan({ messageStart, targetEnd }: RequestParser): number {
    const { control, recorder } = this.context;
    control[this.#requestAt] = messageStart;
    control[this.#requestTo] = messageStart + targetEnd;
    return recorder.requestBegan();
  }
}
