/**
 * Which threads the lanes and the table show. Of many threads those that have been idle for some time are folded into one row;
 * a search shows those that match, idle or not.
 */
import type { ThreadRow } from '../protocol.js';
import { Model } from './model.js';

/** So many threads are shown whole, and need no search. */
export const FEW_THREADS = 8;
/** A thread that has done something is folded after this long: not after every request. */
const IDLE_MS = 10_000;
/** A thread that matched by its route or state stays this much longer, so that it can be read. */
const STAYS_MS = 4000;

export interface Choice {
  /** The numbers of the threads to show. */
  readonly shown: readonly number[];
  /** Those that are folded, or that would be if folding were on. */
  readonly idle: readonly number[];
}

export class ThreadChoice {
  /** Numbers and ranges (`3, 10-15`), or a part of a route or of a state's name. */
  query = '';
  folding = true;
  /** Whose words are searched for. */
  model = new Model();
  readonly #matchedAt = new Map<number, number>();
  readonly #known = new Map<number, { activeAt: number; requests: number }>();

  /** @param selected the thread whose panel is open, which is always shown; -1 for none */
  of(threads: readonly ThreadRow[], at: number, selected: number): Choice {
    const query = this.query.trim().toLowerCase();
    const ids = threads.map(({ id }) => id);
    if (query !== '') return { shown: this.#matching(threads, at, query), idle: [] };
    if (threads.length <= FEW_THREADS) return { shown: ids, idle: [] };
    const idle = threads.filter((row) => this.#isIdle(row, at) && row.id !== selected).map(({ id }) => id);
    // One row in place of one row is no gain.
    if (idle.length < 2) return { shown: ids, idle: [] };
    const folded = new Set(this.folding ? idle : []);
    return { shown: ids.filter((id) => !folded.has(id)), idle };
  }

  #isIdle(row: ThreadRow, at: number): boolean {
    const requests = row.counters.requests ?? 0;
    const known = this.#known.get(row.id) ?? { activeAt: Number.NEGATIVE_INFINITY, requests };
    const activeAt = this.#isActive(row) || requests !== known.requests ? at : known.activeAt;
    this.#known.set(row.id, { activeAt, requests });
    // The moment shown may also be one before.
    return Math.abs(at - activeAt) >= IDLE_MS;
  }

  /** A thread that runs its own event loop for a moment does nothing for anybody; nor does a worker that waits for its own connections. */
  #isActive({ state, role, engaged, connection, heldMs }: ThreadRow): boolean {
    if (state === 'processing') return connection >= 0 || heldMs > 0;
    const isWorker = !this.model.promotes && role !== this.model.roles[0];
    return (state !== 'follower' && !(state === 'leader' && isWorker)) || engaged;
  }

  #matching(threads: readonly ThreadRow[], at: number, query: string): number[] {
    const ranges = rangesOf(query);
    if (ranges !== null) {
      return threads
        .map(({ id }) => id)
        .filter((id) => ranges.some(([first, last]) => first <= id && id <= last));
    }
    return threads
      .filter((row) => {
        if (matches(row, this.model.word(row), query)) this.#matchedAt.set(row.id, at);
        const sinceMs = at - (this.#matchedAt.get(row.id) ?? Number.NEGATIVE_INFINITY);
        return sinceMs >= 0 && sinceMs < STAYS_MS;
      })
      .map(({ id }) => id);
  }

  /** Searches for something else. */
  search(query: string): void {
    this.query = query;
    this.#matchedAt.clear();
  }
}

function matches({ route, role, engaged }: ThreadRow, state: string, query: string): boolean {
  return (
    route.toLowerCase().includes(query) ||
    state.includes(query) ||
    (role !== 'peer' && role.includes(query)) ||
    (engaged && 'engaged'.includes(query))
  );
}

/** `3, 10-15` as pairs of the first and the last; null if the text is something else. */
function rangesOf(query: string): (readonly [number, number])[] | null {
  const parts = query.split(/[\s,]+/).filter((part) => part !== '');
  const ranges = parts.map((part) => /^(\d+)(?:[-–](\d+))?$/.exec(part));
  if (ranges.some((range) => range === null)) return null;
  return ranges.map((range) => [Number(range![1]), Number(range![2] ?? range![1])]);
}

/** Numbers in ascending order as a short text: `0–3, 7, 9–12`. */
export function inRanges(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}–${last}`)).join(', ');
}
