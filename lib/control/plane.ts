/**
 * The control plane of one thread set, which is a server or a group of one (groups.ts): makes the shared memory and the handle set, starts everything, and owns the parts until
 * they are shut down (shutdown.ts). It runs in the main thread and never runs a user's handler, so it answers while every
 * thread is blocked.
 *
 * How a server starts:
 *
 *     open ──> starting ──first thread has loaded the app──> serving ──every thread has──> started
 *                 └──────────────────┬──────────────────────────┘
 *                      a thread fails, or stop()
 *                                    └──> start() rejects; stop() ends what was begun
 *
 * - S1. What an app module exports is served as soon as the first thread has loaded the app, which includes its `init` hook. The sockets of
 *   the own addresses begin to listen, they are registered, and `serving` is reported. The other threads join as they get ready, as
 *   replacements do. Of threads that do not agree on what the app is, that one decides.
 *   In models with an I/O thread, a request needs two threads: it is the first time that one of each role has loaded the app.
 * - S2. Servers that listen themselves are served, and `serving` is reported, once every thread has loaded the app: which ones belong
 *   together is known only then (R1 of listeners.ts). An app may have both, and is serving by S1.
 * - S3. start() resolves once every thread may join. It rejects with the error of the first thread that ends before, also when requests
 *   are being served: a thread that cannot load the app never will, and fewer threads than were asked for are no success. The caller calls
 *   stop(), which lets those requests finish.
 * - S4. A thread that dies after it has joined is replaced at once, also before start() has resolved, and fails nothing: it may have been the
 *   only one that serves.
 * - S5. stop() may be called as soon as the server serves. start() rejects at once if it is pending, and threads that still load are awaited
 *   as long as H5 of shutdown.ts says. A thread that begins to be ready after a stop or a failure does not begin to serve.
 * - S6. A thread that loads forever keeps start() pending and nothing else. LoadingMonitor warns of it; in the threads' states it is
 *   `starting`, which the health rules count neither as free nor as dead.
 */
import { HTTP_CONNECTION, TCP_CONNECTION, TIMER, WAKE_UP } from '../connection/event-handler.js';
import { resumeAccepting } from '../connection/listeners.js';
import { PacelineError } from '../errors.js';
import type { SharedMemory } from '../memory/allocation.js';
import { BlockPool } from '../memory/block-pool.js';
import { CONNECTIONS, STATE, threadArea } from '../memory/layout.js';
import type { Level, ThreadInfo } from '../observe/observation.js';
import { Observer } from '../observe/observer.js';
import type { ListenOptions } from '../options/listen-options.js';
import type { ResolvedOptions } from '../options/server-options.js';
import { channelsOf } from '../proactor/channels.js';
import { ageRoutes } from '../routes/route-table.js';
import { HandleSet, INTEREST_INPUT } from '../set/handle-set.js';
import { CONTROL_PLANE, HandleTable } from '../set/handle-table.js';
import { ParkingLot } from '../set/parking-lot.js';
import { setRecording } from '../set/recorder.js';
import { STATE_NAMES } from '../set/thread-state.js';
import { DESCRIPTIONS, type Role, roleOf } from '../strategies/descriptions.js';
import { signalEventCounter } from '../sys/descriptor.js';
import { createTimer } from '../sys/timer.js';
import type { AppKind } from '../thread/messages.js';
import { CutTotals } from './cut-totals.js';
import { type Group, groupOf, wholeServer } from './group.js';
import { tickMs } from './limits.js';
import type { ListenerInfo } from './listener-entry.js';
import { Listeners } from './listeners.js';
import { OwnAddress } from './own-address.js';
import type { PlaneEvents } from './plane-events.js';
import { recover, type SharedState } from './recovery.js';
import { redactingLogger } from './redacting-logger.js';
import { closeDescriptors, endThreads, type ServerParts } from './shutdown.js';
import { typedError, withPlace } from './start-errors.js';
import { Strays } from './strays.js';
import { Suspensions } from './suspensions.js';
import { memoryFor, openDescriptors, type SetDescriptors, startThreadPool } from './system.js';
import { ThreadKeeper } from './thread-keeper.js';
import { startOptions } from './thread-start.js';
import { TransitionFeed } from './transition-feed.js';

/**
 * How often accepting is resumed although no connection was closed, suspensions are logged, and descriptors that recovery
 * could not settle are looked for again.
 */
const HOUSEKEEPING_MS = 1000;
/** How often the totals are updated even if nothing reads them; a counter would have to count 71 million a second to wrap. */
const TOTALS_MS = 60_000;

type RecordingReason = 'dashboard' | 'transitions';

/** Which event handler serves what an app module exports. */
const KINDS: Readonly<Record<AppKind, number | null>> = {
  fetch: HTTP_CONNECTION,
  tcp: TCP_CONNECTION,
  listens: null,
};

