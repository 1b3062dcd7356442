/**
 * The history that the page has received: frames for scrubbing, points for the curves. Bounded in time, in frames and in
 * changes of state and marks; the oldest are dropped first.
 *
 * A frame covers the time since the frame before it. Within that time a thread's lane is either exact, drawn from its changes
 * of state, or, if changes were missed, a blend, drawn from the shares of time that it spent in each state.
 */
import type { Death, Frame, Hello, MarkTuple, Point, TransitionTuple } from '../protocol.js';
import type { Moment } from './moment.js';
import { joined, pastBefore, type Recorded } from './past.js';
import { FOLLOWER, stateNumber } from './states.js';

/** Frames are kept for three minutes; two are promised to users. */
export const KEEP_MS = 180_000;
export const MAX_FRAMES = 4000;
/** Marks count as changes. At some 70 bytes a change, about 20 MB. Beyond that the oldest frames keep only the shares. */
export const MAX_CHANGES = 300_000;
export const MAX_POINTS = 900;
export const MAX_DEATHS = 200;
/** Frames arrive several times a second; a point of the curves is taken once a second. */
const BETWEEN_POINTS_MS = 950;
const NOTHING_RECORDED: Recorded = { transitions: [], marks: [] };
/** If two frames are further apart than this many intervals, there is a gap between them. */
const GAP_INTERVALS = 4;

export class History {
  #moments: Moment[] = [];
  #points: Point[] = [];
  #startedAt = 0;
  #intervalMs = 200;
  #changes = 0;
  /** Moments before this one have had their changes dropped. */
  #thinned = 0;
  /** The state after the last change, by thread. */
  #tails = new Map<number, number>();
  /** Changes that came with a frame but are later than its time. */
  #early: TransitionTuple[] = [];
  #earlyMarks: MarkTuple[] = [];
  #deaths: Death[] = [];
  /** What the hello has told, until the first frame after it. */
  #told = NOTHING_RECORDED;
  /** The time before the first frame; null once frames have been dropped. */
  #past: Moment | null = null;

