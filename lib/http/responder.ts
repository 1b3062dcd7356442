/**
 * Sends the responses of one connection, whose body is in memory, a stream, or a part of a file. It knows how a response is sent, and
 * nothing of when the connection reads, waits or ends.
 */
// Imported, because the global is an accessor: a call of it on every response.
import { Buffer } from 'node:buffer';
import type { ThreadContext } from '../connection/event-handler.js';
import { ERRORS } from '../memory/counters.js';
import { EAGAIN, EINTR } from '../sys/libc.js';
import { FileBody } from '../web/file-body.js';
import { requestLine } from '../web/light-request.js';
import type { Outgoing } from '../web/outgoing.js';
import type { Exchange } from './exchange.js';
import type { ConnectionOutput } from './output.js';
import type { ResponseStream } from './response-stream.js';
import {
  BODYLESS,
  CHUNK_END,
  CHUNKED,
  CONTINUE,
  chunkStart,
  hasNoBody,
  LAST_CHUNK,
  type ResponseWriter,
  refusal,
  SIZED,
  UNTIL_CLOSE,
} from './response-writer.js';

/** Back-pressure: queued bytes above which no further chunk of a streamed response is read. */
const STREAM_QUEUE_BYTES = 64 * 1024;
/** Bytes of a file that one call sends, so that a large file does not keep its thread in the kernel. */
const FILE_PART_BYTES = 1024 * 1024;

/** Results of continuing a response. */
export const PROGRESS = 0;
/** Until the connection is writable, or the stream has its next chunk. */
export const WAITING = 1;
/** The last byte is sent or queued. */
export const COMPLETE = 2;
/** The connection is broken, or the response cannot be completed, which the client learns by the closed connection. */
export const CUT = 3;

export class Responder {
  readonly #context: ThreadContext;
  readonly #writer: ResponseWriter;
  readonly #output: ConnectionOutput;

  constructor(context: ThreadContext, writer: ResponseWriter, output: ConnectionOutput) {
    this.#context = context;
    this.#writer = writer;
    this.#output = output;
  }

  /** Bytes that are still to be sent, those of a file included. */
  waitingBytes(exchange: Exchange | null): number {
    return this.#output.queuedBytes + (exchange?.file ? exchange.file.end - exchange.fileAt : 0);
  }

  /** Tells the client to send the body that it holds back: 100 Continue (RFC 9110, 10.1.1). */
  sendContinue(): boolean {
    return this.#send(CONTINUE, CONTINUE.length);
  }

  /** Answers a request that cannot be served; the connection is to be closed after it. */
  refuse(status: number): boolean {
    return this.#write(refusal(status), false, false, 1);
  }

  /**
   * Begins a response, and completes it when its body is in memory; else the exchange has a stream or a file to continue with.
   *
   * @param persistent whether the connection stays open after it
   * @param holds whether a complete response may be held back: another one follows at once
   * @returns false when the connection is broken
   */
  respond(exchange: Exchange, outgoing: Outgoing, persistent: boolean, holds = false): boolean {
    const { body } = outgoing;
    const { minorVersion, isHead } = exchange;
    if (body === null || typeof body === 'string' || body instanceof Uint8Array) {
      return this.#write(outgoing, isHead, persistent, minorVersion, holds);
    }
    if (body instanceof FileBody) return this.#beginFile(exchange, outgoing, body, persistent);
    const size = outgoing.contentLength;
    const { stream } = exchange;
    if (stream === null)
      return this.#sendHead(this.#writer.head(outgoing, BODYLESS, size, persistent, minorVersion));
    const framing = size >= 0 ? SIZED : minorVersion === 0 ? UNTIL_CLOSE : CHUNKED;
    stream.framing = framing;
    stream.remaining = framing === SIZED ? size : -1;
    const persists = persistent && framing !== UNTIL_CLOSE;
    if (framing === UNTIL_CLOSE) this.#output.resetUntilEnded();
    return this.#sendHead(this.#writer.head(outgoing, framing, size, persists, minorVersion));
  }

