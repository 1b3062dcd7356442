/**
 * The socket of an HTTP connection as an app sees it: `req.socket` and `res.socket`. A `net.Socket` without a libuv handle: its output goes
 * through the connection, its input is the parser's, and its handle is an object with what `net.Socket` asks of one.
 *
 * A thread makes one when it first serves a request of the connection, and keeps it for the next ones. Between two requests, when any
 * thread may take the connection, the socket has no link to it.
 */
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { SocketAddress } from '../sys/socket.js';
import { PeerHandle } from './peer-handle.js';

type Encoding = BufferEncoding | 'buffer';
export type Done = (error?: Error | null) => void;

/** One write of the app. */
export interface Chunk {
  readonly chunk: string | Uint8Array;
  readonly encoding: Encoding;
}

/** The connection as its socket sees it, while it is in this thread. */
export interface SocketLink {
  /** Sends in order; `done` is called once the kernel has taken it all. */
  send(chunks: readonly Chunk[], done: Done): void;
  /** The app has ended its side: nothing is sent after what is queued. */
  endOutput(done: Done): void;
  /** The request's body may be read on. @param paused whether the app had paused the socket */
  readOn(paused: boolean): void;
  /** The app has destroyed the socket. */
  destroyed(): void;
}

/** What the socket has of a connection besides the link. */
export interface Peer {
  readonly generation: number;
  /** The addresses. Called while there is a link. */
  local(): SocketAddress | undefined;
  remote(): SocketAddress | undefined;
  /** Closes the connection, wherever it is. Called while there is no link. */
  closeElsewhere(): void;
}

/** What every such socket has one listener of (socket-events.ts), `end` by `net.Socket` itself. */
const OWN_EVENTS = ['close', 'error', 'timeout', 'drain', 'end'] as const;

/** What of `Writable`'s state the fast path shares. */
interface WritableState {
  length: number;
  corked: number;
  needDrain: boolean;
  readonly highWaterMark: number;
  readonly ending: boolean;
  readonly destroyed: boolean;
  readonly errored: Error | null;
}

interface Internals {
  _handle: PeerHandle | null;
  _unrefTimer(): void;
  _eventsCount: number;
  _events: Record<string, unknown>;
}

/**
 * What a socket has besides `net.Socket`'s members. Under one symbol: apps give sockets properties of their own, and any name may be one.
 */
export class SocketState {
  readonly #socket: HttpSocket;
  readonly peer: Peer;
  link: SocketLink | null = null;
  /** The request that is being handled. */
  incoming: IncomingMessage | null = null;
  /** The app has been told of the connection by the server's event. */
  announced = false;
  /** The app has asked for a reset. */
  resets = false;
  #connectionEnded = false;
  /** Event names that Paceline and Node itself listen to, once each. */
  #ownListeners = 0;

  constructor(socket: HttpSocket, peer: Peer) {
    this.#socket = socket;
    this.peer = peer;
  }

  /** To be called when the listeners that every such socket has are added. */
  listenersComplete(): void {
    this.#ownListeners = (this.#socket as unknown as Internals)._eventsCount;
  }

