/**
 * The header fields of a head, RFC 9112 section 5: the loop that most bytes of a request go through, and the fields that the
 * parser interprets. Content-Length and Transfer-Encoding are in body-framing.ts.
 */
import { isAuthority } from './authority.js';
import { contentLengthLine, transferEncodingLine } from './body-framing.js';
import * as classes from './byte-classes.js';
import { equalsIgnoringCase, startsWithIgnoringCase } from './compare-bytes.js';
import { type ParserRegisters, STOPPED } from './registers.js';
import * as states from './states.js';

const {
  CONNECTION,
  CONTENT_LENGTH,
  EXPECT,
  FIELD_CONTENT,
  FIELD_LF,
  FIELD_NAME,
  FIELD_START,
  HEAD_LF,
  HOST,
  OTHER,
  SAW_CLOSE,
  SAW_CONTINUE,
  SAW_HOST,
  SAW_KEEP_ALIVE,
  TRANSFER_ENCODING,
} = states;
const { COLON, COMMA, CR, FIELD_VALUE, HTAB, LF, SP, TOKEN } = classes;

/** Node's default limit of header fields. */
const MAX_FIELDS = 2000;
const NAME_HOST = classes.ascii('host');
const NAME_EXPECT = classes.ascii('expect');
const NAME_CONNECTION = classes.ascii('connection');
const NAME_CONTENT_LENGTH = classes.ascii('content-length');
const NAME_TRANSFER_ENCODING = classes.ascii('transfer-encoding');
const VALUE_CONTINUE = classes.ascii('100-continue');
const VALUE_CLOSE = classes.ascii('close');
const VALUE_KEEP_ALIVE = classes.ascii('keep-alive');

/** RFC 9112 section 5. Returns the position after the empty line. */
export function headerFields(
  registers: ParserRegisters,
  bytes: Uint8Array,
  from: number,
  end: number,
): number {
  const head = registers.messageStart;
  let at = from;
  let state = registers.state;
  let mark = head + registers.mark;
  let field = registers.field;
  for (;;) {
    if (state === FIELD_START) {
      if (at === end) break;
      const byte = bytes[at]!;
      if (TOKEN[byte] !== 0) {
        if (++registers.fields > MAX_FIELDS) return registers.refuse(431, 'too many header fields');
        mark = at;
        state = FIELD_NAME;
      } else if (byte === CR) {
        state = HEAD_LF;
      } else {
        return refuseFieldStart(registers, byte);
      }
      at++;
    }
    if (state === FIELD_NAME) {
      while (at < end && TOKEN[bytes[at]!] !== 0) at++;
      if (at === end) break;
      if (bytes[at] !== COLON) return registers.refuse(400, 'invalid byte in a field name');
      field = identify(bytes, mark, at - mark);
      mark = ++at;
      state = FIELD_CONTENT;
    }
    if (state === FIELD_CONTENT) {
      at = afterValue(bytes, at, end);
      if (at === end) break;
      if (bytes[at] !== CR) return registers.refuse(400, 'invalid byte in a field value');
      if (field !== OTHER && !fieldLine(registers, field, bytes, mark, at)) return STOPPED;
      at++;
      state = FIELD_LF;
    }
    if (at === end) break;
    if (bytes[at] !== LF) return registers.refuse(400, 'CR without LF in the head');
    at++;
    if (state === HEAD_LF) return at;
    state = FIELD_START;
  }
  registers.state = state;
  registers.mark = mark - head;
  registers.field = field;
  return STOPPED;
}

/** A field that the parser interprets, with the value bytes[from, to). False: refused. */
function fieldLine(
  registers: ParserRegisters,
  field: number,
  bytes: Uint8Array,
  from: number,
  to: number,
): boolean {
  let start = from;
  let end = to;
  while (start < end && (bytes[start] === SP || bytes[start] === HTAB)) start++;
  while (end > start && (bytes[end - 1] === SP || bytes[end - 1] === HTAB)) end--;
  switch (field) {
    case HOST:
      return hostLine(registers, bytes, start, end);
    case EXPECT:
      return expectLine(registers, bytes, start, end);
    case CONNECTION:
      return connectionLine(registers, bytes, start, end);
    case CONTENT_LENGTH:
      return contentLengthLine(registers, bytes, start, end);
    default:
      return transferEncodingLine(registers, bytes, start, end);
  }
}

