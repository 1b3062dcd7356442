/** Puts the parts of the data plane together for one thread of a set. */
import { availableParallelism } from 'node:os';
import {
  type EventHandler,
  NODE_CONNECTION,
  SOCKET_CONNECTION,
  type ThreadContext,
  TIMER,
  WAKE_UP,
} from '../connection/event-handler.js';
import type { HoldMeter } from '../connection/hold-meter.js';
import type { Limits } from '../connection/limits.js';
import { Timeouts } from '../connection/timeouts.js';
import { DirectTransport } from '../connection/transport.js';
import { Routes } from '../http/routes.js';
import type { SharedMemory } from '../memory/allocation.js';
import { BlockPool } from '../memory/block-pool.js';
import { countersOf } from '../memory/counters.js';
import { INPUT_BYTES } from '../memory/layout.js';
import { sumsOf } from '../memory/sums.js';
import { NodeConnections } from '../node/handler.js';
import { SocketConnections } from '../node/sockets.js';
import { channelsOf } from '../proactor/channels.js';
import { transportOf } from '../proactor/transport-of.js';
import type { DeclaredRoutes } from '../routes/declared-routes.js';
import { RouteTable } from '../routes/route-table.js';
import { Engagement } from '../set/engagement.js';
import { HandleSet } from '../set/handle-set.js';
import { HandleTable } from '../set/handle-table.js';
import { ParkingLot } from '../set/parking-lot.js';
import { Recorder } from '../set/recorder.js';
import { ThreadSet } from '../set/thread-set.js';
import type { StrategyName } from '../strategies/descriptions.js';
import { makeStrategy } from '../strategies/strategies.js';
import type { EventLoop } from '../sys/event-loop.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import { inScopes } from '../user-code/async-scope.js';
import { HeapGauge } from './heap-gauge.js';
import { tickDrain } from './ticks.js';
import { raiseUncaughtException } from './uncaught.js';
import { WakeUp } from './wake-up.js';
import { WorkerLoop } from './worker-loop.js';

/** What a thread has of its set. */
export interface SetMembership {
  /** The thread's number in the set, and in the server; the same by default. */
  readonly self: number;
  readonly number?: number;
  /** The cores that the set has. Default: those available */
  readonly cores?: number;
  /** The concurrency model of the set. */
  readonly strategy: StrategyName;
  readonly memory: SharedMemory;
  /** The epoll descriptor of the handle set. */
  readonly epoll: number;
  /** Those of the threads' own sets, from thread 1 on. Default: no thread has one */
  readonly ownSets?: readonly number[];
  readonly doorbells: readonly number[];
  /** The wake-up handle's eventfd. */
  readonly wakeUp: number;
  readonly limits: Limits;
}

/** What a thread brings into its set. */
export interface ThreadParts {
  readonly loop: EventLoop;
  readonly holds: HoldMeter;
  readonly log: ThreadContext['log'];
  /** Called when the set stops and the thread has left it. */
  readonly onLeave: () => void;
  /** See WorkerLoopParts.demand. */
  readonly demand?: () => number;
  /** Raises an error that user code does not catch. Default: as in a worker thread */
  readonly raise?: (error: unknown) => void;
}

export interface DataPlane {
  readonly context: ThreadContext;
  /** By the kinds of connection/event-handler.ts. To be completed before the loop is started. */
  readonly eventHandlers: (EventHandler | undefined)[];
  readonly workerLoop: WorkerLoop;
}

/** Makes the calling thread a member of the set. It takes part as soon as `workerLoop.start()` is called. */
export function joinSet(membership: SetMembership, parts: ThreadParts): DataPlane {
  const { self, strategy, memory, epoll, ownSets, doorbells, wakeUp, limits } = membership;
  const { number = self, cores = availableParallelism() } = membership;
  const { loop, holds, log, onLeave, demand, raise = raiseUncaughtException } = parts;
  const { control } = memory;
  const handsOver = strategy === 'leader-followers';
  const drainTicks = inScopes(tickDrain(raise));
  const table = new HandleTable(memory.handles);
  const handles = new HandleSet(control, table, epoll, self, ownSets);
  const lot = new ParkingLot(control, doorbells, cores);
  const counters = countersOf(control, self);
  const recorder = new Recorder(control, self, handsOver, handles.waitsForOwnSet);
  const engagement = new Engagement(control, self, {
    threads: doorbells.length,
    timeoutMs: () => loop.timeoutMs(),
    cores,
  });
  const channels = channelsOf(memory, wakeUp, doorbells);
  const input = Buffer.from(memory.inputs, self * INPUT_BYTES, INPUT_BYTES);
  const own = { self, control: new Int32Array(control), handles, table, input, limits };
  const context: ThreadContext = {
    ...own,
    number,
    pool: new BlockPool(memory.blocks, self),
    transport: channels === null ? new DirectTransport(handles, input) : transportOf(channels, own),
    counters,
    sums: sumsOf(control, self),
    recorder,
    engagement,
    lot,
    holds,
    handsOver,
    drainTicks,
    defer: (work) => workerLoop.defer(work),
    beforeWaiting: (work) => workerLoop.beforeWaiting(work),
    aboutToBlock: () => threadSet.aboutToBlock(),
    process: (fd, events) => workerLoop.processNested(fd, events),
    raiseUncaughtException: raise,
    log,
  };
  const eventHandlers: (EventHandler | undefined)[] = [];
  eventHandlers[WAKE_UP] = new WakeUp(context);
  eventHandlers[TIMER] = new Timeouts(context, lot, wakeUp);
  const threadSet = new ThreadSet(control, self, lot, recorder, engagement);
  const workerLoop = new WorkerLoop({
    self,
    strategy: (turn) => makeStrategy(strategy, turn, context, channels),
    control,
    threadSet,
    handles,
    lot,
    loop,
    counters,
    recorder,
    engagement,
    heap: new HeapGauge(context.sums),
    holds,
    doorbell: doorbells[self]!,
    eventHandlers,
    drainTicks,
    raiseUncaughtException: raise,
    onLeave,
    ...(demand && { demand }),
  });
  return { context, eventHandlers, workerLoop };
}

/**
 * Has the plane serve the connections of Node servers.
 *
 * @param declared the routes that the app declares
 * @param telemetry observes the requests. Default: nothing does
 * @returns the thread's routes
 */
export function serveNodeServers(
  { context, eventHandlers }: DataPlane,
  memory: SharedMemory,
  declared: DeclaredRoutes,
  telemetry: Telemetry | null = null,
): Routes {
  const routes = new Routes(new RouteTable(memory.routes, context.self), declared);
  eventHandlers[NODE_CONNECTION] = new NodeConnections(context, routes, telemetry);
  eventHandlers[SOCKET_CONNECTION] = new SocketConnections(context);
  return routes;
}
