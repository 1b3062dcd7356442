/** The entry of a worker thread: loads the app and joins the set. */
import { workerData } from 'node:worker_threads';
import { Acceptor } from '../connection/acceptor.js';
import { ACCEPTOR, HTTP_CONNECTION, TCP_CONNECTION } from '../connection/event-handler.js';
import { HoldMeter } from '../connection/hold-meter.js';
import { PacelineError } from '../errors.js';
import { fetchConnections } from '../http/handler.js';
import { REQUESTS_CUT } from '../memory/counters.js';
import { DRAIN_DEADLINE } from '../memory/layout.js';
import { setBinding } from '../node/binding.js';
import { installListening } from '../node/listening.js';
import { errorRecord } from '../report/error-record.js';
import { summary } from '../report/render-error.js';
import { DeclaredRoutes } from '../routes/declared-routes.js';
import { EventLoop } from '../sys/event-loop.js';
import { TcpConnections } from '../tcp/handler.js';
import { installResponse } from '../web/light-response.js';
import { type App, describeApp, loadApp } from './app-loader.js';
import { signalDone } from './app-signals.js';
import { installConsole } from './console.js';
import { type DataPlane, joinSet, serveNodeServers } from './data-plane.js';
import { developed, pageAnswer } from './development.js';
import { cutRequests, endApp } from './leaving.js';
import { hasCalledListen, noteListenCalls } from './listen-calls.js';
import { reportLoadedFiles } from './loaded-files.js';
import type { ThreadStart } from './messages.js';
import { installProcessCalls } from './process-calls.js';
import { Reports } from './reports.js';
import { SharedBinding } from './shared-binding.js';
import { prepareTelemetry } from './telemetry.js';
import { installUncaughtExceptionGuard } from './uncaught.js';

const LISTENS_TOO =
  "the app exports a handler and calls listen() as well: both are served, the export on the server's own address and the other where it listens; for one address, leave out the call or the export";

const start = workerData as ThreadStart;
const binding = new SharedBinding(start.port);
installProcessCalls(start);
// Last, as it takes the port out of `start`.
const reports = new Reports(start);

type ObserversOf = Awaited<ReturnType<typeof prepareTelemetry>>;

const log: Reports['log'] = (level, message, fields) => reports.log(level, message, fields);

function join(app: App, loop: EventLoop, holds: HoldMeter, observersOf: ObserversOf): void {
  const { memory, fallbackHost } = start;
  const plane = joinSet(start, {
    loop,
    holds,
    log,
    onLeave: () => void leave(plane, app),
  });
  const declared = app.kind === 'tcp' ? new DeclaredRoutes(undefined) : app.routes;
  const { context, eventHandlers, workerLoop } = plane;
  const observers = observersOf(context);
  eventHandlers[ACCEPTOR] = new Acceptor(context);
  // Whatever the module exports, servers of its own may listen at any time.
  const routes = serveNodeServers(plane, memory, declared, observers.node);
  if (app.kind === 'fetch') {
    eventHandlers[HTTP_CONNECTION] = fetchConnections(
      context,
      start.dev ? developed(app.app) : app.app,
      fallbackHost,
      routes,
      observers.fetch,
      start.dev ? pageAnswer : undefined,
    );
  } else if (app.kind === 'tcp') {
    eventHandlers[TCP_CONNECTION] = new TcpConnections(context, app.app);
  }
  workerLoop.start();
}

async function leave({ eventHandlers, context }: DataPlane, { close: hooks }: App): Promise<void> {
  const { number, memory } = start;
  const cut = cutRequests(eventHandlers);
  for (const [, count] of cut) context.counters[REQUESTS_CUT]! += count;
  reports.leaving(cut);
  const deadline = new Float64Array(memory.control)[DRAIN_DEADLINE]!;
  await endApp({ hooks, signalDone, thread: number, deadline, log });
  // The app's own timers and sockets must not keep a thread that has left the set.
  process.exit(0);
}

try {
  installUncaughtExceptionGuard((error) => reports.died(error));
  await installConsole();
  const loop = new EventLoop();
  // Before the thread is ready: it opens a descriptor, and a server that listens opens no more.
  const holds = new HoldMeter();
  installResponse();
  setBinding(binding);
  installListening();
  noteListenCalls();
  if (start.dev) reportLoadedFiles();
  const app = await loadApp(start, binding);
  const observersOf = await prepareTelemetry(start);
  reports.ready(app.kind);
  // All threads run the same module, so one says it.
  const doubt = app.kind !== 'listens' && hasCalledListen() ? LISTENS_TOO : app.doubt;
  if (doubt !== null && start.number === 0) reports.log('warn', doubt);
  await binding.joining();
  join(app, loop, holds, observersOf);
} catch (error) {
  if (error instanceof PacelineError) reports.failed(error.code, error.message, error.cause);
  else {
    const why = summary(errorRecord(error));
    reports.failed('PACELINE_APP_LOAD', `the app ${describeApp(start.app)} did not start: ${why}`, error);
  }
  process.exitCode = 1;
  // The app may have left timers or sockets behind.
  setImmediate(() => process.exit(1));
}
