/**
 * An HTTP/1.1 connection: when it reads, hands over, waits and ends. What becomes of a request is its subclass's matter: the fetch
 * handler's response (fetch-connection.ts), or a Node server's (node/connection.ts).
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
import { BODY_PART_COST, NOTED_COST, RECEIVE_COST, REQUEST_COST } from '../connection/dispatch-budget.js';
import { FAILED, MORE } from '../connection/output-queue.js';
import { SET_CLEARING, SET_SERVING, SET_STATE } from '../memory/layout.js';
import { requestClass } from '../memory/request-classes.js';
import { BYTES_IN } from '../memory/sums.js';
import { NO_DEPENDANT, WAITS } from '../set/engagement.js';
import { hasFlag } from '../set/handle-record.js';
import { PEER_ENDED } from '../set/handle-table.js';
import { EAGAIN, EINTR } from '../sys/libc.js';
import { HttpDeadlines } from './deadlines.js';
import { countRefusal } from './failures.js';
import { BETWEEN_REQUESTS } from './flags.js';
import { otherThreads, saveForHandOver, takeHandOver } from './hand-over.js';
import type { HttpExchange } from './http-exchange.js';
import type { HttpThread } from './http-thread.js';
import { InputWindow } from './input-window.js';
import { ConnectionOutput } from './output.js';
import { BODY, END, HEAD, NEED_MORE, REFUSED, RequestParser } from './parser/request-parser.js';
import { clientGone } from './request-errors.js';
import { describeRoute, mayTakeLong, type Route } from './routes.js';
import { restoreMessage, saveMessage } from './saved-message.js';

/** Results of `respond`: there is more to do at once; the dispatch is over; the response needs nothing now. */
export const GO_ON = 0;
export const LEFT = 1;
export const NOTHING_DUE = 2;

export abstract class HttpConnection<E extends HttpExchange> extends Connection {
  readonly #thread: HttpThread;
  protected readonly parser: RequestParser;
  readonly output: ConnectionOutput;
  protected readonly input: InputWindow;
  protected readonly deadlines: HttpDeadlines;
  /** Changes whenever this object serves another connection. */
  generation = 0;
  protected exchange: E | null = null;
  /** The next request was handed over to this thread: it is not handed over again. */
  #handedOver = false;

  constructor(thread: HttpThread) {
    super(thread);
    this.#thread = thread;
    this.parser = new RequestParser(thread.parserLimits);
    this.output = new ConnectionOutput(thread.context, thread.writer);
    this.input = new InputWindow(thread.input, thread.context.transport);
    this.deadlines = new HttpDeadlines(thread.context);
  }

  /** The handler is called as soon as the head is complete, before any of the body that has been received is parsed. */
  protected abstract readonly callsAtHead: boolean;

  /** Why the head that the parser has just completed is refused in spite of that; null where it is not. */
  protected refusesHead(): string | null {
    return null;
  }

  /** Makes the exchange of the head that the parser has just completed in the input. */
  protected abstract beginExchange(route: Route): E;

  /** Calls the handler of the exchange. */
  protected abstract callHandler(exchange: E): void;

  /** Does what is due for the response. @returns GO_ON, LEFT or NOTHING_DUE */
  protected abstract respond(exchange: E): number;

  /** The request, or what the client has sent in its place, is refused: answers it. @returns false when the connection is broken */
  protected abstract refuseRequest(exchange: E | null, status: number, reason: string): boolean;

  override enter(fd: number): void {
    super.enter(fd);
    this.output.fd = fd;
    this.generation++;
    this.deadlines.enter(fd);
    this.exchange = null;
    this.#restore();
  }

  /** Bytes that wait for the client to accept them. */
  protected get waitingBytes(): number {
    return this.output.queuedBytes;
  }

  protected override get waitingFor(): number {
    return this.exchange === null && this.output.queuedBytes === 0 ? NO_DEPENDANT : WAITS;
  }

  protected override noteEvents(events: number): void {
    const ends = (events & PEER_ENDED) !== 0 && !this.peerEnded;
    super.noteEvents(events);
    if (ends) this.exchange?.peerEnded();
  }

  protected override restoreInput(): void {
    this.input.restore();
  }

