/**
 * Most cases of llhttp's corpus have no Host, which llhttp leaves to its user and this server refuses (RFC 9112, 3.2). To
 * compare more than that, a Host is added to their messages.
 */
import { END, HEAD, NEED_MORE, REFUSED, RequestParser } from '../../lib/http/parser/request-parser.js';

export interface HostedCase {
  readonly bytes: Uint8Array;
  /** Whether a Host was added to at least one message. */
  readonly withoutHost: boolean;
  /** The methods of the messages whose heads are complete, up to the last one that the connection may have. */
  readonly methods: readonly string[];
  /** How many messages are complete. */
  readonly complete: number;
  /** The last one offers an upgrade: llhttp stops there, and what follows need not be HTTP. */
  readonly upgrade: boolean;
  /** The status with which the parser refuses it; 0: it does not. */
  readonly status: number;
  /** Whether the last message ends the connection. */
  readonly closes: boolean;
}

/** The case with a Host in each message, and the parser's verdict. */
export function withHosts(original: Uint8Array): HostedCase {
  let bytes = original;
  for (;;) {
    const read = readMessages(bytes);
    if (read.hostless === undefined) return { ...read, bytes, withoutHost: bytes !== original };
    const at = Buffer.from(bytes).indexOf('\r\n', read.hostless) + 2;
    bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from('Host: a\r\n'), bytes.subarray(at)]);
  }
}

/** Whether a message offers an upgrade as RFC 9110, 7.8 asks: by its field and by Connection, in HTTP/1.1. */
export function offersUpgrade({ headers, minorVersion }: { headers: string; minorVersion: number }): boolean {
  return (
    minorVersion === 1 && /^upgrade:[ \t]*\S/im.test(headers) && /^connection:.*\bupgrade\b/im.test(headers)
  );
}

function readMessages(bytes: Uint8Array) {
  const parser = new RequestParser({ maxHeaderSize: 16_384, maxBodySize: Number.POSITIVE_INFINITY });
  const methods: string[] = [];
  let complete = 0;
  let closes = false;
  let upgrade = false;
  for (let at = 0; ; at = parser.position) {
    const result = parser.execute(bytes, at, bytes.length);
    if (result === HEAD) {
      const { messageStart, methodEnd, headersStart, headLength, minorVersion } = parser;
      const head = Buffer.from(bytes).toString('latin1', messageStart, messageStart + headLength);
      methods.push(head.slice(0, methodEnd));
      upgrade = offersUpgrade({ headers: head.slice(headersStart), minorVersion });
    }
    if (result === END) {
      complete++;
      closes = !parser.keepAlive;
      if (closes || upgrade) return { methods, complete, closes, upgrade, status: 0 };
    }
    if (result !== REFUSED && result !== NEED_MORE) continue;
    const hostless = parser.reason === 'no Host' ? parser.messageStart : undefined;
    return { methods, complete, closes, upgrade: false, status: parser.status, hostless };
  }
}
