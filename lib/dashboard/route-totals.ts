/**
 * The routes of the route table as metrics. Clients choose the names of learned routes, and each name is a time series that Prometheus keeps:
 * so only MAX_NAMED routes have one of their own, those that were there first, and all others are counted together. A name is given up once
 * its route has been forgotten for FORGOTTEN_MS, and no sooner.
 */
import type { ObservedRoute } from '../observe/observation.js';

const MAX_NAMED = 20;
const FORGOTTEN_MS = 3_600_000;
/** No route has this name: a route's has a slash. */
export const OTHER = 'other';

export interface RouteTotal {
  calls: number;
  handOvers: number;
  /** How long a request holds its thread, in milliseconds; of several routes the mean. 0 while none is known. */
  typicalMs: number;
}

interface Known extends RouteTotal {
  seenAt: number;
}

type Counts = Pick<ObservedRoute, 'calls' | 'handOvers'>;

const NOTHING: Counts = { calls: 0, handOvers: 0 };

export class RouteTotals {
  readonly #named = new Map<string, Known>();
  readonly #other: RouteTotal = { calls: 0, handOvers: 0, typicalMs: 0 };
  /** What each route had counted at the last update. */
  #last = new Map<string, Counts>();

  /** Adds what was counted since the last update. @param at the time, in milliseconds @returns the totals by name */
  update(routes: readonly ObservedRoute[], at: number): ReadonlyMap<string, RouteTotal> {
    const last = this.#last;
    this.#last = new Map(routes.map(({ name, calls, handOvers }) => [name, { calls, handOvers }]));
    for (const total of [...this.#named.values(), this.#other]) total.typicalMs = 0;
    // Those with a name first: what is given up below is not theirs.
    for (const { name } of routes) {
      const known = this.#named.get(name);
      if (known !== undefined) known.seenAt = at;
    }
    let others = 0;
    for (const route of routes) {
      const total = this.#totalOf(route.name, at);
      add(total, route, last.get(route.name) ?? NOTHING);
      if (total === this.#other) {
        others += route.calls;
        total.typicalMs += route.typicalMs * route.calls;
      } else total.typicalMs = route.typicalMs;
    }
    if (others > 0) this.#other.typicalMs /= others;
    return new Map<string, RouteTotal>([...this.#named, [OTHER, this.#other]]);
  }

  #totalOf(name: string, at: number): RouteTotal {
    const known = this.#named.get(name);
    if (known !== undefined) return known;
    if (this.#named.size >= MAX_NAMED && !this.#giveUp(at)) return this.#other;
    const added = { ...NOTHING, typicalMs: 0, seenAt: at };
    this.#named.set(name, added);
    return added;
  }

  /** Gives up a name whose route was forgotten long ago. @returns whether there was one */
  #giveUp(at: number): boolean {
    for (const [name, { seenAt }] of this.#named) {
      if (at - seenAt >= FORGOTTEN_MS) return this.#named.delete(name);
    }
    return false;
  }
}

/** A route that was forgotten and learned again counts from 0. */
function add(total: RouteTotal, now: Counts, last: Counts): void {
  const isNew = now.calls < last.calls;
  total.calls += isNew ? now.calls : now.calls - last.calls;
  total.handOvers += isNew ? now.handOvers : Math.max(0, now.handOvers - last.handOvers);
}