  /** The app listens to the socket: it has to stay in this thread. */
  get isWatched(): boolean {
    if (this.announced) return true;
    const { _eventsCount, _events } = this.#socket as unknown as Internals;
    if (_eventsCount !== this.#ownListeners) return true;
    // No new name: several listeners of one event are an array.
    return OWN_EVENTS.some((name) => typeof _events[name] !== 'function');
  }

  /** There was traffic: the socket's timeout starts again. */
  active(): void {
    const { timeout } = this.#socket;
    if (timeout !== undefined && timeout !== 0) (this.#socket as unknown as Internals)._unrefTimer();
  }

  /** Counts bytes for `bytesWritten`, and for `bytesRead`. */
  count(written: number, read: number): void {
    const handle = (this.#socket as unknown as Internals)._handle;
    if (handle === null) return;
    handle.bytesWritten += written;
    handle.bytesRead += read;
  }

  /** The client has ended its side of an idle connection: `end`, then the socket ends, too. @param drainTicks between the two */
  peerEnded(drainTicks: () => void): void {
    const socket = this.#socket;
    socket.push(null);
    // The socket's own method would read the request's body.
    Socket.prototype.resume.call(socket);
    drainTicks();
    if (!socket.destroyed) socket.end();
    drainTicks();
  }

  /** The connection is upgraded, and has another socket now: this one ends with it, and destroying it destroys the other. */
  standFor(other: Socket): void {
    this.#socket.setTimeout(0);
    this.link = {
      send: (_chunks, done) => done(brokenPipe()),
      endOutput: (done) => done(),
      readOn: () => {},
      destroyed: () => other.destroy(),
    };
  }

  /** The connection has ended, or is about to: the socket ends, and nothing of the connection is touched any more. */
  endWithConnection(error: Error | null): void {
    this.#connectionEnded = true;
    if (error === null) this.#socket.destroy();
    else this.#socket.destroy(error);
  }

  /** `net.Socket` closes its handle: the app, Node or the connection has destroyed the socket. */
  handleClosed(): void {
    if (this.#connectionEnded) return;
    if (this.link === null) this.peer.closeElsewhere();
    else this.link.destroyed();
  }
}

export const STATE = Symbol('paceline.socket');

export class HttpSocket extends Socket {
  readonly [STATE]: SocketState;
  // What Node's connection listener and its messages keep here.
  declare _httpMessage: unknown;
  declare parser: null;
  declare _paused: boolean;
  declare server: unknown;
  declare _writableState: WritableState;
  /** Chunks that are not sent yet, their callbacks, and their length as `Writable` counts it. */
  #gathered: Chunk[] = [];
  #callbacks: Done[] = [];
  #gatheredLength = 0;
  /** Takes the callback of the write of nothing that waits for a send. */
  #awaiting: ((done: Done) => void) | null = null;

  constructor(peer: Peer, server: unknown) {
    const { highWaterMark } = server as { highWaterMark?: number };
    super({
      allowHalfOpen: true,
      manualStart: true,
      ...(highWaterMark !== undefined && {
        readableHighWaterMark: highWaterMark,
        writableHighWaterMark: highWaterMark,
      }),
    } as object);
    const state = new SocketState(this, peer);
    this[STATE] = state;
    (this as unknown as Internals)._handle = new PeerHandle(state);
    this._httpMessage = null;
    this.parser = null;
    this._paused = false;
    this.server = server;
  }

  /**
   * As `Writable.write`, with a fast path: as long as the stream has nothing to do, chunks go to the connection as they come, those of
   * a corked socket together. `Writable` itself would copy each into its buffer and back.
   */
  override write(chunk: unknown, encoding?: unknown, done?: unknown): boolean {
    const state = this._writableState;
    const callback = typeof encoding === 'function' ? encoding : done;
    const isText = typeof chunk === 'string';
    if (
      this[STATE].link === null ||
      state.length !== this.#gatheredLength ||
      state.ending ||
      state.destroyed ||
      state.errored ||
      !(isText ? isEncoding(encoding) : chunk instanceof Uint8Array)
    ) {
      return super.write(chunk as string, encoding as BufferEncoding, done as Done);
    }
    const length = (chunk as string | Uint8Array).length;
    state.length += length;
    this.#gatheredLength += length;
    this.#gathered.push({
      chunk,
      encoding: isText && typeof encoding === 'string' ? encoding : 'utf8',
    } as Chunk);
    if (typeof callback === 'function') this.#callbacks.push(callback as Done);
    const hasRoom = state.length < state.highWaterMark;
    if (!hasRoom) state.needDrain = true;
    if (state.corked === 0) this.#sendGathered();
    return hasRoom;
  }

  override uncork(): void {
    super.uncork();
    if (this._writableState.corked === 0 && this.#gathered.length > 0) this.#sendGathered();
  }

  override end(...args: unknown[]): this {
    if (this.#gathered.length > 0) this.#sendGathered();
    return (super.end as (...args: unknown[]) => this)(...args);
  }

  #sendGathered(): void {
    const { link } = this[STATE];
    const chunks = this.#gathered;
    const callbacks = this.#callbacks;
    const length = this.#gatheredLength;
    this.#gathered = [];
    this.#callbacks = [];
    this.#gatheredLength = 0;
    const state = this._writableState;
    let error: Error | null | undefined;
    let isSent = false;
    let later: Done | null = null;
    const complete = (problem?: Error | null): void => {
      state.length -= length;
      isSent = true;
      error = problem;
      later?.(problem);
    };
    this[STATE].active();
    // What is gathered is dropped with a destroyed socket, as what Node has corked.
    if (link === null || this.destroyed) complete(brokenPipe());
    else link.send(chunks, complete);
    if (isSent) {
      process.nextTick(() => this.#sent(callbacks, error));
      return;
    }
    // `Writable` waits for the rest, and knows what becomes of `drain`, callbacks and `end()`: by a write of nothing that ends with it.
    this.#awaiting = (done) => {
      later = done;
    };
    super.write(NOTHING, (problem) => callBack(callbacks, problem));
  }

  /** As `afterWrite` of Node's `Writable`. */
  #sent(callbacks: readonly Done[], error: Error | null | undefined): void {
    const state = this._writableState;
    const drains = state.needDrain && state.length === 0 && !state.ending && !state.destroyed && !error;
    if (drains) state.needDrain = false;
    try {
      if (drains) this.emit('drain');
    } finally {
      callBack(callbacks, error);
      if (error && !this.destroyed) this.destroy(error);
    }
  }

  override _write(chunk: string | Uint8Array, encoding: BufferEncoding, done: Done): void {
    const awaiting = this.#awaiting;
    this.#awaiting = null;
    if (awaiting !== null) awaiting(done);
    else this.#send([{ chunk, encoding }], done);
  }

  override _writev(chunks: Chunk[], done: Done): void {
    this.#send(chunks, done);
  }

  #send(chunks: readonly Chunk[], done: Done): void {
    const { link } = this[STATE];
    if (link === null) {
      done(brokenPipe());
      return;
    }
    this[STATE].active();
    link.send(chunks, done);
  }

  override _final(done: Done): void {
    const { link, peer } = this[STATE];
    if (link !== null) {
      link.endOutput(done);
      return;
    }
    // The connection is idle, or with another thread.
    peer.closeElsewhere();
    done();
  }

  override _read(): void {
    this[STATE].link?.readOn(false);
  }

  // The parser reads; what flows is the request's body.
  override resume(): this {
    const paused = this._paused;
    this._paused = false;
    this[STATE].link?.readOn(paused);
    return this;
  }

  override pause(): this {
    this._paused = true;
    return this;
  }

  /** As `net.Socket`'s, which insists on a libuv handle: the client gets a reset. */
  override resetAndDestroy(): this {
    this[STATE].resets = true;
    return this.destroy();
  }

  /** As Node's server has it for its sockets. */
  override setEncoding(): this {
    throw Object.assign(new Error('Changing the socket encoding is not allowed per RFC7230 Section 3.'), {
      code: 'ERR_HTTP_SOCKET_ENCODING',
    });
  }
}

const NOTHING = Buffer.alloc(0);

/** `Writable` throws for any other, or takes it for a callback. */
const isEncoding = (value: unknown): boolean => typeof value !== 'string' || Buffer.isEncoding(value);

/** Calls each, whatever the others throw. @throws what the first one has thrown; for others, a tick throws it */
function callBack(callbacks: readonly Done[], error: Error | null | undefined): void {
  const thrown: unknown[] = [];
  for (const callback of callbacks) {
    try {
      callback(error ?? null);
    } catch (problem) {
      thrown.push(problem);
    }
  }
  for (const problem of thrown.slice(1)) process.nextTick(() => raise(problem));
  if (thrown.length > 0) throw thrown[0];
}

function raise(error: unknown): never {
  throw error;
}

const brokenPipe = (): Error =>
  Object.assign(new Error('write EPIPE'), { code: 'EPIPE', errno: -32, syscall: 'write' });