  /** Begins with a hello. @returns whether it is from another server than before, so that the history was cleared */
  begin(hello: Hello): boolean {
    this.#intervalMs = hello.intervalMs;
    const anew = hello.startedAt !== this.#startedAt;
    if (anew) {
      this.#startedAt = hello.startedAt;
      this.#forgetFrames();
      this.#points = [];
      this.#deaths = [];
    }
    this.#told = hello;
    this.#addDeaths(hello.deaths);
    const newest = this.#points.at(-1)?.at ?? 0;
    for (const point of hello.history) if (point.at > newest + BETWEEN_POINTS_MS) this.#points.push(point);
    if (this.#points.length > MAX_POINTS) this.#points = this.#points.slice(-MAX_POINTS);
    return anew;
  }

  add(frame: Frame): void {
    // The server's clock was set back, so older times can no longer be compared.
    if (this.#moments.length > 0 && frame.at <= this.newestAt) this.#forgetFrames();
    const before = this.#moments.at(-1);
    const told = this.#told;
    this.#told = NOTHING_RECORDED;
    if (before === undefined) this.#past = pastBefore(frame, joined(told, frame), KEEP_MS);
    this.#addDeaths(frame.deaths);
    const follows =
      before !== undefined &&
      frame.seq === before.frame.seq + 1 &&
      frame.at - before.frame.at < GAP_INTERVALS * this.#intervalMs;
    // The time before the first frame is in #past.
    const from = before?.frame.at ?? frame.at;
    const recorded = before === undefined ? after(frame, from) : joined(after(told, from), frame);
    const changes = this.#take(recorded, frame.at, from);
    const marks = this.#takeMarks(recorded, frame.at, from);
    const starts: number[] = [];
    const shares: number[][] = [];
    const exact: boolean[] = [];
    for (const row of frame.threads) {
      const first = changes.find(([thread]) => thread === row.id);
      const state = stateNumber(row.state);
      const untouched = first === undefined && row.since <= from;
      starts.push(first?.[1] ?? (untouched ? state : (this.#tails.get(row.id) ?? state)));
      const earlier = before?.frame.threads.find(({ id }) => id === row.id);
      shares.push(sharesBetween(earlier?.timesMs, row.timesMs, state));
      exact.push(row.missed === 0 && follows);
      if (row.missed > 0 || first === undefined) this.#tails.set(row.id, untouched ? state : starts.at(-1)!);
    }
    for (const [thread, , to] of changes) this.#tails.set(thread, to);
    this.#moments.push({ frame, from, changes, marks, starts, shares, exact });
    this.#changes += changes.length + marks.length;
    this.#bound();
    const point = this.#points.at(-1);
    if (point === undefined || frame.point.at >= point.at + BETWEEN_POINTS_MS) {
      this.#points.push(frame.point);
      if (this.#points.length > MAX_POINTS) this.#points.shift();
    }
  }

  get empty(): boolean {
    return this.#moments.length === 0;
  }

  get oldestAt(): number {
    return this.#moments[0]?.frame.at ?? 0;
  }

  get newestAt(): number {
    return this.#moments.at(-1)?.frame.at ?? 0;
  }

  /** The deaths of threads, oldest first. */
  get deaths(): readonly Death[] {
    return this.#deaths;
  }

  get points(): readonly Point[] {
    return this.#points;
  }

  /** The moment at a time: that of the last frame that is not later. */
  at(time: number): Moment | undefined {
    return this.#moments[Math.max(0, this.#firstAfter(time) - 1)];
  }

  /** The moment a number of frames after the one at a time, or before it if negative; bounded by the history. */
  stepFrom(time: number, frames: number): Moment | undefined {
    const index = this.#firstAfter(time) - 1 + frames;
    return this.#moments[Math.min(this.#moments.length - 1, Math.max(0, index))];
  }

  /** The moments that cover any of the time from `from` to `to`. */
  between(from: number, to: number): readonly Moment[] {
    const moments = this.#moments.slice(this.#firstAfter(from), this.#firstAfter(to) + 1);
    return this.#past !== null && this.#past.frame.at > from ? [this.#past, ...moments] : moments;
  }

  /** The last `max` changes of a thread up to a time, oldest first. */
  changesOf(thread: number, upTo: number, max: number): TransitionTuple[] {
    const found: TransitionTuple[] = [];
    for (let index = this.#firstAfter(upTo); index >= -1 && found.length < max; index--) {
      const changes = (index < 0 ? this.#past : this.#moments[index])?.changes ?? [];
      for (let at = changes.length - 1; at >= 0 && found.length < max; at--) {
        const change = changes[at]!;
        if (change[0] === thread && change[3] <= upTo) found.push(change);
      }
    }
    return found.reverse();
  }

  /** The index of the first moment later than a time. */
  #firstAfter(time: number): number {
    let low = 0;
    let high = this.#moments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#moments[middle]!.frame.at <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The changes in the time that the frame covers. Some are later, as the server reads first the clock, then the rings. */
  #take({ transitions }: Recorded, to: number, from: number): TransitionTuple[] {
    const taken: TransitionTuple[] = [];
    const early: TransitionTuple[] = [];
    for (const change of [...this.#early, ...transitions]) {
      const [thread, before, state, at, promoter] = change;
      if (at > to) early.push(change);
      else if (at < from) taken.push([thread, before, state, from, promoter]);
      else taken.push(change);
    }
    this.#early = early;
    return taken;
  }

  /** The same of the marks. A mark from before the first frame has no place. */
  #takeMarks(recorded: Recorded, to: number, from: number): MarkTuple[] {
    const marks = [...this.#earlyMarks, ...recorded.marks];
    this.#earlyMarks = marks.filter(([, , at]) => at > to);
    const taken = marks.filter(([, , at]) => at <= to);
    return this.empty ? [] : taken.map(([thread, kind, at]) => [thread, kind, Math.max(at, from)]);
  }

  #bound(): void {
    const oldest = this.newestAt - KEEP_MS;
    let gone = 0;
    while (
      gone < this.#moments.length - 1 &&
      (this.#moments[gone]!.frame.at < oldest || this.#moments.length - gone > MAX_FRAMES)
    ) {
      this.#changes -= entriesOf(this.#moments[gone]!);
      gone++;
    }
    if (gone > 0) {
      this.#moments.splice(0, gone);
      this.#thinned = Math.max(0, this.#thinned - gone);
      this.#past = null;
    }
    while (this.#changes > MAX_CHANGES && this.#thinned < this.#moments.length - 1) {
      const moment = this.#moments[this.#thinned++]!;
      this.#changes -= entriesOf(moment);
      moment.changes = [];
      moment.marks = [];
      moment.exact = moment.exact.map(() => false);
    }
  }

  /** The deaths that were not known before. */
  #addDeaths(deaths: readonly Death[]): void {
    const isKnown = ({ thread, at }: Death): boolean =>
      this.#deaths.some((known) => known.thread === thread && known.at === at);
    this.#deaths = [...this.#deaths, ...deaths.filter((death) => !isKnown(death))].slice(-MAX_DEATHS);
  }

  #forgetFrames(): void {
    this.#moments = [];
    this.#past = null;
    this.#changes = 0;
    this.#thinned = 0;
    this.#tails.clear();
    this.#early = [];
    this.#earlyMarks = [];
  }
}

/** What is later than a time. */
const after = ({ transitions, marks }: Recorded, from: number): Recorded => ({
  transitions: transitions.filter(([, , , at]) => at > from),
  marks: marks.filter(([, , at]) => at > from),
});

const entriesOf = ({ changes, marks }: Moment): number => changes.length + marks.length;

/** The shares of time in each state between two readings; if no time has passed, all of it in `state`. */
export function sharesBetween(
  before: readonly number[] | undefined,
  after: readonly number[],
  state: number,
): number[] {
  const spent = after.map((ms, index) => Math.max(0, ms - (before?.[index] ?? ms)));
  const total = spent.reduce((sum, ms) => sum + ms, 0);
  if (total > 0) return spent.map((ms) => ms / total);
  return after.map((_, index) => (index === (state < 0 ? FOLLOWER : state) ? 1 : 0));
}
