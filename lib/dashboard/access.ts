/**
 * Access control of the dashboard. Three checks, each against another attacker:
 *
 * - Host: is the request for this server? A foreign page whose name is made to resolve to this address (DNS rebinding) sends
 *   its own name. Checked for every request.
 * - Origin: does a websocket come from the dashboard's own page? Browsers let any page open one to any server.
 * - Token: does the client know what was printed when the server started, or what its user has set? Other users of this machine do not.
 *
 * The server never sends the token: it is printed, and the page takes it from the URL's fragment, which browsers do not send.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { inUrl, isLoopback, isWildcard } from '../options/host-port.js';

/** 192 bits, which cannot be guessed by trying. */
const TOKEN_BYTES = 24;
/** RFC 9110, 4.2.1: the port that a URL without one means. */
const HTTP_PORT = 80;

export class Access {
  /** Valid in a URL's fragment and in a subprotocol's name: a new one is in base64url (RFC 4648, 5). */
  readonly token: string;
  readonly #tokenHash: Buffer;
  readonly #port: number;
  /** The names under which the server may be addressed, as written in a URL. */
  readonly #names: ReadonlySet<string>;
  readonly #anyAddress: boolean;

  /**
   * @param host the host of the dashboard's options
   * @param bound the address and port that the socket is bound to
   * @param token a fixed one, null for a new one
   */
  constructor(
    host: string,
    bound: { readonly address: string; readonly port: number },
    token: string | null = null,
  ) {
    this.token = token ?? newToken();
    this.#tokenHash = hashOf(this.token);
    const names = [inUrl(host), inUrl(bound.address)];
    this.#anyAddress = isWildcard(bound.address);
    // On this machine all three name it, whichever of them the socket is bound to.
    if (this.#anyAddress || isLoopback(bound.address)) names.push('localhost', '127.0.0.1', '[::1]');
    this.#names = new Set(names);
    this.#port = bound.port;
  }

  /**
   * Whether a Host field names this server. A server on a wildcard address (0.0.0.0, ::) cannot know its addresses, so it
   * accepts any IP address, but of names only localhost and its own: only a name can be rebound.
   */
  isOwnHost(field: string): boolean {
    const match = /^(\[[\da-f:.]+\]|[^\s:[\]/@]+)(?::(\d{1,5}))?$/.exec(field.toLowerCase());
    if (match === null || Number(match[2] ?? HTTP_PORT) !== this.#port) return false;
    const name = match[1]!;
    return this.#names.has(name) || (this.#anyAddress && isIP(name.replace(/^\[|\]$/g, '')) !== 0);
  }

  /** Whether an Origin field names the page of the same Host (RFC 6454, 7). */
  isOwnOrigin(field: string | undefined, host: string): boolean {
    return field?.toLowerCase() === `http://${host.toLowerCase()}`;
  }

  /** Takes the same time for every wrong token, whatever prefix it shares with the right one. */
  isToken(offered: string | undefined): boolean {
    return offered !== undefined && timingSafeEqual(hashOf(offered), this.#tokenHash);
  }
}

/** Never begins with a dash, which a command line would take for an option. */
function newToken(): string {
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  return token.startsWith('-') ? newToken() : token;
}

/** Of equal length for any text, as timingSafeEqual requires. */
const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest();
