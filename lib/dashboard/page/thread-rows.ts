/** What several views read from the rows of a frame. */
import type { Frame, ThreadRow } from '../protocol.js';

/** Since when a thread does what it does: of one that processes, since when it has had the present request. */
export function sinceOf({ state, since, requestSince }: ThreadRow): number {
  return state === 'processing' ? Math.max(since, requestSince) : since;
}

/** The rows of some threads, in that order. */
export function shownRows({ threads }: Frame, shown: readonly number[]): ThreadRow[] {
  const rows = new Map(threads.map((row) => [row.id, row]));
  return shown.map((id) => rows.get(id)).filter((row) => row !== undefined);
}
