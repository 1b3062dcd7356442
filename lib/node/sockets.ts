/**
 * The concrete event handler of connections whose server speaks another protocol than plain HTTP: a `net.Server` of the app, TLS or HTTP/2.
 * The thread that takes the first event makes a `net.Socket` of the connection, and its event loop serves it from then on, as with
 * node:cluster.
 */
import type { Server, Socket } from 'node:net';
import { Connection } from '../connection/connection.js';
import { ConnectionThread } from '../connection/connection-thread.js';
import type { EventHandler, ThreadContext } from '../connection/event-handler.js';
import { adoptDescriptor } from './adopted-socket.js';
import { servers } from './servers.js';

/** The handle of a listening server, as `lib/net.js` has made it. */
interface ListeningHandle {
  onconnection(error: number | null, client: unknown): void;
}

interface Internals {
  _handle: ListeningHandle | null;
}

/** Keeps the place of a connection in the set until its socket is closed. */
class SocketConnection extends Connection {
  readonly #thread: ConnectionThread;
  #socket: Socket | null = null;
  #socketClosed = false;

  constructor(thread: ConnectionThread) {
    super(thread);
    this.#thread = thread;
  }

  protected step(): boolean {
    if (this.#socket === null && !this.#begin()) return this.close();
    return this.#socketClosed ? this.close() : this.waitBound();
  }

  /** Hands the connection to the server of this thread. @returns false when there is none, or no socket could be made */
  #begin(): boolean {
    const { context, fd } = this;
    const server = servers.of(context.table.listener(fd));
    const listening = (server as unknown as Internals | undefined)?._handle;
    if (server === undefined || listening === undefined || listening === null) return false;
    const adopted = adoptDescriptor(context, fd, () => {
      this.#socketClosed = true;
      this.wake();
    });
    if (adopted === null) return false;
    this.#socket = this.#deliver(server, listening, adopted);
    return this.#socket !== null;
  }

  /**
   * Has Node make the server's own socket of the handle, and emit `connection`.
   *
   * @returns null when the server has dropped the connection
   */
  #deliver(server: Server, listening: ListeningHandle, adopted: Socket): Socket | null {
    const { raiseUncaughtException } = this.#thread.context;
    let socket: Socket | null = null;
    const onConnection = (connection: Socket): void => {
      socket = connection;
    };
    server.prependListener('connection', onConnection);
    const internals = adopted as unknown as { _handle: unknown };
    const client = internals._handle;
    internals._handle = null;
    try {
      listening.onconnection(null, client);
    } catch (error) {
      raiseUncaughtException(error);
    }
    server.off('connection', onConnection);
    return socket;
  }

  protected override setWaitDeadline(): void {}

  protected leave(): boolean {
    return this.waitBound();
  }

  protected destroy(): false {
    this.#socket?.destroy();
    return this.close();
  }
}

export class SocketConnections implements EventHandler {
  readonly #thread: ConnectionThread;

  constructor(context: ThreadContext) {
    this.#thread = new ConnectionThread(context);
  }

  handleEvent(fd: number, events: number): void {
    const bound = this.#thread.boundConnections.get(fd);
    if (bound !== undefined) {
      bound.dispatch(events);
      return;
    }
    const connection = new SocketConnection(this.#thread);
    connection.enter(fd);
    connection.dispatch(events);
  }

  abort(fd: number): void {
    this.#thread.boundConnections.get(fd)?.abort();
  }

  bound(): Iterable<number> {
    return this.#thread.boundConnections.keys();
  }
}
