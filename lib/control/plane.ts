/**
 * The control plane of one server: makes the shared memory and the handle set, starts everything, and owns the parts until
 * they are shut down (shutdown.ts). It runs in the main thread and never runs a user's handler, so it answers while every
 * thread is blocked.
 */
import { resumeAccepting } from '../connection/close.js';
import { ACCEPTOR, TIMER, WAKE_UP } from '../connection/event-handler.js';
import { oneLine, PacelineError } from '../errors.js';
import { BlockPool } from '../memory/block-pool.js';
import {
  ACCEPT_SUSPENDED,
  allocateMemory,
  CONNECTIONS,
  type SharedMemory,
  STATE,
  threadArea,
} from '../memory/layout.js';
import type { Level, ThreadInfo, Transition } from '../observe/observation.js';
import { Observer } from '../observe/observer.js';
import type { ResolvedOptions } from '../options/server-options.js';
import { ageRoutes } from '../routes/route-table.js';
import { HandleSet, INTEREST_INPUT } from '../set/handle-set.js';
import { HandleTable } from '../set/handle-table.js';
import { ParkingLot } from '../set/parking-lot.js';
import { setRecording } from '../set/recorder.js';
import { STATE_NAMES } from '../set/thread-state.js';
import { signalEventCounter } from '../sys/descriptor.js';
import type { SocketAddress } from '../sys/socket.js';
import { startListening } from '../sys/socket.js';
import { createTimer } from '../sys/timer.js';
import { limitsOf, tickMs } from './limits.js';
import { BACKLOG, type Listener, type ListenOptions, openListener } from './listener.js';
import { recover, type SharedState } from './recovery.js';
import { closeDescriptors, endThreads } from './shutdown.js';
import { Strays } from './strays.js';
import { Suspensions } from './suspensions.js';
import { handleLimits, openDescriptors, startThreadPool } from './system.js';
import { ThreadKeeper } from './thread-keeper.js';
import { TransitionFeed } from './transition-feed.js';

/**
 * How often accepting is resumed although no connection was closed, suspensions are logged, and descriptors that recovery
 * could not settle are looked for again.
 */
const HOUSEKEEPING_MS = 1000;
/** How often the totals are updated even if nothing reads them; a counter would have to count 71 million a second to wrap. */
const TOTALS_MS = 60_000;

type RecordingReason = 'dashboard' | 'transitions';

/** The events that the plane reports to the server object. */
export interface PlaneEvents {
  transition(transition: Transition): void;
  threadStart(thread: number): void;
  threadExit(exit: { thread: number; exitCode: number; error: unknown; connectionsLost: number }): void;
  error(error: PacelineError): void;
}

export class ControlPlane {
  readonly #options: ResolvedOptions;
  readonly #events: PlaneEvents;
  readonly #memory: SharedMemory;
  readonly #words: Int32Array;
  readonly #handles: HandleSet;
  readonly #shared: SharedState;
  readonly #epoll: number;
  readonly #doorbells: number[];
  readonly #wakeUp: number;
  /** The timer of the timeouts; -1 before it exists. */
  #timer = -1;
  readonly #listener: Listener;
  readonly #keeper: ThreadKeeper;
  readonly #suspensions: Suspensions;
  readonly #totalsTimer: NodeJS.Timeout;
  readonly #housekeepingTimer: NodeJS.Timeout;
  readonly #transitions: TransitionFeed;
  /** The threads record as long as there is one. */
  readonly #recordingReasons = new Set<RecordingReason>();
  /** The view of the data plane. */
  readonly observer: Observer;
  protocol: 'http' | 'tcp' = 'http';
  /** All threads have loaded the app. */
  #started = false;

