/** The server object: what a program that embeds Paceline holds. */
import { EventEmitter } from 'node:events';
import { guardedLogger } from './control/guarded-logger.js';
import type { ListenOptions } from './control/listener.js';
import type { ControlPlane } from './control/plane.js';
import type { MonitoredServer } from './dashboard/monitored-server.js';
import type { Dashboard } from './dashboard/server.js';
import { oneLine, PacelineError } from './errors.js';
import type { Level, ThreadInfo, Transition } from './observe/observation.js';
import { inUrl, isLoopback, reachable } from './options/host-port.js';
import {
  DEMO_NAME,
  type ResolvedDashboard,
  type ResolvedOptions,
  resolveOptions,
  type ServerOptions,
} from './options/server-options.js';
import { requirePlatform } from './sys/platform.js';

export interface CloseOptions {
  /**
   * How long responses in flight may take to finish, in milliseconds. Only the app knows when a raw TCP connection is
   * finished, so those have the same time to be ended by the app or by their peers. Default: 10,000.
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
  /** A thread has ended: it died, or it left because the server closes or could not start. */
  threadExit: [ThreadExit];
  /** An error outside any call that could report it. Without a listener it is logged. */
  error: [PacelineError];
}

/** Where the dashboard is. */
export interface DashboardInfo {
  /** The page. Its fragment is the token of this start, so the URL gives access to everything the dashboard shows. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
}

const DEFAULT_DRAIN_MS = 10_000;

/** A server; make one with {@link createServer}. */
export class Server extends EventEmitter<ServerEvents> implements AsyncDisposable {
  readonly #options: ResolvedOptions;
  #plane: ControlPlane | null = null;
  #dashboard: Dashboard | null = null;
  #state: 'new' | 'starting' | 'serving' | 'closing' | 'closed' = 'new';
  #closing: Promise<void> | null = null;

  /** @internal */
  constructor(options: ServerOptions) {
    super();
    requirePlatform();
    const resolved = resolveOptions(options);
    this.#options = { ...resolved, logger: guardedLogger(resolved.logger) };
    const watch = (event: string | symbol) => {
      if (event === 'transition') queueMicrotask(() => this.#reportTransitions());
    };
    super.on('newListener' as never, watch as never);
    super.on('removeListener' as never, watch as never);
  }

  /**
   * Binds, starts the threads and serves. Resolves once every thread has loaded the app and the socket listens.
   *
   * @throws PacelineError `PACELINE_ADDRESS_IN_USE`, `PACELINE_ADDRESS`, `PACELINE_APP_LOAD`, `PACELINE_APP_SHAPE`,
   * `PACELINE_OPTION`, `PACELINE_THREAD_START`, `PACELINE_SYSTEM`, `PACELINE_STATE` (when it was called before). Nothing is
   * left listening then.
   */
  async listen(options: ListenOptions = {}): Promise<void> {
    if (this.#state !== 'new') {
      throw new PacelineError('PACELINE_STATE', 'listen() works once for each server; create another one');
    }
    this.#state = 'starting';
    try {
      // Opened first, so that health checks are answered while the app loads.
      if (this.#options.dashboard)
        this.#dashboard = await openDashboard(this.#options.dashboard, this.#options);
      // Imported only here, so that no native code is loaded before a server starts.
      const { ControlPlane } = await import('./control/plane.js');
      this.#plane = await ControlPlane.start(this.#options, options, {
        transition: (transition) => this.emit('transition', transition),
        threadStart: (thread) => this.emit('threadStart', { thread }),
        threadExit: (exit) => this.#threadExit(exit),
        error: (error) => this.#report(error),
      });
      this.#dashboard?.serve(this.#monitored(this.#plane));
    } catch (error) {
      this.#state = 'closed';
      await this.#dashboard?.close();
      this.#dashboard = null;
      throw error;
    }
    this.#state = 'serving';
    this.#reportTransitions();
  }

  /**
   * Where the server listens: address, family and port, or the path of a Unix socket.
   *
   * @throws PacelineError `PACELINE_STATE` before listen() has resolved
   */
  address(): { address: string; family: 'IPv4' | 'IPv6'; port: number } | string {
    const { address, family, port } = this.#require().address;
    return family === 'Unix' ? address : { address, family, port };
  }

  /** The protocol of the app. @throws PacelineError `PACELINE_STATE` before listen() has resolved */
  get protocol(): 'http' | 'tcp' {
    return this.#require().protocol;
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
   * @throws PacelineError `PACELINE_STATE` while listen() is under way, or when a thread is stuck in a native call
   */
  close({ drainMs = DEFAULT_DRAIN_MS }: CloseOptions = {}): Promise<void> {
    if (this.#state === 'starting') {
      return Promise.reject(
        new PacelineError('PACELINE_STATE', 'close() while listen() is under way; await it first'),
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
    this.#dashboard?.drain();
    try {
      await this.#plane?.stop(drainMs);
    } finally {
      this.#state = 'closed';
      // Closed last, so that the dashboard shows how the threads finish.
      await this.#dashboard?.close();
      this.#dashboard = null;
    }
  }

  /** The view of this server that the dashboard shows. */
  #monitored({ observer, address, protocol }: ControlPlane): MonitoredServer {
    const { appName, strategy } = this.#options;
    const host = inUrl(address.address);
    const isTcp = address.family !== 'Unix';
    return {
      observed: observer,
      threads: () => this.threads(),
      startedAt: Date.now(),
      url: isTcp ? `${protocol}://${host}:${address.port}` : `unix:${address.address}`,
      app: appName,
      strategy,
      loadTarget:
        appName === DEMO_NAME && isTcp ? { host: reachable(address.address), port: address.port } : null,
    };
  }

  #require(): ControlPlane {
    if (this.#plane !== null) return this.#plane;
    throw new PacelineError('PACELINE_STATE', 'the server does not listen yet; await server.listen() first');
  }

  #reportTransitions(): void {
    if (this.#state === 'serving') this.#plane?.reportTransitions(this.listenerCount('transition') > 0);
  }

  #threadExit(exit: ThreadExit): void {
    const { thread, exitCode, error, connectionsLost } = exit;
    if (this.#state === 'serving') {
      this.#options.logger.error(`thread ${thread} died and is replaced`, {
        exitCode,
        error,
        connectionsLost,
      });
      this.#dashboard?.died({ thread, at: Date.now(), reason: oneLine(error) });
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

/** Imports the dashboard only when it is used, so that a program without one does not load it. */
async function openDashboard(place: ResolvedDashboard, { logger }: ResolvedOptions): Promise<Dashboard> {
  const { Dashboard } = await import('./dashboard/server.js');
  const dashboard = await Dashboard.listen(place, logger).catch((error: PacelineError) => {
    if (error.code !== 'PACELINE_ADDRESS_IN_USE' || !place.anyPortIfTaken) throw error;
    return Dashboard.listen({ ...place, port: 0 }, logger);
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
