/** The server object: what a program that embeds Paceline holds. */
import { EventEmitter } from 'node:events';
import { adaptLogger } from './control/foreign-loggers.js';
import type { Plane } from './control/groups.js';
import { guardedLogger } from './control/guarded-logger.js';
import type { ListenerInfo } from './control/listener-entry.js';
import type { Exit } from './control/thread-keeper.js';
import type { MonitoredServer } from './dashboard/monitored-server.js';
import type { Dashboard } from './dashboard/server.js';
import { oneLine, PacelineError } from './errors.js';
import type { Level, ThreadInfo, Transition } from './observe/observation.js';
import { inUrl, isLoopback, reachable } from './options/host-port.js';
import type { ListenOptions } from './options/listen-options.js';
import {
  DEMO_NAME,
  type InternalOptions,
  type ResolvedDashboard,
  type ResolvedOptions,
  resolveOptions,
  type ServerOptions,
} from './options/server-options.js';
import { threadsRemark } from './options/strategy.js';
import { standardErrorLogger } from './report/standard-error-log.js';
import { requirePlatform } from './sys/platform.js';

export interface CloseOptions {
  /**
   * How long responses in flight may take to finish, in milliseconds. Only the app knows when a raw TCP connection is
   * finished, so those have the same time to be ended by the app or by their peers. Default: the option
   * `drainTimeout`.
   */
  drainMs?: number;
}

export interface ThreadExit {
  readonly thread: number;
  readonly exitCode: number;
  /** What the thread threw, if it died of an uncaught error. */
  readonly error: unknown;
  /** Connections that ended with it: those it was inside, or that were bound to it. */
  readonly connectionsLost: number;
}

interface ServerEvents {
  /** A thread changed its state. Recorded only while there is a listener; delivered in batches, in order of time. */
  transition: [Transition];
  threadStart: [{ readonly thread: number }];
  /**
   * The server accepts connections at one more address: its own, or one that a server of the app listens on. What the app exports is
   * served as soon as one thread has loaded it, which may be long before listen() resolves.
   */
  listening: [Listening];
  /** The server closes, and listens no more. Requests in flight go on. */
  released: [];
  /** A thread has ended: it died, or it left because the server closes or could not start. */
  threadExit: [ThreadExit];
  /** An error outside any call that could report it. Without a listener it is logged. */
  error: [PacelineError];
}

/** Where a server listens: address, family and port, or the path of a Unix socket. */
export type ListeningAddress = { address: string; family: 'IPv4' | 'IPv6'; port: number } | string;

/** One of the addresses at which a server accepts connections. */
export interface Listening {
  /** With the scheme `http:` or `https:`, or `tcp:` for all else; `unix:` and the path of a Unix socket. */
  readonly url: string;
  readonly address: ListeningAddress;
}

/** Where the dashboard is. */
export interface DashboardInfo {
  /** The page. Its fragment is the token of this start, so the URL gives access to everything the dashboard shows. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
}

/** A server; make one with {@link createServer}. */
export class Server extends EventEmitter<ServerEvents> implements AsyncDisposable {
  readonly #options: ResolvedOptions;
  /** What is to be said of the options at the start. */
  readonly #remark: string | null;
  #plane: Plane | null = null;
  #dashboard: Dashboard | null = null;
  #state: 'new' | 'starting' | 'serving' | 'closing' | 'closed' = 'new';
  #closing: Promise<void> | null = null;

