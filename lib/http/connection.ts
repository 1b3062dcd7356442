/**
 * An HTTP/1.1 connection: when it reads, calls the handler, answers, waits and ends.
 *
 * Between events a connection's state is in shared memory: the parser's registers in its record, the bytes of an unfinished head
 * in the block pool. So any thread can continue it, and a plain request allocates nothing for that. While a handler's promise is
 * pending, a body is streamed or output is queued, the connection is bound to its thread, and an HttpConnection object has what
 * threads cannot share.
 *
 *             ┌────────── parse ◀──── read ◀───────────────┐
 *   event ──▶ step ─ answer, send ─▶ step ─ nothing to do ─┴▶ leave (idle) | wait bound | close
 */

import { CLOSING, Connection, INPUT_ENDED, LINGERING, OPEN } from '../connection/connection.js';
import {
  BODY_PART_COST,
  FILE_PART_COST,
  NOTED_COST,
  RECEIVE_COST,
  REQUEST_COST,
} from '../connection/dispatch-budget.js';
import { FAILED, MORE } from '../connection/output-queue.js';
import { REQUESTS, RESPONSES } from '../memory/counters.js';
import { SET_SERVING, SET_STATE } from '../memory/layout.js';
import { BYTES_IN } from '../memory/sums.js';
import { NO_DEPENDANT, WAITS, WAITS_TO_BLOCK } from '../set/engagement.js';
import { PEER_ENDED } from '../set/handle-table.js';
import { nowMicros } from '../sys/clock.js';
import { EAGAIN, EINTR } from '../sys/libc.js';
import type { FileBody } from '../web/file-body.js';
import { beginExchange, RequestContext } from './begin-exchange.js';
import { HttpDeadlines } from './deadlines.js';
import { ANSWERED, type Exchange, type ExchangeOwner, RUNNING } from './exchange.js';
import { bodyRefused, clientGone, countRefusal, failureOf, gaveUp, neverSent } from './failures.js';
import { otherThreads, saveForHandOver, takeHandOver } from './hand-over.js';
import type { HttpThread } from './http-thread.js';
import { InputWindow } from './input-window.js';
import { BODY, END, HEAD, NEED_MORE, REFUSED, RequestParser } from './parser/request-parser.js';
import { persists } from './persistence.js';
import { COMPLETE, CUT, Responder, WAITING } from './responder.js';
import type { ResponseStream } from './response-stream.js';
import { UNTIL_CLOSE } from './response-writer.js';
import type { Route } from './routes.js';
import { restoreMessage, saveMessage } from './saved-message.js';

export class HttpConnection extends Connection implements ExchangeOwner {
  readonly #thread: HttpThread;
  readonly #parser: RequestParser;
  readonly #responder: Responder;
  readonly #input: InputWindow;
  readonly #deadlines: HttpDeadlines;
  /** Changes whenever this object serves another connection. */
  generation = 0;
  #exchange: Exchange | null = null;
  /** The next request was handed over to this thread: it is not handed over again. */
  #handedOver = false;

  constructor(thread: HttpThread) {
    super(thread);
    this.#thread = thread;
    this.#parser = new RequestParser(thread.context.limits);
    this.#responder = new Responder(thread.context, thread.writer);
    this.#input = new InputWindow(thread.input);
    this.#deadlines = new HttpDeadlines(thread.context);
  }

  override enter(fd: number): void {
    super.enter(fd);
    this.#responder.fd = fd;
    this.generation++;
    this.#deadlines.enter(fd);
    this.#exchange = null;
    this.#restore();
  }

