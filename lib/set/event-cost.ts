/**
 * How long this thread's events take: the mean of the last ones, from promotion to the next change of state. A promotion asks whether
 * another thread pays for its wake-up.
 */

/** One in so many is the weight of the last event. */
const WEIGHT = 16;
/**
 * Waking a thread costs the waker 2 to 5 µs, and a second thread that contends for events costs each of them 1 µs. Below this an event is
 * taken sooner by the thread that is awake.
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