  /** @internal */
  constructor(options: ServerOptions, internal?: InternalOptions) {
    super();
    requirePlatform();
    const resolved = resolveOptions(options, internal);
    const logger = options.logger === undefined ? standardErrorLogger() : adaptLogger(resolved.logger);
    this.#options = { ...resolved, logger: guardedLogger(logger) };
    this.#remark = threadsRemark(resolved.strategy, options.threads, resolved.threads);
    const watch = (event: string | symbol) => {
      if (event === 'transition') queueMicrotask(() => this.#reportTransitions());
    };
    super.on('newListener' as never, watch as never);
    super.on('removeListener' as never, watch as never);
  }

  /**
   * Binds, starts the threads and serves. Resolves once every thread has loaded the app and the socket listens. What the app exports
   * is served from the first thread on that has loaded it, when `listening` is emitted. If another thread fails after that, the requests
   * in flight have the time of the option `drainTimeout` to finish before the promise is rejected.
   *
   * @param options where: an address, or several, at each of which the app is served
   * @throws PacelineError `PACELINE_ADDRESS_IN_USE`, `PACELINE_ADDRESS`, `PACELINE_APP_LOAD`, `PACELINE_APP_SHAPE`,
   * `PACELINE_OPTION`, `PACELINE_THREAD_START`, `PACELINE_SYSTEM`, `PACELINE_STATE` (when it was called before, or close() was called
   * meanwhile). Nothing is left listening then.
   */
  async listen(options: ListenOptions | readonly ListenOptions[] = {}): Promise<void> {
    if (this.#state !== 'new') {
      throw new PacelineError('PACELINE_STATE', 'listen() works once for each server; create another one');
    }
    this.#state = 'starting';
    if (this.#remark !== null) this.#options.logger.warn(this.#remark);
    try {
      // Opened first, so that health checks are answered while the app loads.
      if (this.#options.dashboard)
        this.#dashboard = await openDashboard(this.#options.dashboard, this.#options);
      // Imported only here, so that no native code is loaded before a server starts.
      const { openPlane } = await import('./control/groups.js');
      this.#plane = await openPlane(this.#options, [options].flat(), {
        transition: (transition) => this.emit('transition', transition),
        threadStart: (thread) => this.emit('threadStart', { thread }),
        threadExit: (exit, cause) => this.#threadExit(exit, cause),
        serving: () => this.#serves(this.#plane!),
        listening: (listener) => this.#reportListening([listener]),
        released: () => this.emit('released'),
        error: (error) => this.#report(error),
      });
      await this.#plane.start();
    } catch (error) {
      this.#closing ??= this.#close(this.#plane?.serving === true ? this.#options.drainTimeout : 0);
      // The error of the start is reported, even if a thread cannot be ended.
      await this.#closing.catch(() => {});
      this.#plane = null;
      throw error;
    }
  }

  /** The first thread serves, or all do. */
  #serves(plane: Plane): void {
    this.#state = 'serving';
    this.#dashboard?.serve(this.#monitored(plane));
    this.#reportTransitions();
    this.#reportListening(plane.listeners);
  }

