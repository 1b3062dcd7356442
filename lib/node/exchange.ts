/**
 * A request and its response as Node has them: an `IncomingMessage` that the parser feeds, and a `ServerResponse` that writes to the
 * connection's socket. What happens to them, and in which order, follows `parserOnIncoming` and `resOnFinish` of Node's
 * lib/_http_server.js.
 *
 * All user code of the exchange is called in an async scope of its own. What a listener throws is uncaught, as in Node; the connection
 * goes on, where the app handles it.
 */
import { channel } from 'node:diagnostics_channel';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { HttpExchange } from '../http/http-exchange.js';
import type { RequestParser } from '../http/parser/request-parser.js';
import type { Route, Routes } from '../http/routes.js';
import { BLOCKING_MICROS } from '../routes/route-table.js';
import { type AsyncScope, newScope } from '../user-code/async-scope.js';
import { passUniqueHeaders } from './internals.js';
import type { MessageClasses } from './message-classes.js';
import { endRequest, type HeadText, hasHost } from './request.js';
import { type HttpSocket, STATE } from './socket.js';

const requestStart = channel('http.server.request.start');
const responseFinish = channel('http.server.response.finish');

/** The connection as its exchange sees it. */
export interface ExchangeOwner {
  /** Something has changed; the connection continues as soon as it can. */
  wake(): void;
  /** The client has ended its side, and the response is not complete. */
  clientEnded(exchange: NodeExchange): void;
  /** The rest of the request will not come. */
  bodyFailed(exchange: NodeExchange, error: Error): void;
  /** The response is complete. @param last whether the connection ends after it */
  responded(exchange: NodeExchange, last: boolean): void;
  /** Calls user code; what it throws is uncaught. */
  raise(error: unknown): void;
}

interface ReadableState {
  readonly resumeScheduled: boolean;
  ended: boolean;
  endEmitted: boolean;
  destroyed: boolean;
  closed: boolean;
  closeEmitted: boolean;
}

/** What Node's classes have beyond their types. */
interface Internals {
  _keepAliveTimeout: number;
  _maxRequestsPerSocket: number | null;
  _onPendingData(delta: number): void;
  _expect_continue: boolean;
  _last: boolean;
  _headerSent: boolean;
  _closed: boolean;
  _consuming: boolean;
  _readableState: ReadableState;
  _events: { close?: unknown; finish?: unknown };
  _eventsCount: number;
  _dumped: boolean;
  _dump(): void;
  maxRequestsOnConnectionReached: boolean;
  rejectNonStandardBodyWrites?: boolean;
}

const internalsOf = (object: object): Internals => object as unknown as Internals;

/** As `continueExpression` of Node's lib/_http_common.js. */
const CONTINUE_EXPECTED = /(?:^|\W)100-continue(?:$|\W)/i;

export const SWITCHING_PROTOCOLS = 101;

/** What the connection knows of a request beside its head. */
interface RequestFacts {
  readonly keepAlive: boolean;
  /** The client expects something of the server before it sends the body: 100 Continue, usually. */
  readonly expects: boolean;
  /** Requests on the connection, this one included; counted where there is a limit. */
  readonly count: number;
}

export class NodeExchange implements HttpExchange {
  readonly response: ServerResponse;
  handlerCalled = false;
  received = false;
  /** All of the response has been sent. */
  finished = false;
  #full = false;
  #hasBody = false;
  /** The app has begun to read; the end has been pushed. */
  #readsBody = false;
  #ended = false;
  #trailers = '';
  #heldCounts = false;
  readonly #scope: AsyncScope = newScope();

  constructor(
    readonly owner: ExchangeOwner,
    readonly server: Server,
    readonly socket: HttpSocket,
    readonly request: IncomingMessage,
    readonly head: HeadText,
    readonly route: Route,
    readonly routes: Routes,
    readonly began: number,
    readonly facts: RequestFacts,
    classes: MessageClasses,
  ) {
    this.response = this.#createResponse(classes);
  }

  get answered(): boolean {
    return this.finished || internalsOf(this.response)._headerSent;
  }

  /** A request for another protocol has no response. */
  get status(): number {
    return this.finished ? this.response.statusCode : SWITCHING_PROTOCOLS;
  }

  get responded(): boolean {
    return this.finished;
  }

  get wantsBody(): boolean {
    return !this.#full && !this.socket._paused;
  }

