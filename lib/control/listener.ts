/** Where a server listens: turns the options of listen() into a bound socket. */
import { lookup } from 'node:dns/promises';
import { lstatSync, unlinkSync } from 'node:fs';
import { connect, isIP } from 'node:net';
import { PacelineError } from '../errors.js';
import { closeDescriptor } from '../sys/descriptor.js';
import { bindListener, localAddress, type SocketAddress } from '../sys/socket.js';

export interface ListenOptions {
  /** 0 takes any free port. Default: 8080. */
  port?: number;
  /** A name or an IPv4 or IPv6 address. Default: 127.0.0.1. */
  host?: string;
  /** The path of a Unix socket, instead of port and host. */
  path?: string;
}

/** Length of the queue of connections that wait to be accepted; the kernel caps it at net.core.somaxconn. */
export const BACKLOG = 4096;

const DEFAULT_PORT = 8080;
const DEFAULT_HOST = '127.0.0.1';
const MAX_PORT = 65_535;

/** A bound socket that does not listen yet. */
export interface Listener {
  readonly fd: number;
  readonly address: SocketAddress;
  /** Closes the socket and removes a Unix socket's path. */
  close(): void;
}

/**
 * Binds a socket.
 *
 * @throws PacelineError `PACELINE_OPTION`, `PACELINE_ADDRESS`, `PACELINE_ADDRESS_IN_USE` or `PACELINE_SYSTEM`
 */
export async function openListener(options: ListenOptions): Promise<Listener> {
  const wanted = await resolveAddress(options);
  const fd = await bindAddress(wanted);
  const address = localAddress(fd)!;
  return {
    fd,
    address,
    close: () => {
      if (address.family === 'Unix') unlinkQuietly(address.address);
      closeDescriptor(fd);
    },
  };
}

async function resolveAddress({ port, host, path }: ListenOptions): Promise<SocketAddress> {
  if (path !== undefined) {
    if (port !== undefined || host !== undefined) {
      throw new PacelineError('PACELINE_OPTION', 'listen() takes a path, or a port and a host, not both');
    }
    return { address: path, family: 'Unix', port: 0 };
  }
  const number = port ?? DEFAULT_PORT;
  if (!Number.isInteger(number) || number < 0 || number > MAX_PORT) {
    throw new PacelineError(
      'PACELINE_OPTION',
      `port must be a whole number from 0 to ${MAX_PORT}, not ${String(port)}`,
    );
  }
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

async function bindAddress(address: SocketAddress): Promise<number> {
  try {
    return bindListener(address);
  } catch (error) {
    const taken = (error as PacelineError).code === 'PACELINE_ADDRESS_IN_USE' && address.family === 'Unix';
    // A server that was killed leaves its path behind, on which nothing answers.
    if (!taken || (await answers(address.address)) || !lstatSync(address.address).isSocket()) throw error;
    unlinkQuietly(address.address);
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

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It does not exist any more.
  }
}