  protected step(): boolean {
    if (this.broken) return this.destroy();
    if (this.state === LINGERING) return this.linger();
    if (this.timedOut) return this.#expire();
    if (!this.output.holds) {
      const flushed = this.output.flush();
      if (flushed === FAILED) return this.destroy();
      if (flushed === MORE) return this.yield();
    }
    if (this.exchange !== null) {
      const due = this.respond(this.exchange);
      if (due !== NOTHING_DUE) return due === GO_ON;
    }
    const { exchange } = this;
    // Responses are held back only as long as others follow at once.
    if ((exchange !== null || !this.input.unparsed) && !this.output.release()) return this.destroy();
    if (exchange === null && this.state === CLOSING) return this.#end();
    if (exchange !== null && (exchange.received || !exchange.wantsBody)) {
      if (exchange.handlerCalled) return this.waitBound();
      this.callHandler(exchange);
      return true;
    }
    if (exchange === null && this.output.queuedBytes > 0) return this.waitBound();
    return this.receiveMore();
  }

  // ---- reading and parsing -------------------------------------------------------------------------------------------

  /** Parses what is received, or receives more. @returns as `step` */
  protected receiveMore(): boolean {
    if (this.input.unparsed) return this.#parse();
    return this.readWouldBlock ? this.#rest() : this.#receive();
  }