  /** Continues a response that is a stream. @returns PROGRESS, WAITING, COMPLETE or CUT */
  streamOn(exchange: Exchange, stream: ResponseStream): number {
    const { chunk } = stream;
    if (stream.error !== null) return this.#streamFailed(exchange, stream);
    if (chunk !== null) {
      stream.chunk = null;
      return this.#sendChunk(stream, chunk) ? PROGRESS : CUT;
    }
    if (!stream.done) {
      if (this.#output.queuedBytes < STREAM_QUEUE_BYTES) stream.pull();
      return WAITING;
    }
    if (stream.remaining > 0) {
      stream.error = new RangeError(
        `a response body is ${stream.remaining} bytes shorter than its content-length`,
      );
      return this.#streamFailed(exchange, stream);
    }
    exchange.stream = null;
    if (stream.framing === CHUNKED && !this.#send(LAST_CHUNK, LAST_CHUNK.length)) return CUT;
    return COMPLETE;
  }

  /** Continues a response that is a part of a file. @returns as `streamOn` */
  sendFileOn(exchange: Exchange, file: FileBody): number {
    if (this.#output.queuedBytes > 0) return WAITING;
    const wanted = Math.min(file.end - exchange.fileAt, FILE_PART_BYTES);
    const sent = this.#context.transport.sendFile(this.#output.fd, file.fd, exchange.fileAt, wanted);
    if (sent > 0) {
      this.#output.count(sent);
      exchange.fileAt += sent;
      if (exchange.fileAt < file.end) return PROGRESS;
      file.close();
      exchange.file = null;
      return COMPLETE;
    }
    if (sent === -EAGAIN) {
      this.#output.addInterest();
      return WAITING;
    }
    // 0: the file became shorter.
    return sent === -EINTR ? PROGRESS : CUT;
  }

  #beginFile(exchange: Exchange, outgoing: Outgoing, file: FileBody, persistent: boolean): boolean {
    const size = file.end - file.start;
    const bodyless = exchange.isHead || hasNoBody(outgoing.status);
    const announced = hasNoBody(outgoing.status) ? -1 : size;
    const framing = bodyless ? BODYLESS : SIZED;
    const head = this.#writer.head(outgoing, framing, announced, persistent, exchange.minorVersion);
    if (bodyless || size === 0) {
      file.close();
      return this.#sendHead(head);
    }
    exchange.file = file;
    exchange.fileAt = file.start;
    return this.#sendHead(head, true);
  }

  /** Sends a response whose body is in memory. */
  #write(
    outgoing: Outgoing,
    isHead: boolean,
    persistent: boolean,
    minorVersion: number,
    holds = false,
  ): boolean {
    const body = outgoing.body as string | Uint8Array | null;
    const bodyless = isHead || hasNoBody(outgoing.status);
    if (typeof body === 'string' && !bodyless && this.#writer.text(outgoing, body, persistent, minorVersion))
      return this.#sendWhole(null, holds);
    const size = body === null ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    // The answer to HEAD announces the length that GET's has, if that is known (RFC 9110, 8.6); a null body does not mean length 0.
    const known = bodyless && body === null ? outgoing.contentLength : size;
    const large = this.#writer.head(
      outgoing,
      bodyless ? BODYLESS : SIZED,
      outgoing.status === 204 ? -1 : known,
      persistent,
      minorVersion,
    );
    if (bodyless || body === null || size === 0) return this.#sendWhole(large, holds);
    if (large === null && this.#writer.body(body, size)) return this.#sendWhole(null, holds);
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    return this.#sendHead(large) && this.#send(bytes, size);
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
    this.#writer.raw(chunkStart(size));
    if (this.#writer.body(chunk, size)) {
      this.#writer.raw(CHUNK_END);
      return this.#sendHead(null);
    }
    return this.#sendHead(null) && this.#send(chunk, size) && this.#send(CHUNK_END, CHUNK_END.length);
  }

  #streamFailed(exchange: Exchange, stream: ResponseStream): number {
    const { error } = stream;
    const { counters, log } = this.#context;
    counters[ERRORS]!++;
    exchange.inScope(() =>
      log('error', 'a response body failed', { error, url: requestLine(exchange.request)?.url }),
    );
    stream.cancel(error);
    exchange.stream = null;
    return CUT;
  }

  /**
   * Sends the buffered output, or a head that did not fit into it.
   *
   * @param more whether more follows at once
   */
  #sendHead(large: Buffer | null, more = false): boolean {
    return large === null ? this.#output.sendWritten(more) : this.#send(large, large.length);
  }

  /** As `#sendHead`, of a response that is complete by it. */
  #sendWhole(large: Buffer | null, holds: boolean): boolean {
    return holds && large === null ? this.#output.hold() : this.#sendHead(large);
  }

  #send(bytes: Uint8Array, length: number): boolean {
    return this.#output.send(bytes, length);
  }
}
