/** What the connections of one thread share whose requests go to Node servers. */
import type { Server } from 'node:http';
import { HttpThread } from '../http/http-thread.js';
import type { ParserLimits } from '../http/parser/limits.js';
import { REQUESTS, RESPONSES } from '../memory/counters.js';
import { statusClass } from '../memory/request-classes.js';
import { ConnectionPeer } from './peer.js';
import { HttpSocket, STATE } from './socket.js';
import { listenTo } from './socket-events.js';

/**
 * Sockets that a thread keeps for the next request of their connections. Making one takes as long as a third of a small request; one takes
 * some 3 KB.
 */
const MAX_SOCKETS = 256;

export class NodeThread extends HttpThread {
  readonly #sockets = new Map<number, HttpSocket>();

  /** Node's servers have no limit of the body, none of the target apart from the head's, and decide by themselves on Host, Expect and CONNECT. */
  override get parserLimits(): ParserLimits {
    const { maxHeaderSize } = this.context.limits;
    return {
      maxHeaderSize,
      maxTargetSize: maxHeaderSize,
      maxBodySize: Number.POSITIVE_INFINITY,
      leavesToServer: true,
    };
  }

  /** Counts a request that has been answered. */
  countResponse(status: number): void {
    const { counters } = this.context;
    counters[REQUESTS]!++;
    counters[RESPONSES - 1 + statusClass(status)]!++;
  }

  /** The socket that this thread has made for the connection; undefined for another use of the descriptor. */
  socketOf(fd: number, generation: number): HttpSocket | undefined {
    const socket = this.#sockets.get(fd);
    if (socket === undefined || (socket[STATE].peer.generation === generation && socket.writable))
      return socket;
    this.#sockets.delete(fd);
    return undefined;
  }

  /** Makes the connection's socket in this thread, and keeps it. */
  createSocket(fd: number, server: Server): HttpSocket {
    const socket = new HttpSocket(new ConnectionPeer(this.context, fd), server);
    listenTo(socket, server);
    this.#keepSocket(fd, socket);
    return socket;
  }

  #keepSocket(fd: number, socket: HttpSocket): void {
    if (this.#sockets.size >= MAX_SOCKETS) {
      // The oldest: the map has them in the order of their creation.
      for (const [oldest] of this.#sockets) {
        this.#sockets.delete(oldest);
        break;
      }
    }
    this.#sockets.set(fd, socket);
  }

  forgetSocket(fd: number): void {
    this.#sockets.delete(fd);
  }
}
