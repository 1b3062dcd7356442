/** The parts of a dashboard that exist once the server serves. */
import type { Logger } from '../logger.js';
import { queueOf, threadName, wordsOf } from '../observe/model.js';
import type { ThreadInfo } from '../observe/observation.js';
import { DESCRIPTIONS, type StrategyName } from '../strategies/descriptions.js';
import { version } from '../version.js';
import { CachedValue } from './cached-value.js';
import { Live, type LivePace } from './live.js';
import { Loads } from './loads.js';
import { Metrics } from './metrics.js';
import type { MonitoredServer } from './monitored-server.js';
import type { Death, Hello, StrategyInfo } from './protocol.js';
import { Sampler } from './sampler.js';

/** For how long the list of threads is reused, in milliseconds. */
const THREADS_MAX_AGE_MS = 250;

export interface LiveDashboard {
  readonly monitored: MonitoredServer;
  readonly sampler: Sampler;
  readonly metrics: Metrics;
  /** The JSON of `monitored.threads()`. */
  readonly threads: CachedValue<Buffer>;
  /** Null if the app is not the demo. */
  readonly loads: Loads | null;
  readonly live: Live;
}

/** @param deaths the newest deaths of threads; the caller adds to it later */
export function liveDashboardOf(
  monitored: MonitoredServer,
  deaths: readonly Death[],
  pace: LivePace,
  logger: Logger,
): LiveDashboard {
  const { observed, startedAt, url, app, strategy, loadTarget } = monitored;
  const sampler = new Sampler(observed, logger, deaths);
  const loads = loadTarget === null ? null : new Loads(loadTarget);
  const build = { version: version(), node: process.version };
  const helloFields = {
    type: 'hello',
    ...build,
    pid: process.pid,
    startedAt,
    url,
    app,
    strategy: strategyInfo(strategy),
    ...threadWords(monitored.threads()),
    intervalMs: pace.intervalMs,
    load: loads !== null,
  } as const;
  const live = new Live(monitored, { helloFields, sampler, loads, deaths, pace, logger });
  const threads = new CachedValue(() => Buffer.from(JSON.stringify(monitored.threads())), THREADS_MAX_AGE_MS);
  const metrics = new Metrics(monitored, build, () => sampler.recent());
  return { monitored, sampler, metrics, threads, loads, live };
}

function strategyInfo(name: StrategyName): StrategyInfo {
  const { title, summary, source } = DESCRIPTIONS[name];
  return { name, title, summary, source, promotes: name === 'leader-followers', queue: queueOf(name) };
}

/** What the threads and their states are called. */
function threadWords(
  threads: readonly ThreadInfo[],
): Pick<Hello, 'threads' | 'groups' | 'roles' | 'names' | 'stateWords'> {
  const roles = threads.map(({ role }) => role);
  return {
    threads: threads.length,
    groups: 1 + Math.max(0, ...threads.map(({ group = 0 }) => group)),
    roles,
    names: threads.map(threadName),
    stateWords: Object.fromEntries([...new Set(roles)].map((role) => [role, wordsOf(role)])),
  };
}
