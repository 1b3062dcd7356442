/**
 * Serialises responses into the thread's output buffer. A head and a small body are sent by one system call. Whenever user code runs, the
 * buffer is empty, unless the connection under way holds back responses to requests that came before (output.ts).
 */
// Imported, because the global is an accessor: a call of it on every response.
import { Buffer } from 'node:buffer';
import { STATUS_CODES } from 'node:http';
import { addressOf } from '../sys/libc.js';
import type { Outgoing } from '../web/outgoing.js';
import { checkHead } from './response-head.js';

/** Bytes of the output buffer: the most that one call sends, apart from large bodies. */
const OUTPUT_BYTES = 64 * 1024;
/** A body above this is sent from its own memory instead of being copied. */
const COPY_BYTES = 32 * 1024;
/** Of one character in UTF-8. */
const MAX_CHARACTER_BYTES = 4;
const MS_PER_SECOND = 1000;

/** The source of the time: the thread's recorder, which reads the clock once for each event. */
export interface Clock {
  /** Microseconds since some moment in the past. */
  readonly micros: number;
}

let dateLine = '';
/** When `dateLine` expires, on that clock. */
let dateLineEnds = Number.NEGATIVE_INFINITY;

/** The Date field (RFC 9110, 6.6.1), made once a second. */
function currentDateLine({ micros }: Clock): string {
  if (micros >= dateLineEnds) {
    const now = Date.now();
    dateLineEnds = micros + (MS_PER_SECOND - (now % MS_PER_SECOND)) * 1000;
    dateLine = `date: ${new Date(now).toUTCString()}\r\n`;
  }
  return dateLine;
}

const STATUS_LINES: string[] = [];
for (const [status, phrase] of Object.entries(STATUS_CODES)) {
  STATUS_LINES[Number(status)] = `HTTP/1.1 ${status} ${phrase}\r\n`;
}

/** Framings: how the client knows a response's end. By content-length: */
export const SIZED = 0;
export const CHUNKED = 1;
/** To HTTP/1.0 clients: by the end of the connection. */
export const UNTIL_CLOSE = 2;
/** HEAD, 204 and 304: there is no body (RFC 9112, 6.3). */
export const BODYLESS = 3;

const CONTENT_LENGTH = 'content-length: ';
/** Of a length as digits, and the end of the head. */
const MAX_LENGTH_BYTES = 20;
const DIGIT_0 = 0x30;
const CR = 0x0d;
const LF = 0x0a;

const CONNECTION_CLOSE = 'connection: close\r\n';
const CONNECTION_KEEP_ALIVE = 'connection: keep-alive\r\n';

/** A head up to the fields that depend on its body. */
function startText(
  { status, statusText, headers }: Outgoing,
  persistent: boolean,
  minorVersion: number,
  date: string,
): string {
  const line =
    statusText === ''
      ? (STATUS_LINES[status] ?? `HTTP/1.1 ${status} \r\n`)
      : `HTTP/1.1 ${status} ${statusText}\r\n`;
  const connection = persistent ? (minorVersion === 0 ? CONNECTION_KEEP_ALIVE : '') : CONNECTION_CLOSE;
  // The date of writing, not of the handler's call: RFC 9110, 6.6.1, asks for the moment of origination.
  return `${line}${headers}${date}${connection}`;
}

function framingText(framing: number, size: number): string {
  if (framing === CHUNKED) return 'transfer-encoding: chunked\r\n\r\n';
  return framing === UNTIL_CLOSE || size < 0 ? '\r\n' : `${CONTENT_LENGTH}${size}\r\n\r\n`;
}

/** Writes the number and the end of a head. @returns where the body begins */
function writeLength(bytes: Uint8Array, at: number, size: number): number {
  let end = at + 1;
  for (let rest = size; rest >= 10; rest = Math.trunc(rest / 10)) end++;
  let rest = size;
  for (let to = end - 1; to >= at; to--) {
    const tenth = Math.trunc(rest / 10);
    bytes[to] = DIGIT_0 + rest - 10 * tenth;
    rest = tenth;
  }
  bytes[end] = CR;
  bytes[end + 1] = LF;
  bytes[end + 2] = CR;
  bytes[end + 3] = LF;
  return end + 4;
}

/** A status that never has a body. */
export const hasNoBody = (status: number): boolean => status === 204 || status === 304;

