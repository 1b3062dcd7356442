/**
 * The lanes of `paceline top`. A lane has one cell for each frame, which is the state in which the thread spent most of the time since the
 * frame before; those of the time before the first frame come from the transitions that the server still knows.
 */
import {
  type Frame,
  type Hello,
  STATES,
  type State,
  type ThreadRow,
  type TransitionTuple,
} from '../dashboard/protocol.js';

/** Cells kept of each lane; no terminal is wider. */
export const MAX_CELLS = 500;

export class TopLanes {
  readonly #hello: Hello;
  readonly #lanes: State[][];
  #before: Frame | null = null;

  constructor(hello: Hello) {
    this.#hello = hello;
    this.#lanes = Array.from({ length: hello.threads }, () => []);
  }

  add(frame: Frame): void {
    if (this.#before === null) this.#fill(frame.at);
    for (const row of frame.threads) {
      const lane = this.#lanes[row.id];
      lane?.push(mostly(row, this.#before?.threads[row.id]));
      if (lane !== undefined && lane.length > MAX_CELLS) lane.shift();
    }
    this.#before = frame;
  }

  /** The newest cells of a thread's lane, oldest first: at most `count` of them. */
  newest(thread: number, count: number): readonly State[] {
    const lane = this.#lanes[thread] ?? [];
    return lane.slice(Math.max(0, lane.length - count));
  }

  #fill(end: number): void {
    const { transitions, intervalMs } = this.#hello;
    for (const [thread, lane] of this.#lanes.entries()) {
      const own = transitions.filter(([id]) => id === thread);
      // The first frame adds the cell that ends with it.
      lane.push(...statesBefore(own, end - intervalMs, intervalMs));
    }
  }
}

/**
 * The state in each interval before `end`, oldest first, as far back as the transitions reach.
 *
 * @param transitions of one thread, by time
 * @param everyMs the length of an interval
 */
export function statesBefore(transitions: readonly TransitionTuple[], end: number, everyMs: number): State[] {
  const cells: State[] = [];
  let index = transitions.length - 1;
  for (let to = end; index >= 0 && cells.length < MAX_CELLS; to -= everyMs) {
    const spent = STATES.map(() => 0);
    let upTo = to;
    for (; index >= 0 && transitions[index]![3] > to - everyMs; index--) {
      const [, , state, at] = transitions[index]!;
      spent[state]! += Math.max(0, upTo - at);
      upTo = Math.min(upTo, at);
    }
    const state = transitions[index]?.[2] ?? transitions[0]![1];
    spent[state]! += upTo - (to - everyMs);
    cells.unshift(STATES[spent.indexOf(Math.max(...spent))]!);
  }
  return cells;
}

/** The state in which the thread spent most of the time since `before`. */
function mostly(row: ThreadRow, before: ThreadRow | undefined): State {
  if (before === undefined) return row.state;
  const spent = row.timesMs.map((ms, state) => ms - before.timesMs[state]!);
  const most = Math.max(...spent);
  return most > 0 ? STATES[spent.indexOf(most)]! : row.state;
}
