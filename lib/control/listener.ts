/** Where a server listens: turns the options of listen() into a bound socket. */
import { lookup } from 'node:dns/promises';
import { existsSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, isIP } from 'node:net';
import { resolve } from 'node:path';
import { PacelineError } from '../errors.js';
import { DEFAULT_PORT, type ListenOptions } from '../options/listen-options.js';
import { closeDescriptor } from '../sys/descriptor.js';
import { EADDRINUSE } from '../sys/libc.js';
import {
  bindListener,
  inheritListener,
  isUnconnectedStream,
  localAddress,
  type SocketAddress,
  startListening,
} from '../sys/socket.js';
import type { ListenRequest } from '../thread/messages.js';
import { socketKeeper } from './socket-keeper.js';

/** Length of the queue of connections that wait to be accepted; the kernel caps it at net.core.somaxconn. */
export const BACKLOG = 4096;

const DEFAULT_HOST = '127.0.0.1';

/** A bound socket that does not listen yet; an inherited one may. */
export interface Listener {
  readonly fd: number;
  readonly address: SocketAddress;
  /** The absolute path of a Unix socket that this process has made, or null. */
  readonly path: string | null;
  /** Makes the path again, where others have the socket as well. Absent where a new socket may replace this one. */
  readonly restore?: () => void;
  /** Closes the socket and removes a Unix socket's path. */
  close(): void;
}

/**
 * Binds a socket.
 *
 * @throws PacelineError `PACELINE_ADDRESS`, `PACELINE_ADDRESS_IN_USE` or `PACELINE_SYSTEM`
 */
export async function openListener(options: ListenOptions): Promise<Listener> {
  const wanted = await resolveAddress(options);
  if (options.fd !== undefined) return inherit(options.fd, wanted);
  const fd = await bindAddress(wanted);
  const address = localAddress(fd)!;
  // An app may change the folder that a relative path begins at.
  const path = address.family === 'Unix' ? resolve(address.address) : null;
  return {
    fd,
    address,
    path,
    close: () => {
      if (path !== null) unlinkQuietly(path);
      closeDescriptor(fd);
    },
  };
}

/** The path of an inherited Unix socket is its maker's. */
function inherit(fd: number, address: SocketAddress): Listener {
  inheritListener(fd, address);
  return { fd, address, path: null, close: () => closeDescriptor(fd) };
}

/**
 * Opens the socket that a server of Node asks for. It listens already.
 *
 * @throws PacelineError as `openListener`; its `errno` is that of the call that failed
 */
export async function openRequested(request: ListenRequest): Promise<Listener> {
  const kept = socketKeeper()?.take(request);
  if (kept !== undefined) return { ...kept, path: null, close: () => closeDescriptor(kept.fd) };
  const listener = await bindRequested(request);
  try {
    startListening(listener.fd, request.backlog || BACKLOG);
    socketKeeper()?.keep(request, listener.fd);
    return listener;
  } catch (error) {
    listener.close();
    throw error;
  }
}

/** A server without an address takes all of them: of IPv6 and IPv4, or of IPv4 where there is no IPv6 (Node's documentation, server.listen). */
async function bindRequested({ address, port, path }: ListenRequest): Promise<Listener> {
  if (path !== null) return openListener({ path });
  if (address !== null) return openListener({ host: address, port });
  try {
    return await openListener({ host: '::', port });
  } catch (error) {
    if ((error as PacelineError).errno === EADDRINUSE) throw error;
    return openListener({ host: '0.0.0.0', port });
  }
}

/** Whether the path of a Unix socket has been removed. */
export const wasRemoved = ({ path }: Listener): boolean => path !== null && !existsSync(path);

/** An address in messages. */
export const describeAddress = ({ address, family, port }: SocketAddress): string =>
  family === 'Unix' ? address : family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;

/** @throws PacelineError `PACELINE_ADDRESS` */
export async function resolveAddress({ port, host, path, fd }: ListenOptions): Promise<SocketAddress> {
  if (path !== undefined) return { address: path, family: 'Unix', port: 0 };
  if (fd !== undefined) return inheritedAddress(fd);
  const number = port ?? DEFAULT_PORT;
  const name = host ?? DEFAULT_HOST;
  const known = isIP(name);
  if (known !== 0) return { address: name, family: known === 6 ? 'IPv6' : 'IPv4', port: number };
  try {
    const { address, family } = await lookup(name);
    return { address, family: family === 6 ? 'IPv6' : 'IPv4', port: number };
  } catch (cause) {
    throw new PacelineError(
      'PACELINE_ADDRESS',
      `the host ${JSON.stringify(name)} has no address; use an IP address or a name that resolves`,
      { cause },
    );
  }
}

function inheritedAddress(fd: number): SocketAddress {
  const address = isUnconnectedStream(fd) ? localAddress(fd) : undefined;
  if (address !== undefined) return address;
  throw new PacelineError(
    'PACELINE_ADDRESS',
    `the descriptor ${fd} is no socket that a server can listen on; pass one that is bound, as systemd does`,
  );
}

async function bindAddress(address: SocketAddress): Promise<number> {
  try {
    return bindListener(address);
  } catch (error) {
    const path = address.address;
    const { code } = error as PacelineError;
    if (code !== 'PACELINE_ADDRESS_IN_USE' || address.family !== 'Unix') throw error;
    // A server that was killed leaves its path behind, on which nothing answers.
    if (await answers(path)) throw error;
    if (!lstatSync(path).isSocket()) {
      const advice = 'remove it or choose another path';
      throw new PacelineError(code, `${path} is there already and is no socket; ${advice}`, {
        errno: EADDRINUSE,
        syscall: 'bind',
      });
    }
    unlinkQuietly(path);
    return bindListener(address);
  }
}

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', () => resolve(false));
  });

/** Removes a Unix socket's path, if it is there. */
export function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It does not exist any more.
  }
}
