/**
 * Present and imminent problems, each as a sentence with advice. A warning exists as long as its cause, except for the death
 * of a thread, which is shown for some time afterwards.
 */
import type { Level, Observation, ObservedThread } from '../observe/observation.js';
import type { Shortage } from './free-threads.js';
import type { Warning } from './protocol.js';

/** How long events may wait without a leader. A promotion takes some microseconds; 50 ms is far beyond that. */
const NO_LEADER_MS = 50;
/** A handler that occupies its thread for longer causes a warning. */
const LONG_HANDLER_MS = 1000;
/** Under load every thread may be inside a handler for a moment; threads that stay inside are blocked. */
const ALL_BLOCKED_MS = 200;
const DEATH_SHOWN_MS = 10_000;
/** A warning is shown from this share of a limit on. */
const NEAR = 0.8;

/** The end of a thread that was not told to end. */
export interface Death {
  readonly thread: number;
  readonly at: number;
  /** The error that it threw, on one line; '' if that is unknown. */
  readonly reason: string;
}

/**
 * Since when the leader has led. If there is none: since when that is certain, which is the newest change of any thread's
 * state, because the thread that led has changed its state since, and no other has become leader.
 */
export function leaderSince({ leader, leaderSince, threads }: Observation): number {
  return leader >= 0 ? leaderSince : Math.max(...threads.map(({ since }) => since));
}

/** At most one warning of each kind. @param shortage of free threads; null for none */
export function warningsOf(
  observation: Observation,
  deaths: readonly Death[],
  shortage: Shortage | null,
): Warning[] {
  return [
    noLeader(observation),
    allBlocked(observation),
    noFreeThread(observation, shortage),
    longHandlers(observation),
    nearLimit('ready-list', 'The ready list', observation.ready, {
      of: 'events',
      advice:
        'Events come faster than handlers finish: run more threads (--threads), or make handlers shorter.',
    }),
    nearLimit('connections', 'The table of connections', observation.connections, {
      of: 'connections',
      advice:
        'Beyond the limit new clients wait unaccepted: raise maxConnections, or lower keepAliveTimeout.',
    }),
    nearLimit('descriptors', 'The table of open files', observation.descriptors, {
      of: 'descriptors',
      advice:
        'Raise the limit of open files (ulimit -n, or LimitNOFILE of a systemd unit), or lower maxConnections.',
    }),
    nearLimit('pool', 'The memory for unfinished request heads', observation.pool, {
      of: 'blocks',
      advice:
        'Many clients send heads and do not finish them; the oldest are refused. Lower headersTimeout or maxHeaderSize, or have a proxy in front collect the heads.',
    }),
    died(observation, deaths),
  ].filter((warning) => warning !== null);
}

function noLeader(observation: Observation): Warning | null {
  const { at, leader, ready } = observation;
  const ms = at - leaderSince(observation);
  if (leader >= 0 || ready.current === 0 || ms <= NO_LEADER_MS) return null;
  return {
    id: 'no-leader',
    what: `Nobody has led for ${duration(ms)} while ${count(ready.current, 'event')} ${ready.current === 1 ? 'waits' : 'wait'}.`,
    advice: 'All threads are inside handlers: run more threads (--threads), or make handlers shorter.',
  };
}

function allBlocked({ at, threads }: Observation): Warning | null {
  const alive = threads.filter(({ state }) => state !== 'dead' && state !== 'starting');
  if (alive.length === 0 || alive.some(({ state }) => state !== 'processing')) return null;
  const ms = at - Math.max(...alive.map(({ since }) => since));
  if (ms <= ALL_BLOCKED_MS) return null;
  const who = alive.length === 1 ? 'The only thread has' : `All ${alive.length} threads have`;
  return {
    id: 'all-blocked',
    what: `${who} been inside handlers for ${duration(ms)} or longer; nothing else is served.`,
    advice: 'Run as many threads (--threads) as handlers may block at the same time, and one more.',
  };
}

function noFreeThread({ threads }: Observation, shortage: Shortage | null): Warning | null {
  if (shortage === null) return null;
  const alive = threads.filter(({ state }) => state !== 'dead' && state !== 'starting');
  const engaged = alive.filter((thread) => thread.engaged).length;
  const others = alive.length - engaged;
  const each = others === 0 ? '' : ` (${engaged}) or inside a handler (${others})`;
  const [route, ...more] = shortage.routes;
  const and = more.length === 0 ? '' : ` and ${count(more.length, 'other route')}`;
  return {
    id: 'no-free-thread',
    what: `All free threads are used up: for ${duration(shortage.ms)} each thread has been engaged${each}, and ${route}${and} ${more.length === 0 ? 'blocks' : 'block'} threads on which other requests wait.`,
    advice: 'Run more threads (--threads), or make what blocks shorter.',
  };
}

function longHandlers({ at, threads }: Observation): Warning | null {
  const long = threads
    .filter(({ state, since }) => state === 'processing' && at - since > LONG_HANDLER_MS)
    .sort((one, other) => one.since - other.since);
  if (long.length === 0) return null;
  const { id, since } = long[0]!;
  const others = long.length - 1;
  const more =
    others === 0 ? '' : `, and ${count(others, 'other thread')} more than ${duration(LONG_HANDLER_MS)}`;
  return {
    id: 'long-handler',
    what: `Thread ${id} has been inside ${handlerOf(long[0]!)} for ${duration(at - since)}${knownOf(long[0]!)}${more}.`,
    advice:
      'The others go on meanwhile. If it happens often, shorten the handler, or run as many more threads (--threads) as such handlers run at the same time.',
  };
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

function nearLimit(
  id: Warning['id'],
  what: string,
  { current, limit }: Level,
  { of, advice }: { of: string; advice: string },
): Warning | null {
  if (limit <= 0 || current <= limit * NEAR) return null;
  const percent = Math.floor((current / limit) * 100);
  return { id, what: `${what} is ${percent} % full: ${current} of ${limit} ${of}.`, advice };
}

function died({ at }: Observation, deaths: readonly Death[]): Warning | null {
  const recent = deaths.filter((death) => at - death.at < DEATH_SHOWN_MS);
  const last = recent.at(-1);
  if (last === undefined) return null;
  const why = last.reason === '' ? '' : `: ${last.reason}`;
  const others =
    recent.length === 1 ? '' : ` (${count(recent.length, 'death')} within ${duration(DEATH_SHOWN_MS)})`;
  return {
    id: 'thread-died',
    what: `Thread ${last.thread} died ${duration(at - last.at)} ago${others}${why}.`,
    advice:
      'The connections that it was inside are closed and a replacement starts at once. The log has the error.',
  };
}

function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
