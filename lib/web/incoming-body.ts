/**
 * A request's body as it arrives on a connection.
 *
 *   connection --push/end/fail--> [ queue ] --bytes() or stream()--> handler
 *            <----- resume() ------
 *
 * Back-pressure: the producer may push as long as `wantsMore`. The queue is full at the high-water mark and asks for more
 * (`source.resume()`) once it has fallen to the low-water mark. There is at most one consumer:
 *
 *   unread  --bytes()-->  gathering   the consumer takes everything at once, so the queue is never full
 *   unread  --stream()--> streaming   one chunk for each pull
 *   any     --discard()-> discarding  the queue is empty and stays empty
 *
 * A body that has arrived whole is *lent*: it stays in the connection's input buffer while the handler is called, so that text and JSON
 * are made of it without a copy. `keep()` ends that.
 *
 * A client may send its body in pieces of one byte, each of which would cost some 250 bytes as an object of its own. So the
 * queue is a list of buffers of geometric size: a piece fills the free room of the last buffer first, and a new buffer is as
 * large as what is queued, up to a bound. There is never more room unused than used, and never more buffers than needed.
 */

import { passedOn } from './chunk-garbage.js';
import { decodePart, decodeText, unusableBody } from './web-globals.js';

/** High-water mark: one default socket buffer's worth, so that a slow handler costs little memory. */
export const HIGH_WATER_BYTES = 64 * 1024;
/** Low-water mark: a full queue asks for more when no more than this many bytes are left. */
export const LOW_WATER_BYTES = 16 * 1024;

/** The connection's side of a body. */
export interface BodySource {
  /** The consumer wants more, after `wantsMore` had been false. */
  resume(): void;
  /** The handler reads the body for the first time: the moment to answer `Expect: 100-continue` (RFC 9110, 10.1.1). */
  onFirstUse?(): void;
}

/** Size bound of a buffer that pieces share; a larger piece gets a buffer of its own size. */
export const SHARED_BUFFER_BYTES = 16 * 1024;
/** Up to this size copying byte by byte is faster than creating a subarray to copy from (measured on Node.js 20 to 26). */
const TINY_BYTES = 32;

const UNREAD = 0;
const GATHERING = 1;
const STREAMING = 2;
const DISCARDING = 3;

const EMPTY = new Uint8Array(0);

export class IncomingBody {
  readonly #source: BodySource;
  #mode = UNREAD;
  /** All but the last are full. */
  #buffers: Uint8Array[] = [];
  /** Bytes used in the last buffer. */
  #lastUsed = 0;
  #queuedBytes = 0;
  /** The whole body, where it was received; then the queue is empty. */
  #lent: Buffer | null = null;
  #lentStart = 0;
  #lentEnd = 0;
  #full = false;
  #ended = false;
  #error: Error | null = null;
  #asked = false;
  #gathered: { resolve(bytes: Uint8Array): void; reject(error: Error): void } | null = null;
  #stream: ReadableStream<Uint8Array> | null = null;
  #controller: ReadableByteStreamController | null = null;
  /** Resolves the promise of a pull that found the queue empty. */
  #pulled: (() => void) | null = null;

  constructor(source: BodySource) {
    this.#source = source;
  }

  /** Whether the producer may push more. After false, `source.resume()` is called when it is true again. */
  get wantsMore(): boolean {
    return !this.#full;
  }

  /** Whether a consumer has taken the body: `bytes()` or `stream()` was called, or the body was discarded. */
  get used(): boolean {
    return this.#mode !== UNREAD;
  }

  /** Number of buffers in the queue, a measure of its overhead. */
  get buffers(): number {
    return this.#buffers.length;
  }

  /** Whether the stream has a reader, which may not have read yet. */
  get held(): boolean {
    return this.#stream?.locked ?? false;
  }

  /** Whether the body has ended or failed: nothing more arrives. */
  get settled(): boolean {
    return this.#ended || this.#error !== null;
  }

