/**
 * The listening socket of the dashboard, and how connections are accepted when descriptors run out.
 *
 * While there are descriptors, Node accepts. Where there are none, it would accept each connection only to close it at once
 * (libuv keeps one descriptor for that), so before that point the dashboard accepts by itself, some fifty times a second: it keeps
 * spare descriptors from the start, and closes one of them right before the connection that is to have its number.
 *
 *   Node accepts ── the lowest free number is within MARGIN of the limit ──▶ the acceptor does, spending spares
 *        ▲                                                                       │ and taking them back where it can
 *        └────────────── there was room for ROOM_MS, and the spares are back ────┘
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

/** Connections that the kernel keeps until they are accepted. */
const BACKLOG = 511;
/** Descriptors that are kept for the case that there are no others: a few checks, scrapers and pages at the same time. */
const SPARES = 16;
/** So near to the limit the dashboard accepts by itself; of a low limit, an eighth. */
const MARGIN = 32;
/** How often the numbers are looked at. An app that opens more than MARGIN within that time costs the connections of that time. */
const CHECK_MS = 100;
/** How often the dashboard accepts by itself, and how many at once. */
const ACCEPT_MS = 20;
const MAX_ACCEPTED = 64;
/** How long there has to be room before Node accepts again. */
const ROOM_MS = 5000;

const SPARE = '/dev/null';
const SOCKET_OPTIONS = { allowHalfOpen: true, noDelay: true };

export interface Admission {
  admit(socket: Socket): void;
  /** Ends a connection that can be spared. @returns whether there was one */
  makeRoom(): boolean;
}

export class DashboardAcceptor {
  readonly #listener: Listener;
  readonly #admission: Admission;
  readonly #logger: Logger;
  readonly #scarceFrom: number;
  readonly #spares: number[] = [];
  readonly #checkTimer: NodeJS.Timeout;
  /** Accepts while there are descriptors. */
  #server: Server | null = null;
  /** Accepts while there are none. */
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

  /** What it is bound to. */
  get address(): { readonly address: string; readonly port: number } {
    return this.#listener.address;
  }

  /** Accepts nothing any more. */
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
    // Whatever fails while accepting, the next look finds out whether descriptors are the reason.
    server.on('error', () => {});
    // The server closes what it listens on, and this is to stay. In a cluster's worker no other process may listen for it.
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

/** Null where there is no descriptor left. */
function tryOpen(): number | null {
  try {
    return openSync(SPARE, 'r');
  } catch {
    return null;
  }
}
