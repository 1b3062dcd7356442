/** What observes the requests of a thread, as the server's options and the app ask for it. Nothing is loaded where they ask for nothing. */
import type { ThreadContext } from '../connection/event-handler.js';
import { isSetUp } from '../telemetry/opentelemetry-api.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import type { ThreadStart } from './messages.js';

/** By who answers the requests; null where nothing observes them. */
export interface Observers {
  readonly fetch: Telemetry | null;
  readonly node: Telemetry | null;
}

const NONE: Observers = { fetch: null, node: null };

/** To be called once the app is loaded, as that may set OpenTelemetry up. @returns makes the thread's observers */
export async function prepareTelemetry({
  accessLog,
  app,
}: Pick<ThreadStart, 'accessLog' | 'app'>): Promise<(context: ThreadContext) => Observers> {
  if (accessLog === null && !isSetUp()) return () => NONE;
  const [{ AccessLog }, { openLogOutput }, { ServerSpans }, { Telemetry }] = await Promise.all([
    import('../telemetry/access-log.js'),
    import('../telemetry/log-output.js'),
    import('../telemetry/server-spans.js'),
    import('../telemetry/telemetry.js'),
  ]);
  return (context) => {
    const { counters, beforeWaiting, log: report } = context;
    const log =
      accessLog &&
      new AccessLog(accessLog, { output: openLogOutput(), counters, beforeWaiting, log: report });
    const spans = ServerSpans.open(app, report);
    // However the thread ends, what has gathered is written.
    if (log !== null) process.on('exit', () => log.flush());
    const node = log && new Telemetry(context.number, log, null);
    return { node, fetch: spans === null ? node : new Telemetry(context.number, log, spans) };
  };
}
