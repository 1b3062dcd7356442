/**
 * The health of a server with several groups: the rules are evaluated for each group, because a connection that was dealt to one gets no
 * thread of another, and the findings are put together. An outage is one of all groups. While it is one of some, the server answers others.
 */
import { freeOf, type Health, textOf } from '../observe/health.js';
import type { Observation } from '../observe/observation.js';
import { HEALTH_LEVELS, type HealthLevel } from '../observe/verdict.js';
import { HealthMonitor, type Second } from './health-monitor.js';
import type { Death, Verdict, Warning } from './protocol.js';

/** A group with what it remembers. */
interface Member {
  readonly monitor: HealthMonitor;
  /** Of its threads. */
  readonly deaths: Death[];
}

export class GroupHealth {
  readonly #deaths: readonly Death[];
  readonly #whole: HealthMonitor;
  readonly #members: Member[] = [];
  #before: Verdict | null = null;

  /** @param deaths the newest deaths of threads; the caller adds to it later */
  constructor(deaths: readonly Death[]) {
    this.#deaths = deaths;
    this.#whole = new HealthMonitor(deaths);
  }

  /** As {@link HealthMonitor.update}. */
  update(observation: Observation, second: Second): Health {
    const { groups } = observation;
    if (groups === undefined) return this.#whole.update(observation, second);
    const found = groups.map((group, index) => this.#ofMember(group, index, second));
    const health = together(found, observation, this.#before);
    this.#before = health.verdict;
    return health;
  }

  #ofMember(group: Observation, index: number, second: Second): Health {
    this.#members[index] ??= newMember();
    const { monitor, deaths } = this.#members[index]!;
    const ids = new Set(group.threads.map(({ id }) => id));
    deaths.splice(0, deaths.length, ...this.#deaths.filter(({ thread }) => ids.has(thread)));
    return monitor.update(group, second);
  }
}

function newMember(): Member {
  const deaths: Death[] = [];
  return { monitor: new HealthMonitor(deaths), deaths };
}

function together(groups: readonly Health[], observation: Observation, before: Verdict | null): Health {
  const levels = groups.map(({ verdict }) => rankOf(verdict.level));
  const worst = Math.max(...levels);
  const level: HealthLevel = levels.every((rank) => rank === worst) ? HEALTH_LEVELS[worst]! : 'degraded';
  // The worst group first.
  const order = [...groups.keys()].sort((one, other) => levels[other]! - levels[one]!);
  const phrases = order.flatMap((group) => named(groups, group, ({ phrases }) => phrases));
  const warnings = order.flatMap((group) => warningsOf(groups, group));
  const free = groups.reduce((sum, group) => sum + group.free, 0);
  const handlers = groups.reduce((sum, group) => sum + group.handlers, 0);
  const ofWorst = groups.filter((_, group) => levels[group] === worst);
  return {
    verdict: {
      level,
      text: textOf(level, [...new Set(phrases)], observation, freeOf(free, handlers, observation)),
      since: before?.level === level ? before.since : observation.at,
      reasons: [...new Set(ofWorst.flatMap(({ verdict }) => verdict.reasons))],
    },
    warnings: warnings.filter(({ id }, index) => warnings.findIndex((one) => one.id === id) === index),
    phrases,
    free,
    handlers,
  };
}

const rankOf = (level: HealthLevel): number => HEALTH_LEVELS.indexOf(level);

function warningsOf(groups: readonly Health[], group: number): Warning[] {
  const texts = named(groups, group, ({ warnings }) => warnings.map(({ what }) => what));
  return groups[group]!.warnings.map((warning, index) => ({ ...warning, what: texts[index]! }));
}

/** What is said of a group, with its number unless the same is said of all. */
function named(
  groups: readonly Health[],
  group: number,
  textsOf: (health: Health) => readonly string[],
): string[] {
  return textsOf(groups[group]!).map((text) =>
    text.includes(` of group ${group}`) || groups.every((other) => textsOf(other).includes(text))
      ? text
      : `group ${group}: ${text}`,
  );
}
