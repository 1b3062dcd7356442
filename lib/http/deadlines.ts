/**
 * How long a client may take for what an HTTP connection waits for: one word of the connection's record, which
 * connection/timeouts.ts looks at once a tick. Only what changes the reason of waiting stores to it.
 *
 *   between requests: keepAliveTimeout ─▶ a head begins: headersTimeout ─▶ its body: what is left of requestTimeout
 *   unsent bytes: sendTimeout, anew whenever some have gone             a handler at work: none, that is the app's affair,
 *   unless its client has gone: the grace, anew whenever something of its response has been taken
 */

import { deadlineIn, setDeadline } from '../connection/deadlines.js';
import type { ThreadContext } from '../connection/event-handler.js';
import { clearFlag, deadlineOf, hasFlag, setFlag, storeDeadline } from '../set/handle-record.js';
import { BETWEEN_REQUESTS } from './flags.js';

export class HttpDeadlines {
  readonly #context: ThreadContext;
  #fd = -1;
  /** The deadline for the rest of the request whose body is arriving. */
  #requestDeadline = 0;
  /** Bytes that waited when the deadline for sending was set; it is set anew when some of them have gone. */
  #waitedBytes = 0;
  /** The client has ended its side, and has been given its grace; renewed when it has taken more than these bytes. */
  #graced = false;
  #sentBytes = 0;

  constructor(context: ThreadContext) {
    this.#context = context;
  }

  /** Takes over another connection. */
  enter(fd: number): void {
    this.#fd = fd;
    this.#waitedBytes = 0;
    this.#graced = false;
  }

  /** The first bytes of a head are here, and not all of it. */
  headBegun(): void {
    const { limits, table } = this.#context;
    if (!hasFlag(table, this.#fd, BETWEEN_REQUESTS)) return;
    clearFlag(table, this.#fd, BETWEEN_REQUESTS);
    this.#set(limits.headersTicks);
  }

  /** A head is complete, and a body follows. Its time counts from the request's first byte, as that of its head did. */
  headReceived(): void {
    const { control, limits, table } = this.#context;
    if (limits.requestTicks === 0) {
      this.#requestDeadline = 0;
      return;
    }
    const headDeadline = deadlineOf(table, this.#fd);
    this.#requestDeadline =
      hasFlag(table, this.#fd, BETWEEN_REQUESTS) || headDeadline === 0
        ? deadlineIn(control, limits.requestTicks)
        : (headDeadline - limits.headersTicks + limits.requestTicks) | 0 || 1;
  }

  /** Request and response are complete. */
  finished(): void {
    // What still waits to be sent gets its time anew, instead of that for the next request.
    this.#waitedBytes = 0;
    this.#graced = false;
    setFlag(this.#context.table, this.#fd, BETWEEN_REQUESTS);
    this.untilNextRequest();
  }

  untilNextRequest(): void {
    this.#set(this.#context.limits.keepAliveTicks);
  }

  /**
   * The connection waits, bound to its thread.
   *
   * @param waitingBytes that the client has yet to take
   * @param sentBytes that have gone to it
   * @param gone whether it has ended its side and waits, at most, for the response
   * @param receiving whether the rest of a request is to come
   */
  waitBound(waitingBytes: number, sentBytes: number, gone: boolean, receiving: boolean): void {
    const { limits, table } = this.#context;
    const graced = this.#graced && sentBytes === this.#sentBytes;
    this.#graced = waitingBytes === 0 && gone;
    this.#sentBytes = sentBytes;
    if (waitingBytes > 0) {
      if (waitingBytes !== this.#waitedBytes) this.#set(limits.sendTicks);
    } else if (gone) {
      if (!graced) this.#set(limits.graceTicks);
    } else if (receiving) {
      storeDeadline(table, this.#fd, this.#requestDeadline);
    } else {
      this.#set(0);
    }
    this.#waitedBytes = waitingBytes;
  }

  #set(ticks: number): void {
    setDeadline(this.#context, this.#fd, ticks);
  }
}