  /** Whether the rest of the body will never arrive. */
  get failed(): boolean {
    return this.#error !== null;
  }

  /** Queues a copy of the bytes [start, end) of `source`. */
  push(source: Uint8Array, start = 0, end = source.byteLength): void {
    if (this.settled) throw new Error('push() after the end of the body');
    if (start === end || this.#mode === DISCARDING) return;
    this.#append(source, start, end);
    if (this.#pulled !== null) {
      // The queue was empty before, or the pull would have taken from it.
      this.#enqueue(this.#shift()!);
      this.#endPull();
      return;
    }
    if (this.#queuedBytes >= HIGH_WATER_BYTES && this.#mode !== GATHERING) this.#full = true;
  }

  /**
   * In place of `push`, for the last bytes of the body, if their place stays as it is until `keep` is called: the queue refers to them instead
   * of copying them.
   */
  lend(source: Buffer, start: number, end: number): void {
    if (this.#mode !== UNREAD || this.#buffers.length > 0) {
      this.push(source, start, end);
      return;
    }
    if (this.settled) throw new Error('lend() after the end of the body');
    this.#lent = source;
    this.#lentStart = start;
    this.#lentEnd = end;
  }

  /** Copies what is lent: its place is used for other bytes from now on. */
  keep(): void {
    const lent = this.#lent;
    if (lent === null) return;
    this.#lent = null;
    this.#append(lent, this.#lentStart, this.#lentEnd);
  }

  /** The body is complete. */
  end(): void {
    if (this.settled) return;
    this.#ended = true;
    this.#gathered?.resolve(this.#join());
    this.#gathered = null;
    if (this.#pulled !== null) {
      this.#closeStream();
      this.#endPull();
    }
  }

  /** The rest of the body will never arrive. What is queued is dropped; consumers get the error. */
  fail(error: Error): void {
    if (this.settled) return;
    this.#error = error;
    this.#drop();
    this.#gathered?.reject(error);
    this.#gathered = null;
    this.#controller?.error(error);
    this.#controller = null;
    this.#endPull();
  }

  /**
   * Takes the whole body. Fast path: a body that arrived in one piece is not copied again.
   *
   * @returns the bytes; rejects with the error of `fail` (an AbortError when the client has left), and with a TypeError when
   * the body was taken before
   */
  bytes(): Promise<Uint8Array> {
    if (this.#mode !== UNREAD) return Promise.reject(unusableBody());
    this.#mode = GATHERING;
    this.keep();
    this.#ask();
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve(this.#join());
    const promise = new Promise<Uint8Array>((resolve, reject) => {
      this.#gathered = { resolve, reject };
    });
    this.#refill();
    return promise;
  }

  /**
   * Takes the whole body as text. Fast path: bytes that are lent are decoded where they are.
   *
   * @param convert makes the result of the text; if it throws, the promise rejects
   * @returns rejects as `bytes`
   */
  text<T>(convert: (text: string) => T): Promise<T> {
    const lent = this.#lent;
    if (lent === null || !this.#ended || this.#mode !== UNREAD) {
      return this.bytes().then((bytes) => convert(decodeText(bytes)));
    }
    this.#mode = GATHERING;
    this.#lent = null;
    this.#ask();
    const text = decodePart(lent, this.#lentStart, this.#lentEnd);
    return new Promise((resolve) => resolve(convert(text)));
  }

  /**
   * Takes the body as a byte stream, which reads from the connection no faster than it is read itself.
   *
   * @throws TypeError when the body was taken before
   */
  stream(): ReadableStream<Uint8Array> {
    if (this.#mode !== UNREAD) throw unusableBody();
    this.#mode = STREAMING;
    this.keep();
    this.#stream = new ReadableStream({
      type: 'bytes',
      start: (controller) => {
        this.#controller = controller;
        if (this.#error !== null) controller.error(this.#error);
      },
      pull: () => this.#pull(),
      cancel: () => this.discard(),
    }) as ReadableStream<Uint8Array>;
    return this.#stream;
  }

  /**
   * Drops what is queued and everything that still arrives, so that the connection can reach its next request. A stream in
   * use gets an error; a pending `bytes()` continues, as it takes everything anyway.
   */
  discard(): void {
    if (this.#gathered !== null) return;
    this.#mode = DISCARDING;
    // No effect on a stream that is closed, or cancelled: cancelling calls this method.
    this.#controller?.error(new TypeError('The body was discarded: the response is complete'));
    this.#controller = null;
    this.#endPull();
    this.#drop();
    this.#refill();
  }

  #pull(): Promise<void> | undefined {
    this.#ask();
    const chunk = this.#shift();
    if (chunk !== undefined) {
      this.#enqueue(chunk);
      if (this.#queuedBytes <= LOW_WATER_BYTES) this.#refill();
      return undefined;
    }
    if (this.#ended) {
      this.#closeStream();
      return undefined;
    }
    if (this.#error !== null) return undefined;
    return new Promise((resolve) => {
      this.#pulled = resolve;
    });
  }

  #append(source: Uint8Array, start: number, end: number): void {
    const buffers = this.#buffers;
    let from = start;
    const last = buffers.at(-1);
    if (last !== undefined && this.#lastUsed < last.byteLength) {
      const part = Math.min(end - start, last.byteLength - this.#lastUsed);
      copy(source, start, start + part, last, this.#lastUsed);
      this.#lastUsed += part;
      from += part;
    }
    const rest = end - from;
    if (rest > 0) {
      const buffer = new Uint8Array(Math.max(rest, Math.min(this.#queuedBytes, SHARED_BUFFER_BYTES)));
      copy(source, from, end, buffer, 0);
      buffers.push(buffer);
      this.#lastUsed = rest;
    }
    this.#queuedBytes += end - start;
  }

  /** Removes the first buffer from the queue. @returns its used part, in memory of its own */
  #shift(): Uint8Array | undefined {
    const buffer = this.#buffers.shift();
    if (buffer === undefined) return undefined;
    const used = this.#buffers.length === 0 ? this.#lastUsed : buffer.byteLength;
    this.#queuedBytes -= used;
    return used === buffer.byteLength ? buffer : buffer.slice(0, used);
  }

  /** A byte stream detaches the chunk's whole ArrayBuffer. */
  #enqueue(chunk: Uint8Array): void {
    passedOn(chunk.byteLength);
    this.#controller?.enqueue(chunk);
  }

  #closeStream(): void {
    const controller = this.#controller;
    this.#controller = null;
    controller?.close();
    // Returns the buffer of a BYOB reader (Streams, ReadableByteStreamController.close).
    controller?.byobRequest?.respond(0);
  }

  #endPull(): void {
    const pulled = this.#pulled;
    this.#pulled = null;
    pulled?.();
  }

  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#source.onFirstUse?.();
  }

  #refill(): void {
    if (!this.#full) return;
    this.#full = false;
    if (!this.settled) this.#source.resume();
  }

  #drop(): void {
    this.#lent = null;
    this.#buffers = [];
    this.#queuedBytes = 0;
  }

  #join(): Uint8Array {
    const buffers = this.#buffers;
    const size = this.#queuedBytes;
    if (buffers.length <= 1) return this.#shift() ?? EMPTY;
    this.#drop();
    const all = new Uint8Array(size);
    let at = 0;
    for (const buffer of buffers) {
      const rest = size - at;
      all.set(buffer.byteLength <= rest ? buffer : buffer.subarray(0, rest), at);
      at += buffer.byteLength;
    }
    return all;
  }
}

function copy(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void {
  if (end - start > TINY_BYTES) {
    target.set(source.subarray(start, end), at);
    return;
  }
  for (let from = start, to = at; from < end; from++, to++) target[to] = source[from]!;
}
