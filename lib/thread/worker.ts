/** The entry of a worker thread: puts the parts of the data plane together and joins the set. */
import { parentPort, workerData } from 'node:worker_threads';
import { PacelineError } from '../errors.js';
import { Acceptor } from '../handlers/acceptor.js';
import {
  ACCEPTOR,
  type EventHandler,
  HTTP_CONNECTION,
  TCP_CONNECTION,
  type ThreadContext,
  TIMER,
  WAKE_UP,
} from '../handlers/event-handler.js';
import { HttpConnections } from '../handlers/http-connections.js';
import { TcpConnections } from '../handlers/tcp-connection.js';
import { Timeouts } from '../handlers/timeouts.js';
import { WakeUp } from '../handlers/wake-up.js';
import { BlockPool } from '../memory/block-pool.js';
import { countersOf } from '../memory/counters.js';
import { INPUT_BYTES } from '../memory/layout.js';
import { sumsOf } from '../memory/sums.js';
import { HandleSet } from '../set/handle-set.js';
import { HandleTable } from '../set/handle-table.js';
import { ParkingLot } from '../set/parking-lot.js';
import { Recorder } from '../set/recorder.js';
import { ThreadSet } from '../set/thread-set.js';
import { EventLoop } from '../sys/event-loop.js';
import { installResponse } from '../web/light-response.js';
import { type App, loadApp } from './app-loader.js';
import { describe, guardLastWords } from './last-words.js';
import type { ThreadMessage, ThreadStart } from './messages.js';
import { drainTicks } from './ticks.js';
import { Turns } from './turns.js';

const start = workerData as ThreadStart;
const port = parentPort!;
const tell = (message: ThreadMessage): void => port.postMessage(message);

function log(
  level: 'error' | 'warn' | 'info' | 'debug',
  message: string,
  fields: Record<string, unknown> = {},
): void {
  const { error, ...rest } = fields;
  const described = error === undefined ? rest : { ...rest, error: describe(error) };
  tell({ type: 'log', level, message, fields: { thread: start.self, ...described } });
}

function join(app: App, loop: EventLoop): void {
  const { self, memory, epoll, doorbells, wakeUp, limits, fallbackHost } = start;
  const control = memory.control;
  const table = new HandleTable(memory.handles);
  const handles = new HandleSet(control, table, epoll, self);
  const lot = new ParkingLot(control, doorbells);
  const counters = countersOf(control, self);
  const recorder = new Recorder(control, self);
  const context: ThreadContext = {
    self,
    control: new Int32Array(control),
    handles,
    table,
    pool: new BlockPool(memory.blocks),
    input: Buffer.from(memory.inputs, self * INPUT_BYTES, INPUT_BYTES),
    counters,
    sums: sumsOf(control, self),
    recorder,
    limits,
    drainTicks,
    defer: (work) => turns.defer(work),
    log,
  };
  const eventHandlers: (EventHandler | undefined)[] = [];
  eventHandlers[WAKE_UP] = new WakeUp(context);
  if (app.protocol === 'http') {
    eventHandlers[ACCEPTOR] = new Acceptor(context, HTTP_CONNECTION);
    const connections = new HttpConnections(context, app.app, fallbackHost);
    eventHandlers[HTTP_CONNECTION] = connections;
    eventHandlers[TIMER] = new Timeouts(context, connections, lot, wakeUp);
  } else {
    eventHandlers[ACCEPTOR] = new Acceptor(context, TCP_CONNECTION);
    const connections = new TcpConnections(context, app.app);
    eventHandlers[TCP_CONNECTION] = connections;
    eventHandlers[TIMER] = new Timeouts(context, connections, lot, wakeUp);
  }
  const threadSet = new ThreadSet(control, self, lot, recorder);
  const turns = new Turns({
    self,
    control,
    threadSet,
    handles,
    lot,
    loop,
    counters,
    recorder,
    doorbell: doorbells[self]!,
    eventHandlers,
    drainTicks,
    // The app's own timers and sockets must not keep a thread that has left the set.
    onLeave: () => process.exit(0),
  });
  turns.start();
}

try {
  guardLastWords();
  const loop = new EventLoop();
  installResponse();
  const app = await loadApp(start.app);
  tell({ type: 'ready', protocol: app.protocol });
  join(app, loop);
} catch (error) {
  const { code, message } =
    error instanceof PacelineError ? error : { code: 'PACELINE_APP_LOAD', message: describe(error) };
  tell({ type: 'failed', code, message, stack: describe((error as Error).cause ?? error) });
  process.exitCode = 1;
  // The app may have left timers or sockets behind.
  setImmediate(() => process.exit(1));
}
