/**
 * The listeners of a server, as the control plane keeps them: it opens the sockets that threads ask for, registers them in the handle
 * set, and closes them.
 *
 * A server in a thread that calls listen() sends a request. The first one opens a socket; equal requests of other threads get the same
 * one, so `port: 0` is one port for all of them. Of several equal requests of one thread, each gets a socket of its own, in the same order
 * in every thread. The thread attaches its server to the listener's number and says so.
 *
 * Any thread of the set that runs handlers may take a connection of any registered listener, and needs a server for it. Hence, for these:
 *
 * - R1. A listener is registered once every thread that is in the set has a server attached to it, and not before all threads have loaded
 *   the app. Until then connections wait in the kernel's queue.
 * - R2. A thread joins the set once it has a server attached to every registered listener, or JOIN_MS after its app was loaded: an app
 *   may open a listener much later than it starts.
 * - R3. A thread that closes its server stays in the set, and the listener is closed when the last one has closed its own. The death
 *   of a thread closes no registered listener: its replacement asks for it again.
 * - R4. An I/O thread, which runs no handler, has servers as well, and is not awaited: no handler can open or close its copies. It keeps
 *   a listener open only until that is registered.
 *
 * All of it is decided in the main thread, so nothing changes between a check and what follows from it.
 *
 * The first numbers are the server's own addresses, those of listen(): they serve what the app module exports. Every thread that has loaded
 * the app serves them, so R1 and R2 do not hold for them: they are registered as soon as one thread has. Their sockets are bound before the
 * threads start; that this failed is an error only if the module exports something, or a thread asks for the same address.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { freeListener, registerListener, unregisterListener } from '../connection/listeners.js';
import { PacelineError } from '../errors.js';
import type { Logger } from '../logger.js';
import { MAX_LISTENERS } from '../memory/layout.js';
import type { HandleSet } from '../set/handle-set.js';
import { ECONNABORTED, EINVAL, EMFILE, errnoName } from '../sys/libc.js';
import { startListening } from '../sys/socket.js';
import type { ListenMessage, ListenRequest, Protocol } from '../thread/messages.js';
import { EMPTY_MS, isAwaitingAccept } from './accept-queue.js';
import { BACKLOG, describeAddress, type Listener, wasRemoved } from './listener.js';
import {
  type Entry,
  infoOf,
  isEqual,
  isWanted,
  kindOf,
  type ListenerInfo,
  makeEntry,
  makePeer,
  type Peer,
  type ThreadNumbers,
} from './listener-entry.js';
import type { OwnAddress } from './own-address.js';
import type { Strays } from './strays.js';

/** How long a loaded thread waits for its servers to listen, and a listener for its threads before a warning. */
const JOIN_MS = 10_000;

export interface ListenersParts extends ThreadNumbers {
  readonly words: Int32Array;
  readonly handles: HandleSet;
  readonly strays: Strays;
  readonly logger: Logger;
  readonly own: readonly OwnAddress[];
  /** Opens what a server of a thread asks for; it listens already. */
  readonly open: (request: ListenRequest) => Promise<Listener>;
  /** Threads accept at one more address. */
  readonly listening: (listener: ListenerInfo) => void;
}

export class Listeners {
  readonly #parts: ListenersParts;
  readonly #peers: (Peer | undefined)[] = [];
  readonly #entries = new Map<number, Entry>();
  /** Sockets that are being closed: their addresses are in use until then. */
  readonly #closing = new Set<Promise<void>>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #servesAll = false;
  #stopped = false;
  /** Of performance.now(): until then, sockets that are closed may wait for their queues to be empty. */
  #emptyBy = 0;
  /** The last request that was refused; null for none. */
  refusal: PacelineError | null = null;

  constructor(parts: ListenersParts) {
    this.#parts = parts;
  }

  /** The registered listeners, in the order of their numbers. */
  registered(): ListenerInfo[] {
    return this.#inOrder(({ registered }) => registered);
  }

  /** The listener with the lowest number; undefined if there is none. */
  first(): ListenerInfo | undefined {
    return this.#inOrder(({ socket }) => socket !== null)[0];
  }

