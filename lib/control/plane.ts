/**
 * The control plane of one server: makes the shared memory and the handle set, keeps the threads, and takes everything
 * down again. It runs in the main thread and never runs a user's handler, so it answers while every thread is blocked.
 * Owner of the words SET_STATE and RESCAN.
 *
 * The way down:
 *
 * 1. SET_STATE becomes DRAINING: acceptors take nothing new, connections close once they are between messages.
 * 2. The listening handle is taken out of the set and closed, when no thread is inside it.
 * 3. A rescan makes some thread look at every idle connection, which closes those.
 * 4. When no connection is left, or at the deadline, SET_STATE becomes STOPPING and everybody is woken: threads leave.
 * 5. Threads that do not (a handler that goes on for ever) are terminated.
 * 6. What is left of connections, the handle set and the wake-up handles are closed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { resumeAccepting } from '../connection/acceptor.js';
import type { Limits } from '../connection/event-handler.js';
import { ACCEPTOR, TIMER, WAKE_UP } from '../connection/event-handler.js';
import { oneLine, PacelineError } from '../errors.js';
import { BlockPool } from '../memory/block-pool.js';
import {
  ACCEPT_SUSPENDED,
  allocateMemory,
  CONNECTIONS,
  RESCAN,
  SET_DRAINING,
  SET_STATE,
  SET_STOPPING,
  type SharedMemory,
  STATE,
  threadArea,
} from '../memory/layout.js';
import type { Level, ThreadInfo, Transition, TransitionSource } from '../observe/observation.js';
import { Observer } from '../observe/observer.js';
import type { ResolvedOptions } from '../options/server-options.js';
import { HandleSet, WATCH_INPUT } from '../set/handle-set.js';
import { CONTROL_PLANE, ENTERED, FREE, HandleTable } from '../set/handle-table.js';
import { ParkingLot } from '../set/parking-lot.js';
import { setRecording } from '../set/recorder.js';
import { STATE_NAMES } from '../set/thread-state.js';
import { closeDescriptor, signalEventCounter } from '../sys/descriptor.js';
import type { SocketAddress } from '../sys/socket.js';
import { startListening } from '../sys/socket.js';
import { createTimer } from '../sys/timer.js';
import { BACKLOG, type Listener, type ListenOptions, openListener } from './listener.js';
import { closeHandle, recover, type SharedState } from './recovery.js';
import { Strays } from './strays.js';
import { Suspensions } from './suspensions.js';
import { handleLimits, openDescriptors, startThreadPool } from './system.js';
import { ThreadKeeper } from './thread-keeper.js';

/** How often the way down looks whether the connections are gone. */
const DRAIN_POLL_MS = 5;
/** How long threads have to leave after the drain's deadline, and native calls to return after termination. */
const LEAVE_MS = 1000;
/**
 * How long threads that are still loading have: terminating one while it loads a native addon aborts the process.
 */
const LOAD_MS = 10_000;
const TERMINATE_MS = 5000;
/**
 * How often a suspended listening handle is tried again although nobody closed a connection, and what could not be settled at a
 * thread's death is looked at again.
 */
const CARE_MS = 1000;
/** How long a client has to end its side once the server has ended its own. */
const LINGER_MS = 2000;
/**
 * How long a connection waits for its app once the client has ended its side. node:http ends it at once; but `nc -N` and the
 * like end their side after the request and read on. Nobody waits longer than for a client that takes nothing (sendTimeout).
 */
const GRACE_MS = 5000;
/** Bounds of the timeouts' tick. */
const MAX_TICK_MS = 1000;
const MIN_TICK_MS = 10;
/** How often the counters are looked at although nobody asks; a thread's would have to count 71 million a second to wrap. */
const TOTALS_MS = 60_000;
/** How often recorded transitions are passed on while somebody listens. */
const TRANSITIONS_MS = 20;

