/** The entry of a worker thread: puts the parts of the data plane together and joins the set. */
import { workerData } from 'node:worker_threads';
import { Acceptor } from '../connection/acceptor.js';
import {
  ACCEPTOR,
  type EventHandler,
  HTTP_CONNECTION,
  TCP_CONNECTION,
  type ThreadContext,
  TIMER,
  WAKE_UP,
} from '../connection/event-handler.js';
import { HoldMeter } from '../connection/hold-meter.js';
import { Timeouts } from '../connection/timeouts.js';
import { PacelineError } from '../errors.js';
import { HttpConnections } from '../http/handler.js';
import { Routes } from '../http/routes.js';
import { BlockPool } from '../memory/block-pool.js';
import { countersOf } from '../memory/counters.js';
import { INPUT_BYTES } from '../memory/layout.js';
import { sumsOf } from '../memory/sums.js';
import { RouteTable } from '../routes/route-table.js';
import { Engagement } from '../set/engagement.js';
import { HandleSet } from '../set/handle-set.js';
import { HandleTable } from '../set/handle-table.js';
import { ParkingLot } from '../set/parking-lot.js';
import { Recorder } from '../set/recorder.js';
import { ThreadSet } from '../set/thread-set.js';
import { EventLoop } from '../sys/event-loop.js';
import { TcpConnections } from '../tcp/handler.js';
import { inScopes } from '../user-code/async-scope.js';
import { installResponse } from '../web/light-response.js';
import { type App, loadApp } from './app-loader.js';
import { describeError } from './describe-error.js';
import type { ThreadStart } from './messages.js';
import { Reports } from './reports.js';
import { drainTicks as runTicks } from './ticks.js';
import { installUncaughtExceptionGuard, raiseUncaughtException } from './uncaught.js';
import { WakeUp } from './wake-up.js';
import { WorkerLoop } from './worker-loop.js';

const start = workerData as ThreadStart;
const reports = new Reports(start);

function join(app: App, loop: EventLoop, holds: HoldMeter): void {
  const { self, memory, epoll, doorbells, wakeUp, limits, fallbackHost } = start;
  const control = memory.control;
  const drainTicks = inScopes(runTicks);
  const table = new HandleTable(memory.handles);
  const handles = new HandleSet(control, table, epoll, self);
  const lot = new ParkingLot(control, doorbells);
  const counters = countersOf(control, self);
  const recorder = new Recorder(control, self);
  const engagement = new Engagement(control, self, {
    threads: doorbells.length,
    timeoutMs: () => loop.timeoutMs(),
  });
  const context: ThreadContext = {
    self,
    control: new Int32Array(control),
    handles,
    table,
    pool: new BlockPool(memory.blocks, self),
    input: Buffer.from(memory.inputs, self * INPUT_BYTES, INPUT_BYTES),
    counters,
    sums: sumsOf(control, self),
    recorder,
    engagement,
    lot,
    holds,
    limits,
    drainTicks,
    defer: (work) => workerLoop.defer(work),
    aboutToBlock: () => threadSet.aboutToBlock(),
    process: (fd, events) => workerLoop.process(fd, events),
    log: (level, message, fields) => reports.log(level, message, fields),
  };
  const eventHandlers: (EventHandler | undefined)[] = [];
  eventHandlers[WAKE_UP] = new WakeUp(context);
  eventHandlers[TIMER] = new Timeouts(context, lot, wakeUp);
  if (app.protocol === 'http') {
    const routes = new Routes(new RouteTable(memory.routes, self), app.routes);
    eventHandlers[ACCEPTOR] = new Acceptor(context, HTTP_CONNECTION);
    eventHandlers[HTTP_CONNECTION] = new HttpConnections(context, app.app, fallbackHost, routes);
  } else {
    eventHandlers[ACCEPTOR] = new Acceptor(context, TCP_CONNECTION);
    eventHandlers[TCP_CONNECTION] = new TcpConnections(context, app.app);
  }
  const threadSet = new ThreadSet(control, self, lot, recorder, engagement);
  const workerLoop = new WorkerLoop({
    self,
    control,
    threadSet,
    handles,
    lot,
    loop,
    counters,
    recorder,
    engagement,
    holds,
    doorbell: doorbells[self]!,
    eventHandlers,
    drainTicks,
    raiseUncaughtException,
    // The app's own timers and sockets must not keep a thread that has left the set.
    onLeave: () => process.exit(0),
  });
  workerLoop.start();
}

try {
  installUncaughtExceptionGuard();
  const loop = new EventLoop();
  // Before the thread is ready: it opens a descriptor, and a server that listens opens no more.
  const holds = new HoldMeter();
  installResponse();
  const app = await loadApp(start.app);
  reports.ready(app.protocol);
  join(app, loop, holds);
} catch (error) {
  const { code, message } =
    error instanceof PacelineError ? error : { code: 'PACELINE_APP_LOAD', message: describeError(error) };
  reports.failed(code, message, describeError((error as Error).cause ?? error));
  process.exitCode = 1;
  // The app may have left timers or sockets behind.
  setImmediate(() => process.exit(1));
}