export class ControlPlane {
  readonly #options: ResolvedOptions;
  readonly #group: Group;
  readonly #events: PlaneEvents;
  readonly #memory: SharedMemory;
  readonly #words: Int32Array;
  readonly #handles: HandleSet;
  readonly #shared: SharedState;
  readonly #descriptors: SetDescriptors;
  /** The timer of the timeouts; -1 before it exists. */
  #timer = -1;
  readonly #listeners: Listeners;
  #lastAddress: ListenerInfo;
  readonly #keeper: ThreadKeeper;
  readonly #suspensions: Suspensions;
  readonly #totalsTimer: NodeJS.Timeout;
  readonly #housekeepingTimer: NodeJS.Timeout;
  readonly #transitions: TransitionFeed;
  /** The threads record as long as there is one. */
  readonly #recordingReasons = new Set<RecordingReason>();
  /** The view of the data plane. */
  readonly observer: Observer;
  /** The requests that the shutdown has cut. */
  readonly cut = new CutTotals();
  #serving = false;
  /** Roles of which no thread has loaded the app yet. */
  readonly #missingRoles: Set<Role>;
  /** The start has failed, or the server stops. */
  #ending = false;
  #stopped: Promise<void> | null = null;

  private constructor(
    options: ResolvedOptions,
    own: readonly OwnAddress[],
    events: PlaneEvents,
    group: Group,
  ) {
    const count = options.threads.max;
    const { firstThread, cores, sets } = group;
    const { openFiles, capacity, maxConnections } = group.limits;
    this.#group = group;
    this.#options = { ...options, maxConnections };
    this.#events = events;
    this.#missingRoles = new Set(
      Array.from({ length: count }, (_, thread) => roleOf(options.strategy, thread)),
    );
    this.#lastAddress = { address: own[0]!.address, protocol: 'http' };
    this.#memory = memoryFor(options.strategy, count, capacity);
    const { control, handles, blocks } = this.#memory;
    this.#words = new Int32Array(control);
    const table = new HandleTable(handles);
    this.#descriptors = openDescriptors(count, options.strategy === 'half-sync-half-async');
    const { epoll, ownSets, doorbells, wakeUp } = this.#descriptors;
    this.#handles = new HandleSet(control, table, epoll, CONTROL_PLANE, ownSets);
    const lot = new ParkingLot(control, doorbells, cores);
    sets.push({ control, table, threads: count });
    const strays = new Strays(sets);
    this.#shared = {
      control,
      table,
      pool: new BlockPool(blocks),
      lot,
      threads: count,
      strays,
      routes: this.#memory.routes,
      hasOwnSets: ownSets.length > 0,
      channels: channelsOf(this.#memory, wakeUp, doorbells),
    };
    this.observer = new Observer(this.#memory, {
      threads: count,
      firstThread,
      ...groupOf(group),
      maxConnections,
      openFiles,
      started: () => this.#serving,
      showQueries: showsQueries(options),
      strategy: options.strategy,
    });
    this.#transitions = new TransitionFeed(this.observer, (transition) => events.transition(transition));
    // From the start, so that the dashboard knows when each thread entered its first state.
    if (options.dashboard !== false) this.record(true);
    this.#listeners = new Listeners({
      words: this.#words,
      handles: this.#handles,
      strays,
      logger: options.logger,
      own,
      open: (request) => group.open(request),
      firstThread,
      ioThreads: DESCRIPTIONS[options.strategy].ioThreads,
      listening: (listener) => events.listening(listener),
    });
    this.#keeper = this.#makeKeeper(count, own);
    this.#suspensions = new Suspensions(this.#words, options.logger);
    this.#housekeepingTimer = setInterval(() => this.#housekeep(), HOUSEKEEPING_MS);
    this.#housekeepingTimer.unref();
    this.#totalsTimer = setInterval(() => this.observer.keepTotals(), TOTALS_MS);
    this.#totalsTimer.unref();
  }

  /**
   * Binds, and makes everything that threads need.
   *
   * @throws PacelineError; nothing is left open then
   */
  static async open(
    options: ResolvedOptions,
    where: readonly ListenOptions[],
    events: PlaneEvents,
  ): Promise<ControlPlane> {
    return ControlPlane.openGroup(options, await OwnAddress.bindAll(where), events, wholeServer(options));
  }

  /**
   * As `open`, for one of the groups of a server.
   *
   * @param own the server's own addresses; dropped where it throws
   */
  static async openGroup(
    options: ResolvedOptions,
    own: readonly OwnAddress[],
    events: PlaneEvents,
    group: Group,
  ): Promise<ControlPlane> {
    await startThreadPool();
    let plane: ControlPlane | undefined;
    try {
      plane = new ControlPlane(options, own, events, group);
      plane.#handles.registerHandle(plane.#descriptors.wakeUp, WAKE_UP, INTEREST_INPUT);
      return plane;
    } catch (error) {
      if (plane === undefined) for (const address of own) address.drop();
      else await plane.stop(0);
      throw typedError(error);
    }
  }

  /**
   * Starts the threads, and serves as soon as it can. Resolves once every thread has loaded the app. To be called once.
   *
   * @throws PacelineError of the first thread that fails, and `PACELINE_STATE` if stop() is called before; it is the caller who stops the
   * plane then
   */
  async start(): Promise<void> {
    try {
      await this.#keeper.startAll();
      if (this.#ending) return;
      this.#listeners.serveAll();
      this.#serve();
    } catch (error) {
      this.#ending = true;
      throw await this.#causeOf(error);
    }
  }

  /** A thread has loaded the app. */
  #loaded(thread: number, app: AppKind): void {
    this.#missingRoles.delete(roleOf(this.#options.strategy, thread));
    const kind = KINDS[app];
    if (kind === null || this.#missingRoles.size > 0 || this.#serving || this.#ending) return;
    try {
      this.#listeners.serveExport(kind, app === 'tcp' ? 'tcp' : 'http');
      this.#serve();
    } catch (error) {
      this.#ending = true;
      this.#keeper.fail(typedError(error));
    }
  }

  #serve(): void {
    if (this.#serving) return;
    this.#serving = true;
    this.#timer = createTimer(tickMs(this.#options));
    this.#handles.registerHandle(this.#timer, TIMER, INTEREST_INPUT);
    this.#events.serving();
  }

  /** An app whose server may not listen usually does not load. */
  async #causeOf(error: unknown): Promise<PacelineError> {
    const isOfApp = error instanceof PacelineError && /^PACELINE_APP_/.test(error.code);
    if (!isOfApp) return typedError(error);
    return this.#listeners.refusal ?? (await withPlace(error, this.#options.app));
  }

  /** Whether it serves, or has served. */
  get serving(): boolean {
    return this.#serving;
  }

  /** Where the threads accept connections, in the order of the listeners' numbers. */
  get listeners(): readonly ListenerInfo[] {
    return this.#listeners.registered();
  }

  /** The first address where the server listens, or has listened last. */
  get listening(): ListenerInfo {
    this.#lastAddress = this.#listeners.first() ?? this.#lastAddress;
    return this.#lastAddress;
  }

  threads(): ThreadInfo[] {
    return this.#descriptors.doorbells.map((_, id) => ({
      id: this.#group.firstThread + id,
      ...groupOf(this.#group),
      role: roleOf(this.#options.strategy, id),
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
   * Shuts the server down; see shutdown.ts. Further calls return the same promise.
   *
   * @throws PacelineError `PACELINE_STATE` when a thread is stuck in a native call past every deadline
   */
  stop(drainMs: number): Promise<void> {
    this.#ending = true;
    this.#stopped ??= this.#stop(drainMs);
    return this.#stopped;
  }

  async #stop(drainMs: number): Promise<void> {
    const parts: ServerParts = {
      shared: this.#shared,
      firstThread: this.#group.firstThread,
      handles: this.#handles,
      listeners: this.#listeners,
      keeper: this.#keeper,
      descriptors: this.#descriptors,
      timer: this.#timer,
      logger: this.#options.logger,
      requestIn: (thread) => this.#requestIn(thread),
      cut: this.cut,
      released: () => this.#events.released(),
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

  #makeKeeper(count: number, own: readonly OwnAddress[]): ThreadKeeper {
    const { logger } = this.#options;
    const { firstThread, cores } = this.#group;
    const start = {
      ...startOptions(this.#options, own),
      firstThread,
      cores,
      memory: this.#memory,
      ...this.#descriptors,
    };
    const ofThreads = showsQueries(this.#options) ? logger : redactingLogger(logger);
    return new ThreadKeeper(start, count, ofThreads, {
      started: (thread) => this.#events.threadStart(firstThread + thread),
      left: (cut) => this.cut.add(cut),
      failing: (_thread, error) => this.#events.error(error),
      begun: (thread, post) => this.#listeners.begun(thread, post),
      loaded: (thread, app, admit) => {
        this.#loaded(thread, app);
        this.#listeners.loaded(thread, admit);
      },
      asked: (thread, message) => this.#listeners.received(thread, message),
      recover: (thread) => {
        this.#listeners.died(thread);
        const lost = recover(this.#shared, thread);
        // A leader that waits in the kernel must see what recovery asks of it.
        signalEventCounter(this.#descriptors.wakeUp);
        resumeAccepting(this.#words, this.#handles);
        return lost;
      },
      died: (exit, cause) => {
        try {
          this.#transitions.flush();
        } finally {
          this.#events.threadExit({ ...exit, thread: firstThread + exit.thread }, cause);
        }
      },
    });
  }

  /** Method and target of the request that a thread is inside; '' for none. */
  #requestIn(thread: number): string {
    const { connection, route } = this.observer.observe().threads[thread]!;
    return connection < 0 ? '' : route;
  }

  #housekeep(): void {
    resumeAccepting(this.#words, this.#handles);
    this.#shared.strays.close();
    ageRoutes(this.#memory.routes);
    this.#suspensions.check();
  }
}

const showsQueries = ({ dashboard }: ResolvedOptions): boolean =>
  dashboard !== false && dashboard.showQueries;
