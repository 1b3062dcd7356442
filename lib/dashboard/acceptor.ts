/**
 * The listening socket of the dashboard, and how connections are accepted when descriptors run out.
 *
 * While descriptors are free, node:net accepts. Without a free one it would accept each connection only to close it at once
 * (libuv keeps one descriptor for that), so before that point the acceptor takes over, some fifty times a second: it holds
 * spare descriptors from the start, and closes one right before it accepts the connection that takes its number.
 *
 *   node:net accepts ── the lowest free number is within MARGIN of the limit ──▶ the acceptor accepts, uses up spares,
 *        ▲                                                                         │ and reopens them when it can
 *        └──────────── descriptors free for ROOM_MS, and all spares reopened ──────┘
 */
import { closeSync, openSync } from 'node:fs';
import { createServer, type Server, Socket } from 'node:net';
import { type Listener, openListener } from '../control/listener.js';
import type { Logger } from '../logger.js';
import { duplicateDescriptor } from '../sys/descriptor.js';
import { EINTR, EMFILE, ENFILE } from '../sys/libc.js';
import { openFilesLimit } from '../sys/process.js';
import { acceptConnection, startListening } from '../sys/socket.js';
import { guardedInterval } from './guarded-interval.js';

/** Length of the queue of connections that wait to be accepted. */
const BACKLOG = 511;
/** Descriptors held in reserve: for a few health checks, scrapers and pages at the same time. */
const SPARES = 16;
/** The acceptor takes over this many descriptors below the limit; below a low limit, an eighth of it. */
const MARGIN = 32;
/** How often that is checked. If the app opens more than MARGIN within that time, its connections are lost. */
const CHECK_MS = 100;
/** How often the acceptor itself accepts, and how many connections each time. */
const ACCEPT_MS = 20;
const MAX_ACCEPTED = 64;
/** How long descriptors must be free before node:net accepts again. */
const ROOM_MS = 5000;

const SPARE = '/dev/null';
const SOCKET_OPTIONS = { allowHalfOpen: true, noDelay: true };

/** Takes accepted connections. */
export interface Admission {
  admit(socket: Socket): void;
  /** Closes a connection to free its descriptor. @returns whether there was one to close */
  makeRoom(): boolean;
}

export class DashboardAcceptor {
  readonly #listener: Listener;
  readonly #admission: Admission;
  readonly #logger: Logger;
  readonly #scarceFrom: number;
  readonly #spares: number[] = [];
  readonly #checkTimer: NodeJS.Timeout;
  /** Accepts while descriptors are free. */
  #server: Server | null = null;
  /** Runs while the acceptor itself accepts. */
  #acceptTimer: NodeJS.Timeout | null = null;
  #scarceAt = 0;

  private constructor(listener: Listener, admission: Admission, logger: Logger) {
    this.#listener = listener;
    this.#admission = admission;
    this.#logger = logger;
    const limit = openFilesLimit();
    this.#scarceFrom = limit - Math.min(MARGIN, Math.floor(limit / 8));
    this.#refill();
    this.#acceptByNode();
    this.#checkTimer = guardedInterval(logger, () => this.#check(), CHECK_MS);
  }

  /**
   * Listens.
   *
   * @throws PacelineError as openListener does
   */
  static async open(
    place: { readonly host: string; readonly port: number },
    admission: Admission,
    logger: Logger,
  ): Promise<DashboardAcceptor> {
    const listener = await openListener(place);
    try {
      startListening(listener.fd, BACKLOG);
      return new DashboardAcceptor(listener, admission, logger);
    } catch (error) {
      listener.close();
      throw error;
    }
  }

  /** The address that the socket is bound to. */
  get address(): { readonly address: string; readonly port: number } {
    return this.#listener.address;
  }

  /** Stops accepting and closes the listening socket. */
  close(): void {
    clearInterval(this.#checkTimer);
    if (this.#acceptTimer !== null) clearInterval(this.#acceptTimer);
    this.#server?.close();
    this.#listener.close();
    for (const fd of this.#spares) closeSync(fd);
    this.#spares.length = 0;
  }

  #acceptByNode(): void {
    const server = createServer(SOCKET_OPTIONS, (socket) => this.#admission.admit(socket));
    // An error while accepting needs no handling: the next check finds out whether descriptors are the reason.
    server.on('error', () => {});
    // A duplicate, because the server closes its descriptor. Exclusive, so that a cluster's worker listens in its own process.
    server.listen({ fd: duplicateDescriptor(this.#listener.fd), backlog: BACKLOG, exclusive: true });
    this.#server = server;
  }

  #check(): void {
    const now = performance.now();
    const scarce = this.#isScarce();
    if (scarce) this.#scarceAt = now;
    if (this.#acceptTimer === null) {
      if (scarce) this.#acceptByTimer();
      return;
    }
    this.#refill();
    if (now - this.#scarceAt < ROOM_MS || this.#spares.length < SPARES) return;
    clearInterval(this.#acceptTimer);
    this.#acceptTimer = null;
    this.#acceptByNode();
  }

  #acceptByTimer(): void {
    this.#logger.warn(
      'descriptors run out: the dashboard goes on with those that it has kept; raise the limit of open files (ulimit -n)',
    );
    this.#server?.close();
    this.#server = null;
    this.#acceptTimer = guardedInterval(this.#logger, () => this.#acceptSome(), ACCEPT_MS);
  }

  #acceptSome(): void {
    for (let count = 0; count < MAX_ACCEPTED; count++) {
      const accepted = acceptConnection(this.#listener.fd);
      if (accepted >= 0) {
        this.#admission.admit(new Socket({ fd: accepted, ...SOCKET_OPTIONS }));
      } else if (accepted === -EMFILE || accepted === -ENFILE) {
        const spare = this.#spares.pop();
        if (spare !== undefined) closeSync(spare);
        else if (!this.#admission.makeRoom()) return;
      } else if (accepted !== -EINTR) {
        return;
      }
    }
  }

  #isScarce(): boolean {
    const fd = tryOpen();
    if (fd === null) return true;
    closeSync(fd);
    return fd >= this.#scarceFrom;
  }

  #refill(): void {
    while (this.#spares.length < SPARES) {
      const fd = tryOpen();
      if (fd === null) return;
      this.#spares.push(fd);
    }
  }
}

/** Null if no descriptor is free. */
function tryOpen(): number | null {
  try {
    return openSync(SPARE, 'r');
  } catch {
    return null;
  }
}
