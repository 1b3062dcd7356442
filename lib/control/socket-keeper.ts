/**
 * Sockets that outlive the process: those that its servers have asked for are kept by another process, which passes them to the next one
 * (dev/protocol.ts). Only a process that `paceline dev` has started has a keeper.
 */
import type { SocketAddress } from '../sys/socket.js';
import type { ListenRequest } from '../thread/messages.js';

export interface SocketKeeper {
  /** The kept socket of an equal request, which is the caller's from then on; undefined for none. */
  take(request: ListenRequest): { readonly fd: number; readonly address: SocketAddress } | undefined;
  /** A socket has been opened for the request, and listens. */
  keep(request: ListenRequest, fd: number): void;
}

let current: SocketKeeper | null = null;

/** The keeper of this process. */
export const socketKeeper = (): SocketKeeper | null => current;

export function setSocketKeeper(keeper: SocketKeeper): void {
  current = keeper;
}
