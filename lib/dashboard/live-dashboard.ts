/** The parts of a dashboard that exist once the server serves. */
import type { Logger } from '../logger.js';
import { version } from '../version.js';
import { CachedValue } from './cached-value.js';
import { Live, type LivePace } from './live.js';
import { Loads } from './loads.js';
import { Metrics } from './metrics.js';
import type { MonitoredServer } from './monitored-server.js';
import { Sampler } from './sampler.js';
import type { Death } from './warnings.js';

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
  const sampler = new Sampler(observed, logger);
  const loads = loadTarget === null ? null : new Loads(loadTarget);
  const build = { version: version(), node: process.version };
  const helloFields = {
    type: 'hello',
    ...build,
    pid: process.pid,
    startedAt,
    url,
    app,
    strategy,
    threads: monitored.threads().length,
    intervalMs: pace.intervalMs,
    load: loads !== null,
  } as const;
  const live = new Live(monitored, { helloFields, sampler, loads, deaths, pace, logger });
  const threads = new CachedValue(() => Buffer.from(JSON.stringify(monitored.threads())), THREADS_MAX_AGE_MS);
  return { monitored, sampler, metrics: new Metrics(monitored, build), threads, loads, live };
}