  #createResponse({ Response }: MessageClasses): ServerResponse {
    const { server, socket, facts } = this;
    const response = new Response(this.request, {
      highWaterMark: socket.writableHighWaterMark,
      rejectNonStandardBodyWrites: internalsOf(server).rejectNonStandardBodyWrites,
    });
    const internals = internalsOf(response);
    internals._keepAliveTimeout = server.keepAliveTimeout;
    internals._maxRequestsPerSocket = server.maxRequestsPerSocket;
    // Only queued responses have pending data that counts, and there is one response at a time.
    internals._onPendingData = ignore;
    response.shouldKeepAlive = facts.keepAlive;
    passUniqueHeaders(server, response);
    return response;
  }

  /** Each request counts once, with what it held at the end of its handler; and with each hold that is long. */
  held(micros: number): void {
    if (micros < BLOCKING_MICROS && (this.#heldCounts || !this.finished)) return;
    this.#heldCounts = true;
    this.routes.learn(this.route, this.head, micros);
  }

  /** Tells the app of the request. */
  callHandler(): void {
    this.handlerCalled = true;
    this.inScope(this.#begin);
  }

  /** Calls user code in the exchange's scope. */
  inScope(call: (this: this, argument?: unknown) => void, argument?: unknown): void {
    try {
      this.#scope.runInAsyncScope(call, this, argument);
    } catch (error) {
      this.owner.raise(error);
    }
  }

  #begin(): void {
    const { server, socket, request, response } = this;
    if (requestStart.hasSubscribers) requestStart.publish({ request, response, socket, server });
    socket[STATE].incoming = request;
    response.assignSocket(socket);
    response.on('finish', () => this.#finish());
    if (request.httpVersionMinor === 1 && this.#isHandled()) return;
    server.emit('request', request, response);
  }

  /** The events of an HTTP/1.1 request that take the place of `request`. */
  #isHandled(): boolean {
    const { server, socket, request, response, facts } = this;
    if ((server as { requireHostHeader?: boolean }).requireHostHeader && !hasHost(request)) {
      response.writeHead(400, ['Connection', 'close']);
      response.end();
      return true;
    }
    const limit = server.maxRequestsPerSocket ?? 0;
    if (limit > 0) {
      internalsOf(response).maxRequestsOnConnectionReached = limit <= facts.count;
      if (limit < facts.count) {
        server.emit('dropRequest', request, socket);
        response.writeHead(503);
        response.end();
        return true;
      }
    }
    return facts.expects && this.#meetsExpectation();
  }

  #meetsExpectation(): boolean {
    const { server, request, response } = this;
    if (!CONTINUE_EXPECTED.test(request.headers.expect ?? '')) {
      if (server.listenerCount('checkExpectation') > 0) server.emit('checkExpectation', request, response);
      else {
        response.writeHead(417);
        response.end();
      }
      return true;
    }
    internalsOf(response)._expect_continue = true;
    if (server.listenerCount('checkContinue') > 0) {
      server.emit('checkContinue', request, response);
      return true;
    }
    response.writeContinue();
    return false;
  }

  #finish(): void {
    const { server, socket, request, response, owner } = this;
    if (responseFinish.hasSubscribers) responseFinish.publish({ request, response, socket, server });
    if (socket[STATE].incoming === request) socket[STATE].incoming = null;
    if (!wasRead(request)) {
      if (this.#ended || this.#hasBody || !closeUnread(request)) this.#dump();
    }
    response.detachSocket(socket);
    if (!closeUnheard(response)) process.nextTick(emitClose, response);
    this.finished = true;
    owner.responded(this, internalsOf(response)._last);
  }

  /** Nobody has read the request: what there is of it is discarded. */
  #dump(): void {
    if (this.request.complete) this.#end();
    internalsOf(this.request)._dump();
  }

  bodyArrived(bytes: Buffer, { spanStart, spanEnd }: RequestParser): void {
    this.socket[STATE].active();
    this.socket[STATE].count(0, spanEnd - spanStart);
    this.#hasBody = true;
    if (internalsOf(this.request)._dumped) return;
    // A copy: the buffer is used for other input, and other threads can see it.
    this.inScope(this.#push as (chunk: unknown) => void, Buffer.from(bytes.subarray(spanStart, spanEnd)));
  }

  #push(chunk: Buffer): void {
    this.#full = !this.request.push(chunk);
  }

  /** A part of the trailer section has been parsed. */
  trailersArrived(text: string): void {
    this.#trailers += text;
  }

  /**
   * The end of a request without a body is pushed once the app reads: Node's stream takes five ticks to end, even if nobody listens, and few apps
   * read such a request.
   */
  bodyEnded(): void {
    this.request.complete = true;
    if (this.#hasBody || this.#readsBody) this.inScope(this.#end);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    endRequest(this.request, this.#trailers);
  }

  bodyFailed(error: Error): void {
    this.owner.bodyFailed(this, error);
  }

  /** The app reads on. @param paused whether it had paused the socket */
  readOn(paused: boolean): void {
    this.#readsBody = true;
    if (this.request.complete) this.#end();
    if (!this.#full && !paused) return;
    this.#full = false;
    this.owner.wake();
  }

  peerEnded(): void {
    // Else the rest of the request is still to be read, and its end is an error of its own.
    if (this.received) this.owner.clientEnded(this);
  }

  /** The connection ends after the response. */
  isLast(): void {
    internalsOf(this.response)._last = true;
  }

  /** The socket is destroyed with the connection; its `close` ends request and response. */
  abandon(): void {}
}

function ignore(): void {}

function wasRead(request: IncomingMessage): boolean {
  const { _consuming, _readableState } = internalsOf(request);
  return _consuming || _readableState.resumeScheduled;
}

/**
 * Closes a request that nobody has read and nobody listens to, as Node's `_dumpAndCloseReadable`.
 *
 * @returns false when somebody listens
 */
function closeUnread(request: IncomingMessage): boolean {
  const internals = internalsOf(request);
  if (internals._eventsCount > 0 || !request.complete) return false;
  internals._dumped = true;
  const state = internals._readableState;
  state.ended = true;
  state.endEmitted = true;
  state.destroyed = true;
  state.closed = true;
  state.closeEmitted = true;
  return true;
}

/**
 * Closes a response whose end nobody listens to: the one listener of `finish` is this file's.
 *
 * @returns false when somebody listens
 */
function closeUnheard(response: ServerResponse): boolean {
  const internals = internalsOf(response);
  if (internals._events.close !== undefined || typeof internals._events.finish !== 'function') return false;
  response.destroyed = true;
  internals._closed = true;
  return true;
}

/** As `emitCloseNT` of Node's lib/_http_server.js. */
function emitClose(response: ServerResponse): void {
  const internals = internalsOf(response);
  if (internals._closed) return;
  response.destroyed = true;
  internals._closed = true;
  response.emit('close');
}
