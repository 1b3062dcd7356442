/**
 * One request and its response, from the complete head to the last byte sent.
 *
 * The handler's outcome may come during the dispatch of the connection or later, from the thread's event loop; it is only
 * recorded here, and the connection is woken. All reading and writing happens in the connection.
 *
 * All user code of the exchange is called from here and from its stream, in an async scope of the exchange, and nothing that it
 * throws gets out: the handler, getters of what it returned, methods of its streams, listeners to the request's signal.
 */
import { abortError, PacelineError } from '../errors.js';
import { BLOCKING_MICROS } from '../routes/route-table.js';
import { type AsyncScope, newScope } from '../user-code/async-scope.js';
import { adopt, isThenable } from '../user-code/thenable.js';
import type { FetchApp, FetchContext } from '../web/context.js';
import { FileBody } from '../web/file-body.js';
import { IncomingBody } from '../web/incoming-body.js';
import { abortRequest } from '../web/light-request.js';
import type { Outgoing } from '../web/outgoing.js';
import type { RequestHead } from '../web/request-head.js';
import { toOutgoing } from '../web/to-outgoing.js';
import type { HttpExchange } from './http-exchange.js';
import type { RequestParser } from './parser/request-parser.js';
import { clientGone } from './request-errors.js';
import { checkHead } from './response-head.js';
import { cancelQuietly, ResponseStream, type StreamOwner } from './response-stream.js';
import { hasNoBody } from './response-writer.js';
import type { Route, Routes } from './routes.js';

/** States of an exchange: the handler's outcome is pending. */
export const RUNNING = 0;
export const RETURNED = 1;
export const THREW = 2;
/** The response has begun. */
export const ANSWERED = 3;

/** The connection as an exchange sees it. */
export interface ExchangeOwner extends StreamOwner {
  /** The handler wants the body that the client holds back until it is told to continue. */
  sendContinue(exchange: Exchange): void;
  /** The handler has thrown after the exchange was abandoned. */
  failedLate(exchange: Exchange, error: unknown): void;
}

export class Exchange implements HttpExchange {
  /** The handler's argument, and what it is made of. Set right after construction, because its body belongs to the exchange. */
  request!: Request;
  head!: RequestHead;
  route!: Route;
  routes!: Routes;
  readonly body: IncomingBody | null;
  state = RUNNING;
  /** Of the response, once it has begun. */
  status = 0;
  /** What the handler threw, in the state THREW. */
  error: unknown;
  /** When it began, as the thread's recorder returned it. */
  began = 0;
  handlerCalled = false;
  /** The last byte of the request has been parsed. */
  received = false;
  /** The response body while it is being streamed, or sent from a file from `fileAt` on. */
  stream: ResponseStream | null = null;
  file: FileBody | null = null;
  fileAt = 0;
  /** The response of the state RETURNED. */
  #outgoing: Outgoing | null = null;
  #scope: AsyncScope = newScope();
  #heldCounts = false;
  /** The connection continues without the exchange, or is closed: what the handler still returns is released. */
  #abandoned = false;

  constructor(
    readonly owner: ExchangeOwner,
    hasBody: boolean,
    readonly keepAlive: boolean,
    readonly minorVersion: number,
    readonly isHead: boolean,
    /** The client awaits 100 Continue, and has not been sent it. */
    public awaitsContinue: boolean,
  ) {
    this.body = hasBody ? new IncomingBody(this) : null;
  }

