/**
 * The calling thread's own libuv event loop, by the embedder calls that the node binary exports (libuv's API
 * documentation, uv_backend_fd and uv_backend_timeout: "useful for embedding").
 *
 * A thread that blocks, for events of the shared set or for its doorbell, must not freeze its own timers, promises and I/O: it
 * also waits for its loop's backend descriptor, no longer than until the loop's next timer. That descriptor reports everything
 * that another thread may send it, referenced or not: messages, and the tasks of V8 (libuv's uv_async_t).
 */
import { PacelineError } from '../errors.js';
import { func } from './libc.js';

export class EventLoop {
  /** Readable when the loop has I/O to serve. */
  readonly backendFd: number;
  readonly #loop: unknown;
  readonly #updateTime: (loop: unknown) => void;
  readonly #backendTimeout: (loop: unknown) => number;

  /** @throws PacelineError `PACELINE_PLATFORM` where this build of Node.js does not export the calls */
  constructor() {
    try {
      const isolate = func<() => unknown>('void *_ZN2v87Isolate13TryGetCurrentEv()')();
      this.#loop = func<(isolate: unknown) => unknown>(
        'void *_ZN4node19GetCurrentEventLoopEPN2v87IsolateE(void *isolate)',
      )(isolate);
      this.#updateTime = func('void uv_update_time(void *loop)');
      this.#backendTimeout = func('int uv_backend_timeout(void *loop)');
      this.backendFd = func<(loop: unknown) => number>('int uv_backend_fd(void *loop)')(this.#loop);
    } catch (cause) {
      throw new PacelineError(
        'PACELINE_PLATFORM',
        `this build of Node.js (${process.version}) does not export libuv's embedder calls; use an official build of Node.js 20 or later`,
        { cause },
      );
    }
  }

  /**
   * Milliseconds until the loop has to run: 0 when something is due or has to be registered with the kernel first, -1 when
   * nothing is scheduled. While a referenced immediate is pending or running it is 0; in an unreferenced one it is exact.
   */
  timeoutMs(): number {
    // The loop's clock stands still while callbacks run; without this a timer would be late by that time.
    this.#updateTime(this.#loop);
    return this.#backendTimeout(this.#loop);
  }
}
