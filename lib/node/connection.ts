/**
 * An HTTP connection whose requests go to a Node server: `http.Server`'s events take the place of `fetch`.
 *
 * During a request the connection is bound to its thread, as `IncomingMessage`, `ServerResponse` and the socket are objects of it. Between
 * two it belongs to no thread, unless the app has listeners on the socket.
 *
 * The socket ends with the connection, whichever ends first:
 *
 *   the client leaves, a timeout, a broken connection ──▶ destroy ──▶ the socket is destroyed: `close`, on which request and response end
 *   socket.destroy() ──▶ the link notes it ──▶ destroy
 *   socket.end(), the last response ──▶ CLOSING ──▶ everything is sent: lingering close; the socket is destroyed
 *   upgrade ──▶ the descriptor's duplicate is a libuv socket; the connection only keeps its place until that is closed
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { OPEN } from '../connection/connection.js';
import { openConnections } from '../connection/listeners.js';
import { FAILED, MORE } from '../connection/output-queue.js';
import { GO_ON, HttpConnection, LEFT, NOTHING_DUE } from '../http/connection.js';
import { BETWEEN_REQUESTS, SEEN } from '../http/flags.js';
import type { Route } from '../http/routes.js';
import { SET_SERVING, SET_STATE } from '../memory/layout.js';
import { WAITS, WAITS_TO_BLOCK } from '../set/engagement.js';
import { countRequest, hasFlag, setFlag, storeDeadline } from '../set/handle-record.js';
import { adoptDescriptor } from './adopted-socket.js';
import { answerTo, type ClientError, connectionReset, refusalError, unexpectedEnd } from './client-error.js';
import { ConnectionLink, type LinkOwner } from './connection-link.js';
import { type ExchangeOwner, NodeExchange, SWITCHING_PROTOCOLS } from './exchange.js';
import {
  announce,
  emitTimeout,
  headLimit,
  isFull,
  tellClientError,
  timeoutsOf,
  wantsConnections,
} from './http-server.js';
import { connectionLeft } from './listening.js';
import { messageClasses } from './message-classes.js';
import type { NodeThread } from './node-thread.js';
import { endsOf } from './peer.js';
import { createRequest, headText, knowsMethod } from './request.js';
import { servers } from './servers.js';
import { type HttpSocket, STATE } from './socket.js';
import { upgrades } from './upgrade.js';

export class NodeConnection extends HttpConnection<NodeExchange> implements ExchangeOwner, LinkOwner {
  protected readonly callsAtHead = true;
  readonly #thread: NodeThread;
  #listener = 0;
  #server!: Server;
  #socket: HttpSocket | null = null;
  readonly #link: ConnectionLink;
  /** User code has run since the ticks were drained. */
  #ticksDue = false;
  /** The app has been told of the client's error, and ends the socket when it has answered. */
  #heldByApp = false;
  /** The client has ended its side while a response was incomplete. */
  #clientGone = false;
  /** With which error the socket ends. */
  #closeError: Error | null = null;
  /** The request under way is for another protocol. */
  #upgrading = false;
  /** The server has too many connections. */
  #isDropped = false;
  /** The upgraded connection's socket. */
  #adopted: Socket | null = null;
  #adoptedClosed = false;

  constructor(thread: NodeThread) {
    super(thread);
    this.#thread = thread;
    this.#link = new ConnectionLink(this, thread.writer);
  }

  override enter(fd: number): void {
    super.enter(fd);
    this.#listener = this.context.table.listener(fd);
    const server = servers.of(this.#listener) as Server | undefined;
    // A thread without a server of the listener, which has joined the set for want of others.
    this.#isDropped = server === undefined;
    if (server === undefined) return;
    this.#server = server;
    const { limits } = this.context;
    this.deadlines.timeouts = timeoutsOf(this.#server, limits);
    this.parser.limitHead(headLimit(this.#server, limits.maxHeaderSize));
    this.#ticksDue = false;
    this.#link.reset();
    this.#heldByApp = false;
    this.#clientGone = false;
    this.#closeError = null;
    this.#upgrading = false;
    if (this.state === OPEN && !hasFlag(this.context.table, fd, SEEN)) this.#begin();
    // The app hears of a connection before its client has sent anything, if it wants to.
    if (this.state === OPEN && !this.#isDropped && wantsConnections(this.#server)) this.#linkSocket();
  }

  /** The connection's first event. */
  #begin(): void {
    const { table, control } = this.context;
    setFlag(table, this.fd, SEEN);
    this.deadlines.begin();
    this.#isDropped = isFull(this.#server, openConnections(control, this.#listener));
  }

  protected override get waitingFor(): number {
    const { exchange } = this;
    if (this.#adopted !== null || this.#heldByApp) return WAITS;
    return exchange?.route.blocks && !exchange.answered ? WAITS_TO_BLOCK : super.waitingFor;
  }

  protected override step(): boolean {
    if (this.#adopted !== null) return this.#stepAdopted(this.#adopted);
    if (this.#isDropped) return this.#drop();
    if (this.broken) return this.#reset();
    if (this.#link.isDestroyed && !this.#link.isEnded) return this.destroy();
    if (this.#link.isWaiting) {
      const flushed = this.#link.flush();
      this.context.drainTicks();
      if (flushed === FAILED) return this.#reset();
      if (flushed === MORE) return this.yield();
    }
    if (this.#clientGone && !this.#link.isWaiting) return this.destroy();
    if (this.#link.isEnded) this.exchange = null;
    else if (this.#heldByApp) {
      const isOver = this.timedOut || (this.peerEnded && !this.#link.isWaiting);
      return isOver ? this.destroy() : this.waitBound();
    }
    return super.step();
  }

  #drop(): boolean {
    const server = servers.of(this.#listener);
    const data = endsOf(this.fd);
    process.nextTick(() => server?.emit('drop', data));
    return this.destroy();
  }

  // ---- requests ----------------------------------------------------------------------------------------------------------

  protected override refusesHead(): string | null {
    return knowsMethod(this.parser, this.input.bytes) ? null : 'unknown method';
  }

  protected beginExchange(route: Route): NodeExchange {
    const { parser, input } = this;
    const server = this.#server;
    const { control, table } = this.context;
    const began = this.#thread.requestBegan(parser);
    const socket = this.#linkSocket();
    const classes = messageClasses(server);
    const head = headText(parser, input.bytes);
    socket[STATE].count(0, parser.headLength);
    const request = createRequest(server, classes, socket, head, parser);
    const facts = {
      // A plain load of the set's state: when draining begins, a rescan makes an event for every connection.
      keepAlive: parser.keepAlive && control[SET_STATE] === SET_SERVING,
      expects: parser.expectContinue,
      count: server.maxRequestsPerSocket ? countRequest(table, this.fd) : 0,
    };
    const { routes } = this.#thread;
    return new NodeExchange(this, server, socket, request, head, route, routes, began, facts, classes);
  }

  /** The connection's socket in this thread, made when it is first needed. */
  #linkSocket(): HttpSocket {
    if (this.#socket !== null) return this.#socket;
    const { context, fd } = this;
    let socket = this.#thread.socketOf(fd, context.table.generation(fd));
    const isNew = socket === undefined;
    socket ??= this.#thread.createSocket(fd, this.#server);
    socket[STATE].link = this.#link;
    this.#socket = socket;
    servers.count(this.#listener, 1);
    if (isNew) socket[STATE].announced = announce(this.#server, socket, context.raiseUncaughtException);
    if (this.#server.timeout > 0) socket.setTimeout(this.#server.timeout);
    return socket;
  }

  protected callHandler(exchange: NodeExchange): void {
    const { context } = this.#thread;
    this.#ticksDue = true;
    // Once all of the request is parsed: what follows it is the other protocol's.
    this.#upgrading = upgrades(this.#server, exchange.request);
    if (this.#upgrading) {
      exchange.handlerCalled = true;
      return;
    }
    context.holds.begin(exchange, this.budget.beganMicros);
    if (exchange.route.blocks) context.aboutToBlock();
    exchange.callHandler();
  }

  protected respond(exchange: NodeExchange): number {
    // As in Node, what has come with the head is pushed before the listener's ticks run.
    if (this.#ticksDue && (exchange.received || !this.input.unparsed)) {
      this.#ticksDue = false;
      this.context.drainTicks();
    }
    if (this.#upgrading) return exchange.received ? this.#upgrade(exchange) : NOTHING_DUE;
    if (exchange.finished) {
      if (!exchange.received) return NOTHING_DUE;
      this.finish();
      return GO_ON;
    }
    if (this.#link.isDestroyed || this.#link.isEnded) return GO_ON;
    if (this.peerEnded && exchange.received) this.clientEnded(exchange);
    return this.#clientGone ? GO_ON : NOTHING_DUE;
  }

  protected override onTrailers(text: string): void {
    this.exchange?.trailersArrived(text);
  }

  responded(exchange: NodeExchange, last: boolean): void {
    this.#thread.countResponse(exchange.response.statusCode);
    if (exchange.socket.timeout) exchange.socket.setTimeout(0);
    if (this.exchange !== exchange) return;
    if (last) {
      exchange.received = true;
      this.beginClosing();
    }
    this.appContinued();
    this.wake();
  }

  get raise(): (error: unknown) => void {
    return this.context.raiseUncaughtException;
  }

  // ---- errors of the client ------------------------------------------------------------------------------------------------

  clientEnded(exchange: NodeExchange): void {
    if ((this.#server as { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen) exchange.isLast();
    // What the app has written to the end is sent. Anything else could not be completed: Node ends the connection.
    else if (!exchange.response.writableEnded) this.#clientGone = true;
  }

  bodyFailed(exchange: NodeExchange): void {
    if (!exchange.finished && !exchange.request.complete) this.#clientError(exchange, unexpectedEnd());
  }

  protected override endedBetween(): boolean {
    if (!this.parser.fresh && this.state === OPEN) this.#clientError(null, unexpectedEnd());
    else if (this.#socket === null || this.state !== OPEN) return this.destroy();
    else this.#socket[STATE].peerEnded(this.context.drainTicks);
    return true;
  }

  protected override idleTooLong(): boolean {
    if (!hasFlag(this.context.table, this.fd, BETWEEN_REQUESTS))
      return this.refuse(408, 'the head took too long');
    // As in Node, a listener decides what becomes of an idle connection.
    if (this.#socket === null && this.#server.listenerCount('timeout') === 0) return this.close();
    this.deadlines.untilNextRequest();
    this.#ticksDue = true;
    emitTimeout(this.#linkSocket(), this.raise);
    return true;
  }

  protected refuseRequest(exchange: NodeExchange | null, status: number, reason: string): boolean {
    const { bytes, from, to } = this.input;
    this.#clientError(exchange, refusalError(status, reason, Buffer.from(bytes.subarray(from, to))));
    return true;
  }

  /** Tells the app, or else the client; the connection ends. */
  #clientError(exchange: NodeExchange | null, error: ClientError): void {
    const socket = this.#linkSocket();
    const answered = exchange?.answered ?? false;
    this.exchange = null;
    this.beginClosing();
    this.#ticksDue = true;
    if (tellClientError(this.#server, error, socket, this.raise)) {
      this.#heldByApp = true;
      this.deadlines.untilAnswered();
    } else if (!answered) {
      const answer = answerTo(error);
      this.broken ||= !this.output.send(answer, answer.length);
    }
  }

  /** The connection is broken. */
  #reset(): boolean {
    this.#closeError = connectionReset();
    return this.destroy();
  }

  // ---- the socket's side ---------------------------------------------------------------------------------------------------

  /** In the event loop, a hold of the exchange's user code ends here. */
  appContinued(): void {
    if (this.exchange !== null && !this.dispatching) this.context.holds.continues(this.exchange);
  }

  count(bytes: number): void {
    this.#socket?.[STATE].count(bytes, 0);
  }

  outputEnded(): void {
    if (this.state === OPEN) this.beginClosing();
  }

  outputFailed(): void {
    this.broken = true;
    this.wake();
  }

  bodyReadOn(paused: boolean): void {
    this.exchange?.readOn(paused);
  }

  // ---- upgrades ------------------------------------------------------------------------------------------------------------

  #upgrade(exchange: NodeExchange): number {
    const server = this.#server;
    const { request } = exchange;
    const name = request.method === 'CONNECT' ? 'connect' : 'upgrade';
    const isHeard = server.listenerCount(name) > 0;
    if (isHeard && !this.context.transport.detaches(this.fd)) return NOTHING_DUE;
    const adopted = isHeard ? this.#adopt() : null;
    this.#upgrading = false;
    if (adopted === null) return this.destroy() ? GO_ON : LEFT;
    const { input, context } = this;
    const rest = input.takeRest(this.fd);
    this.finish();
    storeDeadline(context.table, this.fd, 0);
    this.#thread.countResponse(SWITCHING_PROTOCOLS);
    request.socket = adopted;
    Object.assign(request, { upgrade: true });
    Object.assign(adopted, { server });
    this.#adopted = adopted;
    exchange.inScope(() => server.emit(name, request, adopted, rest));
    return GO_ON;
  }

  /** @returns null when there is no descriptor for it */
  #adopt(): Socket | null {
    const socket = this.#socket;
    this.#unlink();
    this.#thread.forgetSocket(this.fd);
    // This object may have had an upgraded connection that was closed before it was bound.
    this.#adoptedClosed = false;
    const adopted = adoptDescriptor(this.context, this.fd, () => {
      this.#adoptedClosed = true;
      socket?.[STATE].endWithConnection(null);
      this.wake();
    });
    // The app may know the one that the connection has had until now.
    if (adopted !== null) socket?.[STATE].standFor(adopted);
    return adopted;
  }

  #stepAdopted(adopted: Socket): boolean {
    if (this.broken) adopted.destroy();
    if (!this.#adoptedClosed) return this.waitBound();
    this.#adopted = null;
    return this.close();
  }

  // ---- the end -------------------------------------------------------------------------------------------------------------

  protected override leave(): boolean {
    const socket = this.#socket;
    if (socket === null || !socket[STATE].isWatched) return super.leave();
    if (hasFlag(this.context.table, this.fd, BETWEEN_REQUESTS)) this.deadlines.untilNextRequest();
    return this.waitBound();
  }

  /** Everything is sent: for the app, the connection ends here. */
  protected override beginLingering(): true {
    const socket = this.#socket;
    this.#unlink();
    if (socket !== null) this.#thread.forgetSocket(this.fd);
    super.beginLingering();
    socket?.[STATE].endWithConnection(null);
    return true;
  }

  protected override close(): false {
    const socket = this.#socket;
    const error = this.#closeError;
    if (socket !== null) {
      this.#thread.forgetSocket(this.fd);
      if (socket[STATE].resets) this.context.transport.resetOnClose(this.fd, true);
    }
    super.close();
    socket?.[STATE].endWithConnection(error);
    connectionLeft(this.#listener);
    this.#link.cancel();
    return false;
  }

  protected override detach(): void {
    this.#unlink();
    super.detach();
  }

  #unlink(): void {
    if (this.#socket === null) return;
    this.#socket[STATE].link = null;
    this.#socket = null;
    servers.count(this.#listener, -1);
    connectionLeft(this.#listener);
  }

  /** The app closes the server's connections. @param all whether also those with a request under way */
  closeByServer(all: boolean): void {
    if (this.#adopted !== null) return;
    const isBusy = this.exchange !== null || this.#heldByApp || this.output.queuedBytes > 0;
    const idle = !isBusy && this.input.length === 0 && hasFlag(this.context.table, this.fd, BETWEEN_REQUESTS);
    if (all || idle) this.#link.destroyed();
  }
}
