/** A responder that knows the status of the last response, and how much of its body was sent or queued. */
import { Buffer } from 'node:buffer';
import type { FileBody } from '../web/file-body.js';
import type { Outgoing } from '../web/outgoing.js';
import type { Exchange } from './exchange.js';
import { CUT, Responder } from './responder.js';
import type { ResponseStream } from './response-stream.js';
import { hasNoBody, refusal } from './response-writer.js';

export class CountingResponder extends Responder {
  /** 0 while no response of the request has begun. */
  status = 0;
  bytes = 0;
  /** What the response's stream has failed with. */
  error: unknown;

  /** A request begins. */
  reset(): void {
    this.status = 0;
    this.bytes = 0;
    this.error = undefined;
  }

  override refuse(status: number): boolean {
    this.status = status;
    this.bytes = sizeOf(refusal(status).body);
    return super.refuse(status);
  }

  override respond(exchange: Exchange, outgoing: Outgoing, persistent: boolean, holds: boolean): boolean {
    this.status = outgoing.status;
    if (!exchange.isHead && !hasNoBody(outgoing.status)) this.bytes = sizeOf(outgoing.body);
    return super.respond(exchange, outgoing, persistent, holds);
  }

  override streamOn(exchange: Exchange, stream: ResponseStream): number {
    if (stream.error === null && stream.chunk !== null) this.bytes += stream.chunk.length;
    const result = super.streamOn(exchange, stream);
    if (result === CUT && stream.error !== null) this.error = stream.error;
    return result;
  }

  override sendFileOn(exchange: Exchange, file: FileBody): number {
    const before = exchange.fileAt;
    const result = super.sendFileOn(exchange, file);
    this.bytes += exchange.fileAt - before;
    return result;
  }
}

/** Bytes of a body in memory; 0 of one that is sent in parts. */
function sizeOf(body: Outgoing['body']): number {
  if (typeof body === 'string') return Buffer.byteLength(body);
  return body instanceof Uint8Array ? body.length : 0;
}
