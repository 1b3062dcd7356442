/**
 * Which moment the page shows: the newest one as it comes (live), or an earlier one (paused). Receiving goes on either way.
 *
 *   LIVE ── pause, or scrub ──▶ PAUSED ── scrub ──▶ PAUSED
 *     ▲                          │
 *     └──────── to live ─────────┘
 */
import type { History } from './history.js';
import type { Moment } from './moment.js';

export class Playback {
  readonly #history: History;
  #pausedAt: number | null = null;
  /** The newest frame when the page was paused, where the curves end. */
  #newestWhenPaused = 0;

  constructor(history: History) {
    this.#history = history;
  }

  get live(): boolean {
    return this.#pausedAt === null;
  }

  /** The time shown. Once the history no longer reaches back that far, its oldest time. */
  get at(): number {
    if (this.#pausedAt === null) return this.#history.newestAt;
    return Math.max(this.#pausedAt, this.#history.oldestAt);
  }

  /** The time at which the curves end. */
  get curvesEndAt(): number {
    return this.#pausedAt === null ? this.#history.newestAt : Math.max(this.#newestWhenPaused, this.at);
  }

  get moment(): Moment | undefined {
    return this.#history.at(this.at);
  }

  /** How far the time shown is behind the newest frame, in milliseconds. */
  get behindMs(): number {
    return this.#history.newestAt - this.at;
  }

  pause(): void {
    this.scrubTo(this.at);
  }

  scrubTo(time: number): void {
    if (this.#history.empty) return;
    if (this.#pausedAt === null) this.#newestWhenPaused = this.#history.newestAt;
    this.#pausedAt = Math.min(this.#history.newestAt, Math.max(this.#history.oldestAt, time));
  }

  /** Moves by a number of frames, back if negative. */
  step(frames: number): void {
    const moment = this.#history.stepFrom(this.at, frames);
    if (moment !== undefined) this.scrubTo(moment.frame.at);
  }

  toLive(): void {
    this.#pausedAt = null;
  }
}
