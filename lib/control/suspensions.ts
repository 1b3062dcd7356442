/**
 * Logs that accepting is suspended: once when that begins, and once when it is over. A busy server at its limit suspends and
 * resumes accepting with each connection that ends, so acceptors only count suspensions.
 */
import type { Logger } from '../logger.js';
import { ACCEPT_SUSPENDED, SUSPENDED_FOR, SUSPENSIONS } from '../memory/layout.js';
import { errnoName } from '../sys/libc.js';

/** Checks in a row without a suspension after which it is over; there is one a second. */
const QUIET_CHECKS = 10;

export class Suspensions {
  readonly #words: Int32Array;
  readonly #logger: Logger;
  /** The counter at the last check, and when the current period began. */
  #seen = 0;
  #before = 0;
  #quietChecks = QUIET_CHECKS;

  constructor(words: Int32Array, logger: Logger) {
    this.#words = words;
    this.#logger = logger;
  }

  /** To be called once a second. */
  check(): void {
    const seen = Atomics.load(this.#words, SUSPENSIONS);
    const over = this.#quietChecks >= QUIET_CHECKS;
    if (seen !== this.#seen || Atomics.load(this.#words, ACCEPT_SUSPENDED) !== 0) {
      if (over) this.#begins();
      this.#quietChecks = 0;
    } else if (!over && ++this.#quietChecks === QUIET_CHECKS) {
      this.#logger.info('accepting is suspended no longer', { times: (seen - this.#before) >>> 0 });
    }
    this.#seen = seen;
  }

  #begins(): void {
    this.#before = this.#seen;
    this.#logger.warn(
      `accepting is suspended whenever no place is left, until a connection closes: ${reason(this.#words[SUSPENDED_FOR]!)}`,
    );
  }
}

function reason(errno: number): string {
  if (errno === 0) return 'maxConnections is reached';
  return errno < 0 ? 'the handle table is full' : `${errnoName(errno)} on accepting`;
}
