/**
 * Which moment the page shows: the newest one as it comes (live), or one that is held. Receiving goes on either way.
 *
 *   LIVE ── pause, or scrub ──▶ HELD ── scrub ──▶ HELD
 *     ▲                          │
 *     └──────── to live ─────────┘
 */
import type { History, Moment } from './history.js';

export class Playback {
  readonly #history: History;
  #heldAt: number | null = null;
  /** The newest frame when it was held: where the curves stand still. */
  #newestWhenHeld = 0;

  constructor(history: History) {
    this.#history = history;
  }

  get live(): boolean {
    return this.#heldAt === null;
  }

  /** The time shown. What is held longer than the history reaches moves on with its oldest end. */
  get at(): number {
    if (this.#heldAt === null) return this.#history.newestAt;
    return Math.max(this.#heldAt, this.#history.oldestAt);
  }

  /** Where the curves end. */
  get curvesEndAt(): number {
    return this.#heldAt === null ? this.#history.newestAt : Math.max(this.#newestWhenHeld, this.at);
  }

  get moment(): Moment | undefined {
    return this.#history.at(this.at);
  }

  /** How far behind the newest frame it is, in milliseconds. */
  get behindMs(): number {
    return this.#history.newestAt - this.at;
  }

  pause(): void {
    this.scrubTo(this.at);
  }

  scrubTo(time: number): void {
    if (this.#history.empty) return;
    if (this.#heldAt === null) this.#newestWhenHeld = this.#history.newestAt;
    this.#heldAt = Math.min(this.#history.newestAt, Math.max(this.#history.oldestAt, time));
  }

  /** So many frames on, or back below 0. */
  step(frames: number): void {
    const moment = this.#history.stepFrom(this.at, frames);
    if (moment !== undefined) this.scrubTo(moment.frame.at);
  }

  toLive(): void {
    this.#heldAt = null;
  }
}
