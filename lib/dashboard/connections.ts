/**
 * The connections of the dashboard's port, so many and no more, and which of them has to go when another one comes: a health
 * check must get in, whatever the others do.
 *
 *   admitted ─▶ waiting ── a request is complete ──▶ answered ── its answer is sent ──▶ waiting
 *                  │                                    └─ 101 ─▶ upgraded: its websocket decides from then on
 *                  └─ half a head for HEAD_MS, or nothing at all: ended
 *
 * At the limit the connection that has waited longest is ended, be it idle, silent or in the middle of a head. Where none
 * waits, it is the one whose client has not taken an answer that has been whole for STALLED_MS. One that is being answered
 * and one that has upgraded never is: then the new one is refused.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '../logger.js';
import { guardedInterval } from './guarded-interval.js';

/** Scrapers, health checks, pages that load, and the clients. */
const MAX_CONNECTIONS = 128;
/** How long a client has for a head from its first byte, and for the first byte of the first one, in milliseconds. */
const HEAD_MS = 1000;
/** How often that is looked at. */
const SWEEP_MS = 250;
/** How long an answer that is whole may wait for its client once its place is needed. */
const STALLED_MS = 1000;
/** Requests of one connection that wait for their answers: browsers send one, scrapers too. */
const MAX_PIPELINED = 16;

const TOO_LATE = 'HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';

interface Connection {
  readonly socket: Socket;
  /** When it began to wait, or to be answered. */
  since: number;
  /** Requests without a whole answer. */
  open: number;
  /** To the last of them. */
  response: ServerResponse | null;
  upgraded: boolean;
  /** Bytes that it had sent when it began to wait, and when the first one after these was noticed; 0: there is none yet. */
  bytes: number;
  headSince: number;
}

export class Connections implements Disposable {
  /** In the order of `since`. */
  readonly #all = new Map<Socket, Connection>();
  readonly #timer: NodeJS.Timeout;
  #closing = false;

  readonly #max: number;

  /** @param max how many there may be */
  constructor(logger: Logger, max = MAX_CONNECTIONS) {
    this.#max = max;
    this.#timer = guardedInterval(logger, () => this.#sweep(), SWEEP_MS);
  }

  /** @returns whether there is a place for the connection; if not, it has been ended */
  admit(socket: Socket): boolean {
    // node:http takes its own listener off when a connection switches; there is nothing to say of an error in any case.
    socket.on('error', () => {});
    if (this.#all.size >= this.#max && !this.makeRoom()) {
      socket.destroy();
      return false;
    }
    const now = performance.now();
    this.#all.set(socket, {
      socket,
      since: now,
      open: 0,
      response: null,
      upgraded: false,
      bytes: 0,
      headSince: now,
    });
    socket.once('close', () => this.#all.delete(socket));
    return true;
  }

  /** Ends the connection that can be spared best. @returns whether there was one */
  makeRoom(): boolean {
    const now = performance.now();
    const all = [...this.#all.values()];
    const victim =
      all.find(({ open, upgraded }) => open === 0 && !upgraded) ??
      all.find(({ since, upgraded, response }) => {
        return !upgraded && response?.writableEnded === true && now - since >= STALLED_MS;
      });
    if (victim === undefined) return false;
    this.#destroy(victim);
    return true;
  }

  /**
   * A request is complete.
   *
   * @returns whether it is to be answered; if not, its connection has been ended
   */
  beginRequest(socket: Socket, response: ServerResponse): boolean {
    const connection = this.#all.get(socket);
    if (connection === undefined || connection.open >= MAX_PIPELINED) {
      socket.destroy();
      return false;
    }
    connection.open++;
    connection.response = response;
    if (connection.open === 1) this.#requeue(connection);
    response.once('close', () => {
      if (--connection.open > 0 || !this.#all.has(socket)) return;
      if (this.#closing) socket.destroySoon();
      else this.#requeue(connection);
    });
    return true;
  }

  /** The connection is a websocket from now on. */
  upgraded(socket: Socket): void {
    const connection = this.#all.get(socket);
    if (connection !== undefined) connection.upgraded = true;
  }

  /** Ends those that wait for a request, and the others with their answers. */
  close(): void {
    this.#closing = true;
    for (const connection of this.#all.values()) {
      if (connection.open === 0 && !connection.upgraded) this.#destroy(connection);
    }
  }

  /** Resolves when there is none any more. */
  async allClosed(): Promise<void> {
    while (this.#all.size > 0) {
      const [socket] = this.#all.keys();
      await new Promise((resolve) => socket!.once('close', resolve));
    }
  }

  destroyAll(): void {
    for (const connection of this.#all.values()) this.#destroy(connection);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #destroy({ socket }: Connection): void {
    this.#all.delete(socket);
    socket.destroy();
  }

  #requeue(connection: Connection): void {
    this.#all.delete(connection.socket);
    this.#all.set(connection.socket, connection);
    connection.since = performance.now();
    connection.bytes = connection.socket.bytesRead;
    connection.headSince = 0;
  }

  #sweep(): void {
    const now = performance.now();
    for (const connection of [...this.#all.values()]) {
      const { socket, open, upgraded, bytes } = connection;
      if (open > 0 || upgraded) continue;
      if (connection.headSince === 0 && socket.bytesRead !== bytes) connection.headSince = now;
      if (connection.headSince === 0 || now - connection.headSince < HEAD_MS) continue;
      if (socket.bytesRead !== bytes && !socket.writableEnded) socket.write(TOO_LATE);
      this.#destroy(connection);
    }
  }
}
