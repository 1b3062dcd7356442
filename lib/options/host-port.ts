/** Hosts as they stand in URLs and on sockets. */
import { isIPv6 } from 'node:net';

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

export const PORT_MAX = 65_535;

/** What HOST:PORT spells, with IPv6 in brackets; undefined where it spells none. */
export function hostAndPort(text: string): HostAndPort | undefined {
  const match = /^(?:\[([\da-f:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/i.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > PORT_MAX ? undefined : { host, port };
}

/** A name or an address as the host of a URL: IPv6 in brackets (RFC 3986, 3.2.2). */
export const inUrl = (host: string): string => (isIPv6(host) ? `[${host}]` : host).toLowerCase();

export const isLoopback = (host: string): boolean =>
  host === '::1' || /^(::ffff:)?127\./.test(host) || host.toLowerCase() === 'localhost';

/** Whether a socket bound to the address takes connections to every address of this machine. */
export const isWildcard = (address: string): boolean => address === '0.0.0.0' || address === '::';

/** An address under which a server on this machine is reached. */
export const reachable = (address: string): string =>
  isWildcard(address) ? (address === '::' ? '::1' : '127.0.0.1') : address;
