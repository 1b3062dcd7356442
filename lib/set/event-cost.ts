/**
 * How long this thread's events take: the mean of the last ones, from promotion to the next change of state. A promotion asks whether
 * another thread pays for its wake-up.
 */

import { NO_MICROS } from '../sys/clock.js';

/** One in so many is the weight of the last event. */
const WEIGHT = 16;
/**
 * Waking a thread costs its waker a system call, and a second thread that contends for events costs an event of hello 1 µs. Below this the
 * thread that is awake takes the next event sooner. Short events after a wait in the kernel take up to 12 µs: docs/decisions/0005 has figures.
 */
const WORTH_A_WAKE_UP_MICROS = 13;
/** What the events that wait take together, at least, if a thread that has to wake first is to take some of them sooner. */
const WORTH_WAITING_MICROS = 80;

export class EventCost {
  #meanMicros = NO_MICROS;
  #began = NO_MICROS;

  began(micros: number): void {
    this.#began = micros;
  }

  /** An event counts as at most twice the mean, so that the mean tells how long most events are, and not how often the system runs something else. */
  ended(micros: number): void {
    this.#meanMicros +=
      (Math.min(micros - this.#began, 2 * this.#meanMicros + 1) - this.#meanMicros) / WEIGHT;
  }

  /** @param waiting how many events wait behind the one that is processed next */
  isWorthAWakeUp(waiting: number): boolean {
    return this.#meanMicros > WORTH_A_WAKE_UP_MICROS && waiting * this.#meanMicros > WORTH_WAITING_MICROS;
  }
}
