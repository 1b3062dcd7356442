/**
 * What the lanes are drawn from: transitions, marks and deaths. Each is sent once to every client, either in its hello, which has what was
 * known when the last frame was made, or in a frame after that.
 */
import type {
  Observed,
  ObservedMark,
  ObservedTransition,
  TransitionBatch,
  TransitionSource,
} from '../observe/observation.js';
import { markOf, tupleOf } from './frames.js';
import {
  type Death,
  type Hello,
  MAX_HELLO_TRANSITIONS,
  MAX_MARKS,
  MAX_OF_A_THREAD,
  type TransitionTuple,
} from './protocol.js';

/** Transitions that are kept of each thread for its detail. */
const DETAIL_TRANSITIONS = 100;

export class LaneFeed {
  readonly #observed: Observed;
  readonly #reader: TransitionSource;
  readonly #deaths: readonly Death[];
  #lastDeath: Death | undefined;
  /** Of each thread: the time of the newest entry that a frame has had, or that was there before the first. */
  readonly #readTo: number[] = [];
  /** Of each thread, for its detail. */
  readonly #recent: TransitionTuple[][] = [];

  /** @param deaths the newest deaths of threads; the caller adds to it later */
  constructor(observed: Observed, deaths: readonly Death[]) {
    this.#observed = observed;
    this.#deaths = deaths;
    this.#reader = observed.readTransitions(true);
    this.nextBatch();
    this.nextDeaths();
  }

  /** For a frame: what the threads have recorded since the one before. */
  nextBatch(): TransitionBatch {
    const batch = this.#reader.next(MAX_OF_A_THREAD);
    for (const { thread, at } of [...batch.transitions, ...batch.marks]) {
      this.#readTo[thread] = Math.max(at, this.#readTo[thread] ?? 0);
    }
    for (const transition of batch.transitions) {
      this.#recent[transition.thread] ??= [];
      this.#recent[transition.thread]!.push(tupleOf(transition));
    }
    for (const recent of this.#recent) recent?.splice(0, recent.length - DETAIL_TRANSITIONS);
    return batch;
  }

  /** For a frame: the deaths since the one before. */
  nextDeaths(): readonly Death[] {
    const deaths = this.#deaths.slice(this.#framedDeaths());
    this.#lastDeath = deaths.at(-1) ?? this.#lastDeath;
    return deaths;
  }

  /** For a hello: what the frames before had, and what the rings held before the first. */
  past(): Pick<Hello, 'transitions' | 'marks' | 'deaths'> {
    const { transitions, marks } = this.#observed.readTransitions(true).next(MAX_OF_A_THREAD);
    const isPast = ({ thread, at }: ObservedTransition | ObservedMark) => at <= (this.#readTo[thread] ?? 0);
    return {
      transitions: transitions.filter(isPast).slice(-MAX_HELLO_TRANSITIONS).map(tupleOf),
      marks: marks.filter(isPast).slice(-MAX_MARKS).map(markOf),
      deaths: this.#deaths.slice(0, this.#framedDeaths()),
    };
  }

  /** The last transitions of a thread, oldest first. */
  recentOf(thread: number): readonly TransitionTuple[] {
    return this.#recent[thread] ?? [];
  }

  /** How many of the deaths a frame has had, or were there before the first. The oldest are dropped meanwhile. */
  #framedDeaths(): number {
    return this.#lastDeath === undefined ? 0 : this.#deaths.lastIndexOf(this.#lastDeath) + 1;
  }
}
