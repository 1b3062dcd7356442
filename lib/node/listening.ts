/**
 * Listening: binds the servers of this thread to listeners of its thread set. `net.Server.listen` reads its arguments as ever, and calls
 * `_listen2` in the end; there node:cluster gives its servers a handle that is no socket, and so does Paceline. So `address()`,
 * `listening`, `close()`, `ref()` and `unref()` and the events are Node's own code.
 */
import { chmodSync, statSync } from 'node:fs';
import { Server as HttpServer } from 'node:http';
import { createRequire } from 'node:module';
import { type AddressInfo, Server } from 'node:net';
import { getSystemErrorMap } from 'node:util';
import { PacelineError } from '../errors.js';
import { type BoundListener, binding, type ListenRequest, type Protocol } from './binding.js';
import { servers } from './servers.js';

/** `net.Server`'s own, in Node.js 20 to 26. */
interface Internals {
  _handle: ListenHandle | null;
  _listeningId: number;
  _listen2: Listen;
  _emitCloseIfDrained(): void;
}

type Listen = (
  this: Server,
  address: string | null,
  port: number,
  addressType: number,
  backlog: number,
  fd: number | undefined,
  flags: number,
) => void;

const internalsOf = (server: Server): Internals => server as unknown as Internals;
const nodesListen = internalsOf(Server.prototype)._listen2;

const UV_READABLE = 1;
const UV_WRITABLE = 2;

/** Further addresses at which a server is to listen, with the one that its listen() names. */
const further = new WeakMap<Server, readonly FurtherAddress[]>();
type FurtherAddress = Pick<ListenRequest, 'address' | 'port' | 'path'>;

/** The numbers of the listeners that a server has got since it last began to listen. */
const numbers = new WeakMap<Server, Set<number>>();

/** Servers that have closed and wait for connections; once there is none, they emit `close`. */
const closing = new WeakSet<Server>();

/** In place of a libuv handle: what `lib/net.js` calls of a listening one. */
class ListenHandle {
  readonly #server: Server;
  readonly #listener: BoundListener;
  /** Set by Node: delivers a connection of a server that does not speak HTTP. */
  onconnection: unknown = null;
  /** Absent for a Unix socket, as in Node. */
  readonly getsockname: ((out: Partial<AddressInfo>) => number) | undefined;

  constructor(server: Server, listener: BoundListener) {
    this.#server = server;
    this.#listener = listener;
    const { address, family, port } = listener.address;
    if (family !== 'Unix') {
      this.getsockname = (out) => {
        Object.assign(out, { address, family, port });
        return 0;
      };
    }
  }

  listen(): number {
    return 0;
  }

  /** The options `readableAll` and `writableAll` of a Unix socket. @param mode UV_READABLE and UV_WRITABLE of libuv */
  fchmod(mode: number): number {
    const { address } = this.#listener.address;
    const added = ((mode & UV_READABLE) !== 0 ? 0o444 : 0) | ((mode & UV_WRITABLE) !== 0 ? 0o222 : 0);
    chmodSync(address, statSync(address).mode | added);
    return 0;
  }

