/**
 * Observes a server with several groups: makes one observation of those of its groups. Their threads have the server's numbers already
 * (ObserverOptions.firstThread), so those of all groups follow each other.
 */
import { hasOwnSets } from './model.js';
import type {
  Level,
  Observation,
  Observed,
  ObservedMark,
  ObservedRoute,
  ObservedTransition,
  TransitionBatch,
  TransitionSource,
} from './observation.js';

import { totalOf, type Waiting } from './waiting.js';

/** The levels whose parts are in the memory of the groups. */
const LEVELS = ['handles', 'ready', 'connections', 'pool'] as const;
type LevelName = (typeof LEVELS)[number];

export class GroupsObserver implements Observed {
  readonly #groups: readonly Observed[];
  readonly #peaks = new Map<LevelName, number>();

  constructor(groups: readonly Observed[]) {
    this.#groups = groups;
  }

  now(): number {
    return this.#groups[0]!.now();
  }

  observe(): Observation {
    const groups = this.#groups.map((group) => group.observe());
    const { leader, leaderSince } = groups.find(({ leader }) => leader < 0) ?? groups[0]!;
    const queues = groups.flatMap(({ queue }) => queue ?? []);
    const levels = Object.fromEntries(LEVELS.map((name) => [name, this.#level(name, groups)])) as Record<
      LevelName,
      Level
    >;
    return {
      at: Math.max(...groups.map(({ at }) => at)),
      strategy: groups[0]!.strategy,
      set: setOf(groups),
      leader,
      leaderSince,
      threads: groups.flatMap(({ threads }) => threads),
      ...levels,
      queue:
        queues.length === 0 ? null : hasOwnSets(groups[0]!.strategy) ? longest(queues) : levelSum(queues),
      // The process has one table of them.
      descriptors: groups[0]!.descriptors,
      active: sum(groups, ({ active }) => active),
      engaged: sum(groups, ({ engaged }) => engaged),
      ...waitingOf(groups),
      routes: routesOf(groups),
      groups,
    };
  }

  readTransitions(past = false): TransitionSource {
    const sources = this.#groups.map((group) => group.readTransitions(past));
    return {
      next: (max) => merged(sources.map((source) => source.next(max))),
      nextOldest: (max) => merged(sources.map((source) => source.nextOldest(max))),
    };
  }

  /** The groups have their peaks at different times. */
  #level(name: LevelName, groups: readonly Observation[]): Level {
    const { current, peak, limit } = levelSum(groups.map((group) => group[name]));
    const highest = Math.max(peak, this.#peaks.get(name) ?? 0);
    this.#peaks.set(name, highest);
    return { current, peak: highest, limit };
  }
}

/** The level of all together. The peak is what is certain: that of one of them, or the sum now. */
export function levelSum(levels: readonly Level[]): Level {
  const current = sum(levels, (level) => level.current);
  return {
    current,
    peak: Math.max(current, ...levels.map(({ peak }) => peak)),
    limit: sum(levels, ({ limit }) => limit),
  };
}

/** A listening socket that groups share is in the figures of each. */
function waitingOf(groups: readonly Observation[]): Waiting {
  const acceptQueues = new Map(groups.flatMap(({ acceptQueues }) => [...acceptQueues]));
  const accepted = sum(groups, ({ waiting, acceptQueues }) => waiting - totalOf(acceptQueues));
  return { waiting: accepted + totalOf(acceptQueues), acceptQueues };
}

function longest(queues: readonly Level[]): Level {
  const current = Math.max(...queues.map((queue) => queue.current));
  return { current, peak: Math.max(...queues.map(({ peak }) => peak)), limit: queues[0]!.limit };
}

/** A server serves as long as one of its groups does, and stops once all do. */
function setOf(groups: readonly Observation[]): Observation['set'] {
  const states: readonly Observation['set'][] = ['serving', 'draining', 'stopping'];
  return states.find((state) => groups.some(({ set }) => set === state)) ?? 'starting';
}

/** Each group learns its routes by itself. */
function routesOf(groups: readonly Observation[]): ObservedRoute[] {
  const routes = new Map<string, ObservedRoute>();
  for (const route of groups.flatMap((group) => group.routes)) {
    const known = routes.get(route.name);
    routes.set(route.name, known === undefined ? route : both(known, route));
  }
  return [...routes.values()].sort((one, other) => totalMs(other) - totalMs(one));
}

function both(one: ObservedRoute, other: ObservedRoute): ObservedRoute {
  const calls = one.calls + other.calls;
  return {
    name: one.name,
    blocking: one.blocking || other.blocking,
    declared: one.declared || other.declared,
    calls,
    typicalMs:
      calls === 0 ? Math.max(one.typicalMs, other.typicalMs) : (totalMs(one) + totalMs(other)) / calls,
    longestMs: Math.max(one.longestMs, other.longestMs),
    handOvers: one.handOvers + other.handOvers,
  };
}

const totalMs = ({ calls, typicalMs }: ObservedRoute): number => calls * typicalMs;

function merged(batches: readonly TransitionBatch[]): TransitionBatch {
  return {
    transitions: byTime<ObservedTransition>(batches.flatMap(({ transitions }) => transitions)),
    marks: byTime<ObservedMark>(batches.flatMap(({ marks }) => marks)),
    missed: batches.flatMap(({ missed }) => missed),
  };
}

const byTime = <Item extends { readonly at: number }>(items: Item[]): Item[] =>
  items.sort((one, other) => one.at - other.at);

const sum = <Item>(items: readonly Item[], read: (item: Item) => number): number =>
  items.reduce((total, item) => total + read(item), 0);
