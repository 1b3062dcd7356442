/**
 * A response body that is a stream: at most one chunk is buffered. The stream is the app's and may be a proxy, a subclass or what a
 * Blob of the app's own class returns, so each call of it is made in the exchange's scope, and what it throws is the stream's error.
 */
import type { AsyncScope } from '../user-code/async-scope.js';
import { plainBytes } from '../user-code/plain-bytes.js';
import { adopt } from '../user-code/thenable.js';
import { passedOn } from '../web/chunk-garbage.js';
import { CHUNKED } from './response-writer.js';

/** The connection as a stream sees it. */
export interface StreamOwner {
  /** There is something to do; the connection continues as soon as it can. */
  wake(): void;
  /** User code of the stream's exchange has just continued in the event loop. */
  continued(): void;
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

export class ResponseStream {
  readonly #reader: Reader;
  readonly #owner: StreamOwner;
  readonly #scope: AsyncScope;
  #reading = false;
  /** One of the framings of response-writer.ts, and the bytes that the head announced, -1 when it announced none. */
  framing = CHUNKED;
  remaining = -1;
  chunk: Uint8Array | null = null;
  done = false;
  error: unknown = null;

  /**
   * To be called in the exchange's scope.
   *
   * @param later the scope of later calls
   * @throws what the stream throws: a TypeError when it is locked to another reader
   */
  constructor(body: ReadableStream<Uint8Array>, owner: StreamOwner, later: AsyncScope) {
    this.#reader = body.getReader();
    this.#owner = owner;
    this.#scope = later;
  }

  /** Reads the next chunk, unless a read is pending. */
  pull(): void {
    if (this.#reading || this.done || this.chunk !== null || this.error !== null) return;
    this.#reading = true;
    this.#scope.runInAsyncScope(this.#read, this);
  }

  #read(): void {
    try {
      adopt(
        this.#reader.read(),
        (result) => this.#take(result),
        (error) => this.#fail(error),
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  #take(result: Awaited<ReturnType<Reader['read']>>): void {
    this.#owner.continued();
    try {
      const { done, value } = result;
      if (done) this.done = true;
      else {
        this.chunk = plainBytes(value);
        if (this.chunk === null) throw new TypeError('a response body stream must give Uint8Array chunks');
        passedOn(this.chunk.byteLength);
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#reading = false;
    this.#owner.wake();
  }

  #fail(error: unknown): void {
    this.#reading = false;
    this.error = error ?? new Error('the response body failed');
    this.#owner.wake();
  }

  /** Nothing more will be read: the source may stop. What it throws then is ignored. */
  cancel(reason: unknown): void {
    this.#scope.runInAsyncScope(cancelQuietly, undefined, this.#reader, reason);
  }
}

/** To be called in the exchange's scope. */
export function cancelQuietly(stream: Reader | ReadableStream, reason?: unknown): void {
  try {
    adopt<unknown>(
      stream.cancel(reason),
      () => {},
      () => {},
    );
  } catch {
    // By a proxy, or a method of its own; the response is over.
  }
}
