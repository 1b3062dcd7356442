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
  ResponseStream,
  RUNNING,
  THREW,
} from '../http/exchange.js';
import { BODY, END, HEAD, NEED_MORE, REFUSED, RequestParser } from '../http/request-parser.js';
import {
  BODYLESS,
  CHUNK_END,
  CHUNKED,
  CONTINUE,
  chunkStart,
  hasNoBody,
  LAST_CHUNK,
  ResponseWriter,
  refusal,
  SIZED,
  UNTIL_CLOSE,
} from '../http/response-writer.js';
import { ERRORS, REQUESTS } from '../memory/counters.js';
import {
  HANDLE_BLOCK,
  HANDLE_DEADLINE,
  HANDLE_FLAGS,
  HANDLE_PARSER,
  HANDLE_REQUESTS,
  HANDLE_SAVED,
  HANDLE_WORDS,
  SET_SERVING,
  SET_STATE,
  TICK,
} from '../memory/layout.js';
import { WATCH_BOTH } from '../set/handle-set.js';
import { BROKEN, PEER_ENDED, READABLE, TIMED_OUT } from '../set/handle-table.js';
import { FileBody } from '../static/file-body.js';
import { sendFile } from '../sys/file.js';
import { addressOf, EAGAIN, EINTR } from '../sys/libc.js';
import { receive, remoteAddress, shutdownSending, transmitFrom } from '../sys/socket.js';
import type { FetchApp, FetchContext } from '../web/context.js';
import { abortRequest, createRequest } from '../web/light-request.js';
import { type Outgoing, toOutgoing } from '../web/outgoing.js';
import { closeConnection, deadlineIn } from './acceptor.js';
import type { Deferred, EventHandler, ThreadContext } from './event-handler.js';
import { FAILED, OutputQueue, QUEUED } from './output.js';

/** Bytes that one receive takes beside the head that is kept in front of them. */
const RECEIVE_BYTES = 64 * 1024;
/** Receives of one visit, so that a fast sender does not keep its thread for itself. */
const READS_A_VISIT = 16;
/** Bytes waiting to be sent above which a streamed response is not read on. */
const STREAM_QUEUE_BYTES = 64 * 1024;
/** Bytes of a file that one call sends, and calls of one visit. */
const FILE_PART_BYTES = 1024 * 1024;
const FILE_PARTS_A_VISIT = 8;

/** Bits of HANDLE_FLAGS. */
const HAS_SAVED = 1;
const WATCHES_OUTPUT = 2;
/** A request has been answered, and nothing of the next one has come. */
const BETWEEN_REQUESTS = 4;
/** Everything is sent and said; what the client still sends is read away until it ends, too. */
const LINGERING = 8;

/** What the connections of one thread share. */
class HttpThread {
  readonly input: Buffer;
  readonly inputAddress: number;
  readonly writer = new ResponseWriter();
  /** The connections that are bound to this thread. */
  readonly held = new Map<number, HttpConnection>();

  constructor(
    readonly context: ThreadContext,
    readonly app: FetchApp,
    /** The host of request.url for clients that send none. */
    readonly fallbackHost: string,
  ) {
    this.input = Buffer.allocUnsafeSlow(RECEIVE_BYTES + context.limits.maxHeaderSize);
    this.inputAddress = addressOf(this.input);
  }
}

export class HttpConnections implements EventHandler {
  readonly #thread: HttpThread;
  /** For connections that come and go with their event. Once one is held it is not used for another. */
  #spare: HttpConnection;

  constructor(context: ThreadContext, app: FetchApp, fallbackHost: string) {
    this.#thread = new HttpThread(context, app, fallbackHost);
    this.#spare = new HttpConnection(this.#thread);
  }

  handleEvent(fd: number, events: number): void {
    const { held: all } = this.#thread;
    const held = all.size === 0 ? undefined : all.get(fd);
    if (held !== undefined) {
      held.run(events);
      return;
    }
    const connection = this.#spare;
    connection.enter(fd);
    connection.run(events);
    if (connection.bound) this.#spare = new HttpConnection(this.#thread);
  }

  bound(): Iterable<number> {
    return this.#thread.held.keys();
  }
}

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

