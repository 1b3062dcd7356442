/** Reports the recorded transitions of threads in batches, while the server object has listeners for them. */
import { STATE_NAMES, type Transition, type TransitionSource } from '../observe/observation.js';
import type { Observer } from '../observe/observer.js';

/** Between two batches. */
const BATCH_MS = 20;

export class TransitionFeed {
  readonly #observer: Observer;
  readonly #report: (transition: Transition) => void;
  #reader: TransitionSource | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** @param report called for each transition, by time; it may throw */
  constructor(observer: Observer, report: (transition: Transition) => void) {
    this.#observer = observer;
    this.#report = report;
  }

  /** Reports what is recorded from now on. */
  start(): void {
    this.stop();
    this.#reader = this.#observer.readTransitions();
    this.#timer = setInterval(() => this.flush(), BATCH_MS).unref();
  }

  /** Reports what has been recorded since the last batch; nothing while stopped. @throws what the listener throws */
  flush(): void {
    if (this.#timer === null) return;
    for (const { thread, from, to, at } of this.#reader!.next().transitions) {
      this.#report({ thread, from: STATE_NAMES[from]!, to: STATE_NAMES[to]!, time: at });
    }
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}
