/**
 * The rules of health, one function for each: a problem that is present or imminent, as the phrase of the verdict and as a warning, which
 * is a sentence with advice. A problem is reported as long as its cause exists, except for the death of a thread, which is
 * reported for some time afterwards. health.ts makes the verdict of them.
 */
import { routeName } from '../routes/route-key.js';
import type { Role } from '../strategies/descriptions.js';
import type { Shortage } from './free-threads.js';
import { threadName } from './model.js';
import type { Level, Observation, ObservedThread } from './observation.js';
import type { Death, Warning } from './verdict.js';

/** How long events may wait without a leader. A promotion takes some microseconds; 50 ms is far beyond that. */
const NO_LEADER_MS = 50;
/** A handler that occupies its thread for longer causes a warning. */
const LONG_HANDLER_MS = 1000;
/** Under load every thread may be inside a handler for a moment; threads that stay inside are blocked. */
const ALL_BLOCKED_MS = 200;
/** When they have stayed for so long, nothing has been answered meanwhile: health checks of others begin to fail. */
const OUTAGE_MS = 1000;
/** How long few threads must have been free. */
const FEW_FREE_MS = 500;
/** With this many threads, one free thread is few. */
const MANY_THREADS = 3;
const FEW_SHARE = 0.1;
/** Errors of the last second, and their share, from which on they are a problem of the server and not of a request. */
const MIN_ERRORS = 5;
const MIN_ERROR_SHARE = 0.1;
const DEATH_SHOWN_MS = 10_000;
/** A warning is shown from this share of a limit on. */
const NEAR = 0.8;

/** What the rules look at. */
export interface Situation {
  readonly observation: Observation;
  /** Threads that run handlers. */
  readonly handlers: readonly ObservedThread[];
  /** Those of them that are neither dead nor starting. */
  readonly alive: readonly ObservedThread[];
  /** Those of them that a handler holds, the longest hold first. */
  readonly held: readonly Held[];
  /** Other threads that are held, by their own event loop. */
  readonly heldIo: readonly Held[];
  /** For how long only few threads have been free. */
  readonly fewFreeMs: number;
  /** Answered in the last second, and how many of them failed. */
  readonly requests: number;
  readonly errors: number;
  readonly deaths: readonly Death[];
  readonly shortage: Shortage | null;
}

export interface Held {
  readonly thread: ObservedThread;
  readonly ms: number;
}

export interface Problem extends Warning {
  readonly level: 'degraded' | 'outage';
  /** The problem in the verdict, where it follows the level. */
  readonly phrase: string;
}

type Rule = (situation: Situation) => Problem | null;

/** The worst first: the first problem is the one that the verdict names. */
const RULES: readonly Rule[] = [
  noThread,
  ioThread,
  allBlocked,
  noLeader,
  noFreeThread,
  stalledWorker,
  fewFreeThreads,
  longHandlers,
  errors,
  nearLimit('ready-list', 'The ready list', ({ ready }) => ready, {
    of: 'events',
    advice:
      'Events come faster than handlers finish: run more threads (--threads), or make handlers shorter.',
  }),
  nearLimit('request-queue', 'The request queue', ({ queue }) => queue ?? NO_LEVEL, {
    of: 'requests',
    advice:
      'While it is full, nothing more is received: run more threads (--threads), or make handlers shorter.',
  }),
  nearLimit('connections', 'The table of connections', ({ connections }) => connections, {
    of: 'connections',
    advice: 'Beyond the limit new clients wait unaccepted: raise maxConnections, or lower keepAliveTimeout.',
  }),
  nearLimit('descriptors', 'The table of open files', ({ descriptors }) => descriptors, {
    of: 'descriptors',
    advice:
      'Raise the limit of open files (ulimit -n, or LimitNOFILE of a systemd unit), or lower maxConnections.',
  }),
  nearLimit('pool', 'The memory for unfinished request heads', ({ pool }) => pool, {
    of: 'blocks',
    advice:
      'Many clients send heads and do not finish them; the oldest are refused. Lower headersTimeout or maxHeaderSize, or have a proxy in front collect the heads.',
  }),
  died,
];

const NO_LEVEL: Level = { current: 0, peak: 0, limit: 0 };

const ADVICE_OF_REACTOR =
  'A reactor runs one handler at a time: make handlers shorter, or choose a model with several threads (--strategy).';