  close(closed?: () => void): void {
    // Without any, Node emits `close` by itself.
    if (connectionsOf(this.#server) > 0) closing.add(this.#server);
    for (const index of numbersOf(this.#server)) binding().close(index);
    if (closed !== undefined) process.nextTick(closed);
  }

  ref(): void {
    binding().ref(this.#listener.index, true);
  }

  unref(): void {
    binding().ref(this.#listener.index, false);
  }
}

/** From now on all servers of this thread listen on its thread set. */
export function installListening(): void {
  internalsOf(Server.prototype)._listen2 = listen;
}

/** When the server listens, it listens at these addresses as well; what it says of itself is about the first one. */
export function listenAlsoAt(server: Server, addresses: readonly FurtherAddress[]): void {
  further.set(server, addresses);
}

/** From now on this server listens on the thread set of its thread. */
export function listenOnSet(server: Server): void {
  internalsOf(server)._listen2 = listen;
}

const listen: Listen = function (this: Server, address, port, addressType, backlog, fd, flags) {
  const refused = refusal(fd, flags);
  if (refused !== null) {
    process.nextTick(() => this.emit('error', refused));
    return;
  }
  const isPath = port === -1;
  const internals = internalsOf(this);
  const id = internals._listeningId;
  const first = { address: isPath ? null : address || null, port, path: isPath ? address : null };
  numbers.set(this, new Set());
  const request = (where: FurtherAddress, bound: (listener: BoundListener) => void): void =>
    binding().listen(
      { ...where, backlog: backlog || 0, protocol: protocolOf(this) },
      {
        bound: (listener) => {
          // Closed in the meantime.
          if (internals._listeningId !== id) binding().close(listener.index);
          else bound(listener);
        },
        failed: (error) => {
          if (internals._listeningId !== id) return;
          const failure = listenError(where, error);
          process.nextTick(() => this.emit('error', failure));
        },
      },
    );
  request(first, (listener) => {
    internals._handle = new ListenHandle(this, listener);
    serve(this, listener.index);
    nodesListen.call(this, address, port, addressType, backlog, fd, flags);
  });
  for (const where of further.get(this) ?? []) request(where, ({ index }) => serve(this, index));
};

const load = createRequire(import.meta.url);

function protocolOf(server: Server): Protocol {
  if (server instanceof HttpServer) return 'http';
  // Most threads have no server of this kind, and need not load TLS.
  const { Server: HttpsServer } = load('node:https') as typeof import('node:https');
  return server instanceof HttpsServer ? 'https' : 'tcp';
}

/** UV_TCP_IPV6ONLY of libuv. */
const IPV6_ONLY = 1;

/** Why a server cannot listen so; null where it can. */
function refusal(fd: number | undefined, flags: number): PacelineError | null {
  if (typeof fd === 'number' && fd >= 0)
    return new PacelineError(
      'PACELINE_ADDRESS',
      'a server cannot listen on a descriptor that it was given; listen on a port or a path',
    );
  // Without the option the server would be reached by IPv4 clients that the app has ruled out.
  if ((flags & IPV6_ONLY) !== 0)
    return new PacelineError(
      'PACELINE_ADDRESS',
      'a server cannot listen with the option ipv6Only; listen on a single IPv6 address instead of ::',
    );
  return null;
}

/** The error that Node has for a failed listen. */
function listenError({ address, port, path }: FurtherAddress, cause: Error & { code?: string }): Error {
  const place = path === null ? { address: address ?? '::', port } : { address: path };
  const error = systemError(cause.code ?? 'UNKNOWN', path ?? `${place.address}:${port}`, cause);
  return Object.assign(error, place);
}

function systemError(code: string, where: string, cause: Error): Error {
  for (const [errno, [name, message]] of getSystemErrorMap()) {
    if (name !== code) continue;
    return Object.assign(new Error(`listen ${code}: ${message} ${where}`), {
      code,
      errno,
      syscall: 'listen',
    });
  }
  return cause;
}

/** The listener's connections are the server's. */
function serve(server: Server, index: number): void {
  servers.attach(index, server);
  numbers.get(server)!.add(index);
  closing.delete(server);
  // Sockets of other servers are counted by Node.
  if (!(server instanceof HttpServer)) return;
  const own = {
    _connections: { get: () => connectionsOf(server), set: () => {}, configurable: true },
    closeIdleConnections: method(() => closeConnections(server, false)),
    closeAllConnections: method(() => closeConnections(server, true)),
  };
  Object.defineProperties(server, own);
}

/** A number may be another server's, once all connections of a closed one have ended. */
const numbersOf = (server: Server): number[] =>
  [...(numbers.get(server) ?? [])].filter((index) => servers.of(index) === server);

const connectionsOf = (server: Server): number =>
  numbersOf(server).reduce((sum, index) => sum + binding().connections(index), 0);

function closeConnections(server: Server, all: boolean): void {
  for (const index of numbersOf(server)) servers.closeConnections(index, server, all);
}

const method = (value: () => void): PropertyDescriptor => ({ value, configurable: true, writable: true });

/** A connection of the listener has left this thread, or is closed: a server that closes may have waited for it. */
export function connectionLeft(index: number): void {
  const server = servers.of(index);
  if (server === undefined || !closing.has(server) || connectionsOf(server) > 0) return;
  closing.delete(server);
  internalsOf(server)._emitCloseIfDrained();
}
