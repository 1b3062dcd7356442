/** A frame with what happened in the time that it covers. */
import type { Frame, MarkTuple, TransitionTuple } from '../protocol.js';

export interface Moment {
  readonly frame: Frame;
  /** The frame covers the time from here to `frame.at`. */
  readonly from: number;
  /** Changes of state within that time, by time. */
  changes: readonly TransitionTuple[];
  /** Hand-overs within that time, by time. */
  marks: readonly MarkTuple[];
  /** Indexed as `frame.threads`: the state at `from`, the shares of time in each state, and whether no change is missing. */
  readonly starts: readonly number[];
  readonly shares: readonly (readonly number[])[];
  exact: readonly boolean[];
}
