/**
 * A request's body as it arrives on a connection.
 *
 *   connection --push/end/fail--> [ queue ] --bytes() or stream()--> handler
 *            <----- resume() ------
 *
 * The producer may push as long as `wantsMore`. The queue reports itself full at the high mark and asks for more
 * (`source.resume()`) once it has fallen to the low mark. There is at most one consumer:
 *
 *   unread  --bytes()-->  gathering   everything is wanted at once, so the queue is never full
 *   unread  --stream()--> streaming   one chunk for each pull
 *   any     --discard()-> discarding  the queue is empty and stays so
 */

import { passedOn } from './chunk-garbage.js';
import { unusableBody } from './web-globals.js';

/** The queue is full at this many bytes: one default socket buffer's worth, so a slow handler costs little memory. */
export const HIGH_WATER_BYTES = 64 * 1024;
/** A full queue asks for more when no more than this many bytes are left. */
export const LOW_WATER_BYTES = 16 * 1024;

/** The connection's side of a body. */
export interface BodySource {
  /** The consumer wants more, after `wantsMore` had been false. */
  resume(): void;
  /** The handler asks for the body for the first time: the moment to answer `Expect: 100-continue` (RFC 9110, 10.1.1). */
  onFirstUse?(): void;
}

const UNREAD = 0;
const GATHERING = 1;
const STREAMING = 2;
const DISCARDING = 3;

const EMPTY = new Uint8Array(0);

export class IncomingBody {
  readonly #source: BodySource;
  #mode = UNREAD;
  #chunks: Uint8Array[] = [];
  #queuedBytes = 0;
  #full = false;
  #ended = false;
  #error: Error | null = null;
  #asked = false;
  #gathered: { resolve(bytes: Uint8Array): void; reject(error: Error): void } | null = null;
  #controller: ReadableByteStreamController | null = null;
  /** Ends the promise of a pull that found the queue empty. */
  #pulled: (() => void) | null = null;

  constructor(source: BodySource) {
    this.#source = source;
  }

  /** Whether the producer should go on reading. When it is false, `source.resume()` says when it is true again. */
  get wantsMore(): boolean {
    return !this.#full;
  }

  /** Whether a consumer has taken the body: `bytes()` or `stream()` was called, or the body was discarded. */
  get used(): boolean {
    return this.#mode !== UNREAD;
  }

  /** Whether nothing more will come: the body ended or failed. */
  get settled(): boolean {
    return this.#ended || this.#error !== null;
  }

  /**
   * Adds what arrived.
   * @param chunk the bytes; they belong to the body from now on, so they must not be a window of a buffer that is reused
   */
  push(chunk: Uint8Array): void {
    if (this.settled) throw new Error('push() after the end of the body');
    if (chunk.byteLength === 0 || this.#mode === DISCARDING) return;
    if (this.#pulled !== null) {
      // The queue is empty, or the pull would have been served from it.
      this.#enqueue(chunk);
      this.#endPull();
      return;
    }
    this.#chunks.push(chunk);
    this.#queuedBytes += chunk.byteLength;
    if (this.#queuedBytes >= HIGH_WATER_BYTES && this.#mode !== GATHERING) this.#full = true;
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

  /** The rest of the body will never come. What is queued is dropped; consumers get the error. */
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
   * Takes the whole body. This is the fast path: a body that came in one chunk is handed over without a copy.
   * @returns the bytes; rejects with the producer's error, and with a TypeError when the body was taken before
   */
  bytes(): Promise<Uint8Array> {
    if (this.#mode !== UNREAD) return Promise.reject(unusableBody());
    this.#mode = GATHERING;
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
   * Takes the body as a byte stream, which reads from the connection no faster than it is read.
   * @throws TypeError when the body was taken before
   */
  stream(): ReadableStream<Uint8Array> {
    if (this.#mode !== UNREAD) throw unusableBody();
    this.#mode = STREAMING;
    return new ReadableStream({
      type: 'bytes',
      start: (controller) => {
        this.#controller = controller;
        if (this.#error !== null) controller.error(this.#error);
      },
      pull: () => this.#pull(),
      cancel: () => this.discard(),
    }) as ReadableStream<Uint8Array>;
  }

  /**
   * Drops what is queued and whatever comes, so that the connection can get to its next request. A stream in use gets an
   * error; `bytes()` that somebody waits for goes on, as it takes everything anyway.
   */
  discard(): void {
    if (this.#gathered !== null) return;
    this.#mode = DISCARDING;
    // Does nothing to a stream that is closed or that was cancelled, which is how a consumer gets here.
    this.#controller?.error(new TypeError('The body was discarded: the response is complete'));
    this.#controller = null;
    this.#endPull();
    this.#drop();
    this.#refill();
  }

  #pull(): Promise<void> | undefined {
    this.#ask();
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#queuedBytes -= chunk.byteLength;
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

  #enqueue(chunk: Uint8Array): void {
    passedOn(chunk.byteLength);
    // A byte stream takes the chunk's whole ArrayBuffer away; a window of a larger one (Node's pool) is copied first.
    const whole = chunk.byteLength === chunk.buffer.byteLength;
    this.#controller?.enqueue(whole ? chunk : new Uint8Array(chunk));
  }

  #closeStream(): void {
    const controller = this.#controller;
    this.#controller = null;
    controller?.close();
    // A reader that brought its own buffer gets it back only so (Streams, ReadableByteStreamController.close).
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
    this.#chunks = [];
    this.#queuedBytes = 0;
  }

  #join(): Uint8Array {
    const chunks = this.#chunks;
    const size = this.#queuedBytes;
    this.#drop();
    if (chunks.length <= 1) return chunks[0] ?? EMPTY;
    const all = new Uint8Array(size);
    let at = 0;
    for (const chunk of chunks) {
      all.set(chunk, at);
      at += chunk.byteLength;
    }
    return all;
  }
}