/** RFC 9112 section 3.2, RFC 9110 section 7.2. An empty value is valid: the target URI has no authority. */
function hostLine(registers: ParserRegisters, bytes: Uint8Array, start: number, end: number): boolean {
  if ((registers.flags & SAW_HOST) !== 0) return registers.refuseLine(400, 'Host given twice');
  if (start < end && !registers.leavesToServer && !isAuthority(bytes, start, end))
    return registers.refuseLine(400, 'invalid Host');
  registers.flags |= SAW_HOST;
  registers.hostStart = start - registers.messageStart;
  registers.hostEnd = end - registers.messageStart;
  return true;
}

/** RFC 9110 section 10.1.1. In HTTP/1.0 the only defined expectation must be ignored. */
function expectLine(registers: ParserRegisters, bytes: Uint8Array, start: number, end: number): boolean {
  if (!registers.leavesToServer && !equalsIgnoringCase(bytes, start, end, VALUE_CONTINUE))
    return registers.refuseLine(417, 'unknown expectation');
  registers.flags |= SAW_CONTINUE;
  return true;
}

/** RFC 9110 section 7.6.1: a list of tokens, in which empty elements must be ignored (section 5.6.1). */
function connectionLine(registers: ParserRegisters, bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte === COMMA || byte === SP || byte === HTAB) {
      at++;
      continue;
    }
    const token = at;
    while (at < end && TOKEN[bytes[at]!] !== 0) at++;
    if (equalsIgnoringCase(bytes, token, at, VALUE_KEEP_ALIVE)) registers.flags |= SAW_KEEP_ALIVE;
    else if (equalsIgnoringCase(bytes, token, at, VALUE_CLOSE)) registers.flags |= SAW_CLOSE;
    while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) at++;
    // Not a list: two tokens with only white space between them, or a byte that no token can have.
    if (at < end && bytes[at] !== COMMA) return registers.refuseLine(400, 'invalid Connection');
  }
  return true;
}

/** Refuses a byte with which no field line starts, in the head or in the trailers. */
export function refuseFieldStart(registers: ParserRegisters, byte: number): number {
  // RFC 9112 section 5.2: a server must refuse obs-fold or unfold it; llhttp refuses it too, except in a lenient mode.
  if (byte === SP || byte === HTAB) return registers.refuse(400, 'white space at the start of a field line');
  return registers.refuse(400, byte === COLON ? 'empty field name' : 'invalid byte in a field name');
}

/** The end of a field value's bytes. Most of a head is values; testing four bytes at once takes a seventh off a head's time. */
function afterValue(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  const last = end - 3;
  while (at < last) {
    const two = FIELD_VALUE[bytes[at]!]! & FIELD_VALUE[bytes[at + 1]!]!;
    if ((two & FIELD_VALUE[bytes[at + 2]!]! & FIELD_VALUE[bytes[at + 3]!]!) === 0) break;
    at += 4;
  }
  while (at < end && FIELD_VALUE[bytes[at]!] !== 0) at++;
  return at;
}

/** The code of a field name. The length alone rules most names out. */
function identify(bytes: Uint8Array, at: number, length: number): number {
  switch (length) {
    case NAME_HOST.length:
      return startsWithIgnoringCase(bytes, at, NAME_HOST) ? HOST : OTHER;
    case NAME_EXPECT.length:
      return startsWithIgnoringCase(bytes, at, NAME_EXPECT) ? EXPECT : OTHER;
    case NAME_CONNECTION.length:
      return startsWithIgnoringCase(bytes, at, NAME_CONNECTION) ? CONNECTION : OTHER;
    case NAME_CONTENT_LENGTH.length:
      return startsWithIgnoringCase(bytes, at, NAME_CONTENT_LENGTH) ? CONTENT_LENGTH : OTHER;
    case NAME_TRANSFER_ENCODING.length:
      return startsWithIgnoringCase(bytes, at, NAME_TRANSFER_ENCODING) ? TRANSFER_ENCODING : OTHER;
    default:
      return OTHER;
  }
}