  /**
   * Where the server listens: address, family and port, or the path of a Unix socket. It is the first address, where it listens on
   * several.
   *
   * @throws PacelineError `PACELINE_STATE` before the server serves
   */
  address(): ListeningAddress {
    return addressOf(this.#require().listening);
  }

  /** All the addresses at which the server accepts connections, in the order of listen(). Empty before listen() and after close(). */
  addresses(): ListeningAddress[] {
    return this.#plane?.listeners.map(addressOf) ?? [];
  }

  /** The protocol that is spoken there. @throws PacelineError `PACELINE_STATE` before the server serves */
  get protocol(): 'http' | 'https' | 'tcp' {
    return this.#require().listening.protocol;
  }

  /** Open connections. */
  get connections(): number {
    return this.#plane?.connections() ?? 0;
  }

  /** The threads with their states and counters; empty before listen(). */
  threads(): ThreadInfo[] {
    return this.#plane?.threads() ?? [];
  }

  /**
   * Blocks of shared memory, which keep unfinished messages between two events of their connections; null before listen().
   * At the limit, a connection that needs a block is closed.
   */
  pool(): Level | null {
    return this.#plane?.pool() ?? null;
  }

  /** Where the dashboard is; null without one, before listen() and after close(). */
  get dashboard(): DashboardInfo | null {
    if (this.#dashboard === null) return null;
    const { url, host, port } = this.#dashboard;
    return { url, host, port };
  }

  /**
   * Stops accepting, lets responses in flight finish, and ends every thread. Further calls return the same promise.
   *
   * @throws PacelineError `PACELINE_STATE` while listen() is under way and nothing is served yet, or when a thread is stuck in a native
   * call
   */
  close({ drainMs = this.#options.drainTimeout }: CloseOptions = {}): Promise<void> {
    if (this.#state === 'starting') {
      return Promise.reject(
        new PacelineError(
          'PACELINE_STATE',
          'close() before the server serves; await listen(), or its event listening, first',
        ),
      );
    }
    if (!(drainMs >= 0)) {
      return Promise.reject(
        new PacelineError('PACELINE_OPTION', `drainMs must be 0 or more, not ${drainMs}`),
      );
    }
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(drainMs: number): Promise<void> {
    this.#state = 'closing';
    // The next server of `paceline dev` has the same address for its dashboard.
    if (this.#options.dev) void this.#dashboard?.close();
    else this.#dashboard?.drain();
    try {
      await this.#plane?.stop(drainMs);
      this.#reportCut(drainMs);
    } finally {
      this.#state = 'closed';
      // Closed last, so that the dashboard shows how the threads finish.
      await this.#dashboard?.close();
      this.#dashboard = null;
    }
  }

  #reportCut(drainMs: number): void {
    const cut = this.#plane?.cut;
    if (cut === undefined || cut.count === 0) return;
    const { count, description } = cut;
    const were = count === 1 ? '1 request was' : `${count} requests were`;
    const which = description === '' ? '' : `: ${description}`;
    this.#options.logger.warn(`closed; ${were} cut after ${drainMs / 1000} s${which}`, {
      requests: count,
      routes: Object.fromEntries(cut.routes),
    });
  }

  /** The view of this server that the dashboard shows. */
  #monitored({ observer, listening }: Plane): MonitoredServer {
    const { appName, strategy } = this.#options;
    const { address } = listening;
    const isTcp = address.family !== 'Unix';
    return {
      observed: observer,
      threads: () => this.threads(),
      startedAt: Date.now(),
      url: urlOf(listening),
      app: appName,
      strategy,
      loadTarget:
        appName === DEMO_NAME && isTcp ? { host: reachable(address.address), port: address.port } : null,
    };
  }

  #require(): Plane {
    if (this.#plane !== null && this.#state !== 'starting') return this.#plane;
    throw new PacelineError('PACELINE_STATE', 'the server does not listen yet; await server.listen() first');
  }

  #reportTransitions(): void {
    if (this.#state === 'serving') this.#plane?.reportTransitions(this.listenerCount('transition') > 0);
  }

  #reportListening(listeners: readonly ListenerInfo[]): void {
    // Those of the start are reported together.
    if (this.#state !== 'serving') return;
    for (const listener of listeners) {
      this.emit('listening', { url: urlOf(listener), address: addressOf(listener) });
    }
  }

  #threadExit(exit: ThreadExit, cause: Exit): void {
    const { thread, exitCode, error, connectionsLost } = exit;
    if (cause === 'replaced') {
      this.#options.logger.error(`thread ${thread} died and is replaced`, {
        exitCode,
        error,
        connectionsLost,
      });
      this.#dashboard?.died({ thread, at: Date.now(), reason: oneLine(error) });
    } else if (cause === 'closing' && error !== undefined) {
      this.#options.logger.error(`thread ${thread} died while the server closed`, { exitCode, error });
    }
    this.emit('threadExit', exit);
  }

  #report(error: PacelineError): void {
    if (this.listenerCount('error') > 0) this.emit('error', error);
    else this.#options.logger.error(error.message, { error });
  }
}

/**
 * Makes a server. It does nothing until {@link Server.listen}.
 *
 * @throws PacelineError `PACELINE_OPTION` for an unknown option or a value that it cannot have, `PACELINE_PLATFORM` on anything but Linux
 */
export function createServer(options: ServerOptions = {}): Server {
  return new Server(options);
}

function urlOf({ address: { address, family, port }, protocol }: ListenerInfo): string {
  return family === 'Unix' ? `unix:${address}` : `${protocol}://${inUrl(address)}:${port}`;
}

function addressOf({ address: { address, family, port } }: ListenerInfo): ListeningAddress {
  return family === 'Unix' ? address : { address, family, port };
}

/** Imports the dashboard only when it is used, so that a program without one does not load it. */
async function openDashboard(
  place: ResolvedDashboard,
  { logger, readyWhenDegraded }: ResolvedOptions,
): Promise<Dashboard> {
  const { Dashboard } = await import('./dashboard/server.js');
  const settings = { ...place, readyWhenDegraded };
  const dashboard = await Dashboard.listen(settings, logger).catch((error: PacelineError) => {
    if (error.code !== 'PACELINE_ADDRESS_IN_USE' || !place.anyPortIfTaken) throw error;
    return Dashboard.listen({ ...settings, port: 0 }, logger);
  });
  if (dashboard.port !== place.port && place.port !== 0) {
    logger.warn(`port ${place.port} is taken, so the dashboard has port ${dashboard.port}`);
  }
  if (!isLoopback(place.host)) {
    logger.warn(
      `the dashboard listens on ${place.host}: who reaches it can read its metrics, and everything it shows with the token, unencrypted`,
    );
  }
  return dashboard;
}
