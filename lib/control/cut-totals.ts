/** The requests that a shutdown has cut, of all threads, and how they are described. */
import { HTTP_CONNECTION, NODE_CONNECTION } from '../connection/event-handler.js';
import { countersOf, REQUESTS_CUT } from '../memory/counters.js';
import { routeName } from '../routes/route-key.js';
import type { HandleTable } from '../set/handle-table.js';
import type { CutRequests } from '../thread/messages.js';

/** Routes that a message names. */
const MAX_NAMED = 10;

export class CutTotals {
  readonly #routes = new Map<string, number>();
  /** All of them. */
  count = 0;

  /** Adds those of a thread. */
  add(cut: CutRequests): void {
    for (const [route, count] of cut) {
      this.count += count;
      this.#routes.set(route, (this.#routes.get(route) ?? 0) + count);
    }
  }

  /** How many of each route, the most frequent first; '' for those whose route is not known. */
  get routes(): CutRequests {
    return [...this.#routes].sort(([, one], [, other]) => other - one);
  }

  /** For example `GET /a (2), POST /b and 3 more`; '' where no route is known. */
  get description(): string {
    const named = this.routes.filter(([route]) => route !== '').slice(0, MAX_NAMED);
    const texts = named.map(([route, count]) => (count === 1 ? route : `${route} (${count})`));
    const others = named.reduce((rest, [, count]) => rest - count, this.count);
    if (named.length === 0) return '';
    return others === 0 ? texts.join(', ') : `${texts.join(', ')} and ${others} more`;
  }
}

/**
 * The requests of a thread that is to be terminated, so that it does not report them. A connection that is bound to a thread, or that it is
 * inside, has one.
 *
 * @param request method and target of the request that the thread is inside; '' for none
 */
export function cutWith(table: HandleTable, thread: number, request: string): CutRequests {
  let count = 0;
  for (let fd = 0; fd < table.end(); fd++) {
    const kind = table.kind(fd);
    if (table.owner(fd) === thread && (kind === HTTP_CONNECTION || kind === NODE_CONNECTION)) count++;
  }
  if (count === 0) return [];
  const route = routeOf(request);
  return route === '' || count === 1
    ? [[route, count]]
    : [
        [route, 1],
        ['', count - 1],
      ];
}

/** The route of a request. @param request method and target; '' for none */
export function routeOf(request: string): string {
  const bytes = Buffer.from(request, 'latin1');
  const space = request.indexOf(' ');
  return space < 0 ? '' : routeName(bytes, 0, space, space + 1, bytes.length);
}

/** Counts the requests that were cut with a thread. Only once it is dead. */
export function countCut(control: SharedArrayBuffer, thread: number, cut: CutRequests): void {
  for (const [, count] of cut) countersOf(control, thread)[REQUESTS_CUT]! += count;
}