  #receive(): boolean {
    if (!this.budget.spend(RECEIVE_COST)) return this.yield();
    const room = this.input.makeRoom();
    const count = this.input.receive(this.fd, room);
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
    const { exchange } = this;
    if (exchange === null) return this.endedBetween();
    this.beginClosing();
    // An unfinished request will never be completed; its handler may still answer.
    exchange.received = true;
    exchange.bodyFailed(clientGone(false));
    return true;
  }

  /** The client has ended its side, and no exchange is under way. @returns as `step` */
  protected endedBetween(): boolean {
    return this.destroy();
  }

  #parse(): boolean {
    const cost = this.exchange === null ? REQUEST_COST : BODY_PART_COST;
    return this.budget.spend(cost) ? this.#parseNext() : this.yield();
  }

  #parseNext(): boolean {
    const { input, parser } = this;
    const result = parser.execute(input.bytes, input.at, input.to);
    input.at = parser.position;
    switch (result) {
      case HEAD:
        return this.#begin();
      case BODY:
        this.exchange!.bodyArrived(input.bytes, parser);
        input.consume(input.at);
        // The parser reports the end of a message in a separate call, which consumes no byte.
        return (input.unparsed && !parser.complete) || this.#parseNext();
      case END:
        this.#passTrailers();
        input.consume(input.at);
        return this.#received(this.exchange!);
      case NEED_MORE:
        this.#passTrailers();
        input.from = parser.inHead ? parser.messageStart : input.at;
        // The handler is called once all of the body that has been received is parsed.
        if (this.exchange !== null && !this.exchange.handlerCalled) this.callHandler(this.exchange);
        return true;
      case REFUSED:
        return this.refuse(parser.status, parser.reason);
      default:
        throw new Error(`the parser gave ${result}`);
    }
  }

  #passTrailers(): void {
    const { trailersStart, position } = this.parser;
    if (trailersStart >= 0) this.onTrailers(this.input.bytes.toString('latin1', trailersStart, position));
  }

  /** A part of the trailer section, as latin1. */
  protected onTrailers(_text: string): void {}

  /** A head is complete: makes the exchange, or leaves it to a free thread. */
  #begin(): boolean {
    const { input, parser } = this;
    const route = this.#thread.routes.of(input.bytes, parser);
    if (this.#handsOver(route)) return false;
    this.#handedOver = false;
    const refused = this.refusesHead();
    if (refused !== null) return this.refuse(400, refused);
    if (mayTakeLong(route) && !this.output.release()) return this.destroy();
    const exchange = this.beginExchange(route);
    if (parser.hasBody) this.deadlines.headReceived();
    this.exchange = exchange;
    input.consume(input.at);
    if (this.callsAtHead) this.callHandler(exchange);
    if (parser.hasBody) {
      // Else once the rest of the input is parsed: a handler that finds its body complete need not wait for it.
      if (!input.unparsed && !exchange.handlerCalled) this.callHandler(exchange);
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
    // What the kernel does not take lies in this thread's memory.
    if (!this.output.release() || this.output.queuedBytes > 0) return false;
    this.deadlines.headBegun();
    if (!saveForHandOver(this.#thread, this.fd, this.parser, this.input, route, to)) return false;
    this.input.clear();
    this.releaseReported();
    return true;
  }

  #received(exchange: E): boolean {
    exchange.received = true;
    exchange.bodyEnded();
    if (!exchange.handlerCalled) this.callHandler(exchange);
    return true;
  }

  protected refuse(status: number, reason: string): boolean {
    countRefusal(this.context, status, reason);
    const answered = this.refuseRequest(this.exchange, status, reason);
    this.input.clear();
    return answered || this.destroy();
  }

  /** Request and response are complete. */
  protected finish(): void {
    const { began, route, status } = this.exchange!;
    this.context.recorder.requestEnded(began, requestClass(route.blocks, status));
    this.exchange = null;
    this.deadlines.finished();
  }

  // ---- timeouts ---------------------------------------------------------------------------------------------------------

  /** The deadline has passed. */
  #expire(): boolean {
    this.timedOut = false;
    // The head is complete, and has waited for this server only.
    if (this.#handedOver) return true;
    const { exchange } = this;
    if (this.waitingBytes > 0) return this.drop();
    if (exchange === null)
      return this.parser.fresh ? this.idleTooLong() : this.refuse(408, 'the head took too long');
    // The client has left, and the handler has had its grace period.
    if (this.peerEnded) return this.drop();
    if (exchange.received) return true;
    return exchange.answered ? this.drop() : this.refuse(408, 'the body took too long');
  }

  /** The deadline of a connection has passed that has nothing under way. @returns as `step` */
  protected idleTooLong(): boolean {
    return this.close();
  }

  // ---- leaving ---------------------------------------------------------------------------------------------------------

  /** Nothing is due until the client sends more. */
  #rest(): boolean {
    if (this.exchange !== null) return this.waitBound();
    if (this.parser.fresh && this.#isUnwanted()) return this.close();
    return this.leave();
  }

  /** The set drains. The first request of a new connection may be on its way for a while. */
  #isUnwanted(): boolean {
    const { control, table } = this.context;
    const state = control[SET_STATE]!;
    if (state === SET_SERVING) return false;
    return state >= SET_CLEARING || hasFlag(table, this.fd, BETWEEN_REQUESTS);
  }

  /** Saves what the next thread needs, and releases the connection. */
  protected leave(): boolean {
    if (!this.budget.spend(NOTED_COST)) return this.yield();
    if (this.bound && this.parser.fresh && this.state === OPEN) this.deadlines.untilNextRequest();
    if (!this.#save()) return this.refuse(503, 'no memory for an unfinished head');
    if (!this.release()) return false;
    this.#restore();
    return true;
  }

  protected override setWaitDeadline(): void {
    const { exchange, waitingBytes } = this;
    // While it lingers, or the next request is received, its deadline stands.
    if (exchange === null && waitingBytes === 0) return;
    const gone = this.peerEnded && exchange !== null;
    const receiving = exchange !== null && !exchange.received;
    this.deadlines.waitBound(waitingBytes, this.output.sentBytes, gone, receiving);
  }

  protected override keepInput(): void {
    this.input.keep();
  }

  /** Saves an unfinished message in shared memory. @returns false when the pool is exhausted */
  #save(): boolean {
    const { bytes, from, length } = this.input;
    if (length === 0 && this.parser.fresh) return true;
    this.deadlines.headBegun();
    return saveMessage(this.#thread, this.fd, this.parser, bytes, from, length);
  }

  #restore(): void {
    const reported = takeHandOver(this.context, this.fd);
    this.#handedOver = reported >= 0;
    if (reported > 0) super.noteEvents(reported);
    const length = restoreMessage(this.context, this.fd, this.parser, this.input.bytes);
    this.input.place(length, this.parser.inHead);
  }

  /** The exchange is over, and the connection is to be closed: lingers once everything is sent. */
  #end(): boolean {
    if (this.output.queuedBytes > 0) return this.waitBound();
    this.output.ended();
    if (this.inputState === INPUT_ENDED) return this.close();
    this.parser.reset();
    this.input.clear();
    return this.beginLingering();
  }

  /**
   * The drain time is over: aborts the connection if its client still waits for a response.
   *
   * @returns the route of the request; '' if only the end of its response was still to be sent; null if there is none
   */
  cut(): string | null {
    const { exchange } = this;
    const isWaitedFor = exchange === null ? this.output.queuedBytes > 0 : !exchange.responded;
    if (!isWaitedFor) return null;
    const route = exchange === null ? '' : describeRoute(exchange.route, exchange.head);
    this.abort();
    return route;
  }

  protected override yield(): false {
    return this.output.release() ? super.yield() : this.destroy();
  }

  protected destroy(): false {
    const { exchange } = this;
    if (exchange !== null) {
      this.exchange = null;
      exchange.abandon(clientGone(exchange.received));
    }
    return this.close();
  }

  protected override close(): false {
    this.output.clear();
    return super.close();
  }

  protected override detach(): void {
    super.detach();
    this.generation++;
  }
}
