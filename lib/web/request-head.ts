/** A request's head as the connection hands it over, and the method and URL in it. */

/**
 * A request head that the parser has accepted, and where its parts are: the host is one that a URL can have, the target
 * has a form of RFC 9112, 3.2 other than CONNECT's. Offsets are in characters of `text`.
 */
export interface RequestHead {
  /** Request line and header lines as latin1, each ended by CRLF, with the empty line at the end. */
  readonly text: string;
  readonly methodEnd: number;
  readonly targetStart: number;
  readonly targetEnd: number;
  readonly headersStart: number;
  /** Of the Host field's value, or of the authority in a target in absolute form; both -1 when there is none. */
  readonly hostStart: number;
  readonly hostEnd: number;
  /** Host and port for the URL when there is no Host field, or an empty one. */
  readonly fallbackHost: string;
}

/** The method as sent: the parser refuses those that Fetch would put in upper case. */
export function methodOf({ text, methodEnd }: RequestHead): string {
  // Fast path: no string is made for it.
  return methodEnd === 3 && text.startsWith('GET') ? 'GET' : text.substring(0, methodEnd);
}

/**
 * A target in origin form that the URL parser would not change: no segment that starts with `.` or `%2e` (it could be a
 * dot segment) and no character that is percent-encoded in a path or query. Other targets take the slow path.
 */
const PLAIN_TARGET = /^(?:\/(?![.%])[\w\-~!$&()*+,;=:@%.]*)+(?:\?[\w\-~!$&()*+,;=:@%./?[\]|]*)?$/;

const SLASH = 0x2f;

/** `request.url`: the target's URL as the URL parser writes it. */
export function urlOf(head: RequestHead): string {
  const { text, targetStart, targetEnd } = head;
  return composeUrl(originOf(head), text.substring(targetStart, targetEnd));
}

/** The URL of a target in origin, asterisk or absolute form (RFC 9112, 3.2 and 3.3); the parser refuses the rest. */
function composeUrl(origin: string, target: string): string {
  if (target === '*') return `${origin}/`;
  if (target.charCodeAt(0) !== SLASH) return new URL(target).href;
  const composed = origin + target;
  return PLAIN_TARGET.test(target) ? composed : new URL(composed).href;
}

/** Origins by Host value: there are few, and the URL parser is slow. Clients choose the values, hence the bound. */
const MAX_ORIGINS = 64;
const origins = new Map<string, string>();

/** The last one found: most requests of a server name the same host, and comparing costs less than hashing. */
let lastHost = { host: '', origin: '' };

function originOf({ text, hostStart, hostEnd, fallbackHost }: RequestHead): string {
  // Without Host, or with an empty one, the target URI has the server's own authority (RFC 9112, 3.3).
  if (hostStart === hostEnd) return cachedOrigin(fallbackHost);
  const { host: known } = lastHost;
  if (hostEnd - hostStart === known.length && text.startsWith(known, hostStart)) return lastHost.origin;
  const host = text.substring(hostStart, hostEnd);
  const origin = cachedOrigin(host);
  lastHost = { host, origin };
  return origin;
}

/** Scheme, host and port as the URL parser writes them. */
function cachedOrigin(host: string): string {
  let origin = origins.get(host);
  if (origin === undefined) {
    origin = new URL(`http://${host}/`).origin;
    if (origins.size >= MAX_ORIGINS) origins.clear();
    origins.set(host, origin);
  }
  return origin;
}
