/**
 * The connections of the dashboard's port, bounded in number, and which of them is closed to admit a new one: a health check
 * must always be accepted, whatever other clients do.
 *
 *   admitted ─▶ waiting ── a request is complete ──▶ answering ── the answer is sent ──▶ waiting
 *                  │                                    └─ 101 ─▶ upgraded: from then on live.ts closes it
 *                  └─ an incomplete head, or no first byte, for HEAD_MS: closed
 *
 * At the limit the connection that has waited longest is closed, whether it is idle, has sent nothing, or is in the middle of
 * a head. If none waits, it is one whose client has not read an answer that has been complete for STALLED_MS. A connection
 * whose answer is not complete, and an upgraded one, are never closed: then the new one is refused.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '../logger.js';
import { guardedInterval } from './guarded-interval.js';

/** Scrapers, health checks, pages that load, and websockets. */
const MAX_CONNECTIONS = 128;
/** How long a client has for a head from its first byte, and for the first byte of the first one, in milliseconds. */
const HEAD_MS = 1000;
/** How often that is checked. */
const SWEEP_MS = 250;
/** How long a complete answer may wait for its client before the connection may be closed for another. */
const STALLED_MS = 1000;
/** Requests of one connection that wait for their answers: browsers and scrapers send one. */
const MAX_PIPELINED = 16;

const TOO_LATE = 'HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';

interface Connection {
  readonly socket: Socket;
  /** When it began to wait, or to answer. */
  since: number;
  /** Requests whose answers are not complete. */
  open: number;
  /** The response to the last of them. */
  response: ServerResponse | null;
  upgraded: boolean;
  /** Bytes received when it began to wait, and when a further one was noticed; 0 if there is none yet. */
  bytes: number;
  headSince: number;
}

export class Connections implements Disposable {
  /** In the order of `since`. */
  readonly #all = new Map<Socket, Connection>();
  readonly #timer: NodeJS.Timeout;
  #closing = false;

  readonly #max: number;

  /** @param max the highest number of connections */
  constructor(logger: Logger, max = MAX_CONNECTIONS) {
    this.#max = max;
    this.#timer = guardedInterval(logger, () => this.#sweep(), SWEEP_MS);
  }

  /** @returns whether there is room for the connection; if not, it has been closed */
  admit(socket: Socket): boolean {
    // node:http removes its own listener when a connection is upgraded. Errors of a connection are not reported in any case.
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

  /** Closes one connection; see the head of this file. @returns whether there was one to close */
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
   * To be called with each complete request.
   *
   * @returns whether to answer it; if not, its connection has been closed
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

  /** To be called when the connection has become a websocket. */
  upgraded(socket: Socket): void {
    const connection = this.#all.get(socket);
    if (connection !== undefined) connection.upgraded = true;
  }

  /** Closes the connections that wait for a request; the others close after their answers. */
  close(): void {
    this.#closing = true;
    for (const connection of this.#all.values()) {
      if (connection.open === 0 && !connection.upgraded) this.#destroy(connection);
    }
  }

  /** Resolves once no connection is left. */
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
