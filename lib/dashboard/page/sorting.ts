/** The order of the thread table's rows. */
import type { ThreadRow } from '../protocol.js';
import { LEADER, stateNumber } from './states.js';
import { sinceOf } from './thread-rows.js';

export const COLUMNS = [
  'thread',
  'state',
  'since',
  'busy',
  'events',
  'requests',
  'connections',
  'connection',
  'route',
] as const;
export type Column = (typeof COLUMNS)[number];

export interface Order {
  readonly column: Column;
  readonly descending: boolean;
}

/** Columns of which the largest values are of interest: the first click sorts them in descending order. */
const BIG_FIRST: ReadonlySet<Column> = new Set(['since', 'busy', 'events', 'requests', 'connections']);

/** The order after a click on the head of a column. */
export function clicked(order: Order, column: Column): Order {
  if (order.column === column) return { column, descending: !order.descending };
  return { column, descending: BIG_FIRST.has(column) };
}

function key(row: ThreadRow, column: Column): number | string {
  switch (column) {
    case 'thread':
      return row.id;
    case 'state':
      // The leader comes before the threads that process.
      return row.state === 'leader' ? -LEADER - 10 : -stateNumber(row.state);
    case 'since':
      // A state that has lasted longer began earlier.
      return -sinceOf(row);
    case 'busy':
      return row.busy;
    case 'events':
      return row.counters.events ?? 0;
    case 'requests':
      return row.counters.requests ?? 0;
    case 'connections':
      return row.connections ?? -1;
    case 'connection':
      return row.connection;
    case 'route':
      return row.route;
  }
}

/** The rows in an order; equal ones always by ascending numbers of the threads. */
export function sorted(rows: readonly ThreadRow[], { column, descending }: Order): ThreadRow[] {
  const sign = descending ? -1 : 1;
  return rows.toSorted((one, other) => {
    const a = key(one, column);
    const b = key(other, column);
    if (a === b) return one.id - other.id;
    return a < b ? -sign : sign;
  });
}