class HttpConnection implements ExchangeOwner, Deferred {
  readonly #thread: HttpThread;
  readonly #context: ThreadContext;
  readonly #parser: RequestParser;
  readonly #output = new OutputQueue();
  fd = -1;
  /** Changes whenever this object serves another connection. */
  life = 0;
  bound = false;
  #running = false;
  #exchange: Exchange | null = null;
  /** Unparsed bytes, or those of an unfinished head, lie in the thread's input at [from, to). */
  #from = 0;
  #to = 0;
  /** Where parsing goes on, in [from, to]. */
  #at = 0;
  /** The same bytes while the connection is held. */
  #kept: Uint8Array | null = null;
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
  /** The deadline for the rest of the request whose body is arriving. */
  #requestDeadline = 0;
  /** Bytes that waited when the deadline for sending was set; it is set anew when some of them have gone. */
  #waitedBytes = 0;

  constructor(thread: HttpThread) {
    this.#thread = thread;
    this.#context = thread.context;
    this.#parser = new RequestParser(thread.context.limits);
  }

  /** Takes over a connection that this thread has just come to be inside of. */
  enter(fd: number): void {
    this.fd = fd;
    this.life++;
    this.#drained = false;
    this.#peerEnded = false;
    this.#broken = false;
    this.#closing = false;
    this.#timedOut = false;
    this.#waitedBytes = 0;
    this.#exchange = null;
    this.#restore();
  }

