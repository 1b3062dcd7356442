/**
 * The pieces that a lane is drawn from. A piece is a time span that a thread spent in one state or, if changes were missed or
 * are too close together to be drawn separately, a blend: the shares of the span that it spent in each state.
 */
import { MARKS } from '../protocol.js';
import type { Moment } from './moment.js';
import { LEADER, PROCESSING, stateNumber, UNKNOWN } from './states.js';
import { sinceOf } from './thread-rows.js';

export interface Piece {
  readonly from: number;
  to: number;
  /** When the thread began what it does: before `from`, if that is older than what the lane shows. */
  since: number;
  /** BLEND, or the number of the state. */
  readonly state: number;
  /** Whether it begins with a change, and is not the continuation of a piece that ends where it begins. */
  readonly begins: boolean;
  /** The shares of a blend, indexed by the numbers of the states. */
  readonly shares: readonly number[] | null;
  /** The request of a processing thread; '' if none was observed. */
  route: string;
}

export const BLEND = -1;
const NUMBER_OF_STATES = 5;

/** Collects the pieces of one thread, merging short ones until they are long enough to be drawn. */
class Lane {
  readonly pieces: Piece[] = [];
  readonly #minMs: number;
  #gathered: number[] | null = null;
  #from = 0;
  #to = 0;

  constructor(minMs: number) {
    this.#minMs = minMs;
  }

