/** What connections need of the `http.Server` that they belong to. */
import { maxHeaderSize, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Limits } from '../connection/limits.js';
import type { HttpTimeouts } from '../http/deadlines.js';

interface KnownTimeouts extends HttpTimeouts {
  readonly headers: number;
  readonly request: number;
  readonly keepAlive: number;
}

const known = new WeakMap<Server, KnownTimeouts>();

/** The server's timeouts in ticks. The app may change its properties at any time. */
export function timeoutsOf(server: Server, limits: Limits): HttpTimeouts {
  const { headersTimeout: headers, requestTimeout: request, keepAliveTimeout: keepAlive } = server;
  const before = known.get(server);
  if (before?.headers === headers && before.request === request && before.keepAlive === keepAlive)
    return before;
  const ticks = (ms: number) => (ms > 0 ? Math.ceil(ms / limits.tickMs) + 1 : 0);
  const requestTicks = ticks(request);
  const timeouts = {
    headers,
    request,
    keepAlive,
    // A head is a part of the request: where it has no timeout of its own, or a longer one, the request's applies.
    headersTicks: Math.min(ticks(headers) || requestTicks, requestTicks || ticks(headers)),
    requestTicks,
    keepAliveTicks: ticks(keepAlive),
    sendTicks: limits.sendTicks,
    graceTicks: limits.graceTicks,
  };
  known.set(server, timeouts);
  return timeouts;
}

/** The listener that `http.Server` adds itself: it would have the socket parsed by Node. */
const NODES_OWN = 'connectionListener';

type Listener = (socket: Socket) => void;

/** The longest head that the server takes, in bytes. @param most what the thread has room for */
export const headLimit = (server: Server, most: number): number =>
  Math.min((server as { maxHeaderSize?: number }).maxHeaderSize || maxHeaderSize, most);

/** Whether the server has as many connections as it wants: this one is dropped. @param open those of its listener, this one included */
export const isFull = ({ maxConnections }: Server, open: number): boolean =>
  maxConnections > 0 && open > maxConnections;

/** Whether the app listens to the server's `connection`. */
export const wantsConnections = (server: Server): boolean => server.listenerCount('connection') > 1;

/**
 * Emits `connection` for listeners of the app, if there are any.
 *
 * @returns whether there are
 */
export function announce(server: Server, socket: Socket, raise: (error: unknown) => void): boolean {
  if (!wantsConnections(server)) return false;
  for (const listener of server.rawListeners('connection') as Listener[]) {
    if (listener.name === NODES_OWN) continue;
    try {
      listener.call(server, socket);
    } catch (error) {
      raise(error);
    }
  }
  return true;
}

/** Tells the app that a connection has been idle for too long, as `net.Socket` does. */
export function emitTimeout(socket: Socket, raise: (error: unknown) => void): void {
  try {
    socket.emit('timeout');
  } catch (error) {
    raise(error);
  }
}

/**
 * Emits `clientError`.
 *
 * @returns whether a listener has taken care of the client
 */
export function tellClientError(
  server: Server,
  clientError: Error,
  socket: Socket,
  raise: (error: unknown) => void,
): boolean {
  try {
    return server.emit('clientError', clientError, socket);
  } catch (error) {
    raise(error);
    return false;
  }
}