  /** Processes what happened; leaves, holds or closes the connection in the end. */
  run(events: number): void {
    this.#running = true;
    this.#note(events);
    if (this.#kept !== null) this.#unkeep();
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
    if (this.#exchange === exchange) this.#send(CONTINUE, CONTINUE.length);
  }

  #note(events: number): void {
    if (events & (READABLE | PEER_ENDED | BROKEN)) this.#drained = false;
    if (events & BROKEN) this.#broken = true;
    if (events & TIMED_OUT) this.#timedOut = this.#isDue();
    if ((events & PEER_ENDED) === 0 || this.#peerEnded) return;
    this.#peerEnded = true;
    if (this.#exchange !== null) abortRequest(this.#exchange.request, clientGone());
  }

  /** Does the next thing there is to do. @returns false once the connection has been left, held or closed */
  #step(): boolean {
    if (this.#broken) return this.#destroy();
    if (this.#hasFlag(LINGERING)) return this.#linger();
    if (this.#timedOut) return this.#expire();
    if (this.#output.bytes > 0 && this.#output.flush(this.fd) === FAILED) return this.#destroy();
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
    if (exchange === null && this.#output.bytes > 0) return this.#hold();
    if (this.#at < this.#to) return this.#parse();
    return this.#drained ? this.#rest() : this.#receive();
  }

  // ---- reading and parsing -------------------------------------------------------------------------------------------

  #receive(): boolean {
    if (this.#reads++ >= READS_A_VISIT) {
      this.#context.defer(this);
      return this.#hold();
    }
    const { input, inputAddress } = this.#thread;
    if (this.#from === this.#to) this.#setWindow(0, 0);
    else if (this.#from > 0 && input.length - this.#to < RECEIVE_BYTES) {
      input.copyWithin(0, this.#from, this.#to);
      this.#setWindow(0, this.#to - this.#from);
    }
    const room = input.length - this.#to;
    const count = receive(this.fd, inputAddress + this.#to, room);
    if (count > 0) {
      this.#at = this.#to;
      this.#to += count;
      // A stream socket that gave less than was asked for is empty (epoll(7)); only its end may still be unseen.
      this.#drained = count < room && !this.#peerEnded;
      return true;
    }
    if (count === 0) return this.#inputEnded();
    if (count === -EAGAIN) this.#drained = true;
    else if (count !== -EINTR) return this.#destroy();
    return true;
  }

  /** The window holds `length` bytes, all of them parsed. */
  #setWindow(from: number, length: number): void {
    this.#from = from;
    this.#to = from + length;
    this.#at = this.#to;
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
    const { input } = this.#thread;
    const parser = this.#parser;
    const result = parser.execute(input, this.#at, this.#to);
    this.#at = parser.position;
    switch (result) {
      case HEAD:
        return this.#begin();
      case BODY:
        this.#exchange!.body!.push(new Uint8Array(input.subarray(parser.spanStart, parser.spanEnd)));
        this.#from = this.#at;
        // The parser tells the end of a message in a call of its own, which takes no byte.
        return this.#at < this.#to || this.#parse();
      case END:
        this.#from = this.#at;
        return this.#received(this.#exchange!);
      case NEED_MORE:
        this.#from = parser.inHead ? parser.messageStart : this.#at;
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
    const { input, fallbackHost } = this.#thread;
    const parser = this.#parser;
    const start = parser.messageStart;
    const text = input.toString('latin1', start, start + parser.headLength);
    const isHead = parser.methodEnd === 4 && text.startsWith('HEAD');
    if (parser.hasBody) this.#requestDeadline = this.#deadlineOfRequest();
    const exchange = new Exchange(
      this,
      parser.hasBody,
      parser.keepAlive,
      parser.minorVersion,
      isHead,
      parser.expectContinue,
    );
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
    this.#from = this.#at;
    if (parser.hasBody) {
      // Until it is known how much of the body is here already.
      if (this.#at === this.#to) this.#dispatch(exchange);
      return true;
    }
    // Ends the message without consuming anything.
    if (parser.execute(input, this.#at, this.#to) !== END)
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
    context.log('debug', 'a request was refused', { status, reason });
    this.#from = this.#at = this.#to;
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
    return this.#write(refusal(status), false, false, 1) || this.#destroy();
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
    // A client that was never told to send its body may send it or not: the next message's begin is unknown.
    const persistent =
      exchange.keepAlive &&
      !outgoing.close &&
      !this.#closing &&
      !(exchange.awaitsContinue && !exchange.received) &&
      !this.#isLastRequest() &&
      Atomics.load(context.control, SET_STATE) === SET_SERVING;
    if (!persistent) this.#closing = true;
    if (!this.#respond(exchange, outgoing, persistent)) return this.#destroy();
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
    if (error instanceof PacelineError && error.code === 'PACELINE_CLIENT_GONE') {
      return refusal(400);
    }
    context.counters[ERRORS]!++;
    context.log('error', 'a handler failed', {
      error,
      method: exchange.request.method,
      url: exchange.request.url,
    });
    return { ...refusal(500), close: false };
  }

  #respond(exchange: Exchange, outgoing: Outgoing, persistent: boolean): boolean {
    const { body } = outgoing;
    const { minorVersion, isHead } = exchange;
    if (body === null || typeof body === 'string' || body instanceof Uint8Array) {
      return this.#write(outgoing, isHead, persistent, minorVersion);
    }
    if (body instanceof FileBody) return this.#respondWithFile(exchange, outgoing, body, persistent);
    const { writer } = this.#thread;
    const size = body instanceof Blob ? body.size : outgoing.contentLength;
    const stream = body instanceof Blob ? (body.stream() as ReadableStream<Uint8Array>) : body;
    if (isHead || hasNoBody(outgoing.status)) {
      stream.cancel().catch(() => {});
      return this.#sendHead(writer.head(outgoing, BODYLESS, size, persistent, minorVersion));
    }
    const framing = size >= 0 ? SIZED : minorVersion === 0 ? UNTIL_CLOSE : CHUNKED;
    if (framing === UNTIL_CLOSE) this.#closing = true;
    exchange.stream = new ResponseStream(stream, this, framing, framing === SIZED ? size : -1);
    return this.#sendHead(writer.head(outgoing, framing, size, persistent && !this.#closing, minorVersion));
  }

  #respondWithFile(exchange: Exchange, outgoing: Outgoing, file: FileBody, persistent: boolean): boolean {
    const { writer } = this.#thread;
    const size = file.end - file.start;
    const bodyless = exchange.isHead || hasNoBody(outgoing.status);
    const head = writer.head(
      outgoing,
      bodyless ? BODYLESS : SIZED,
      hasNoBody(outgoing.status) ? -1 : size,
      persistent,
      exchange.minorVersion,
    );
    if (bodyless || size === 0) {
      file.close();
      return this.#sendHead(head);
    }
    exchange.file = file;
    exchange.fileAt = file.start;
    return this.#sendHead(head, true);
  }

  #sendFileOn(exchange: Exchange, file: FileBody): boolean {
    if (this.#output.bytes > 0) return this.#hold();
    if (this.#reads++ >= FILE_PARTS_A_VISIT) {
      this.#context.defer(this);
      return this.#hold();
    }
    const wanted = Math.min(file.end - exchange.fileAt, FILE_PART_BYTES);
    const sent = sendFile(this.fd, file.fd, exchange.fileAt, wanted);
    if (sent > 0) {
      exchange.fileAt += sent;
      if (exchange.fileAt < file.end) return true;
      file.close();
      exchange.file = null;
      this.#responded(exchange);
      return true;
    }
    if (sent === -EAGAIN) {
      this.#watchOutput();
      return this.#hold();
    }
    if (sent === -EINTR) return true;
    // The file became shorter, or the client has gone: the client learns from the cut that the response is incomplete.
    return this.#destroy();
  }

  /** Sends a response whose body is at hand. @returns false when the connection is broken */
  #write(outgoing: Outgoing, isHead: boolean, persistent: boolean, minorVersion: number): boolean {
    const { writer } = this.#thread;
    const body = outgoing.body as string | Uint8Array | null;
    const size = body === null ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    const bodyless = isHead || hasNoBody(outgoing.status);
    const announced = bodyless && body === null ? outgoing.contentLength : size;
    const large = writer.head(
      outgoing,
      bodyless ? BODYLESS : SIZED,
      outgoing.status === 204 ? -1 : announced === -1 && isHead ? 0 : announced,
      persistent,
      minorVersion,
    );
    if (bodyless || body === null || size === 0) return this.#sendHead(large);
    if (large === null && writer.body(body, size)) return this.#sendHead(null);
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    return this.#sendHead(large) && this.#send(bytes, size);
  }

  /**
   * Sends the buffered output, or a head that did not fit into it.
   *
   * @param more more follows at once
   */
  #sendHead(large: Buffer | null, more = false): boolean {
    const { writer } = this.#thread;
    if (large !== null) return this.#send(large, large.length);
    const { length } = writer;
    writer.length = 0;
    if (this.#output.bytes > 0) return this.#send(writer.bytes, length);
    // The fast path: nothing waits, and the kernel takes it all.
    const sent = transmitFrom(this.fd, writer.address, length, more);
    if (sent === length) return true;
    if (sent < 0 && sent !== -EAGAIN && sent !== -EINTR) return false;
    this.#output.queue(writer.bytes, Math.max(sent, 0), length);
    this.#watchOutput();
    return true;
  }

  #send(bytes: Uint8Array, length: number): boolean {
    const result = this.#output.send(this.fd, bytes, length);
    if (result === QUEUED) this.#watchOutput();
    return result !== FAILED;
  }

  /** From now on the kernel reports when the connection becomes writable, too. */
  #watchOutput(): void {
    const { table, handles } = this.#context;
    const flags = this.fd * HANDLE_WORDS + HANDLE_FLAGS;
    if (table.words[flags]! & WATCHES_OUTPUT) return;
    table.words[flags]! |= WATCHES_OUTPUT;
    handles.resumeHandle(this.fd, WATCH_BOTH);
  }

  #streamOn(exchange: Exchange, stream: ResponseStream): boolean {
    const { chunk } = stream;
    if (stream.error !== null) return this.#streamFailed(exchange, stream, stream.error);
    if (chunk !== null) {
      stream.chunk = null;
      return this.#sendChunk(stream, chunk) || this.#destroy();
    }
    if (stream.done) {
      exchange.stream = null;
      if (stream.framing === CHUNKED) {
        this.#responded(exchange);
        return this.#send(LAST_CHUNK, LAST_CHUNK.length) || this.#destroy();
      }
      if (stream.remaining > 0) return this.#streamFailed(exchange, stream, tooShort(stream.remaining));
      this.#responded(exchange);
      return true;
    }
    if (this.#output.bytes < STREAM_QUEUE_BYTES) stream.pull();
    // The rest of the request goes on arriving beside the response.
    if (exchange.received || !exchange.body!.wantsMore) return this.#hold();
    if (this.#at < this.#to) return this.#parse();
    return this.#drained ? this.#hold() : this.#receive();
  }

  #sendChunk(stream: ResponseStream, chunk: Uint8Array): boolean {
    const size = chunk.length;
    if (size === 0) return true;
    if (stream.framing === SIZED) {
      stream.remaining -= size;
      if (stream.remaining < 0) {
        stream.error = new RangeError('a response body is longer than its content-length');
        return true;
      }
    }
    if (stream.framing !== CHUNKED) return this.#send(chunk, size);
    const { writer } = this.#thread;
    const start = chunkStart(size);
    writer.raw(start);
    if (writer.body(chunk, size)) {
      writer.raw(CHUNK_END);
      return this.#sendHead(null);
    }
    return this.#sendHead(null) && this.#send(chunk, size) && this.#send(CHUNK_END, CHUNK_END.length);
  }

  /** The client learns from the cut that the response is incomplete. */
  #streamFailed(exchange: Exchange, stream: ResponseStream, error: unknown): boolean {
    const { context } = this.#thread;
    context.counters[ERRORS]!++;
    context.log('error', 'a response body failed', { error, url: exchange.request.url });
    stream.cancel(error);
    exchange.stream = null;
    return this.#destroy();
  }

  /** Request and response are complete. */
  #finish(): boolean {
    this.#exchange = null;
    // What still waits to be sent gets its time anew, instead of that for the next request.
    this.#waitedBytes = 0;
    this.#context.table.words[this.fd * HANDLE_WORDS + HANDLE_FLAGS]! |= BETWEEN_REQUESTS;
    this.#setDeadline(this.#context.limits.keepAliveTicks);
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

  // ---- deadlines: one word of the record, looked at by handlers/timeouts.ts ----------------------------------------------

  /** @param ticks from now; 0 for no deadline */
  #setDeadline(ticks: number): void {
    const { control, table } = this.#context;
    table.words[this.fd * HANDLE_WORDS + HANDLE_DEADLINE] = ticks === 0 ? 0 : deadlineIn(control, ticks);
  }

  #isDue(): boolean {
    const { control, table } = this.#context;
    const deadline = table.words[this.fd * HANDLE_WORDS + HANDLE_DEADLINE]!;
    return deadline !== 0 && deadline - Atomics.load(control, TICK) <= 0;
  }

  /** The time for a whole request counts from its first byte, so from where the time for its head began. */
  #deadlineOfRequest(): number {
    const { control, limits, table } = this.#context;
    if (limits.requestTicks === 0) return 0;
    const record = this.fd * HANDLE_WORDS;
    const headDeadline = table.words[record + HANDLE_DEADLINE]!;
    const between = (table.words[record + HANDLE_FLAGS]! & BETWEEN_REQUESTS) !== 0;
    if (between || headDeadline === 0) return deadlineIn(control, limits.requestTicks);
    return (headDeadline - limits.headersTicks + limits.requestTicks) | 0 || 1;
  }

  /** What the connection is held for says how long it may take. */
  #setHoldDeadline(): void {
    const { limits, table } = this.#context;
    const exchange = this.#exchange;
    const waiting = this.#output.bytes + (exchange?.file ? exchange.file.end - exchange.fileAt : 0);
    if (waiting > 0) {
      if (waiting !== this.#waitedBytes) this.#setDeadline(limits.sendTicks);
    } else if (exchange !== null && !exchange.received) {
      table.words[this.fd * HANDLE_WORDS + HANDLE_DEADLINE] = this.#requestDeadline;
    } else {
      // The handler takes its time, which is the app's affair.
      this.#setDeadline(0);
    }
    this.#waitedBytes = waiting;
  }

  /** The client's time is up. */
  #expire(): boolean {
    this.#timedOut = false;
    const exchange = this.#exchange;
    if (this.#output.bytes > 0 || exchange?.file) return this.#destroy();
    if (exchange === null)
      return this.#parser.fresh ? this.#close() : this.#refuse(408, 'the head took too long');
    if (exchange.received) return true;
    return exchange.state === ANSWERED ? this.#destroy() : this.#refuse(408, 'the body took too long');
  }

  // ---- leaving ---------------------------------------------------------------------------------------------------------

  /** Nothing is left to do until the client sends more. */
  #rest(): boolean {
    if (this.#exchange !== null) return this.#hold();
    const { context } = this.#thread;
    if (this.#parser.fresh && Atomics.load(context.control, SET_STATE) !== SET_SERVING) return this.#close();
    return this.#leave();
  }

  /** Lets go of the connection: any thread may serve its next event. */
  #leave(): boolean {
    const { table, limits } = this.#context;
    const { fd } = this;
    if (this.bound && this.#parser.fresh && !this.#hasFlag(LINGERING))
      this.#setDeadline(limits.keepAliveTicks);
    if (!this.#save()) return this.#destroy();
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
    this.#setHoldDeadline();
    if (!this.bound) {
      this.bound = true;
      this.#thread.held.set(this.fd, this);
      const noted = this.#context.table.bind(this.fd, this.#context.self);
      if (noted !== 0) {
        this.#note(noted);
        return true;
      }
    }
    if (this.#from < this.#to) this.#kept = new Uint8Array(this.#thread.input.subarray(this.#from, this.#to));
    this.#kept ??= NOTHING;
    return false;
  }

  #unkeep(): void {
    const kept = this.#kept!;
    this.#kept = null;
    this.#place(kept.length);
    this.#thread.input.set(kept);
  }

  /** The window is `length` bytes at the front: an unfinished head, which is parsed, or bytes that are not. */
  #place(length: number): void {
    this.#from = 0;
    this.#to = length;
    this.#at = this.#parser.inHead ? length : 0;
  }

  /** Writes what the next thread needs into shared memory. @returns false when there is no room */
  #save(): boolean {
    const length = this.#to - this.#from;
    if (length === 0 && this.#parser.fresh) return true;
    const { limits, pool, table } = this.#context;
    const record = this.fd * HANDLE_WORDS;
    if (table.words[record + HANDLE_FLAGS]! & BETWEEN_REQUESTS) {
      table.words[record + HANDLE_FLAGS]! &= ~BETWEEN_REQUESTS;
      this.#setDeadline(limits.headersTicks);
    }
    const block = length === 0 ? 0 : pool.save(this.#thread.input, this.#from, length);
    if (length > 0 && block === 0) return false;
    table.words[record + HANDLE_BLOCK] = block;
    table.words[record + HANDLE_SAVED] = length;
    table.words[record + HANDLE_FLAGS]! |= HAS_SAVED;
    this.#parser.save(table.words, record + HANDLE_PARSER);
    return true;
  }

  #restore(): void {
    const { pool, table } = this.#context;
    const record = this.fd * HANDLE_WORDS;
    if ((table.words[record + HANDLE_FLAGS]! & HAS_SAVED) === 0) {
      this.#parser.reset();
      this.#place(0);
      return;
    }
    const block = table.words[record + HANDLE_BLOCK]!;
    const length = table.words[record + HANDLE_SAVED]!;
    table.words[record + HANDLE_FLAGS]! &= ~HAS_SAVED;
    table.words[record + HANDLE_BLOCK] = 0;
    if (block !== 0) pool.restore(block, this.#thread.input, length);
    this.#parser.load(table.words, record + HANDLE_PARSER);
    this.#place(length);
  }

  /**
   * Ends the connection in order, once everything is sent: closing it while input is unread, or on its way, would reset
   * it, and could cost the client the answer (RFC 9112, 9.6). So the client gets some time to end its side.
   */
  #end(): boolean {
    if (this.#output.bytes > 0) return this.#hold();
    if (this.#peerEnded && this.#drained) return this.#close();
    shutdownSending(this.fd);
    this.#parser.reset();
    this.#from = this.#at = this.#to = 0;
    this.#context.table.words[this.fd * HANDLE_WORDS + HANDLE_FLAGS]! |= LINGERING;
    this.#setDeadline(this.#context.limits.lingerTicks);
    return true;
  }

  /** Reads away what still comes. */
  #linger(): boolean {
    const { input, inputAddress } = this.#thread;
    if (this.#timedOut) return this.#close();
    if (this.#drained) return this.#leave();
    const count = receive(this.fd, inputAddress, input.length);
    if (count === -EAGAIN) this.#drained = true;
    else if (count <= 0 && count !== -EINTR) return this.#close();
    return true;
  }

  /** Closes a connection that is of no more use, whatever is under way. */
  #destroy(): boolean {
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
    this.#output.clear();
    this.#thread.writer.length = 0;
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

  #hasFlag(flag: number): boolean {
    return (this.#context.table.words[this.fd * HANDLE_WORDS + HANDLE_FLAGS]! & flag) !== 0;
  }
}

const NOTHING = new Uint8Array(0);

function clientGone(): PacelineError {
  return new PacelineError(
    'PACELINE_CLIENT_GONE',
    'the client closed the connection before its message was complete',
  );
}

function tooShort(missing: number): RangeError {
  return new RangeError(`a response body is ${missing} bytes shorter than its content-length`);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