  sendContinue(exchange: Exchange): void {
    // A handler may keep a request after its exchange is over, when this object serves another request or client.
    if (this.#exchange === exchange) this.#responder.sendContinue();
  }

  continued(): void {
    if (this.#exchange !== null) this.context.holds.continues(this.#exchange);
  }

  protected override get waitingFor(): number {
    const exchange = this.#exchange;
    if (exchange === null) return this.#responder.queuedBytes > 0 ? WAITS : NO_DEPENDANT;
    return exchange.state === RUNNING && exchange.route.blocks ? WAITS_TO_BLOCK : WAITS;
  }

  protected override noteEvents(events: number): void {
    const ends = (events & PEER_ENDED) !== 0 && !this.peerEnded;
    super.noteEvents(events);
    if (ends) this.#exchange?.abort(clientGone(this.#exchange.received));
  }

  protected override restoreInput(): void {
    this.#input.restore();
  }

  protected step(): boolean {
    if (this.broken) return this.destroy();
    if (this.state === LINGERING) return this.linger();
    if (this.timedOut) return this.#expire();
    const flushed = this.#responder.flush();
    if (flushed === FAILED) return this.destroy();
    if (flushed === MORE) return this.yield();
    const exchange = this.#exchange;
    if (exchange !== null && exchange.state !== RUNNING) {
      if (exchange.state !== ANSWERED) return this.#answer(exchange);
      if (exchange.stream !== null) return this.#streamOn(exchange, exchange.stream);
      if (exchange.file !== null) return this.#sendFileOn(exchange, exchange.file);
      if (exchange.received) return this.#finish();
    }
    if (exchange === null && this.state === CLOSING) return this.#end();
    if (exchange !== null && (exchange.received || !exchange.body!.wantsMore)) {
      if (exchange.handlerCalled) return this.waitBound();
      this.#callHandler(exchange);
      return true;
    }
    if (exchange === null && this.#responder.queuedBytes > 0) return this.waitBound();
    if (this.#input.unparsed) return this.#parse();
    return this.readWouldBlock ? this.#rest() : this.#receive();
  }

  // ---- reading and parsing -------------------------------------------------------------------------------------------

  #receive(): boolean {
    if (!this.budget.spend(RECEIVE_COST)) return this.yield();
    const room = this.#input.makeRoom();
    const count = this.#input.receive(this.fd, room);
    if (count > 0) {
      this.context.sums[BYTES_IN]! += count;
      // A stream socket that gave less than was asked for is empty (epoll(7)); only its end may still be unseen.
      this.readWouldBlock = count < room && !this.peerEnded;
      return true;
    }
    if (count === 0) return this.#inputEnded();
    if (count === -EAGAIN) this.readWouldBlock = true;
    else if (count !== -EINTR) return this.destroy();
    return true;
  }

  #inputEnded(): boolean {
    this.noteEvents(PEER_ENDED);
    this.inputState = INPUT_ENDED;
    this.readWouldBlock = true;
    const exchange = this.#exchange;
    if (exchange === null) return this.destroy();
    this.beginClosing();
    // An unfinished request will never be completed; its handler may still answer.
    exchange.received = true;
    exchange.body?.fail(clientGone(false));
    return true;
  }

  #parse(): boolean {
    const cost = this.#exchange === null ? REQUEST_COST : BODY_PART_COST;
    return this.budget.spend(cost) ? this.#parseNext() : this.yield();
  }

  #parseNext(): boolean {
    const input = this.#input;
    const parser = this.#parser;
    const result = parser.execute(input.bytes, input.at, input.to);
    input.at = parser.position;
    switch (result) {
      case HEAD:
        return this.#begin();
      case BODY:
        this.#exchange!.bodyArrived(input.bytes, parser);
        input.consume(input.at);
        // The parser reports the end of a message in a separate call, which consumes no byte.
        return (input.unparsed && !parser.complete) || this.#parseNext();
      case END:
        input.consume(input.at);
        return this.#received(this.#exchange!);
      case NEED_MORE:
        input.from = parser.inHead ? parser.messageStart : input.at;
        // The handler is called once all of the body that has been received is parsed.
        if (this.#exchange !== null && !this.#exchange.handlerCalled) this.#callHandler(this.#exchange);
        return true;
      case REFUSED:
        return this.#refuse(parser.status, parser.reason);
      default:
        throw new Error(`the parser gave ${result}`);
    }
  }

  /** A head is complete: makes the exchange, or leaves it to a free thread. */
  #begin(): boolean {
    const input = this.#input;
    const parser = this.#parser;
    const route = this.#thread.routes.of(input.bytes, parser);
    if (this.#handsOver(route)) return false;
    this.#handedOver = false;
    const exchange = beginExchange(this.#thread, this, parser, input.bytes, route);
    if (parser.hasBody) this.#deadlines.headReceived();
    this.#exchange = exchange;
    input.consume(input.at);
    if (parser.hasBody) {
      // Else once the rest of the input is parsed: a handler that finds its body complete need not wait for it.
      if (!input.unparsed) this.#callHandler(exchange);
      return true;
    }
    // The parser ends the message without consuming anything.
    if (parser.execute(input.bytes, input.at, input.to) !== END)
      throw new Error('a message without a body did not end');
    return this.#received(exchange);
  }

  /** Leaves the request to threads that it is rather for, if there are any. @returns whether the connection has been left */
  #handsOver(route: Route): boolean {
    const to = otherThreads(this.context, route, this.dependant);
    if (to === 0 || this.#handedOver || this.state !== OPEN) return false;
    this.#deadlines.headBegun();
    if (!saveForHandOver(this.#thread, this.fd, this.#parser, this.#input, route, to)) return false;
    this.#input.clear();
    this.releaseReported();
    return true;
  }

  #received(exchange: Exchange): boolean {
    exchange.received = true;
    exchange.body?.end();
    if (!exchange.handlerCalled) this.#callHandler(exchange);
    return true;
  }

  #refuse(status: number, reason: string): boolean {
    countRefusal(this.context, status, reason);
    this.#input.clear();
    const exchange = this.#exchange;
    if (exchange !== null) {
      // The body is at fault. A response that has begun can only be cut off.
      if (exchange.state === ANSWERED) return this.destroy();
      exchange.received = true;
      exchange.abandon(bodyRefused(status, reason));
      this.#exchange = null;
    }
    this.beginClosing();
    return this.#responder.refuse(status) || this.destroy();
  }

  // ---- the handler and its answer ------------------------------------------------------------------------------------

  #callHandler(exchange: Exchange): void {
    const { app, context } = this.#thread;
    context.holds.begin(exchange, this.budget.beganMicros);
    if (exchange.route.blocks) context.aboutToBlock();
    try {
      exchange.callHandler(app, new RequestContext(context.self, this));
      // Settles an async handler that has awaited nothing but settled promises.
      if (exchange.state === RUNNING) context.drainTicks();
    } finally {
      exchange.body?.keep();
    }
    // A client may have left right after its request: that event came before there was a handler to tell.
    if (this.peerEnded && exchange.state === RUNNING) exchange.abort(clientGone(exchange.received));
  }

  #answer(exchange: Exchange): boolean {
    const { context } = this.#thread;
    const outgoing = exchange.answer() ?? failureOf(exchange, context, this.peerEnded);
    if (outgoing === null) return this.destroy();
    context.counters[REQUESTS]!++;
    context.counters[RESPONSES - 1 + ((outgoing.status / 100) | 0)]!++;
    const persistent = this.state === OPEN && persists(exchange, outgoing, context, this.fd);
    if (!persistent) this.beginClosing();
    if (!this.#responder.respond(exchange, outgoing, persistent)) return this.destroy();
    if (exchange.stream?.framing === UNTIL_CLOSE) this.beginClosing();
    if (exchange.stream === null && exchange.file === null) this.#responded(exchange);
    return true;
  }

  /** The response is complete: the rest of the request's body is discarded. */
  #responded(exchange: Exchange): void {
    if (exchange.received) return;
    exchange.received = this.state === CLOSING && exchange.awaitsContinue;
    if (exchange.received) exchange.body!.fail(neverSent());
    else exchange.body!.discard();
  }