/** What is not done while a thread that runs no handlers is dead or held, and whether that leaves no request answered. */
const EVERYTHING = { what: 'nothing is received', all: true };
const STALLED_WITHOUT: Readonly<Partial<Record<Role, typeof EVERYTHING>>> = {
  acceptor: { what: 'no connection is accepted', all: false },
  proactor: { what: 'nothing is received or sent', all: true },
};

/** What a problem says of others already: those are left out as long as it is there. */
const IMPLIED: Readonly<Partial<Record<Warning['id'], readonly Warning['id'][]>>> = {
  'no-thread': ['no-leader', 'io-thread', 'few-free-threads'],
  'all-blocked': ['no-leader', 'no-free-thread', 'few-free-threads', 'long-handler', 'worker-stalled'],
  'no-free-thread': ['few-free-threads'],
};

/** The problems of a situation, the worst first, without those that a worse one implies. */
export function problemsOf(situation: Situation): Problem[] {
  const problems = RULES.map((rule) => rule(situation)).filter((problem) => problem !== null);
  const implied = new Set(problems.flatMap(({ id }) => IMPLIED[id] ?? []));
  return problems.filter(({ id }) => !implied.has(id));
}

/** The largest number of free threads that are few: a short burst occupies all of them. */
export const maxFew = (threads: number): number =>
  Math.max(threads >= MANY_THREADS ? 1 : 0, Math.floor(threads * FEW_SHARE));

function noThread({ observation, handlers, alive, deaths }: Situation): Problem | null {
  const dead = handlers.filter(({ state }) => state === 'dead').length;
  const died = deaths.filter(
    ({ thread }) => observation.threads.find(({ id }) => id === thread)?.handles !== false,
  ).length;
  // Where none has died, they have been told to join a moment ago, and the server has just begun to serve.
  if (alive.length > 0 || dead + died === 0) return null;
  const noun = nounOf(observation);
  const how = dead === handlers.length ? 'dead' : 'dead or starting';
  const who = handlers.length === 1 ? `the only one is ${how}` : `all ${handlers.length} are ${how}`;
  return {
    id: 'no-thread',
    level: 'outage',
    phrase: `no ${noun} runs, ${who}`,
    what: `No ${noun} runs: ${who}.`,
    advice: `Replacements start by themselves. The log says what the ${noun}s died of.`,
  };
}

/** The thread on whose work all others depend is dead, or its event loop holds it. */
function ioThread({ observation: { at, set, threads }, heldIo, deaths }: Situation): Problem | null {
  const lost = threads.find(({ handles, state }) => !handles && (state === 'dead' || state === 'starting'));
  const death = deaths.findLast(({ thread }) => thread === lost?.id);
  if (lost !== undefined && set === 'serving' && (lost.state === 'dead' || death !== undefined)) {
    const ms = death === undefined ? 0 : at - death.at;
    return ioProblem(lost, ms, lost.state === 'dead' ? 'is dead' : 'starts again', {
      advice: 'A replacement starts by itself. The log says what the thread died of.',
    });
  }
  const [longest] = heldIo;
  if (longest === undefined || longest.ms <= ALL_BLOCKED_MS) return null;
  return ioProblem(
    longest.thread,
    longest.ms,
    `is held by work of its own event loop for ${duration(longest.ms)}`,
    {
      advice: 'The app runs timers and the like on every thread: make shorter what blocks there.',
    },
  );
}

function ioProblem(
  thread: ObservedThread,
  ms: number,
  how: string,
  { advice }: Pick<Problem, 'advice'>,
): Problem {
  const stalled = STALLED_WITHOUT[thread.role] ?? EVERYTHING;
  const phrase = `the ${thread.role} ${how}, ${stalled.what}`;
  return {
    id: 'io-thread',
    level: stalled.all && ms >= OUTAGE_MS ? 'outage' : 'degraded',
    phrase,
    what: `${capitalized(phrase)}.`,
    advice,
  };
}

function allBlocked({ observation, handlers, alive, held }: Situation): Problem | null {
  const last = held.at(-1);
  if (last === undefined || held.length < alive.length || last.ms <= ALL_BLOCKED_MS) return null;
  const noun = nounOf(observation);
  const running = alive.length < handlers.length ? ' that run' : '';
  const [who, have] =
    alive.length === 1
      ? [`the only ${noun}${running && ' that runs'}`, 'has']
      : [`all ${alive.length} ${noun}s${running}`, 'have'];
  const by = holdersOf(held);
  return {
    id: 'all-blocked',
    level: last.ms >= OUTAGE_MS ? 'outage' : 'degraded',
    phrase: `${who} held by ${by} for ${duration(last.ms)}`,
    what: `${capitalized(who)} ${have} been held by ${by} for ${duration(last.ms)} or longer; nothing else is served.`,
    advice:
      observation.strategy === 'reactor'
        ? ADVICE_OF_REACTOR
        : 'Run as many threads (--threads) as handlers may block at the same time, and one more.',
  };
}

