/**
 * How long this thread's events take: the mean of the last ones, from promotion to the next change of state. A promotion asks whether
 * another thread pays for its wake-up.
 */

/** One in so many is the weight of the last event. */
const WEIGHT = 16;
/**
 * Waking a thread costs its waker a system call, and a second thread that contends for events costs an event of hello 1 µs. Below this the
 * thread that is awake takes the next event sooner: docs/decisions/0005 has figures.
 */
const WORTH_A_WAKE_UP_MICROS = 10;
/** What an event counts at most: so the mean tells whether most events are long, and not how often the system runs something else. */
const MAX_MICROS = 2 * WORTH_A_WAKE_UP_MICROS;

export class EventCost {
  #meanMicros = 0;
  #began = 0;

  began(micros: number): void {
    this.#began = micros;
  }

  ended(micros: number): void {
    this.#meanMicros += (Math.min(micros - this.#began, MAX_MICROS) - this.#meanMicros) / WEIGHT;
  }

  get isWorthAWakeUp(): boolean {
    return this.#meanMicros > WORTH_A_WAKE_UP_MICROS;
  }
}
