/**
 * Serialises responses into one output buffer, which each thread has and which is empty whenever user code runs.
 * A head and a small body leave with one system call.
 */
import { STATUS_CODES } from 'node:http';
import { addressOf } from '../sys/libc.js';
import type { Outgoing } from '../web/outgoing.js';

/** Bytes of the output buffer: what one call hands to the kernel at most, apart from large bodies. */
const OUTPUT_BYTES = 64 * 1024;
/** A body above this is sent from where it lies instead of being copied. */
const COPY_BYTES = 32 * 1024;
const MS_A_SECOND = 1000;

let dateLine = '';
let dateSecond = -1;

/** The Date field (RFC 9110, 6.6.1), made once a second. */
function currentDateLine(): string {
  const now = Date.now();
  const second = Math.floor(now / MS_A_SECOND);
  if (second !== dateSecond) {
    dateSecond = second;
    dateLine = `date: ${new Date(now).toUTCString()}\r\n`;
  }
  return dateLine;
}

const STATUS_LINES: string[] = [];
for (const [status, phrase] of Object.entries(STATUS_CODES)) {
  STATUS_LINES[Number(status)] = `HTTP/1.1 ${status} ${phrase}\r\n`;
}

/** How the end of a response is known to the client. */
export const SIZED = 0;
export const CHUNKED = 1;
/** To HTTP/1.0 clients: by the end of the connection. */
export const UNTIL_CLOSE = 2;
/** HEAD, 204 and 304: there is no body (RFC 9112, 6.3). */
export const BODYLESS = 3;

const CONNECTION_CLOSE = 'connection: close\r\n';
const CONNECTION_KEEP_ALIVE = 'connection: keep-alive\r\n';

function headText(
  { status, statusText, headers }: Outgoing,
  framing: number,
  size: number,
  persistent: boolean,
  minorVersion: number,
): string {
  const line =
    statusText === ''
      ? (STATUS_LINES[status] ?? `HTTP/1.1 ${status} \r\n`)
      : `HTTP/1.1 ${status} ${statusText}\r\n`;
  const connection = persistent ? (minorVersion === 0 ? CONNECTION_KEEP_ALIVE : '') : CONNECTION_CLOSE;
  const length =
    framing === CHUNKED
      ? 'transfer-encoding: chunked\r\n'
      : framing === UNTIL_CLOSE || size < 0
        ? ''
        : `content-length: ${size}\r\n`;
  // The date is that of the writing, not of the handler: RFC 9110, 6.6.1, wants the moment of origination.
  return `${line}${headers}${currentDateLine()}${connection}${length}\r\n`;
}

/** A status that never has a body. */
export const hasNoBody = (status: number): boolean => status === 204 || status === 304;

export class ResponseWriter {
  readonly bytes = Buffer.allocUnsafeSlow(OUTPUT_BYTES);
  readonly address = addressOf(this.bytes);
  /** Bytes written and not yet flushed. */
  length = 0;
  /** The head written last, and what it was made from. */
  #last = {
    status: 0,
    statusText: '',
    headers: '',
    framing: 0,
    size: 0,
    persistent: true,
    minorVersion: 1,
    dateLine: '',
    headBytes: new Uint8Array(0),
  };

  /** Whether `bytes` more bytes fit. */
  fits(bytes: number): boolean {
    return this.length + bytes <= OUTPUT_BYTES;
  }

  /**
   * The head of a response. It always fits when the buffer is empty; a head that is larger than the buffer is given
   * back for the caller to send.
   *
   * @param size bytes of the body, for SIZED; with BODYLESS the size to announce, -1 for none
   * @param persistent whether the connection stays open after it
   * @param minorVersion of the request's HTTP version
   */
  head(
    outgoing: Outgoing,
    framing: number,
    size: number,
    persistent: boolean,
    minorVersion: number,
  ): Buffer | null {
    if (this.#isLast(outgoing, framing, size, persistent, minorVersion)) {
      const { headBytes } = this.#last;
      if (this.fits(headBytes.length)) {
        this.bytes.set(headBytes, this.length);
        this.length += headBytes.length;
        return null;
      }
    }
    const text = headText(outgoing, framing, size, persistent, minorVersion);
    if (!this.fits(text.length)) return Buffer.from(text, 'latin1');
    const start = this.length;
    this.length += this.bytes.write(text, start, 'latin1');
    const { status, statusText, headers } = outgoing;
    const headBytes = new Uint8Array(this.bytes.subarray(start, this.length));
    this.#last = {
      status,
      statusText,
      headers,
      framing,
      size,
      persistent,
      minorVersion,
      dateLine,
      headBytes,
    };
    return null;
  }

  /** Whether the head is, byte for byte, the one before: the rule for a route that is asked for often. */
  #isLast(
    outgoing: Outgoing,
    framing: number,
    size: number,
    persistent: boolean,
    minorVersion: number,
  ): boolean {
    const last = this.#last;
    return (
      last.size === size &&
      last.status === outgoing.status &&
      last.framing === framing &&
      last.persistent === persistent &&
      last.minorVersion === minorVersion &&
      last.dateLine === currentDateLine() &&
      last.headers === outgoing.headers &&
      last.statusText === outgoing.statusText
    );
  }

  /**
   * Copies a small body behind the head.
   *
   * @param size its bytes
   * @returns false when it is too large: the caller sends it from where it lies
   */
  body(body: string | Uint8Array, size: number): boolean {
    if (size > COPY_BYTES || !this.fits(size)) return false;
    if (typeof body === 'string') this.bytes.write(body, this.length, 'utf8');
    else this.bytes.set(body, this.length);
    this.length += size;
    return true;
  }

  /** Copies raw bytes, when they fit. */
  raw(bytes: Uint8Array): boolean {
    if (!this.fits(bytes.length)) return false;
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
    return true;
  }
}

/** The frame around a chunk of `size` bytes (RFC 9112, 7.1): what stands before it. */
export const chunkStart = (size: number): Buffer => Buffer.from(`${size.toString(16)}\r\n`, 'latin1');
export const CHUNK_END = Buffer.from('\r\n', 'latin1');
export const LAST_CHUNK = Buffer.from('0\r\n\r\n', 'latin1');
export const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');

/** A complete refusal of the runtime itself: status, a line of text, and the end of the connection. */
export function refusal(status: number): Outgoing {
  const phrase = STATUS_CODES[status] ?? 'Error';
  return {
    status,
    statusText: '',
    headers: 'content-type: text/plain;charset=UTF-8\r\n',
    contentLength: -1,
    close: true,
    body: `${phrase}\n`,
  };
}