export class ResponseWriter {
  readonly bytes = Buffer.allocUnsafeSlow(OUTPUT_BYTES);
  readonly address = addressOf(this.bytes);
  /** Bytes written and not yet flushed. */
  length = 0;
  /** The output that holds back what is written, which nobody else may send or discard; null while nothing is held back. Owner: output.ts. */
  heldBy: object | null = null;
  /**
   * The start of the head that `text` wrote last, up to the number of its content-length; as bytes once it came twice in a row. Answers of one
   * kind differ behind it only.
   */
  readonly #last = {
    status: 0,
    statusText: '',
    headers: '',
    persistent: true,
    minorVersion: 1,
    date: '',
    bytes: null as Uint8Array | null,
  };
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether `bytes` more bytes fit. */
  fits(bytes: number): boolean {
    return this.length + bytes <= OUTPUT_BYTES;
  }

  /**
   * Writes the head of a response. A head that does not fit into the rest of the buffer is returned for the caller to send.
   *
   * @param size bytes of the body, for SIZED; with BODYLESS the size to announce, -1 for none
   * @param persistent whether the connection stays open after it
   * @param minorVersion of the request's HTTP version
   * @throws as `checkHead`, with nothing written
   */
  head(
    outgoing: Outgoing,
    framing: number,
    size: number,
    persistent: boolean,
    minorVersion: number,
  ): Buffer | null {
    // Checked again, whatever the caller did: nothing unchecked is framed. It costs one comparison with what was checked last.
    checkHead(outgoing);
    const start = startText(outgoing, persistent, minorVersion, currentDateLine(this.#clock));
    const text = start + framingText(framing, size);
    if (!this.fits(text.length)) return Buffer.from(text, 'latin1');
    this.length += this.bytes.write(text, this.length, 'latin1');
    return null;
  }

  /**
   * Writes a response whose body is a small text. Most are ASCII, so the length is taken to be the number of characters; only if it proves
   * not to be, head and body are written again.
   *
   * @param persistent and `minorVersion` as for `head`
   * @returns false when it does not fit, with nothing written: the caller writes it by `head` and `body`
   * @throws as `checkHead`, with nothing written
   */
  text(outgoing: Outgoing, body: string, persistent: boolean, minorVersion: number): boolean {
    const lengthAt = this.#start(outgoing, persistent, minorVersion);
    let size = body.length;
    for (let attempts = 0; attempts < 2; attempts++) {
      // With room for one character more, a text that is cut off has more bytes than `size`.
      if (size > COPY_BYTES || lengthAt + MAX_LENGTH_BYTES + size + MAX_CHARACTER_BYTES > OUTPUT_BYTES)
        return false;
      const bodyAt = writeLength(this.bytes, lengthAt, size);
      if (this.bytes.write(body, bodyAt, 'utf8') === size) {
        this.length = bodyAt + size;
        return true;
      }
      size = Buffer.byteLength(body);
    }
    return false;
  }

  /** Writes the start of a head behind what is written. @returns where the number of its content-length belongs */
  #start(outgoing: Outgoing, persistent: boolean, minorVersion: number): number {
    const last = this.#last;
    const at = this.length;
    const date = currentDateLine(this.#clock);
    const isLast =
      last.headers === outgoing.headers &&
      last.status === outgoing.status &&
      last.statusText === outgoing.statusText &&
      last.persistent === persistent &&
      last.minorVersion === minorVersion &&
      last.date === date;
    if (isLast && last.bytes !== null) {
      const end = at + last.bytes.length;
      if (end <= OUTPUT_BYTES) this.bytes.set(last.bytes, at);
      return end;
    }
    checkHead(outgoing);
    const text = startText(outgoing, persistent, minorVersion, date) + CONTENT_LENGTH;
    const end = at + text.length;
    this.bytes.write(text, at, 'latin1');
    if (!isLast) {
      const { status, statusText, headers } = outgoing;
      last.status = status;
      last.statusText = statusText;
      last.headers = headers;
      last.persistent = persistent;
      last.minorVersion = minorVersion;
      last.date = date;
      last.bytes = null;
    } else if (end <= OUTPUT_BYTES) last.bytes = new Uint8Array(this.bytes.subarray(at, end));
    return end;
  }

  /**
   * Copies a small body behind the head.
   *
   * @param size its bytes
   * @returns false when it is too large: the caller sends it from its own memory
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

/** The chunk-size line before a chunk of `size` bytes (RFC 9112, 7.1). */
export const chunkStart = (size: number): Buffer => Buffer.from(`${size.toString(16)}\r\n`, 'latin1');
export const CHUNK_END = Buffer.from('\r\n', 'latin1');
export const LAST_CHUNK = Buffer.from('0\r\n\r\n', 'latin1');
export const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');

/** A response of the runtime itself that refuses a request: status, a line of text, and the end of the connection. */
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
