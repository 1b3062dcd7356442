/**
 * The server's health: one evaluation of the rules (health-rules.ts) for the headline, the warnings, /readyz, the metrics and
 * `paceline top`, so that they cannot contradict each other. It is pure: what has to be remembered between two evaluations comes as an
 * argument.
 *
 *   outage     no request can be answered: no thread runs, or all are held and have been for a second, or the one thread that receives
 *              for all has been dead or held for a second
 *   degraded   something is wrong or about to be, and the server still answers
 *   healthy    nothing of that
 *
 * Threads that run no handler of a connection (strategies/descriptions.ts: ioThreads) are never free. What becomes of the others without
 * them is a rule of its own.
 */
import type { Shortage } from './free-threads.js';
import { count, type Held, maxFew, nounOf, problemsOf } from './health-rules.js';
import type { Observation, ObservedThread } from './observation.js';
import { type Death, HEALTH_LEVELS, type HealthLevel, type Verdict, type Warning } from './verdict.js';

/** A thread inside a handler for less than this counts as free: it will have left it before anybody has read that. */
export const MIN_HELD_MS = 50;
/** A thread that was processing for this share of the last second has no room for more. */
export const MIN_BUSY = 0.9;

/** What an observation alone does not tell. */
export interface Circumstances {
  /** Of each thread: the share of the last second that it spent processing. */
  readonly busy: readonly number[];
  /** Requests answered in the last second, and how many of them failed. */
  readonly requests: number;
  readonly errors: number;
  /** For how long only few threads have been free; 0 if more are, or this was not observed before. */
  readonly fewFreeMs: number;
  readonly shortage: Shortage | null;
  /** The newest deaths of threads, oldest first. */
  readonly deaths: readonly Death[];
  /** The verdict of the evaluation before; null for none. */
  readonly before: Verdict | null;
}

export interface Health {
  readonly verdict: Verdict;
  /** At most one of each kind, the worst first. */
  readonly warnings: readonly Warning[];
  /** The problems as the verdict names them, the worst first. */
  readonly phrases: readonly string[];
  /** Threads that are free: not held, not busy, neither dead nor starting. */
  readonly free: number;
  /** Threads that run handlers, and so can be free. */
  readonly handlers: number;
}

/** Evaluates the rules. */
export function healthOf(observation: Observation, circumstances: Circumstances): Health {
  const { at, threads } = observation;
  const { busy, before, ...rest } = circumstances;
  const free = freeThreads(observation, busy);
  const handlers = threads.filter(({ handles }) => handles);
  const held = threads
    .map((thread): Held => ({ thread, ms: heldMs(thread, at) }))
    .filter(({ ms }) => ms > 0)
    .sort((one, other) => other.ms - one.ms);
  const problems = problemsOf({
    ...rest,
    observation,
    handlers,
    alive: handlers.filter(isAlive),
    held: held.filter(({ thread }) => thread.handles),
    heldIo: held.filter(({ thread }) => !thread.handles),
  });
  const closing = observation.set === 'draining' || observation.set === 'stopping';
  const level = worst([closing ? 'degraded' : 'healthy', ...problems.map(({ level }) => level)]);
  const phrases = [...(closing ? ['the server is closing'] : []), ...problems.map(({ phrase }) => phrase)];
  return {
    verdict: {
      level,
      text: textOf(level, phrases, observation, freeOf(free, handlers.length, observation)),
      since: before?.level === level ? before.since : at,
      reasons: problems.filter((problem) => problem.level === level).map(({ id }) => id),
    },
    warnings: problems.map(({ id, what, advice }) => ({ id, what, advice })),
    phrases,
    free,
    handlers: handlers.length,
  };
}

/** How long the thread's present handler, or other work without a break, has held it; 0 if that is less than MIN_HELD_MS. */
export function heldMs({ state, since, requestSince }: ObservedThread, at: number): number {
  if (state !== 'processing') return 0;
  const ms = at - Math.max(since, requestSince);
  return ms < MIN_HELD_MS ? 0 : ms;
}

/** How many threads could take a request. @param busy as in Circumstances */
export const freeThreads = ({ at, threads }: Observation, busy: readonly number[]): number =>
  threads.filter(
    (thread) =>
      thread.handles && isAlive(thread) && heldMs(thread, at) === 0 && (busy[thread.id] ?? 0) < MIN_BUSY,
  ).length;

/** Whether so few of the threads that run handlers are free that a short burst occupies all of them. */
export function isFew(free: number, handlers: number): boolean {
  return free <= maxFew(handlers);
}

const isAlive = ({ state }: ObservedThread): boolean => state !== 'dead' && state !== 'starting';

const worst = (levels: readonly HealthLevel[]): HealthLevel =>
  HEALTH_LEVELS[Math.max(...levels.map((level) => HEALTH_LEVELS.indexOf(level)))]!;

/** How many of the threads that run handlers are free, in words. */
export const freeOf = (free: number, handlers: number, observation: Observation): string =>
  `${free} of ${count(handlers, nounOf(observation))} free`;

/** The verdict in one line. @param phrases the problems, the worst first */
export function textOf(
  level: HealthLevel,
  [first, ...others]: readonly string[],
  { waiting }: Observation,
  room: string,
): string {
  const more =
    others.length === 0 || level === 'outage' ? '' : `, and ${count(others.length, 'other problem')}`;
  const problem = first === undefined ? [] : [`${first}${more}`];
  const queue =
    level === 'healthy' || (waiting === 0 && level !== 'outage')
      ? []
      : [
          `${waiting === 0 ? 'no request waits' : `${count(waiting, 'request')} ${waiting === 1 ? 'waits' : 'wait'}`}`,
        ];
  const name = level.charAt(0).toUpperCase() + level.slice(1);
  return `${name}: ${[...problem, ...(level === 'outage' ? [] : [room]), ...queue].join('; ')}`;
}
