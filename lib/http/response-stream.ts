/**
 * A response body that comes as a stream: at most one chunk is in hand. The stream is the app's and may be a proxy, a subclass
 * or what a Blob of its own class gives, so each call of it is made in the exchange's scope, and whatever it throws is the
 * stream's error.
 */
import type { AsyncScope } from '../user-code/async-scope.js';
import { plainBytes } from '../user-code/plain-bytes.js';
import { adopt } from '../user-code/thenable.js';
import { passedOn } from '../web/chunk-garbage.js';
import { CHUNKED } from './response-writer.js';

/** The connection as a stream sees it. */
export interface StreamOwner {
  /** There is news; the connection goes on as soon as it can. */
  wake(): void;
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
   * @param later the scope of the calls to come
   * @throws what the stream throws: a TypeError when somebody else reads it
   */
  constructor(body: ReadableStream<Uint8Array>, owner: StreamOwner, later: AsyncScope) {
    this.#reader = body.getReader();
    this.#owner = owner;
    this.#scope = later;
  }

  /** Asks for the next chunk, unless it was asked for already. */
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

  /** Nobody reads on: the source may stop. What it throws then is nobody's. */
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
    // A proxy, or a method of its own: nobody is left to be told.
  }
}
