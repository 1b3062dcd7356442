/** Where the load of a server is sent. */
import type { Target } from './load-messages.js';

/** A server of the app's own may listen on all addresses, to which not every system lets clients connect. */
const LOOPBACK: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** @param url where the server says that it listens */
export function targetOf(url: string): Target {
  const { hostname, port } = new URL(url);
  // The brackets are the URL's, and no part of the address (RFC 3986, 3.2.2).
  const host = hostname.replace(/^\[|\]$/g, '');
  // A URL leaves out the default port.
  return { host: LOOPBACK[host] ?? host, port: Number(port || 80) };
}
