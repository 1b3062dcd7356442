/**
 * Binds the Node servers of the calling thread to a thread set of its own, in the thread's event loop. The set is made at the first
 * listen and kept: a test suite opens hundreds of servers, one after the other.
 *
 * The set takes turns while a server listens or a connection is open, and keeps the process alive while a listener is referenced or an
 * HTTP connection is open. With neither it has a few descriptors and its memory, and takes no time.
 */
import { AsyncResource } from 'node:async_hooks';
// Imported, because a program may replace the globals (fake timers of a test).
import { clearInterval, setInterval } from 'node:timers';
import { isMainThread } from 'node:worker_threads';
import { Acceptor } from '../connection/acceptor.js';
import { ACCEPTOR, NODE_CONNECTION, SOCKET_CONNECTION } from '../connection/event-handler.js';
import {
  freeListener,
  kindOfConnections,
  openConnections,
  registerListener,
  resumeAccepting,
  unregisterListener,
} from '../connection/listeners.js';
import { ACCEPT_SUSPENDED, CONNECTIONS, MAX_LISTENERS } from '../memory/layout.js';
import type { Binding, BoundListener, ListenOutcome, ListenRequest } from '../node/binding.js';
import { DeclaredRoutes } from '../routes/declared-routes.js';
import { ageRoutes } from '../routes/route-table.js';
import { serveNodeServers } from '../thread/data-plane.js';
import { NO_TURNS, REFERENCED, UNREFERENCED } from '../thread/worker-loop.js';
import { type ListeningSocket, openListeningSocket } from './listening-socket.js';
import { createThreadSet, type LocalThreadSet } from './thread-set.js';

/** As the control plane's: accepting may be suspended although no connection of the set will close, and learned routes age. */
const HOUSEKEEPING_MS = 1000;

/** Registers the event handlers of connections with a set that has just been made. */
export type RegisterHandlers = (set: LocalThreadSet) => void;

interface Listener {
  readonly socket: ListeningSocket;
  isReferenced: boolean;
}

/**
 * The scope of the set's turns: that of this module, so that the async state of the program's first `listen()` does not reach the handlers
 * of every server.
 */
const scope = new AsyncResource('PacelineThreadSet');

export class LocalBinding implements Binding {
  readonly isShared = false;
  readonly #registerHandlers: RegisterHandlers;
  /** Those of this thread that listen, by number. */
  readonly #listeners = new Map<number, Listener>();
  #referenced = 0;
  #set: LocalThreadSet | null = null;
  #housekeeping: NodeJS.Timeout | null = null;

  constructor(registerHandlers: RegisterHandlers) {
    this.#registerHandlers = registerHandlers;
  }

  /** The outcome comes before this returns, as in Node: a server has its address as soon as `listen()` has been called. */
  listen(request: ListenRequest, { bound, failed }: ListenOutcome): void {
    let listener: BoundListener;
    try {
      listener = this.#listen(request);
    } catch (error) {
      failed(error as Error);
      return;
    }
    // No connection is accepted before the next turn.
    bound(listener);
  }

  #listen(request: ListenRequest): BoundListener {
    const set = this.#threadSet();
    const { control, handles, table } = set.context;
    const index = freeListener(control);
    const socket = openListeningSocket(request, index < 0 ? 0 : table.capacity);
    try {
      const kind = request.protocol === 'http' ? NODE_CONNECTION : SOCKET_CONNECTION;
      registerListener(control, handles, { index, fd: socket.fd, kind });
    } catch (error) {
      socket.close();
      throw error;
    }
    this.#listeners.set(index, { socket, isReferenced: true });
    this.#referenced++;
    this.#housekeeping ??= setInterval(() => this.#housekeep(set), HOUSEKEEPING_MS).unref();
    set.workerLoop.heedDemand();
    return { index, address: socket.address };
  }

  close(index: number): void {
    const listener = this.#listeners.get(index);
    if (listener === undefined) return;
    const { control, handles } = this.#threadSet().context;
    // The acceptor runs no code of the program, so nothing is called from inside the handle.
    if (!unregisterListener(control, handles, index)) throw new Error('a listener is closed while accepting');
    listener.socket.close();
    this.#listeners.delete(index);
    if (listener.isReferenced) this.#referenced--;
    if (this.#listeners.size > 0 || this.#housekeeping === null) return;
    clearInterval(this.#housekeeping);
    this.#housekeeping = null;
  }

  ref(index: number, on: boolean): void {
    const listener = this.#listeners.get(index);
    if (listener === undefined || listener.isReferenced === on) return;
    listener.isReferenced = on;
    this.#referenced += on ? 1 : -1;
    if (on) this.#threadSet().workerLoop.heedDemand();
  }

  connections(index: number): number {
    return openConnections(this.#threadSet().context.control, index);
  }

  #threadSet(): LocalThreadSet {
    this.#set ??= scope.runInAsyncScope(() => this.#createSet());
    return this.#set;
  }

  #createSet(): LocalThreadSet {
    const set = createThreadSet(() => this.#demand(set));
    set.eventHandlers[ACCEPTOR] = new Acceptor(set.context, true);
    this.#registerHandlers(set);
    set.workerLoop.start();
    // The system closes the descriptors of a process, not those of a thread.
    if (!isMainThread) process.once('exit', () => this.#closeAll(set));
    return set;
  }

  #demand({ context: { control } }: LocalThreadSet): number {
    if (this.#referenced > 0) return REFERENCED;
    if (control[CONNECTIONS] === 0) return this.#listeners.size > 0 ? UNREFERENCED : NO_TURNS;
    for (let index = 0; index < MAX_LISTENERS; index++) {
      // A connection that is a socket of Node's keeps the process alive by itself, unless the program has unreferenced it.
      if (openConnections(control, index) > 0 && kindOfConnections(control, index) !== SOCKET_CONNECTION)
        return REFERENCED;
    }
    return UNREFERENCED;
  }

  #housekeep({ context: { control, handles }, memory }: LocalThreadSet): void {
    if (control[ACCEPT_SUSPENDED] !== 0) resumeAccepting(control, handles);
    ageRoutes(memory.routes);
  }

  #closeAll(set: LocalThreadSet): void {
    for (const index of [...this.#listeners.keys()]) this.close(index);
    set.close();
  }
}

let ofThisThread: LocalBinding | null = null;

/** The local binding of the calling thread. */
export function localBinding(): Binding {
  ofThisThread ??= new LocalBinding((set) =>
    serveNodeServers(set, set.memory, new DeclaredRoutes(undefined)),
  );
  return ofThisThread;
}