/** In the other models one thread waits for all events, and whether it does is part of what it is doing. */
function noLeader({ observation: { at, strategy, leader, leaderSince, ready } }: Situation): Problem | null {
  const ms = at - leaderSince;
  if (strategy !== 'leader-followers' || leader >= 0 || ready.current === 0 || ms <= NO_LEADER_MS)
    return null;
  const what = `${count(ready.current, 'event')} ${ready.current === 1 ? 'waits' : 'wait'}`;
  return {
    id: 'no-leader',
    level: 'degraded',
    phrase: `nobody has led for ${duration(ms)}`,
    what: `Nobody has led for ${duration(ms)} while ${what}.`,
    advice: 'All threads are inside handlers: run more threads (--threads), or make handlers shorter.',
  };
}

function noFreeThread({ alive, shortage }: Situation): Problem | null {
  if (shortage === null) return null;
  const engaged = alive.filter((thread) => thread.engaged).length;
  const others = alive.length - engaged;
  const each = others === 0 ? '' : ` (${engaged}) or inside a handler (${others})`;
  const [route, ...more] = shortage.routes;
  const and = more.length === 0 ? '' : ` and ${count(more.length, 'other route')}`;
  const block = more.length === 0 ? 'blocks' : 'block';
  return {
    id: 'no-free-thread',
    level: 'degraded',
    phrase: `${route}${and} ${block} threads on which other requests wait`,
    what: `All free threads are used up: for ${duration(shortage.ms)} each thread has been engaged${each}, and ${route}${and} ${block} threads on which other requests wait.`,
    advice: 'Run more threads (--threads), or make what blocks shorter.',
  };
}

/** Connections that belong to a worker wait for it, even while others have nothing to do. */
function stalledWorker({ held }: Situation): Problem | null {
  const [first] = held.filter(({ thread, ms }) => ms > ALL_BLOCKED_MS && (thread.own?.waiting ?? 0) > 0);
  if (first === undefined) return null;
  const { thread, ms } = first;
  const { connections, waiting } = thread.own!;
  const name = threadName(thread);
  const requests = `${count(waiting, 'request')} ${waiting === 1 ? 'waits' : 'wait'}`;
  return {
    id: 'worker-stalled',
    level: 'degraded',
    phrase: `${requests} for ${name}, held by ${holdersOf([first])} for ${duration(ms)}`,
    what: `${capitalized(name)} has been held by ${handlerOf(thread)} for ${duration(ms)}, and ${requests} on its ${count(connections, 'connection')} meanwhile, whatever the other workers do.`,
    advice:
      'A connection stays with its worker: make handlers shorter, or choose a model in which any thread takes the next event (--strategy).',
  };
}

function fewFreeThreads({ observation, handlers, alive, held, fewFreeMs }: Situation): Problem | null {
  if (fewFreeMs < FEW_FREE_MS || alive.length === 0) return null;
  const noun = nounOf(observation);
  const total = handlers.length;
  const few = maxFew(total);
  const atMost = few === 0 ? `no ${noun}` : `at most ${count(few, noun)}`;
  const has = few <= 1 ? 'has' : 'have';
  const by = holdersOf(held);
  return {
    id: 'few-free-threads',
    level: 'degraded',
    phrase: `few ${noun}s free for ${duration(fewFreeMs)}${held.length === 0 ? '' : `, ${held.length} held by ${by}`}`,
    what: `${capitalized(atMost)} of ${total} ${has} been free for ${duration(fewFreeMs)}${held.length === 0 ? '' : `; ${held.length} ${held.length === 1 ? 'is' : 'are'} held by ${by}`}.`,
    advice:
      observation.strategy === 'reactor'
        ? ADVICE_OF_REACTOR
        : 'If requests begin to wait, run more threads (--threads), or make handlers shorter.',
  };
}