/** What the plane reports to the server object. */
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
  /** The timeouts' timer. */
  #timer = -1;
  readonly #listener: Listener;
  readonly #keeper: ThreadKeeper;
  readonly #suspensions: Suspensions;
  readonly #totalsTimer: NodeJS.Timeout;
  readonly #careTimer: NodeJS.Timeout;
  #transitionTimer: NodeJS.Timeout | null = null;
  #reader: TransitionSource | null = null;
  /** Who wants the threads to record. */
  readonly #recordedFor = new Set<string>();
  /** What is to be seen of the data plane. */
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
    this.#shared = { control, table, pool: new BlockPool(blocks), lot, threads: count, strays };
    this.observer = new Observer(this.#memory, {
      threads: count,
      maxConnections,
      openFiles,
      started: () => this.#started,
    });
    // From the start, so that the dashboard knows since when each thread is in its first state.
    if (options.dashboard !== false) this.record(true);
    this.#keeper = this.#makeKeeper(count);
    this.#suspensions = new Suspensions(this.#words, options.logger);
    this.#careTimer = setInterval(() => this.#takeCare(), CARE_MS);
    this.#careTimer.unref();
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
      plane.#handles.registerHandle(plane.#wakeUp, WAKE_UP, WATCH_INPUT);
      plane.protocol = await plane.#keeper.startAll();
      plane.#started = true;
      plane.#startTimer();
      startListening(listener.fd, BACKLOG);
      plane.#handles.registerHandle(listener.fd, ACCEPTOR, WATCH_INPUT);
      return plane;
    } catch (error) {
      if (plane === undefined) listener.close();
      // What made the start fail is what there is to say, also where a thread cannot be ended.
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

  /** Passes transitions on from now on, or no longer. */
  watchTransitions(on: boolean): void {
    if (this.#transitionTimer !== null) clearInterval(this.#transitionTimer);
    this.#transitionTimer = null;
    this.#record(on, 'transitions');
    if (!on) return;
    this.#reader = this.observer.readTransitions();
    this.#transitionTimer = setInterval(() => this.#passTransitions(), TRANSITIONS_MS);
    this.#transitionTimer.unref();
  }

  /** The threads record what they do from now on, or no longer. The dashboard asks for it, and listeners to transitions do. */
  record(on: boolean): void {
    this.#record(on, 'dashboard');
  }

  #record(on: boolean, asker: string): void {
    if (on) this.#recordedFor.add(asker);
    else this.#recordedFor.delete(asker);
    setRecording(this.#memory.control, this.#recordedFor.size > 0);
  }

  /**
   * Takes the server down; see the head of this file.
   *
   * @throws PacelineError `PACELINE_STATE` when a thread is stuck in a native call past every deadline
   */
  async stop(drainMs: number): Promise<void> {
    const deadline = performance.now() + drainMs;
    Atomics.store(this.#words, SET_STATE, SET_DRAINING);
    await this.#closeListener();
    Atomics.store(this.#words, RESCAN, 1);
    signalEventCounter(this.#wakeUp);
    while (this.connections() > 0 && performance.now() < deadline) await delay(DRAIN_POLL_MS);
    Atomics.store(this.#words, SET_STATE, SET_STOPPING);
    this.#shared.lot.wakeAll(this.#shared.threads);
    signalEventCounter(this.#wakeUp);
    const leaveMs = Math.max(deadline - performance.now(), 0) + LEAVE_MS;
    let left = await this.#keeper.settle(leaveMs, LOAD_MS);
    if (left > 0) left = await this.#keeper.terminate(TERMINATE_MS);
    clearInterval(this.#careTimer);
    clearInterval(this.#totalsTimer);
    // Closing descriptors under a running thread could close somebody else's.
    if (left === 0) this.#closeEverything();
    try {
      this.#passTransitions();
    } finally {
      this.watchTransitions(false);
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
        // A leader that waits in the kernel has to see what recovery asks of it.
        signalEventCounter(this.#wakeUp);
        this.#resumeAccepting();
        return lost;
      },
      died: (exit) => {
        try {
          this.#passTransitions();
        } finally {
          this.#events.threadExit(exit);
        }
      },
    });
  }

  #startTimer(): void {
    this.#timer = createTimer(tickMs(this.#options));
    this.#handles.registerHandle(this.#timer, TIMER, WATCH_INPUT);
  }

  #takeCare(): void {
    this.#resumeAccepting();
    this.#shared.strays.close();
    this.#suspensions.look();
  }

  #resumeAccepting(): void {
    if (Atomics.load(this.#words, ACCEPT_SUSPENDED) !== 0) resumeAccepting(this.#words, this.#handles);
  }

  #passTransitions(): void {
    if (this.#transitionTimer === null) return;
    for (const { thread, from, to, at } of this.#reader!.next().transitions) {
      this.#events.transition({ thread, from: STATE_NAMES[from]!, to: STATE_NAMES[to]!, time: at });
    }
  }

  async #closeListener(): Promise<void> {
    const { table } = this.#shared;
    const { fd } = this.#listener;
    Atomics.store(this.#words, ACCEPT_SUSPENDED, 0);
    if (table.state(fd) !== FREE) {
      // An acceptor leaves as soon as it sees that the set drains.
      while (table.claim(fd, table.generation(fd), 0, CONTROL_PLANE) !== ENTERED) await delay(1);
      this.#handles.unregisterHandle(fd);
    }
    this.#listener.close();
  }

  #closeEverything(): void {
    const { table, strays } = this.#shared;
    strays.close();
    // It is not in the table where the start failed at once.
    if (table.state(this.#wakeUp) !== FREE) table.close(this.#wakeUp);
    if (this.#timer >= 0) {
      table.close(this.#timer);
      closeDescriptor(this.#timer);
    }
    for (let fd = 0; fd < table.end(); fd++) {
      if (table.state(fd) !== FREE) closeHandle(this.#shared, this.#words, fd);
    }
    for (const fd of [this.#wakeUp, this.#epoll, ...this.#doorbells]) closeDescriptor(fd);
  }
}

function typedError(error: unknown): PacelineError {
  if (error instanceof PacelineError) return error;
  return new PacelineError('PACELINE_SYSTEM', `the server could not start: ${oneLine(error)}`, {
    cause: error,
  });
}

/** The tick of the timeouts: a quarter of the shortest, so that none is late by more than that; a second at most. */
function tickMs({ headersTimeout, requestTimeout, keepAliveTimeout, sendTimeout }: ResolvedOptions): number {
  const set = [headersTimeout, requestTimeout, keepAliveTimeout, sendTimeout].filter(
    (timeout) => timeout > 0,
  );
  return Math.min(MAX_TICK_MS, Math.max(MIN_TICK_MS, Math.floor(Math.min(...set) / 4)));
}

function limitsOf(options: ResolvedOptions): Limits {
  const { maxHeaderSize, maxBodySize, maxConnections, maxRequestsPerSocket } = options;
  // One tick more than the time takes: the first one is under way already.
  const ticks = (timeoutMs: number) => (timeoutMs === 0 ? 0 : Math.ceil(timeoutMs / tickMs(options)) + 1);
  const requestTicks = ticks(options.requestTimeout);
  return {
    maxHeaderSize,
    maxBodySize,
    maxConnections,
    maxRequestsPerSocket,
    // A head is a part of the request: where it has no limit of its own, or a longer one, that of the request holds.
    headersTicks: Math.min(
      ticks(options.headersTimeout) || requestTicks,
      requestTicks || ticks(options.headersTimeout),
    ),
    requestTicks,
    keepAliveTicks: ticks(options.keepAliveTimeout),
    sendTicks: ticks(options.sendTimeout),
    lingerTicks: ticks(LINGER_MS),
    graceTicks: ticks(Math.min(GRACE_MS, options.sendTimeout || GRACE_MS)),
  };
}
