/**
 * The calling thread's own libuv event loop, by the embedder calls that the node binary exports (libuv's API
 * documentation, uv_backend_fd and uv_backend_timeout: "useful for embedding").
 *
 * A thread that blocks for events of the shared set must not freeze its own timers, promises and I/O: it waits for
 * its loop's backend descriptor beside the shared set, no longer than the loop's next timer. Make the object before any
 * code of the app runs.
 */
import { PacelineError } from '../errors.js';
import { func, viewNative } from './libc.js';

/**
 * Where `uv_loop_t` keeps its backend descriptor and the number of descriptors that it watches, in words of 32 bits, on
 * 64-bit machines. libuv's ABI has kept them there through all of 1.x; the constructor checks the first against the call.
 */
const LOOP_BYTES = 120;
const BACKEND_FD_WORD = 16;
const WATCHED_WORD = 29;

export class EventLoop {
  /** Readable when the loop has I/O to serve. */
  readonly backendFd: number;
  readonly #loop: unknown;
  readonly #updateTime: (loop: unknown) => void;
  readonly #backendTimeout: (loop: unknown) => number;
  readonly #alive: (loop: unknown) => number;
  /** The loop's own memory; null where it is not laid out as expected. */
  readonly #fields: Uint32Array | null;
  /** Descriptors that the loop watched when this object was made: those of the runtime itself. */
  readonly #ownWatched: number;

  /** @throws PacelineError `PACELINE_PLATFORM` where this build of Node.js does not export the calls */
  constructor() {
    try {
      const isolate = func<() => unknown>('void *_ZN2v87Isolate13TryGetCurrentEv()')();
      this.#loop = func<(isolate: unknown) => unknown>(
        'void *_ZN4node19GetCurrentEventLoopEPN2v87IsolateE(void *isolate)',
      )(isolate);
      this.#updateTime = func('void uv_update_time(void *loop)');
      this.#backendTimeout = func('int uv_backend_timeout(void *loop)');
      this.#alive = func('int uv_loop_alive(void *loop)');
      this.backendFd = func<(loop: unknown) => number>('int uv_backend_fd(void *loop)')(this.#loop);
    } catch (cause) {
      throw new PacelineError(
        'PACELINE_PLATFORM',
        `this build of Node.js (${process.version}) does not export libuv's embedder calls; use an official build of Node.js 20 or later`,
        { cause },
      );
    }
    const fields = new Uint32Array(viewNative(this.#loop, LOOP_BYTES));
    this.#fields = fields[BACKEND_FD_WORD] === this.backendFd ? fields : null;
    this.#ownWatched = this.#fields?.[WATCHED_WORD] ?? 0;
  }

  /**
   * Milliseconds until the loop has to run: 0 when something is due or has to be told to the kernel first, -1 when
   * nothing is scheduled. Exact outside of setImmediate callbacks only: inside them libuv always says 0.
   */
  timeoutMs(): number {
    // The loop's clock stands still while callbacks run; without this a timer would be late by that time.
    this.#updateTime(this.#loop);
    return this.#backendTimeout(this.#loop);
  }

  /** Whether anything that is referenced keeps the loop going. */
  alive(): boolean {
    return this.#alive(this.#loop) !== 0;
  }

  /**
   * Whether the loop may watch descriptors that were opened after this object was made. Sockets that are not referenced
   * (an HTTP client's idle ones) do not keep a loop alive, but their end has to be noticed all the same.
   */
  watches(): boolean {
    return this.#fields === null || this.#fields[WATCHED_WORD]! > this.#ownWatched;
  }
}
