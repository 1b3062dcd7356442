/** Opens the socket of a Node server that is bound to the local set: where, and with which errors, node:net does. */
import { isIPv6 } from 'node:net';
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { unlinkQuietly } from '../control/listener.js';
import { PacelineError } from '../errors.js';
import type { ListenRequest } from '../node/binding.js';
import { closeDescriptor } from '../sys/descriptor.js';
import { bindListener, localAddress, type SocketAddress, startListening } from '../sys/socket.js';

const { EACCES, EINVAL, EMFILE, ENOENT } = constants.errno;

/** Length of the kernel's queue where the program asks for none: net.Server.listen's default. */
const DEFAULT_BACKLOG = 511;

/** A socket that listens. */
export interface ListeningSocket {
  readonly fd: number;
  readonly address: SocketAddress;
  /** Closes it, and removes a Unix socket's path. */
  close(): void;
}

/**
 * @param capacity descriptors at or above this are refused, with EMFILE
 * @throws Error with the system's `code`; node/listening.ts makes Node's error of it
 */
export function openListeningSocket(request: ListenRequest, capacity: number): ListeningSocket {
  const fd = bindWanted(request);
  const address = localAddress(fd)!;
  const close = (): void => {
    if (address.family === 'Unix') unlinkQuietly(address.address);
    closeDescriptor(fd);
  };
  try {
    if (fd >= capacity) throw systemError(EMFILE);
    startListening(fd, request.backlog || DEFAULT_BACKLOG);
  } catch (error) {
    close();
    throw withSystemCode(error);
  }
  return { fd, address, close };
}

function bindWanted({ address, port, path }: ListenRequest): number {
  if (path !== null) return bind({ address: path, family: 'Unix', port: 0 });
  if (address !== null) return bind({ address, family: isIPv6(address) ? 'IPv6' : 'IPv4', port });
  try {
    return bind({ address: '::', family: 'IPv6', port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw error;
    return bind({ address: '0.0.0.0', family: 'IPv4', port });
  }
}

function bind(address: SocketAddress): number {
  try {
    return bindListener(address);
  } catch (error) {
    throw withSystemCode(error);
  }
}

/** A path that is too long is refused before any system call. One in no folder is EACCES in libuv (uv_pipe_bind). */
function withSystemCode(error: unknown): unknown {
  if (!(error instanceof PacelineError)) return error;
  const number = error.errno ?? EINVAL;
  return systemError(number === ENOENT ? EACCES : number, error);
}

function systemError(number: number, cause?: Error): NodeJS.ErrnoException {
  const code = getSystemErrorName(-number);
  return Object.assign(new Error(`listen failed with ${code}`, { cause }), { code });
}
