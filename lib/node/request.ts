/** From a parsed head to Node's `IncomingMessage`. */
import { type IncomingMessage, METHODS as NODES_METHODS, type Server } from 'node:http';
import type { RequestParser } from '../http/parser/request-parser.js';
import type { MessageClasses } from './message-classes.js';
import type { HttpSocket } from './socket.js';

const COLON = ':';
const LINE_END = '\r\n';
const HTAB = 9;
const SP = 32;
/** Fields that Node's parser takes when the server says nothing (`http.Server.maxHeadersCount`). */
const MAX_FIELDS = 1000;

/** Fields as `rawHeaders` has them: names and values in turn, without the white space around the values. */
function rawFields(text: string, from: number, to: number): string[] {
  const fields: string[] = [];
  for (let at = from; at < to; ) {
    const colon = text.indexOf(COLON, at);
    if (colon < 0) break;
    let end = text.indexOf(LINE_END, colon);
    if (end < 0) end = to;
    fields.push(
      text.slice(at, colon),
      text.slice(valueStart(text, colon + 1, end), valueEnd(text, colon, end)),
    );
    at = end + 2;
  }
  return fields;
}

function valueStart(text: string, from: number, end: number): number {
  let at = from;
  while (at < end && isSpace(text.charCodeAt(at))) at++;
  return at;
}

function valueEnd(text: string, colon: number, end: number): number {
  let at = end;
  while (at > colon + 1 && isSpace(text.charCodeAt(at - 1))) at--;
  return Math.max(at, valueStart(text, colon + 1, end));
}

const isSpace = (code: number): boolean => code === SP || code === HTAB;

interface Internals {
  _addHeaderLines(fields: string[], length: number): void;
  joinDuplicateHeaders?: boolean | undefined;
  upgrade: boolean | null;
}

/** What of a request's head is used for more than the request: its text, as latin1, and where its request line lies. */
export interface HeadText {
  readonly text: string;
  readonly methodEnd: number;
  readonly targetStart: number;
  readonly targetEnd: number;
}

const METHODS = new Set(NODES_METHODS);
const UPPER_G = 0x47;

/** Whether Node's parser knows the method: apps rely on `http.METHODS`. */
export function knowsMethod({ messageStart, methodEnd }: RequestParser, bytes: Buffer): boolean {
  // No method of three letters but GET begins with G.
  if (methodEnd === 3 && bytes[messageStart] === UPPER_G) return true;
  return METHODS.has(bytes.toString('latin1', messageStart, messageStart + methodEnd));
}

export function headText(parser: RequestParser, bytes: Buffer): HeadText {
  const { messageStart, headLength, methodEnd, targetStart, targetEnd } = parser;
  const text = bytes.toString('latin1', messageStart, messageStart + headLength);
  return { text, methodEnd, targetStart, targetEnd };
}

/** Makes the request as `parserOnHeadersComplete` of Node's lib/_http_common.js does. */
export function createRequest(
  server: Server,
  { Request }: MessageClasses,
  socket: HttpSocket,
  head: HeadText,
  { headersStart, headLength, minorVersion }: RequestParser,
): IncomingMessage {
  const request = new Request(socket);
  request.httpVersionMajor = 1;
  request.httpVersionMinor = minorVersion;
  request.httpVersion = minorVersion === 1 ? '1.1' : '1.0';
  const { text } = head;
  const internals = request as unknown as Internals;
  internals.joinDuplicateHeaders = (server as unknown as Internals).joinDuplicateHeaders;
  request.url = text.slice(head.targetStart, head.targetEnd);
  internals.upgrade = false;
  request.method = text.slice(0, head.methodEnd);
  // The last line is empty.
  const fields = rawFields(text, headersStart, headLength - LINE_END.length);
  const maxFields = server.maxHeadersCount ?? MAX_FIELDS;
  internals._addHeaderLines(fields, maxFields > 0 ? Math.min(fields.length, maxFields * 2) : fields.length);
  return request;
}

/** The complete request ends: its trailers become known. */
export function endRequest(request: IncomingMessage, trailers: string): void {
  if (trailers !== '') {
    const fields = rawFields(trailers, 0, trailers.length - LINE_END.length);
    if (fields.length > 0) (request as unknown as Internals)._addHeaderLines(fields, fields.length);
  }
  request.push(null);
}

/** Whether the request has a Host field. */
export const hasHost = ({ rawHeaders }: IncomingMessage): boolean => fieldAt(rawHeaders, 'host', 0) >= 0;

/** The index of the first field of that name from `from` on; -1 for none. @param name in lower case */
export function fieldAt(fields: readonly string[], name: string, from: number): number {
  for (let at = from; at < fields.length; at += 2) {
    const field = fields[at]!;
    if (field.length === name.length && field.toLowerCase() === name) return at;
  }
  return -1;
}