  #inOrder(has: (entry: Entry) => boolean): ListenerInfo[] {
    const entries = [...this.#entries.values()].filter(has);
    return entries.sort((one, other) => one.index - other.index).map(infoOf);
  }

  // ---- threads -------------------------------------------------------------------------------------------------------

  /** A thread is started. */
  begun(thread: number, post: Peer['post']): void {
    this.#peers[thread] = makePeer(thread, post, this.#parts);
  }

  /** The thread has loaded its app. @param admit called once it may join the set (R2) */
  loaded(thread: number, admit: () => void): void {
    const peer = this.#peers[thread];
    if (peer === undefined) return;
    const timer = this.#after(() => {
      // It has joined, or has ended.
      if (peer.admit === null) return;
      this.#warnOfMissing(peer);
      peer.admit();
    });
    peer.admit = () => {
      clearTimeout(timer);
      this.#timers.delete(timer);
      peer.admit = null;
      peer.joined = true;
      admit();
    };
    this.#admitIfAttached(peer);
  }

  /** The thread has ended. */
  died(thread: number): void {
    const peer = this.#peers[thread];
    if (peer === undefined) return;
    this.#peers[thread] = undefined;
    peer.admit = null;
    for (const entry of [...this.#entries.values()]) {
      const had = entry.asked.delete(peer);
      entry.attached.delete(peer);
      if (had && entry.asked.size === 0 && !entry.registered) this.#close(entry);
      // Others may have waited for it.
      else this.#registerIfAttached(entry);
    }
  }

  received(thread: number, message: ListenMessage): void {
    const peer = this.#peers[thread];
    if (peer === undefined) return;
    try {
      this.#process(peer, message);
    } catch (error) {
      this.#failed(error);
    }
  }

  #process(peer: Peer, message: ListenMessage): void {
    switch (message.type) {
      case 'listen':
        this.#listen(peer, message.id, message.request).catch((error) => this.#failed(error));
        return;
      case 'attached':
        this.#attached(peer, message.index);
        return;
      case 'unlisten':
        this.#unlisten(peer, message.index);
    }
  }

  /** Only after code of the process has closed a descriptor that is not its own. */
  #failed(error: unknown): void {
    this.#parts.logger.error('a listening socket could not be opened or closed', { error });
  }

  // ---- start and end of the server -----------------------------------------------------------------------------------

  /**
   * A thread has loaded the app, and it exports something to be served at the own addresses.
   *
   * @param kind which event handler serves it
   * @throws PacelineError of one of the addresses; none is registered then
   */
  serveExport(kind: number, protocol: Protocol): void {
    const { own, strays } = this.#parts;
    const taken = own.map((_, index) => this.#entries.get(index)).find((entry) => entry !== undefined);
    if (taken !== undefined) {
      throw new PacelineError(
        'PACELINE_ADDRESS_IN_USE',
        `the app listens on ${describeAddress(taken.socket!.address)} itself, where its export is to be served; let it use another address, or export nothing`,
      );
    }
    // All of them first: none accepts a connection if the start fails.
    const sockets = own.map((address, index) => {
      const entry = makeEntry(index, address.request(protocol), { kind, isExport: true });
      const socket = address.take();
      strays.addOrigin(socket.address);
      entry.socket = socket;
      this.#entries.set(index, entry);
      return [entry, socket] as const;
    });
    for (const [, { fd }] of sockets) startListening(fd, BACKLOG);
    for (const [entry, socket] of sockets) this.#register(entry, socket);
  }

  /** All threads have loaded the app. Nobody serves the own addresses that are neither the export's nor asked for by a thread. */
  serveAll(): void {
    for (const [index, own] of this.#parts.own.entries()) {
      if (!this.#entries.has(index)) own.drop();
    }
    this.#servesAll = true;
    for (const entry of this.#entries.values()) this.#registerIfAttached(entry);
  }

  /** Closes all listeners, and opens none any more. No thread waits for one. */
  async close(drainMs = EMPTY_MS): Promise<void> {
    this.#stopped = true;
    this.#emptyBy = performance.now() + Math.min(drainMs, EMPTY_MS);
    for (const peer of this.#peers) peer?.admit?.();
    for (const timer of this.#timers) clearTimeout(timer);
    const entries = [...this.#entries.values()];
    for (const entry of entries) this.#close(entry);
    for (const own of this.#parts.own) own.drop();
    await Promise.allSettled([...this.#closing, ...entries.map(({ opened }) => opened)]);
  }

  // ---- requests ------------------------------------------------------------------------------------------------------

  async #listen(peer: Peer, id: number, request: ListenRequest): Promise<void> {
    let entry: Entry | undefined;
    try {
      entry = this.#entryFor(peer, request);
      entry.asked.add(peer);
      await entry.opened;
      if (this.#peers[peer.thread] !== peer) return;
      if (this.#stopped) throw closing();
      await this.#restorePath(entry);
      peer.post({ type: 'listening', id, index: entry.index, address: entry.socket!.address });
    } catch (error) {
      entry?.asked.delete(peer);
      this.#refuse(peer, id, error);
    }
  }

  /** The listener of an equal request that this thread has not asked for yet, or a new one. */
  #entryFor(peer: Peer, request: ListenRequest): Entry {
    if (this.#stopped) throw closing();
    for (const entry of this.#entries.values()) {
      if (!entry.isExport && isEqual(entry.request, request) && !entry.asked.has(peer)) return entry;
    }
    const { own, words } = this.#parts;
    const wanted = this.#servesAll ? -1 : this.#askedOwn(request);
    const isTaken = (index: number) => index < own.length || this.#entries.has(index);
    const index = wanted >= 0 ? wanted : freeListener(words, isTaken);
    if (index < 0) {
      const message = `an app may listen at ${MAX_LISTENERS - own.length} addresses`;
      throw new PacelineError('PACELINE_ADDRESS', message, { errno: EMFILE });
    }
    const entry = makeEntry(index, request, kindOf(request));
    this.#entries.set(index, entry);
    entry.opened = this.#open(entry, () =>
      wanted >= 0 ? this.#takeOwn(own[wanted]!, request) : this.#parts.open(request),
    );
    this.#warnUnlessRegistered(entry);
    return entry;
  }

  /** The number of the own address that is asked for, as long as no thread has got it; -1 for none. */
  #askedOwn(request: ListenRequest): number {
    return this.#parts.own.findIndex((own, index) => !this.#entries.has(index) && own.isAskedBy(request));
  }

  async #open(entry: Entry, open: () => Promise<Listener>): Promise<void> {
    const { index } = entry;
    try {
      await Promise.all(this.#closing);
      const socket = await open();
      if (this.#entries.get(index) !== entry) {
        socket.close();
        throw closing();
      }
      this.#parts.strays.addOrigin(socket.address);
      entry.socket = socket;
    } catch (error) {
      if (this.#entries.get(index) === entry) this.#entries.delete(index);
      throw error;
    }
  }

  async #takeOwn(own: OwnAddress, { backlog }: ListenRequest): Promise<Listener> {
    const socket = own.take();
    startListening(socket.fd, backlog || BACKLOG);
    return socket;
  }

  /**
   * A file often removes the path of a Unix socket that an earlier run has left, before it listens there; and each thread runs the file.
   * The socket of a path that is gone is replaced by a new one, unless groups share it.
   */
  async #restorePath(entry: Entry): Promise<void> {
    const { request, socket, registered } = entry;
    if (socket === null) return entry.opened;
    if (!wasRemoved(socket)) return;
    if (socket.restore !== undefined) return socket.restore();
    entry.socket = null;
    entry.opened = this.#open(entry, async () => {
      await this.#closeSocket(entry, socket);
      return this.#parts.open(request);
    });
    await entry.opened;
    if (registered) this.#register(entry, entry.socket!);
  }

  #refuse(peer: Peer, id: number, error: unknown): void {
    if (this.#peers[peer.thread] !== peer) return;
    const cause = error as PacelineError;
    if (!this.#stopped) this.refusal = cause;
    const errno = cause.errno ?? EINVAL;
    peer.post({ type: 'refused', id, code: errnoName(errno), errno: -errno, message: cause.message });
  }

  #attached(peer: Peer, index: number): void {
    const entry = this.#entries.get(index);
    if (entry === undefined || !entry.asked.has(peer)) return;
    entry.attached.add(peer);
    this.#registerIfAttached(entry);
    this.#admitIfAttached(peer);
  }

  #unlisten(peer: Peer, index: number): void {
    const entry = this.#entries.get(index);
    if (entry === undefined || !entry.asked.delete(peer)) return;
    entry.attached.delete(peer);
    if (!isWanted(entry)) this.#close(entry);
  }

  // ---- R1 and R2 -----------------------------------------------------------------------------------------------------

  #registerIfAttached(entry: Entry): void {
    const { socket, attached, registered } = entry;
    if (!this.#servesAll || registered || socket === null || attached.size === 0) return;
    if (this.#joined().every((peer) => attached.has(peer))) this.#register(entry, socket);
  }

  #admitIfAttached(peer: Peer): void {
    if (this.#stopped || this.#missing(peer).length === 0) peer.admit?.();
  }

  #joined(): Peer[] {
    return this.#peers.filter((peer): peer is Peer => peer?.joined === true && peer.handles);
  }

  /** The registered listeners that a thread has no server for. */
  #missing(peer: Peer): Entry[] {
    if (!peer.handles) return [];
    return [...this.#entries.values()].filter(
      ({ registered, isExport, attached }) => registered && !isExport && !attached.has(peer),
    );
  }

  #warnOfMissing(peer: Peer): void {
    const where = this.#missing(peer).map(({ socket }) => describeAddress(socket!.address));
    this.#parts.logger.warn(
      `thread ${peer.number} has not listened on ${where.join(' and ')} after ${JOIN_MS / 1000} s, as the other threads do; it joins them nevertheless`,
      { thread: peer.number },
    );
  }

  #warnUnlessRegistered(entry: Entry): void {
    this.#after(() => {
      if (this.#entries.get(entry.index) !== entry || entry.registered) return;
      if (!this.#servesAll) return this.#warnUnlessRegistered(entry);
      const threads = this.#joined()
        .filter((peer) => !entry.attached.has(peer))
        .map(({ number }) => number);
      this.#parts.logger.warn(
        `connections to ${describeAddress(entry.socket!.address)} wait, because not every thread listens there after ${JOIN_MS / 1000} s: each has to run the same listen() calls`,
        { threads },
      );
    });
  }

  #after(action: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, JOIN_MS).unref();
    this.#timers.add(timer);
    return timer;
  }

  // ---- sockets -------------------------------------------------------------------------------------------------------

  #register(entry: Entry, { fd }: Listener): void {
    const { words, handles, listening } = this.#parts;
    registerListener(words, handles, { index: entry.index, fd, kind: entry.kind });
    entry.registered = true;
    listening(infoOf(entry));
  }

  #close(entry: Entry): void {
    const { index, socket } = entry;
    this.#entries.delete(index);
    if (socket === null) return;
    const closed = this.#closeSocket(entry, socket);
    this.#closing.add(closed);
    closed.catch((error) => this.#failed(error)).finally(() => this.#closing.delete(closed));
  }

  async #closeSocket(entry: Entry, socket: Listener): Promise<void> {
    const { words, handles, strays } = this.#parts;
    const { registered, index } = entry;
    entry.registered = false;
    // Connections in its queue would be reset. While threads accept none, or clients connect faster, this takes no longer.
    const isAwaited = () => performance.now() < this.#emptyBy && isAwaitingAccept(words, index, socket.fd);
    // An acceptor leaves the handle after a bounded number of connections.
    while (registered && (isAwaited() || !unregisterListener(words, handles, index))) await delay(1);
    socket.close();
    strays.removeOrigin(socket.address);
  }
}

/** For a request that comes too late. */
const closing = (): PacelineError =>
  new PacelineError('PACELINE_STATE', 'the server is closing', { errno: ECONNABORTED });
