/** Hosts and ports, as they are written in URLs and in options. */
import { isIPv6 } from 'node:net';

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

export const PORT_MAX = 65_535;

/** Matches up to five digits, at most 65535. It is a pattern and not a comparison so that the JSON schema can use it. */
export const PORT_DIGITS = String.raw`(?:\d{1,4}|[0-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])`;

/** Matches HOST:PORT, with IPv6 addresses in brackets. */
export const HOST_AND_PORT = String.raw`^(?:\[([\da-fA-F:.]+)\]|([^\s:\[\]\/]+)):(${PORT_DIGITS})$`;

/** Parses HOST:PORT; undefined if `text` has another form. */
export function hostAndPort(text: string): HostAndPort | undefined {
  const [, address, name, port] = new RegExp(HOST_AND_PORT, 'u').exec(text) ?? [];
  const host = address ?? name;
  return host === undefined ? undefined : { host, port: Number(port) };
}

/** A name or an address in the form that a URL has: IPv6 in brackets (RFC 3986, section 3.2.2). */
export const inUrl = (host: string): string => (isIPv6(host) ? `[${host}]` : host).toLowerCase();

export const isLoopback = (host: string): boolean =>
  host === '::1' || /^(::ffff:)?127\./.test(host) || host.toLowerCase() === 'localhost';

/** Whether a socket bound to the address accepts connections to every address of this machine. */
export const isWildcard = (address: string): boolean => address === '0.0.0.0' || address === '::';

/** An address by which this machine reaches a server that is bound to `address`. */
export const reachable = (address: string): string =>
  isWildcard(address) ? (address === '::' ? '::1' : '127.0.0.1') : address;
