/** An HTTP connection whose requests are answered by the app's `fetch` handler. */
import { CLOSING, OPEN } from '../connection/connection.js';
import { FILE_PART_COST } from '../connection/dispatch-budget.js';
import { REQUESTS, RESPONSES } from '../memory/counters.js';
import { WAITS_TO_BLOCK } from '../set/engagement.js';
import { nowMicros } from '../sys/clock.js';
import type { FileBody } from '../web/file-body.js';
import { beginExchange, RequestContext } from './begin-exchange.js';
import { GO_ON, HttpConnection, LEFT, NOTHING_DUE } from './connection.js';
import { ANSWERED, type Exchange, type ExchangeOwner, RUNNING } from './exchange.js';
import { failureOf, gaveUp, logDeparture, reportLate } from './failures.js';
import type { FetchThread } from './fetch-thread.js';
import { persists } from './persistence.js';
import { bodyRefused, clientGone, neverSent } from './request-errors.js';
import { COMPLETE, CUT, Responder, WAITING } from './responder.js';
import type { ResponseStream } from './response-stream.js';
import { UNTIL_CLOSE } from './response-writer.js';
import type { Route } from './routes.js';

export class FetchConnection extends HttpConnection<Exchange> implements ExchangeOwner {
  protected readonly callsAtHead = false;
  readonly #thread: FetchThread;
  protected readonly responder: Responder;

  /** @param Sender what sends the responses. Default: a Responder; observed requests have one that counts */
  constructor(thread: FetchThread, Sender = Responder) {
    super(thread);
    this.#thread = thread;
    this.responder = new Sender(thread.context, thread.writer, this.output);
  }

  sendContinue(exchange: Exchange): void {
    // A handler may keep a request after its exchange is over, when this object serves another request or client.
    if (this.exchange === exchange) this.responder.sendContinue();
  }

  failedLate(exchange: Exchange, error: unknown): void {
    reportLate(exchange, error, this.context);
  }

  continued(): void {
    if (this.exchange !== null) this.context.holds.continues(this.exchange);
  }

  protected override get waitingBytes(): number {
    return this.responder.waitingBytes(this.exchange);
  }

  protected override get waitingFor(): number {
    const { exchange } = this;
    return exchange !== null && exchange.state === RUNNING && exchange.route.blocks
      ? WAITS_TO_BLOCK
      : super.waitingFor;
  }

  protected beginExchange(route: Route): Exchange {
    return beginExchange(this.#thread, this, this.parser, this.input.bytes, route);
  }

  protected callHandler(exchange: Exchange): void {
    const { app, context } = this.#thread;
    context.holds.begin(exchange, this.budget.beganMicros);
    if (exchange.route.blocks) context.aboutToBlock();
    try {
      exchange.callHandler(app, new RequestContext(context.number, this, exchange.head));
      // Settles an async handler that has awaited nothing but settled promises.
      if (exchange.state === RUNNING) context.drainTicks();
    } finally {
      exchange.body?.keep();
    }
    // A client may have left right after its request: that event came before there was a handler to tell.
    if (this.peerEnded && exchange.state === RUNNING) exchange.abort(clientGone(exchange.received));
  }

  protected respond(exchange: Exchange): number {
    if (exchange.state === RUNNING) return NOTHING_DUE;
    if (exchange.state !== ANSWERED) return this.#answer(exchange);
    if (exchange.stream !== null) return this.#streamOn(exchange, exchange.stream);
    if (exchange.file !== null) return this.#sendFileOn(exchange, exchange.file);
    if (!exchange.received) return NOTHING_DUE;
    this.finish();
    return GO_ON;
  }

  protected refuseRequest(exchange: Exchange | null, status: number, reason: string): boolean {
    if (exchange !== null) {
      // The body is at fault. A response that has begun can only be cut off.
      if (exchange.answered) return false;
      exchange.received = true;
      exchange.abandon(bodyRefused(status, reason));
      this.exchange = null;
    }
    this.beginClosing();
    return this.responder.refuse(status);
  }

  #answer(exchange: Exchange): number {
    const { context } = this.#thread;
    const outgoing = exchange.answer() ?? failureOf(exchange, this.#thread, this.peerEnded);
    if (outgoing === null) return this.#cut();
    exchange.status = outgoing.status;
    context.counters[REQUESTS]!++;
    context.counters[RESPONSES - 1 + ((outgoing.status / 100) | 0)]!++;
    const persistent = this.state === OPEN && persists(exchange, outgoing, context, this.fd);
    if (!persistent) this.beginClosing();
    // Pipelining: the next request is received already.
    const holds = persistent && exchange.received && this.input.unparsed;
    if (!this.responder.respond(exchange, outgoing, persistent, holds)) return this.#cut();
    if (exchange.stream?.framing === UNTIL_CLOSE) this.beginClosing();
    if (exchange.stream === null && exchange.file === null) this.#responded(exchange);
    return GO_ON;
  }

  /** The response is complete: the rest of the request's body is discarded. */
  #responded(exchange: Exchange): void {
    if (exchange.received) return;
    exchange.received = this.state === CLOSING && exchange.awaitsContinue;
    if (exchange.received) exchange.body!.fail(neverSent());
    else exchange.body!.discard();
  }

  #streamOn(exchange: Exchange, stream: ResponseStream): number {
    if (this.peerEnded && stream.error !== null && gaveUp(exchange, stream.error)) {
      logDeparture(exchange, this.context);
      return this.#cut();
    }
    this.context.holds.begin(exchange, nowMicros());
    switch (this.responder.streamOn(exchange, stream)) {
      case CUT:
        return this.#cut();
      case COMPLETE:
        this.#responded(exchange);
        return GO_ON;
      case WAITING:
        // The rest of the request is received while the response is sent.
        return this.#stepped(
          exchange.received || !exchange.wantsBody ? this.waitBound() : this.receiveMore(),
        );
      default:
        return GO_ON;
    }
  }

  #sendFileOn(exchange: Exchange, file: FileBody): number {
    if (!this.budget.spend(FILE_PART_COST)) return this.#stepped(this.yield());
    switch (this.responder.sendFileOn(exchange, file)) {
      case CUT:
        return this.#cut();
      case WAITING:
        return this.#stepped(this.waitBound());
      case COMPLETE:
        this.#responded(exchange);
        return GO_ON;
      default:
        return GO_ON;
    }
  }

  #cut(): number {
    return this.#stepped(this.destroy());
  }

  /** What `step` returns, as a result of `respond`. */
  #stepped(goesOn: boolean): number {
    return goesOn ? GO_ON : LEFT;
  }
}
