/** Passes recorded transitions of threads on to the server object, in batches, while it has listeners for them. */
import { STATE_NAMES, type Transition, type TransitionSource } from '../observe/observation.js';
import type { Observer } from '../observe/observer.js';

/** Between two batches. */
const BATCH_MS = 20;

export class TransitionFeed {
  readonly #observer: Observer;
  readonly #report: (transition: Transition) => void;
  #reader: TransitionSource | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** @param report called for each transition, by time; what it throws leaves `flush` */
  constructor(observer: Observer, report: (transition: Transition) => void) {
    this.#observer = observer;
    this.#report = report;
  }

  /** Passes on what is recorded from now on. */
  start(): void {
    this.stop();
    this.#reader = this.#observer.readTransitions();
    this.#timer = setInterval(() => this.flush(), BATCH_MS).unref();
  }

  /** Passes on what has been recorded since the last batch. Does nothing while stopped. */
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
