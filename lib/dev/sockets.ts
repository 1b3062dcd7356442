/** The supervisor's sockets: they stay open while one child ends and the next one starts. */
import { openListener } from '../control/listener.js';
import { PacelineError } from '../errors.js';
import type { ListenOptions } from '../options/listen-options.js';
import { closeDescriptor, duplicateDescriptor } from '../sys/descriptor.js';
import { deferAccept, localAddress } from '../sys/socket.js';
import type { ListenRequest } from '../thread/messages.js';
import { type ChildStart, FIRST_SOCKET_FD, type PassedSocket, type ServedAddress } from './protocol.js';

/** A socket of this process. */
interface KeptSocket<Asked> extends PassedSocket<Asked> {
  /** The child that was started last has asked for it. */
  isUsed: boolean;
  /** Its number in that child; -1 if the child has opened it. */
  childFd: number;
  /** Of what was spoken there last; null where nobody knows yet. */
  scheme: string | null;
  close(): void;
}

export class Sockets {
  #own: KeptSocket<ListenOptions>[] = [];
  #requested: KeptSocket<ListenRequest>[] = [];

  /**
   * Binds the sockets of the command's own addresses that are not open yet. One that cannot be bound is left to the child, which knows
   * whether it is needed and says what is wrong.
   */
  async open(addresses: readonly ListenOptions[]): Promise<void> {
    const left = [...this.#own];
    const own: KeptSocket<ListenOptions>[] = [];
    for (const asked of addresses) {
      const index = left.findIndex((socket) => isSame(socket.asked, asked));
      const socket = index < 0 ? await bind(asked) : left.splice(index, 1)[0]!;
      if (socket !== null) own.push(socket);
    }
    for (const socket of left) socket.close();
    this.#own = own;
  }

  /** What the next child is given, and the descriptors of this process for it, from FIRST_SOCKET_FD on. */
  pass(): { readonly start: Omit<ChildStart, 'dashboard'>; readonly descriptors: readonly number[] } {
    const all = [...this.#own, ...this.#requested];
    for (const [index, socket] of all.entries()) {
      socket.childFd = FIRST_SOCKET_FD + index;
      socket.isUsed = false;
    }
    return {
      start: { own: this.#own.map(passed), requested: this.#requested.map(passed) },
      descriptors: all.map(({ fd }) => fd),
    };
  }

  /** The child has opened a socket. @param fd stays the caller's */
  opened(asked: ListenRequest, fd: number): void {
    const kept = duplicateDescriptor(fd);
    const socket = {
      fd: kept,
      asked,
      isUsed: true,
      childFd: -1,
      scheme: asked.protocol,
      close: () => closeDescriptor(kept),
    };
    deferAcceptOf(socket);
    this.#requested.push(socket);
  }

  /** The child has used a socket. @param fd its number in the child */
  took(fd: number): void {
    const socket = this.#requested.find(({ childFd }) => childFd === fd);
    if (socket !== undefined) socket.isUsed = true;
  }

  /** The child serves. Sockets of own addresses where it does not listen are closed: a server file has its own. */
  served(addresses: readonly ServedAddress[]): void {
    this.#own = this.#own.filter((socket) => {
      const served = addresses.find(({ where }) => where === whereOf(socket.fd));
      socket.scheme = served?.scheme ?? null;
      deferAcceptOf(socket);
      // An inherited one could not be opened again.
      if (served !== undefined || socket.asked.fd !== undefined) return true;
      socket.close();
      return false;
    });
  }

  /** The child ends: sockets that it has not asked for are closed, as the app listens there no more. */
  forgetUnused(): void {
    for (const socket of this.#requested) if (!socket.isUsed) socket.close();
    this.#requested = this.#requested.filter(({ isUsed }) => isUsed);
  }

  /** Copies of the sockets at which HTTP is spoken, as far as is known. */
  forPages(): number[] {
    const isHttp = ({ scheme }: KeptSocket<unknown>): boolean => scheme !== 'tcp' && scheme !== 'https';
    return [...this.#own, ...this.#requested].filter(isHttp).map(({ fd }) => duplicateDescriptor(fd));
  }

  close(): void {
    for (const socket of [...this.#own, ...this.#requested]) socket.close();
    this.#own = [];
    this.#requested = [];
  }
}

async function bind(asked: ListenOptions): Promise<KeptSocket<ListenOptions> | null> {
  try {
    const { fd, close } = await openListener(asked);
    return { fd, asked, isUsed: true, childFd: -1, scheme: null, close };
  } catch (error) {
    if (error instanceof PacelineError) return null;
    throw error;
  }
}

/**
 * A child that ends closes connections that have sent no request: one that was made just then would be lost. Where clients speak first,
 * the kernel keeps connections until they have done so.
 */
function deferAcceptOf({ fd, scheme }: KeptSocket<unknown>): void {
  if (scheme === 'http' || scheme === 'https') deferAccept(fd);
}

const passed = <Asked>({ childFd, asked }: KeptSocket<Asked>): PassedSocket<Asked> => ({
  fd: childFd,
  asked,
});

const isSame = (one: object, other: object): boolean => JSON.stringify(one) === JSON.stringify(other);

/** As in ServedAddress. */
export function whereOf(fd: number): string {
  const { address, family, port } = localAddress(fd)!;
  return family === 'Unix' ? address : `${address}:${port}`;
}