function longHandlers({ observation, held }: Situation): Problem | null {
  const long = held.filter(({ ms }) => ms > LONG_HANDLER_MS);
  if (long.length === 0) return null;
  const { thread, ms } = long[0]!;
  const who = long.length === 1 ? threadName(thread) : `${long.length} ${nounOf(observation)}s`;
  const by = long.length === 1 ? handlerOf(thread) : holdersOf(long);
  const others = long.length - 1;
  const more =
    others === 0
      ? ''
      : `, and ${count(others, `other ${nounOf(observation)}`)} more than ${LONG_HANDLER_MS / 1000} s`;
  return {
    id: 'long-handler',
    level: 'degraded',
    phrase: `${who} held by ${by} for ${long.length === 1 ? '' : 'up to '}${duration(ms)}`,
    what: `${capitalized(threadName(thread))} has been inside ${handlerOf(thread)} for ${duration(ms)}${knownOf(thread)}${more}.`,
    advice:
      'The others go on meanwhile. If it happens often, shorten the handler, or run as many more threads (--threads) as such handlers run at the same time.',
  };
}

function errors({ requests, errors }: Situation): Problem | null {
  if (errors < MIN_ERRORS || errors < requests * MIN_ERROR_SHARE) return null;
  const share = `${Math.min(100, Math.round((errors / Math.max(1, requests)) * 100))} %`;
  return {
    id: 'errors',
    level: 'degraded',
    phrase: `${share} of requests fail`,
    what: `In the last second ${share} of the requests failed: ${errors} of ${requests}.`,
    advice: 'They were answered with 5xx, or their handler threw. The log has what handlers threw.',
  };
}

function nearLimit(
  id: Warning['id'],
  what: string,
  levelOf: (observation: Observation) => Level,
  { of, advice }: { of: string; advice: string },
): Rule {
  return ({ observation }) => {
    const { current, limit } = levelOf(observation);
    if (limit <= 0 || current <= limit * NEAR) return null;
    const percent = Math.floor((current / limit) * 100);
    const fill = `is ${percent} % full`;
    return {
      id,
      level: 'degraded',
      phrase: `${uncapitalized(what)} ${fill}`,
      what: `${what} ${fill}: ${current} of ${limit} ${of}.`,
      advice,
    };
  };
}

function died({ observation: { at, threads }, deaths }: Situation): Problem | null {
  const recent = deaths.filter((death) => at - death.at < DEATH_SHOWN_MS);
  const last = recent.at(-1);
  if (last === undefined) return null;
  const why = last.reason === '' ? '' : `: ${last.reason}`;
  const others =
    recent.length === 1 ? '' : ` (${count(recent.length, 'death')} within ${DEATH_SHOWN_MS / 1000} s)`;
  const when = `died ${duration(at - last.at)} ago${others}`;
  const name = threadName(threads.find(({ id }) => id === last.thread)!);
  return {
    id: 'thread-died',
    level: 'degraded',
    phrase: `${name} ${when}`,
    what: `${capitalized(name)} ${when}${why}.`,
    advice: 'The connections that it was inside are closed, and it is replaced. The log has the error.',
  };
}

// ---- words ------------------------------------------------------------------------------------------------------------

/** What threads that run handlers are called, where they are counted. */
export const nounOf = ({ threads }: Observation): 'thread' | 'worker' =>
  threads.some(({ handles }) => !handles) ? 'worker' : 'thread';

/** What holds the threads: the route that holds most of them, and how many others there are. */
function holdersOf(held: readonly Held[]): string {
  const counts = new Map<string, number>();
  for (const { thread } of held) {
    const route = thread.learned?.name ?? routeOf(thread.route);
    if (route !== '') counts.set(route, (counts.get(route) ?? 0) + 1);
  }
  const [first, ...others] = [...counts].sort(([, one], [, other]) => other - one);
  if (first === undefined) return 'handlers';
  return others.length === 0 ? first[0] : `${first[0]} and ${count(others.length, 'other route')}`;
}

/** The route of a request that is not in the route table yet: such requests would be as many routes as they have paths. */
function routeOf(request: string): string {
  const bytes = Buffer.from(request, 'latin1');
  const space = bytes.indexOf(' ');
  return space < 0 ? request : routeName(bytes, 0, space, space + 1, bytes.length);
}

function handlerOf({ route, connection }: ObservedThread): string {
  if (route !== '') return route;
  return connection >= 0 ? `the handler of connection ${connection}` : 'work of its own event loop';
}

/** What is known of the route of its request. */
function knownOf({ learned }: ObservedThread): string {
  if (learned === null) return '';
  const { name, typicalMs, longestMs } = learned;
  return ` (${name} typically holds its thread for ${duration(typicalMs)}, and at most for ${duration(longestMs)} so far)`;
}

function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.floor(ms))} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}

export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const uncapitalized = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