  /**
   * Each request counts once, with what it held at the end of its handler, so that neither a short part before an `await` nor the chunks of a
   * stream hide a long part; and with each hold that is long.
   */
  held(micros: number): void {
    if (micros < BLOCKING_MICROS && (this.#heldCounts || this.state === RUNNING)) return;
    this.#heldCounts = true;
    this.routes.learn(this.route, this.head, micros);
  }

  /** The parser has found a part of the body. If it is the last, the handler is called before the input buffer changes. */
  bodyArrived(bytes: Buffer, { spanStart, spanEnd, complete }: RequestParser): void {
    if (complete && !this.handlerCalled) this.body!.lend(bytes, spanStart, spanEnd);
    else this.body!.push(bytes, spanStart, spanEnd);
  }

  get wantsBody(): boolean {
    return this.body === null || this.body.wantsMore;
  }

  get answered(): boolean {
    return this.state === ANSWERED;
  }

  get responded(): boolean {
    return this.state === ANSWERED && this.stream === null && this.file === null;
  }

  bodyEnded(): void {
    this.body?.end();
  }

  bodyFailed(error: Error): void {
    this.body?.fail(error);
  }

  peerEnded(): void {
    this.abort(clientGone(this.received));
  }

  /** BodySource: the body's queue has room again. */
  resume(): void {
    this.owner.wake();
  }

  /**
   * BodySource: the handler asks for the body. Once the response has begun nothing may be sent between its head and its end. The
   * client takes that response for the answer, or sends the body after a while without being told to (RFC 9110, 10.1.1).
   */
  onFirstUse(): void {
    if (!this.awaitsContinue || this.state === ANSWERED) return;
    if (!this.received) this.owner.sendContinue(this);
    this.awaitsContinue = false;
  }

  /** Calls the handler. Its outcome becomes the state, at once or later. */
  callHandler(app: FetchApp, context: FetchContext): void {
    this.handlerCalled = true;
    this.#scope.runInAsyncScope(this.#call, this, app, context);
  }

  #call(app: FetchApp, context: FetchContext): void {
    try {
      const result = app.fetch(this.request, context);
      if (!isThenable(result)) {
        this.#take(result);
        return;
      }
      // Later calls have the async state that the handler has set so far.
      this.#scope = newScope();
      adopt(
        result,
        (value) => this.#settled(this.#take, value),
        (error) => {
          if (this.#abandoned) this.owner.failedLate(this, error);
          else this.#settled(this.#fail, error);
        },
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  #settled(how: (outcome: unknown) => void, outcome: unknown): void {
    this.#scope.runInAsyncScope(how, this, outcome);
    if (this.#abandoned) return;
    this.owner.continued();
    this.owner.wake();
  }

  #fail(error: unknown): void {
    this.state = THREW;
    this.error = error;
  }

  /** Converts the handler's result to a response and opens its stream, while another response can still be sent in its place. */
  #take(result: unknown): void {
    let outgoing: Outgoing | null = null;
    try {
      outgoing = toOutgoing(result);
      checkHead(outgoing);
      if (this.#abandoned) release(outgoing);
      else this.#open(outgoing);
      this.#outgoing = outgoing;
      this.state = RETURNED;
    } catch (error) {
      if (outgoing !== null) release(outgoing);
      this.#fail(error);
    }
  }

  #open(outgoing: Outgoing): void {
    const { body } = outgoing;
    if (body === null || typeof body === 'string' || body instanceof Uint8Array) return;
    if (body instanceof FileBody) return;
    const isBodyless = this.isHead || hasNoBody(outgoing.status);
    if (body instanceof Blob) {
      const { size } = body;
      outgoing.contentLength = Number.isSafeInteger(size) && size >= 0 ? size : -1;
      if (!isBodyless) this.#read(body.stream());
    } else if (isBodyless) cancelQuietly(body);
    else this.#read(body);
  }

  #read(body: ReadableStream<Uint8Array>): void {
    // As in #call; a scope made there has that state already.
    this.#scope = newScope();
    this.stream = new ResponseStream(body, this.owner, this.#scope);
  }

  /** The response begins: the state becomes ANSWERED. @returns null when the handler failed */
  answer(): Outgoing | null {
    const outgoing = this.#outgoing;
    // The response may be the request's body, or derived from it (an echo), and nothing has read from that yet.
    if (this.awaitsContinue && this.stream !== null && this.body!.held) this.onFirstUse();
    this.#outgoing = null;
    this.state = ANSWERED;
    return outgoing;
  }

  /** Later calls of user code have the async state of the caller. */
  rescope(): void {
    this.#scope = newScope();
  }

  /** Calls code that may run user code, such as getters of what the app threw. It must not throw by itself. */
  inScope(call: () => void): void {
    this.#scope.runInAsyncScope(call);
  }

  /** The client won't get the rest of the response: tells the handler by `request.signal`, with an AbortError in any case. */
  abort(why: Error): void {
    const reason = why instanceof PacelineError ? abortError(why) : why;
    this.#scope.runInAsyncScope(abortQuietly, undefined, this.request, reason);
  }

  /** The connection continues without it, or is closed. Releases what the exchange has, and what its handler still returns. */
  abandon(reason: Error): void {
    this.#abandoned = true;
    if (this.stream !== null) this.stream.cancel(reason);
    else if (this.#outgoing !== null) this.#scope.runInAsyncScope(release, undefined, this.#outgoing);
    this.#outgoing = null;
    this.file?.close();
    this.body?.fail(reason);
    this.abort(reason);
  }
}

/** Releases what an unwanted response has: a file, or the source of a stream. */
function release({ body }: Outgoing): void {
  if (body instanceof FileBody) body.close();
  else if (body instanceof ReadableStream) cancelQuietly(body);
}

function abortQuietly(request: Request, reason: unknown): void {
  try {
    abortRequest(request, reason);
  } catch {
    // Listeners cannot throw from here, but an app may have put a method of its own in the signal's place.
  }
}