  #streamOn(exchange: Exchange, stream: ResponseStream): boolean {
    if (this.peerEnded && gaveUp(exchange, stream.error)) return this.destroy();
    this.context.holds.begin(exchange, nowMicros());
    switch (this.#responder.streamOn(exchange, stream)) {
      case CUT:
        return this.destroy();
      case COMPLETE:
        this.#responded(exchange);
        return true;
      case WAITING:
        // The rest of the request is received while the response is sent.
        if (exchange.received || !exchange.body!.wantsMore) return this.waitBound();
        if (this.#input.unparsed) return this.#parse();
        return this.readWouldBlock ? this.waitBound() : this.#receive();
      default:
        return true;
    }
  }

  #sendFileOn(exchange: Exchange, file: FileBody): boolean {
    if (!this.budget.spend(FILE_PART_COST)) return this.yield();
    switch (this.#responder.sendFileOn(exchange, file)) {
      case CUT:
        return this.destroy();
      case WAITING:
        return this.waitBound();
      case COMPLETE:
        this.#responded(exchange);
        return true;
      default:
        return true;
    }
  }

  /** Request and response are complete. */
  #finish(): boolean {
    this.context.recorder.requestEnded(this.#exchange!.began);
    this.#exchange = null;
    this.#deadlines.finished();
    return true;
  }

  // ---- timeouts ---------------------------------------------------------------------------------------------------------

  /** The deadline has passed. */
  #expire(): boolean {
    this.timedOut = false;
    // The head is complete, and has waited for this server only.
    if (this.#handedOver) return true;
    const exchange = this.#exchange;
    if (this.#responder.waitingBytes(exchange) > 0) return this.drop();
    if (exchange === null)
      return this.#parser.fresh ? this.close() : this.#refuse(408, 'the head took too long');
    // The client has left, and the handler has had its grace period.
    if (this.peerEnded) return this.drop();
    if (exchange.received) return true;
    return exchange.state === ANSWERED ? this.drop() : this.#refuse(408, 'the body took too long');
  }

  // ---- leaving ---------------------------------------------------------------------------------------------------------

  /** Nothing is due until the client sends more. */
  #rest(): boolean {
    if (this.#exchange !== null) return this.waitBound();
    const { context } = this.#thread;
    if (this.#parser.fresh && context.control[SET_STATE] !== SET_SERVING) return this.close();
    return this.leave();
  }

  /** Saves what the next thread needs, and releases the connection. */
  protected leave(): boolean {
    if (!this.budget.spend(NOTED_COST)) return this.yield();
    if (this.bound && this.#parser.fresh && this.state === OPEN) this.#deadlines.untilNextRequest();
    if (!this.#save()) return this.#refuse(503, 'no memory for an unfinished head');
    if (!this.release()) return false;
    this.#restore();
    return true;
  }

  protected override setWaitDeadline(): void {
    const exchange = this.#exchange;
    const waitingBytes = this.#responder.waitingBytes(exchange);
    // While it lingers, or the next request is received, its deadline stands.
    if (exchange === null && waitingBytes === 0) return;
    const gone = this.peerEnded && exchange !== null;
    const receiving = exchange !== null && !exchange.received;
    this.#deadlines.waitBound(waitingBytes, this.#responder.sentBytes, gone, receiving);
  }

  protected override keepInput(): void {
    this.#input.keep();
  }

  /** Saves an unfinished message in shared memory. @returns false when the pool is exhausted */
  #save(): boolean {
    const { bytes, from, length } = this.#input;
    if (length === 0 && this.#parser.fresh) return true;
    this.#deadlines.headBegun();
    return saveMessage(this.#thread, this.fd, this.#parser, bytes, from, length);
  }

  #restore(): void {
    const reported = takeHandOver(this.context, this.fd);
    this.#handedOver = reported >= 0;
    if (reported > 0) super.noteEvents(reported);
    const length = restoreMessage(this.context, this.fd, this.#parser, this.#input.bytes);
    this.#input.place(length, this.#parser.inHead);
  }

  /** The exchange is over, and the connection is to be closed: lingers once everything is sent. */
  #end(): boolean {
    if (this.#responder.queuedBytes > 0) return this.waitBound();
    this.#responder.ended();
    if (this.inputState === INPUT_ENDED) return this.close();
    this.#parser.reset();
    this.#input.clear();
    return this.beginLingering();
  }

  protected destroy(): false {
    const exchange = this.#exchange;
    if (exchange !== null) {
      this.#exchange = null;
      exchange.abandon(clientGone(exchange.received));
    }
    return this.close();
  }

  protected override close(): false {
    this.#responder.clear();
    return super.close();
  }

  protected override detach(): void {
    super.detach();
    this.generation++;
  }
}
