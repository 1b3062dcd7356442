/**
 * The deadline of an HTTP connection: one word of its record, which connection/timeouts.ts checks once a tick. It is stored only when
 * the reason of waiting changes.
 *
 *   between requests    keepAliveTimeout
 *   a head              headersTimeout, from its first byte
 *   a body              what is left of requestTimeout
 *   queued output       sendTimeout, renewed whenever the client has taken some of it
 *   a pending handler   none; once its client has left the grace period, renewed whenever some of the response has been taken
 */

import { deadlineIn, setDeadline } from '../connection/deadlines.js';
import type { ThreadContext } from '../connection/event-handler.js';
import type { Limits } from '../connection/limits.js';
import { clearFlag, deadlineOf, hasFlag, setFlag, storeDeadline } from '../set/handle-record.js';
import { BETWEEN_REQUESTS } from './flags.js';

/** The timeouts of HTTP connections. */
export type HttpTimeouts = Pick<
  Limits,
  'headersTicks' | 'requestTicks' | 'keepAliveTicks' | 'sendTicks' | 'graceTicks'
>;

export class HttpDeadlines {
  readonly #context: ThreadContext;
  /** Those of the connection's server; by default, those of the thread's limits. */
  timeouts: HttpTimeouts;
  #fd = -1;
  /** The deadline for the rest of the request whose body is arriving. */
  #requestDeadline = 0;
  /** Unsent bytes when the deadline for sending was set; it is renewed when some of them have been sent. */
  #waitedBytes = 0;
  /** The client has ended its side, and the grace period has begun; it is renewed when more than `#sentBytes` have been sent. */
  #graced = false;
  #sentBytes = 0;

  constructor(context: ThreadContext) {
    this.#context = context;
    this.timeouts = context.limits;
  }

  /** Takes over another connection. */
  enter(fd: number): void {
    this.#fd = fd;
    this.#waitedBytes = 0;
    this.#graced = false;
  }

  /** The connection is new, and its server has timeouts of its own. */
  begin(): void {
    this.#set(this.timeouts.headersTicks);
  }

  /** The first bytes of a head have been received, and not all of it. */
  headBegun(): void {
    const { timeouts } = this;
    const { table } = this.#context;
    if (!hasFlag(table, this.#fd, BETWEEN_REQUESTS)) return;
    clearFlag(table, this.#fd, BETWEEN_REQUESTS);
    this.#set(timeouts.headersTicks);
  }

  /** A head is complete, and a body follows. The request's time counts from its first byte, as the head's did. */
  headReceived(): void {
    const { timeouts } = this;
    const { control, table } = this.#context;
    if (timeouts.requestTicks === 0) {
      this.#requestDeadline = 0;
      return;
    }
    const headDeadline = deadlineOf(table, this.#fd);
    this.#requestDeadline =
      hasFlag(table, this.#fd, BETWEEN_REQUESTS) || headDeadline === 0
        ? deadlineIn(control, timeouts.requestTicks)
        : (headDeadline - timeouts.headersTicks + timeouts.requestTicks) | 0 || 1;
  }

  /** Request and response are complete. */
  finished(): void {
    // Output that is still queued gets a new deadline for sending, instead of the one for the next request.
    this.#waitedBytes = 0;
    this.#graced = false;
    setFlag(this.#context.table, this.#fd, BETWEEN_REQUESTS);
    this.untilNextRequest();
  }

  untilNextRequest(): void {
    this.#set(this.timeouts.keepAliveTicks);
  }

  /** The app answers a client's error; where the time between requests has no limit, this has one. */
  untilAnswered(): void {
    this.#set(this.timeouts.keepAliveTicks || this.timeouts.graceTicks);
  }

  /**
   * The connection waits, bound to its thread.
   *
   * @param waitingBytes bytes that are still to be sent
   * @param sentBytes bytes that have been sent since this object exists
   * @param gone whether the client has ended its side, and at most awaits the response
   * @param receiving whether the rest of a request is still to be received
   */
  waitBound(waitingBytes: number, sentBytes: number, gone: boolean, receiving: boolean): void {
    const { timeouts } = this;
    const { table } = this.#context;
    const graced = this.#graced && sentBytes === this.#sentBytes;
    this.#graced = waitingBytes === 0 && gone;
    this.#sentBytes = sentBytes;
    if (waitingBytes > 0) {
      if (waitingBytes !== this.#waitedBytes) this.#set(timeouts.sendTicks);
    } else if (gone) {
      if (!graced) this.#set(timeouts.graceTicks);
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
