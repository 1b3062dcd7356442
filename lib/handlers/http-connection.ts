/**
 * The concrete event handler of HTTP/1.1 connections.
 *
 * Between events a connection's state is in shared memory: the parser's registers in its record, the bytes of an
 * unfinished head in the block pool. So any thread carries on, and a plain request allocates nothing to get there.
 * While a handler's promise is pending, a body streams or bytes wait to be sent, the connection is bound to its
 * thread and an HttpConnection object holds what cannot be shared.
 *
 *             ┌────────── parse ◀──── read ◀───────────────┐
 *   event ──▶ step ─ answer, send ─▶ step ─ nothing to do ─┴▶ leave (idle) | hold (bound) | close
 */

import { PacelineError } from '../errors.js';
import {
  ANSWERED,
  Exchange,
  type ExchangeOwner,
  RETURNED,
  type ResponseStream,
  RUNNING,
  THREW,
} from '../http/exchange.js';
import { InputWindow } from '../http/input-window.js';
import { BODY, END, HEAD, NEED_MORE, REFUSED, RequestParser } from '../http/request-parser.js';
import { COMPLETE, CUT, Responder, WAITING } from '../http/responder.js';
import { refusal, UNTIL_CLOSE } from '../http/response-writer.js';
import { DROPPED, ERRORS, REQUESTS, RESPONSES } from '../memory/counters.js';
import { HANDLE_REQUESTS, HANDLE_WORDS, SET_SERVING, SET_STATE } from '../memory/layout.js';
import { BYTES_IN } from '../memory/sums.js';
import { BROKEN, PEER_ENDED, READABLE, TIMED_OUT } from '../set/handle-table.js';
import type { FileBody } from '../static/file-body.js';
import { EAGAIN, EINTR } from '../sys/libc.js';
import { remoteAddress, shutdownSending } from '../sys/socket.js';
import type { FetchContext } from '../web/context.js';
import { abortRequest, createRequest } from '../web/light-request.js';
import { type Outgoing, toOutgoing } from '../web/outgoing.js';
import { closeConnection } from './acceptor.js';
import { isDue, setDeadline } from './deadlines.js';
import type { Deferred, ThreadContext } from './event-handler.js';
import type { HttpThread } from './http-connections.js';
import { HttpDeadlines } from './http-deadlines.js';
import { hasFlag, LINGERING, setFlag } from './http-flags.js';
import { restoreMessage, saveMessage } from './saved-message.js';

/** Receives of one visit, so that a fast sender does not keep its thread for itself. */
const READS_A_VISIT = 16;
/** Parts of a file sent in one visit, for the same reason. */
const FILE_PARTS_A_VISIT = 8;

class RequestContext implements FetchContext {
  readonly #connection: HttpConnection;
  readonly #life: number;

  constructor(
    readonly thread: number,
    connection: HttpConnection,
  ) {
    this.#connection = connection;
    this.#life = connection.life;
  }

  get remoteAddress(): string {
    const { fd, life } = this.#connection;
    return fd < 0 || life !== this.#life ? '' : (remoteAddress(fd)?.address ?? '');
  }
}

export class HttpConnection implements ExchangeOwner, Deferred {
  readonly #thread: HttpThread;
  readonly #context: ThreadContext;
  readonly #parser: RequestParser;
  readonly #responder: Responder;
  readonly #input: InputWindow;
  fd = -1;
  /** Changes whenever this object serves another connection. */
  life = 0;
  bound = false;
  #running = false;
  #exchange: Exchange | null = null;
  /** There is nothing to receive until an event says so. */
  #drained = false;
  #peerEnded = false;
  #broken = false;
  /** To be closed once everything is sent. */
  #closing = false;
  /** News came while running. */
  #woken = false;
  /** Receives of this visit. */
  #reads = 0;
  /** The deadline has been found passed. */
  #timedOut = false;
  readonly #deadlines: HttpDeadlines;

  constructor(thread: HttpThread) {
    this.#thread = thread;
    this.#context = thread.context;
    this.#parser = new RequestParser(thread.context.limits);
    this.#responder = new Responder(thread.context, thread.writer);
    this.#input = new InputWindow(thread.input);
    this.#deadlines = new HttpDeadlines(thread.context);
  }

