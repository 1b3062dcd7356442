/**
 * How a Node server of this thread is bound to handles: to the listening sockets of a thread set. A worker thread of Paceline asks the
 * control plane (thread/shared-binding.ts); any other thread has a set of its own (local/).
 */
import type { SocketAddress } from '../sys/socket.js';

/** Where a server listens, as `net.Server.listen` has read its arguments. */
/** What a server speaks. Connections of `https` and `tcp` are sockets of the thread that accepts them. */
export type Protocol = 'http' | 'https' | 'tcp';

export interface ListenRequest {
  /** The address; null for none, which is `::`, or `0.0.0.0` without IPv6. Null with a path. */
  readonly address: string | null;
  /** 0 for any free port; -1 with a path. */
  readonly port: number;
  /** The path of a Unix socket, or null. */
  readonly path: string | null;
  /** Length of the kernel's queue; 0 for the default. */
  readonly backlog: number;
  readonly protocol: Protocol;
}

export interface BoundListener {
  /** The listener's number: the one of its connections' records (`HandleTable.listener`). */
  readonly index: number;
  readonly address: SocketAddress;
}

/** What becomes of a request to listen; `error` has the system's `code`, such as EADDRINUSE. */
export interface ListenOutcome {
  /** Called before the first connection may come. */
  bound(listener: BoundListener): void;
  failed(error: Error & { code?: string }): void;
}

export interface Binding {
  /** Other threads serve the same listeners: connections between two requests are theirs as well. */
  readonly isShared: boolean;
  /** Begins to accept connections for a server of this thread. The outcome may come before this returns. */
  listen(request: ListenRequest, outcome: ListenOutcome): void;
  /** The server of this thread does not listen any more. */
  close(index: number): void;
  /** Whether the listener keeps the process alive. */
  ref(index: number, on: boolean): void;
  /** Connections of the listener that the server has to wait for when it closes. */
  connections(index: number): number;
}

let current: Binding | null = null;

/** The binding of this thread. */
export function binding(): Binding {
  if (current === null) throw new Error('this thread has no binding');
  return current;
}

export function hasBinding(): boolean {
  return current !== null;
}

export function setBinding(binding: Binding): void {
  current = binding;
}