  private constructor(options: ResolvedOptions, listener: Listener, events: PlaneEvents) {
    const count = options.threads.max;
    const { openFiles, capacity, maxConnections } = handleLimits(count, options);
    this.#options = { ...options, maxConnections };
    this.#events = events;
    this.#listener = listener;
    this.#memory = allocateMemory(count, capacity);
    const { control, handles, blocks } = this.#memory;
    this.#words = new Int32Array(control);
    const table = new HandleTable(handles);
    const { epoll, doorbells, wakeUp } = openDescriptors(count);
    this.#epoll = epoll;
    this.#handles = new HandleSet(control, table, epoll);
    this.#doorbells = doorbells;
    this.#wakeUp = wakeUp;
    const lot = new ParkingLot(control, doorbells);
    const strays = new Strays(control, table, count, listener.address);
    this.#shared = {
      control,
      table,
      pool: new BlockPool(blocks),
      lot,
      threads: count,
      strays,
      routes: this.#memory.routes,
    };
    this.observer = new Observer(this.#memory, {
      threads: count,
      maxConnections,
      openFiles,
      started: () => this.#started,
    });
    this.#transitions = new TransitionFeed(this.observer, (transition) => events.transition(transition));
    // From the start, so that the dashboard knows when each thread entered its first state.
    if (options.dashboard !== false) this.record(true);
    this.#keeper = this.#makeKeeper(count);
    this.#suspensions = new Suspensions(this.#words, options.logger);
    this.#housekeepingTimer = setInterval(() => this.#housekeep(), HOUSEKEEPING_MS);
    this.#housekeepingTimer.unref();
    this.#totalsTimer = setInterval(() => this.observer.keepTotals(), TOTALS_MS);
    this.#totalsTimer.unref();
  }

  /**
   * Binds, starts the threads and, once all of them have joined, listens.
   *
   * @throws PacelineError; nothing is left open then
   */
  static async start(
    options: ResolvedOptions,
    where: ListenOptions,
    events: PlaneEvents,
  ): Promise<ControlPlane> {
    const listener = await openListener(where);
    await startThreadPool();
    let plane: ControlPlane | undefined;
    try {
      plane = new ControlPlane(options, listener, events);
      plane.#handles.registerHandle(plane.#wakeUp, WAKE_UP, INTEREST_INPUT);
      plane.protocol = await plane.#keeper.startAll();
      plane.#started = true;
      plane.#startTimer();
      startListening(listener.fd, BACKLOG);
      plane.#handles.registerHandle(listener.fd, ACCEPTOR, INTEREST_INPUT);
      return plane;
    } catch (error) {
      if (plane === undefined) listener.close();
      // The error of the start is reported, even if a thread cannot be ended.
      else await plane.stop(0).catch(() => {});
      throw typedError(error);
    }
  }

  get address(): SocketAddress {
    return this.#listener.address;
  }

  threads(): ThreadInfo[] {
    return this.#doorbells.map((_, id) => ({
      id,
      state: STATE_NAMES[Atomics.load(this.#words, threadArea(id) + STATE)]!,
      ...this.observer.counters(id),
    }));
  }

  /** Open connections. */
  connections(): number {
    return Atomics.load(this.#words, CONNECTIONS);
  }

  /** Blocks of the pool in use. */
  pool(): Level {
    const { pool } = this.#shared;
    return { current: pool.inUse(), peak: pool.peak(), limit: pool.size };
  }

  /** Starts or stops reporting transitions to the server object. */
  reportTransitions(on: boolean): void {
    this.#transitions.stop();
    this.#record(on, 'transitions');
    if (on) this.#transitions.start();
  }

  /** Starts or stops recording for the dashboard. Listeners to transitions turn it on by themselves. */
  record(on: boolean): void {
    this.#record(on, 'dashboard');
  }

  #record(on: boolean, reason: RecordingReason): void {
    if (on) this.#recordingReasons.add(reason);
    else this.#recordingReasons.delete(reason);
    setRecording(this.#memory.control, this.#recordingReasons.size > 0);
  }

  /**
   * Shuts the server down; see shutdown.ts.
   *
   * @throws PacelineError `PACELINE_STATE` when a thread is stuck in a native call past every deadline
   */
  async stop(drainMs: number): Promise<void> {
    const parts = {
      shared: this.#shared,
      handles: this.#handles,
      listener: this.#listener,
      keeper: this.#keeper,
      epoll: this.#epoll,
      doorbells: this.#doorbells,
      wakeUp: this.#wakeUp,
      timer: this.#timer,
    };
    const left = await endThreads(parts, drainMs);
    clearInterval(this.#housekeepingTimer);
    clearInterval(this.#totalsTimer);
    if (left === 0) closeDescriptors(parts);
    try {
      this.#transitions.flush();
    } finally {
      this.reportTransitions(false);
    }
    if (left > 0) {
      throw new PacelineError(
        'PACELINE_STATE',
        `${left} threads are stuck in native calls and could not be ended`,
      );
    }
  }

  #makeKeeper(count: number): ThreadKeeper {
    const { app, logger } = this.#options;
    const { address, family, port } = this.#listener.address;
    const host = family === 'IPv6' ? `[${address}]` : address;
    const start = {
      memory: this.#memory,
      epoll: this.#epoll,
      doorbells: this.#doorbells,
      wakeUp: this.#wakeUp,
      app,
      limits: limitsOf(this.#options),
      fallbackHost: family === 'Unix' ? 'localhost' : `${host}:${port}`,
    };
    return new ThreadKeeper(start, count, logger, {
      started: (thread) => this.#events.threadStart(thread),
      failing: (_thread, error) => this.#events.error(error),
      recover: (thread) => {
        const lost = recover(this.#shared, thread);
        // A leader that waits in the kernel must see what recovery asks of it.
        signalEventCounter(this.#wakeUp);
        this.#resumeAccepting();
        return lost;
      },
      died: (exit) => {
        try {
          this.#transitions.flush();
        } finally {
          this.#events.threadExit(exit);
        }
      },
    });
  }

  #startTimer(): void {
    this.#timer = createTimer(tickMs(this.#options));
    this.#handles.registerHandle(this.#timer, TIMER, INTEREST_INPUT);
  }

  #housekeep(): void {
    this.#resumeAccepting();
    this.#shared.strays.close();
    ageRoutes(this.#memory.routes);
    this.#suspensions.check();
  }

  #resumeAccepting(): void {
    if (Atomics.load(this.#words, ACCEPT_SUSPENDED) !== 0) resumeAccepting(this.#words, this.#handles);
  }
}

function typedError(error: unknown): PacelineError {
  if (error instanceof PacelineError) return error;
  return new PacelineError('PACELINE_SYSTEM', `the server could not start: ${oneLine(error)}`, {
    cause: error,
  });
}