  /** Takes over a connection that this thread has just come to be inside of. */
  enter(fd: number): void {
    this.fd = fd;
    this.#responder.fd = fd;
    this.life++;
    this.#drained = false;
    this.#peerEnded = false;
    this.#broken = false;
    this.#closing = false;
    this.#timedOut = false;
    this.#deadlines.enter(fd);
    this.#exchange = null;
    this.#restore();
  }

  /** Processes what happened; leaves, holds or closes the connection in the end. */
  run(events: number): void {
    this.#running = true;
    this.#note(events);
    this.#input.unkeep(this.#parser.inHead);
    this.#reads = 0;
    while (this.#step()) {}
    this.#running = false;
  }

  proceed(): void {
    if (this.fd >= 0 && this.bound) this.run(0);
  }

  wake(): void {
    if (this.#running) this.#woken = true;
    else this.#context.defer(this);
  }

  sendContinue(exchange: Exchange): void {
    // A handler may keep a request whose connection has gone on, or serves another client by now.
    if (this.#exchange === exchange) this.#responder.sendContinue();
  }

  #note(events: number): void {
    if (events & (READABLE | PEER_ENDED | BROKEN)) this.#drained = false;
    if (events & BROKEN) this.#broken = true;
    if (events & TIMED_OUT) this.#timedOut = isDue(this.#context, this.fd);
    if ((events & PEER_ENDED) === 0 || this.#peerEnded) return;
    this.#peerEnded = true;
    if (this.#exchange !== null) abortRequest(this.#exchange.request, clientGone());
  }

  /** Does the next thing there is to do. @returns false once the connection has been left, held or closed */
  #step(): boolean {
    if (this.#broken) return this.#destroy();
    if (hasFlag(this.#context.table, this.fd, LINGERING)) return this.#linger();
    if (this.#timedOut) return this.#expire();
    if (!this.#responder.flush()) return this.#destroy();
    const exchange = this.#exchange;
    if (exchange !== null && exchange.state !== RUNNING) {
      if (exchange.state !== ANSWERED) return this.#answer(exchange);
      if (exchange.stream !== null) return this.#streamOn(exchange, exchange.stream);
      if (exchange.file !== null) return this.#sendFileOn(exchange, exchange.file);
      if (exchange.received) return this.#finish();
    }
    if (exchange === null && this.#closing) return this.#end();
    if (exchange !== null && (exchange.received || !exchange.body!.wantsMore)) {
      if (exchange.dispatched) return this.#hold();
      this.#dispatch(exchange);
      return true;
    }
    if (exchange === null && this.#responder.queuedBytes > 0) return this.#hold();
    if (this.#input.unparsed) return this.#parse();
    return this.#drained ? this.#rest() : this.#receive();
  }

  // ---- reading and parsing -------------------------------------------------------------------------------------------

  #receive(): boolean {
    if (this.#reads++ >= READS_A_VISIT) {
      this.#context.defer(this);
      return this.#hold();
    }
    const room = this.#input.makeRoom();
    const count = this.#input.receive(this.fd, room);
    if (count > 0) {
      this.#context.sums[BYTES_IN]! += count;
      // A stream socket that gave less than was asked for is empty (epoll(7)); only its end may still be unseen.
      this.#drained = count < room && !this.#peerEnded;
      return true;
    }
    if (count === 0) return this.#inputEnded();
    if (count === -EAGAIN) this.#drained = true;
    else if (count !== -EINTR) return this.#destroy();
    return true;
  }

  #inputEnded(): boolean {
    this.#note(PEER_ENDED);
    this.#drained = true;
    const exchange = this.#exchange;
    if (exchange === null) return this.#destroy();
    this.#closing = true;
    // Half of a request is never completed now; its handler may still answer.
    exchange.received = true;
    exchange.body?.fail(clientGone());
    return true;
  }

  #parse(): boolean {
    const input = this.#input;
    const parser = this.#parser;
    const result = parser.execute(input.bytes, input.at, input.to);
    input.at = parser.position;
    switch (result) {
      case HEAD:
        return this.#begin();
      case BODY:
        this.#exchange!.body!.push(new Uint8Array(input.bytes.subarray(parser.spanStart, parser.spanEnd)));
        input.consume(input.at);
        // The parser tells the end of a message in a call of its own, which takes no byte.
        return input.unparsed || this.#parse();
      case END:
        input.consume(input.at);
        return this.#received(this.#exchange!);
      case NEED_MORE:
        input.from = parser.inHead ? parser.messageStart : input.at;
        // The handler starts as soon as nothing more of the body is at hand.
        if (this.#exchange !== null && !this.#exchange.dispatched) this.#dispatch(this.#exchange);
        return true;
      case REFUSED:
        return this.#refuse(parser.status, parser.reason);
      default:
        throw new Error(`the parser gave ${result}`);
    }
  }

  /** A head is complete: makes the request. */
  #begin(): boolean {
    const { fallbackHost } = this.#thread;
    const input = this.#input;
    const parser = this.#parser;
    const start = parser.messageStart;
    const text = input.bytes.toString('latin1', start, start + parser.headLength);
    if (!isTarget(text, parser.targetStart, parser.targetEnd)) {
      return this.#refuse(400, 'the target is no URL');
    }
    const isHead = parser.methodEnd === 4 && text.startsWith('HEAD');
    if (parser.hasBody) this.#deadlines.headReceived();
    const { control, recorder } = this.#context;
    control[this.#thread.requestAt] = start;
    control[this.#thread.requestTo] = start + parser.targetEnd;
    const exchange = new Exchange(
      this,
      parser.hasBody,
      parser.keepAlive,
      parser.minorVersion,
      isHead,
      parser.expectContinue,
    );
    exchange.began = recorder.requestBegan();
    const { methodEnd, targetStart, targetEnd, headersStart, hostStart, hostEnd } = parser;
    exchange.request = createRequest(
      {
        text,
        methodEnd,
        targetStart,
        targetEnd,
        headersStart,
        hostStart,
        hostEnd,
        secure: false,
        fallbackHost,
      },
      exchange.body,
    );
    this.#exchange = exchange;
    input.consume(input.at);
    if (parser.hasBody) {
      // Until it is known how much of the body is here already.
      if (!input.unparsed) this.#dispatch(exchange);
      return true;
    }
    // Ends the message without consuming anything.
    if (parser.execute(input.bytes, input.at, input.to) !== END)
      throw new Error('a message without a body did not end');
    return this.#received(exchange);
  }

  #received(exchange: Exchange): boolean {
    exchange.received = true;
    exchange.body?.end();
    if (!exchange.dispatched) this.#dispatch(exchange);
    return true;
  }

  #refuse(status: number, reason: string): boolean {
    const { context } = this.#thread;
    context.counters[ERRORS]!++;
    context.counters[DROPPED]!++;
    context.counters[RESPONSES - 1 + ((status / 100) | 0)]!++;
    context.log('debug', 'a request was refused', { status, reason });
    this.#input.clear();
    const exchange = this.#exchange;
    if (exchange !== null) {
      // Its body is what is wrong. A response that has begun can only be cut off.
      const error = new PacelineError(
        status === 413 ? 'PACELINE_BODY_LIMIT' : 'PACELINE_CLIENT_GONE',
        `the request's body was refused: ${reason}`,
      );
      exchange.received = true;
      exchange.body?.fail(error);
      abortRequest(exchange.request, error);
      if (exchange.state === ANSWERED) return this.#destroy();
      exchange.abandoned = true;
      exchange.stream?.cancel(error);
      this.#exchange = null;
    }
    this.#closing = true;
    return this.#responder.refuse(status) || this.#destroy();
  }

  // ---- the handler and its answer ------------------------------------------------------------------------------------

  #dispatch(exchange: Exchange): void {
    const { app, context } = this.#thread;
    exchange.dispatched = true;
    try {
      const result = app.fetch(exchange.request, new RequestContext(context.self, this));
      if (isThenable(result)) {
        exchange.follow(result);
        // An async handler that waited for nothing real is settled by this.
        context.drainTicks();
        // A client may have left right behind its request: that event came before there was anything to abort.
        if (this.#peerEnded && exchange.state === RUNNING) abortRequest(exchange.request, clientGone());
      } else {
        exchange.outcome = result;
        exchange.state = RETURNED;
      }
    } catch (error) {
      exchange.outcome = error;
      exchange.state = THREW;
    }
  }

  #answer(exchange: Exchange): boolean {
    let outgoing: Outgoing | null = null;
    if (exchange.state === RETURNED) {
      try {
        // Promises were followed before, so the conversion has nothing to wait for.
        outgoing = toOutgoing(exchange.outcome) as Outgoing;
      } catch (error) {
        exchange.outcome = error;
        exchange.state = THREW;
      }
    }
    outgoing ??= this.#failure(exchange);
    exchange.state = ANSWERED;
    exchange.outcome = undefined;
    const { context } = this.#thread;
    context.counters[REQUESTS]!++;
    context.counters[RESPONSES - 1 + ((outgoing.status / 100) | 0)]!++;
    // A plain look at the set's state: when draining begins, a rescan comes by every connection.
    // A client that was never told to send its body may send it or not: the next message's begin is unknown.
    const persistent =
      exchange.keepAlive &&
      !outgoing.close &&
      !this.#closing &&
      !(exchange.awaitsContinue && !exchange.received) &&
      !this.#isLastRequest() &&
      context.control[SET_STATE] === SET_SERVING;
    if (!persistent) this.#closing = true;
    if (!this.#responder.respond(exchange, outgoing, persistent)) return this.#destroy();
    if (exchange.stream?.framing === UNTIL_CLOSE) this.#closing = true;
    if (exchange.stream === null && exchange.file === null) this.#responded(exchange);
    return true;
  }

  /** The response is complete; what is left of the request interests nobody. */
  #responded(exchange: Exchange): void {
    if (exchange.received) return;
    if (this.#closing && exchange.awaitsContinue) exchange.received = true;
    else exchange.body!.discard();
  }

  #failure(exchange: Exchange): Outgoing {
    const { context } = this.#thread;
    const error = exchange.outcome;
    if (isClientGone(error)) return refusal(400);
    context.counters[ERRORS]!++;
    context.log('error', 'a handler failed', {
      error,
      method: exchange.request.method,
      url: exchange.request.url,
    });
    return { ...refusal(500), close: false };
  }

  #streamOn(exchange: Exchange, stream: ResponseStream): boolean {
    switch (this.#responder.streamOn(exchange, stream)) {
      case CUT:
        return this.#destroy();
      case COMPLETE:
        this.#responded(exchange);
        return true;
      case WAITING:
        // The rest of the request goes on arriving beside the response.
        if (exchange.received || !exchange.body!.wantsMore) return this.#hold();
        if (this.#input.unparsed) return this.#parse();
        return this.#drained ? this.#hold() : this.#receive();
      default:
        return true;
    }
  }

  #sendFileOn(exchange: Exchange, file: FileBody): boolean {
    if (this.#reads++ >= FILE_PARTS_A_VISIT) {
      this.#context.defer(this);
      return this.#hold();
    }
    switch (this.#responder.sendFileOn(exchange, file)) {
      case CUT:
        return this.#destroy();
      case WAITING:
        return this.#hold();
      case COMPLETE:
        this.#responded(exchange);
        return true;
      default:
        return true;
    }
  }

  /** Request and response are complete. */
  #finish(): boolean {
    this.#context.recorder.requestEnded(this.#exchange!.began);
    this.#exchange = null;
    this.#deadlines.finished();
    return true;
  }

  /** Counts the request, where there is a limit. @returns whether it is the last that the connection may make */
  #isLastRequest(): boolean {
    const { limits, table } = this.#context;
    if (limits.maxRequestsPerSocket === 0) return false;
    const at = this.fd * HANDLE_WORDS + HANDLE_REQUESTS;
    table.words[at]!++;
    return table.words[at]! >= limits.maxRequestsPerSocket;
  }

  // ---- the end of the client's time ------------------------------------------------------------------------------------

  /** The client's time is up. */
  #expire(): boolean {
    this.#timedOut = false;
    const exchange = this.#exchange;
    if (this.#responder.waitingBytes(exchange) > 0) return this.#drop();
    if (exchange === null)
      return this.#parser.fresh ? this.#close() : this.#refuse(408, 'the head took too long');
    if (exchange.received) return true;
    return exchange.state === ANSWERED ? this.#drop() : this.#refuse(408, 'the body took too long');
  }

  // ---- leaving ---------------------------------------------------------------------------------------------------------

  /** Nothing is left to do until the client sends more. */
  #rest(): boolean {
    if (this.#exchange !== null) return this.#hold();
    const { context } = this.#thread;
    if (this.#parser.fresh && context.control[SET_STATE] !== SET_SERVING) return this.#close();
    return this.#leave();
  }

  /** Lets go of the connection: any thread may serve its next event. */
  #leave(): boolean {
    const { table } = this.#context;
    const { fd } = this;
    if (this.bound && this.#parser.fresh && !hasFlag(table, fd, LINGERING))
      this.#deadlines.untilNextRequest();
    if (!this.#save()) return this.#drop();
    const noted = this.bound ? table.unbind(fd) : table.leave(fd);
    if (noted !== 0) {
      this.#restore();
      this.#note(noted);
      return true;
    }
    this.#forget();
    return false;
  }

  /** Keeps the connection in this thread: something that cannot be shared is under way. */
  #hold(): boolean {
    if (this.#woken) {
      this.#woken = false;
      return true;
    }
    const exchange = this.#exchange;
    const receiving = exchange !== null && !exchange.received;
    this.#deadlines.hold(this.#responder.waitingBytes(exchange), receiving);
    if (!this.bound) {
      this.bound = true;
      this.#thread.held.set(this.fd, this);
      const noted = this.#context.table.bind(this.fd, this.#context.self);
      if (noted !== 0) {
        this.#note(noted);
        return true;
      }
    }
    this.#input.keep();
    return false;
  }

  /** Writes what the next thread needs into shared memory. @returns false when there is no room */
  #save(): boolean {
    const { bytes, from, length } = this.#input;
    if (length === 0 && this.#parser.fresh) return true;
    this.#deadlines.headBegun();
    return saveMessage(this.#context, this.fd, this.#parser, bytes, from, length);
  }

  #restore(): void {
    const length = restoreMessage(this.#context, this.fd, this.#parser, this.#input.bytes);
    this.#input.place(length, this.#parser.inHead);
  }

  /**
   * Ends the connection in order, once everything is sent: closing it while input is unread, or on its way, would reset
   * it, and could cost the client the answer (RFC 9112, 9.6). So the client gets some time to end its side.
   */
  #end(): boolean {
    if (this.#responder.queuedBytes > 0) return this.#hold();
    if (this.#peerEnded && this.#drained) return this.#close();
    shutdownSending(this.fd);
    this.#parser.reset();
    this.#input.clear();
    setFlag(this.#context.table, this.fd, LINGERING);
    setDeadline(this.#context, this.fd, this.#context.limits.lingerTicks);
    return true;
  }

  /** Reads away what still comes. */
  #linger(): boolean {
    if (this.#timedOut) return this.#close();
    if (this.#drained) return this.#leave();
    const count = this.#input.discard(this.fd);
    if (count === -EAGAIN) this.#drained = true;
    else if (count <= 0 && count !== -EINTR) return this.#close();
    return true;
  }

  /** The server has had enough of it. */
  #drop(): false {
    this.#context.counters[DROPPED]!++;
    return this.#destroy();
  }

  /** Closes a connection that is of no more use, whatever is under way. */
  #destroy(): false {
    const exchange = this.#exchange;
    if (exchange !== null) {
      this.#exchange = null;
      const gone = clientGone();
      exchange.abandoned = true;
      exchange.stream?.cancel(gone);
      exchange.file?.close();
      exchange.body?.fail(gone);
      abortRequest(exchange.request, gone);
    }
    return this.#close();
  }

  #close(): false {
    this.#responder.clear();
    const { fd } = this;
    this.#forget();
    closeConnection(this.#context, fd);
    return false;
  }

  /** This object has nothing to do with the connection any more. */
  #forget(): void {
    if (this.bound) this.#thread.held.delete(this.fd);
    this.fd = -1;
    this.life++;
  }
}

function isClientGone(error: unknown): boolean {
  try {
    return error instanceof PacelineError && error.code === 'PACELINE_CLIENT_GONE';
  } catch {
    // A proxy may answer even this question with an error.
    return false;
  }
}

function clientGone(): PacelineError {
  return new PacelineError(
    'PACELINE_CLIENT_GONE',
    'the client closed the connection before its message was complete',
  );
}

const SLASH = 0x2f;

/** Whether a target that the parser took is one to make a URL of: in absolute form its host and port may still be none. */
function isTarget(text: string, start: number, end: number): boolean {
  if (text.charCodeAt(start) === SLASH) return true;
  const target = text.substring(start, end);
  return target === '*' || URL.canParse(target);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