  stay(state: number, from: number, to: number, begins = false): void {
    const length = to - from;
    if (length <= 0) return;
    if (state === UNKNOWN) {
      this.flush();
      return;
    }
    if (length >= this.#minMs) {
      this.flush();
      this.pieces.push({ from, to, since: from, state, begins, shares: null, route: '' });
      return;
    }
    if (this.#gathered === null) {
      this.#gathered = new Array<number>(NUMBER_OF_STATES).fill(0);
      this.#from = from;
    }
    this.#gathered[state] = (this.#gathered[state] ?? 0) + length;
    this.#to = to;
    if (to - this.#from >= this.#minMs) this.flush();
  }

  blend(shares: readonly number[], from: number, to: number): void {
    this.pieces.push({ from, to, since: from, state: BLEND, begins: false, shares, route: '' });
  }

  flush(): void {
    if (this.#gathered === null) return;
    const total = this.#to - this.#from;
    const shares = this.#gathered.map((ms) => ms / total);
    this.#gathered = null;
    // A single state.
    const all = shares.indexOf(1);
    if (all === -1) this.blend(shares, this.#from, this.#to);
    else
      this.pieces.push({
        from: this.#from,
        to: this.#to,
        since: this.#from,
        state: all,
        begins: false,
        shares: null,
        route: '',
      });
  }
}

/** What divides the lanes of a moment, by time: changes to a state, and requests that follow another one in the same state. */
function stepsOf({ changes, marks }: Moment): (readonly [thread: number, to: number | null, at: number])[] {
  const steps = changes.map(([thread, , to, at]) => [thread, to, at] as const);
  const begun = marks.filter(([, kind]) => MARKS[kind] === 'begun');
  if (begun.length === 0) return steps;
  return [...steps, ...begun.map(([thread, , at]) => [thread, null, at] as const)].sort(
    (a, b) => a[2] - b[2],
  );
}

/**
 * The lanes of one moment, in the order of its threads.
 *
 * @param minMs the shortest span, in milliseconds, that is wide enough to be drawn by itself
 */
export function lanesOf(moment: Moment, minMs: number): Piece[][] {
  const { frame, from } = moment;
  const indexes = new Map(frame.threads.map((row, index) => [row.id, index]));
  const lanes = frame.threads.map(() => new Lane(minMs));
  const states = [...moment.starts];
  const since = frame.threads.map(() => from);
  const begun = frame.threads.map(() => false);
  for (const [thread, to, at] of stepsOf(moment)) {
    const index = indexes.get(thread);
    if (index === undefined || !moment.exact[index]) continue;
    const state = states[index]!;
    lanes[index]!.stay(state, since[index]!, at, begun[index]);
    states[index] = to ?? state;
    since[index] = at;
    begun[index] = true;
  }
  return frame.threads.map((row, index) => {
    const lane = lanes[index]!;
    if (moment.exact[index]) {
      lane.stay(states[index]!, since[index]!, frame.at, begun[index]);
      lane.flush();
    } else {
      // A thread that has been in its state since before the span has not changed within it, whatever was missed elsewhere.
      const state = stateNumber(row.state);
      if (row.since <= from && row.missed === 0) lane.stay(state, from, frame.at);
      else lane.blend(moment.shares[index]!, from, frame.at);
      lane.flush();
    }
    const last = lane.pieces.at(-1);
    if (last !== undefined && last.state === stateNumber(row.state)) {
      if (last.state === PROCESSING) last.route = row.route;
      if (!last.begins) last.since = Math.min(last.since, sinceOf(row));
    }
    return lane.pieces;
  });
}

const cache = new WeakMap<Moment, { readonly minMs: number; readonly lanes: Piece[][] }>();

/**
 * The lanes of several moments in a row; a state that continues from one to the next is one piece. Two requests of a thread are
 * two pieces, even if nothing is between them.
 */
export function lanesAcross(moments: readonly Moment[], minMs: number): Piece[][] {
  const across: Piece[][] = [];
  for (const moment of moments) {
    let cached = cache.get(moment);
    if (cached === undefined || cached.minMs !== minMs) {
      cached = { minMs, lanes: lanesOf(moment, minMs) };
      cache.set(moment, cached);
    }
    cached.lanes.forEach((pieces, index) => {
      across[index] ??= [];
      const lane = across[index];
      for (const piece of pieces) {
        const last = lane.at(-1);
        if (
          last !== undefined &&
          last.state === piece.state &&
          piece.state !== BLEND &&
          !(piece.begins && piece.state === PROCESSING) &&
          last.to === piece.from
        ) {
          last.to = piece.to;
          last.since = Math.min(last.since, piece.since);
          last.route = piece.route || last.route;
        } else {
          lane.push({ ...piece });
        }
      }
    });
  }
  return across;
}

/** The piece at a time. */
export function pieceAt(lane: readonly Piece[], time: number): Piece | undefined {
  return lane.find(({ from, to }) => from <= time && time < to);
}

export interface Promotion {
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

/**
 * The promotions in some moments, with both threads. If they are close together only the first in each `apartMs` is returned,
 * which is the same one wherever the view begins.
 */
export function promotionsOf(
  moments: readonly Moment[],
  apartMs: number,
): { shown: Promotion[]; left: number } {
  const shown: Promotion[] = [];
  let left = 0;
  let slot = -1;
  for (const { changes } of moments) {
    for (const [thread, , to, at, promoter] of changes) {
      if (to !== LEADER || promoter < 0 || promoter === thread) continue;
      const own = Math.floor(at / apartMs);
      if (own === slot) {
        left++;
        continue;
      }
      slot = own;
      shown.push({ at, from: promoter, to: thread });
    }
  }
  return { shown, left };
}

/** Hand-overs of one thread, all given or all taken, that are drawn as one mark. */
export interface HandOver {
  readonly thread: number;
  readonly given: boolean;
  /** Of the first of them. */
  readonly at: number;
  count: number;
}

/** The hand-overs in some moments. Those of a thread in the same `apartMs` are one, wherever the view begins. */
export function handOversOf(moments: readonly Moment[], apartMs: number): HandOver[] {
  const slots = new Map<string, HandOver>();
  for (const { marks } of moments) {
    for (const [thread, kind, at] of marks) {
      if (MARKS[kind] === 'begun') continue;
      const slot = `${thread} ${kind} ${Math.floor(at / apartMs)}`;
      const known = slots.get(slot);
      if (known === undefined) slots.set(slot, { thread, given: MARKS[kind] === 'given', at, count: 1 });
      else known.count++;
    }
  }
  return [...slots.values()];
}
