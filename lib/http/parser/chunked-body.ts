/**
 * The chunked transfer coding, RFC 9112 section 7.1: the lines around the chunks' data, their extensions, and the trailers.
 * It goes byte by byte, because these bytes are few: the data itself is delimited by its length and never examined.
 */

import * as classes from './byte-classes.js';
import { refuseFieldStart } from './header-fields.js';
import type { ParserRegisters } from './registers.js';
import * as states from './states.js';

const {
  DATA,
  DATA_CR,
  DATA_LF,
  DEAD,
  END_LF,
  EXT_ESCAPED,
  EXT_NAME,
  EXT_NAME_SPACE,
  EXT_NAME_START,
  EXT_QUOTED,
  EXT_QUOTED_END,
  EXT_SPACE,
  EXT_TOKEN,
  EXT_VALUE_START,
  SIZE,
  SIZE_LF,
  SIZE_START,
  START,
  TRAILER_LF,
  TRAILER_NAME,
  TRAILER_START,
  TRAILER_VALUE,
} = states;
const {
  BACKSLASH,
  COLON,
  CR,
  DQUOTE,
  EQUALS,
  FIELD_VALUE,
  HEX,
  HTAB,
  LF,
  QUOTED_TEXT,
  SEMICOLON,
  SP,
  TOKEN,
} = classes;

/**
 * Bytes of framing that each chunk may have without being counted, in addition to as many as its data has. Signatures of
 * chunks take 85; bytes beyond this share are summed up, to at most maxHeaderSize.
 */
const SHARE_BYTES = 128;
/** Up to this chunk size one more digit still gives an exact integer. */
const MAX_SIZE_BEFORE_DIGIT = 2 ** 49 - 1;

/**
 * Fields that a trailer section must not contain, because they define the end of a message, its routing or the use of the
 * connection (RFC 9110 section 6.5.1). All other trailers are checked; the caller may collect them. At most 16: one bit each.
 */
const FORBIDDEN_TRAILERS = [
  'content-length',
  'transfer-encoding',
  'host',
  'connection',
  'expect',
  'upgrade',
  'te',
  'trailer',
].map(classes.ascii);
const ALL_FORBIDDEN_TRAILERS = (1 << FORBIDDEN_TRAILERS.length) - 1;

/**
 * Parses the framing around the data of the chunks, RFC 9112 section 7.1. The state says why it stopped: DATA, START (the
 * message is complete), DEAD, or any other when the bytes ended.
 *
 * @returns the position after the last byte examined
 */
export function chunkFraming(
  registers: ParserRegisters,
  bytes: Uint8Array,
  from: number,
  to: number,
): number {
  if (registers.state >= TRAILER_START) registers.trailersStart = from;
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!;
    if (registers.state >= TRAILER_START) {
      trailerByte(registers, byte);
    } else if (registers.state > SIZE_LF) {
      extensionByte(registers, byte);
    } else {
      sizeByte(registers, byte);
      if (registers.state === TRAILER_START) registers.trailersStart = at + 1;
    }
    if (registers.state === DATA || registers.state === START || registers.state === DEAD) return at + 1;
  }
  return to;
}

/** The line with a chunk's size, and the CRLF after its data. */
function sizeByte(registers: ParserRegisters, byte: number): void {
  switch (registers.state) {
    case DATA_CR:
      if (byte === CR) registers.state = DATA_LF;
      else registers.refuse(400, 'no CRLF after the data of a chunk');
      return;
    case DATA_LF:
      if (byte === LF) registers.state = SIZE_START;
      else registers.refuse(400, 'no CRLF after the data of a chunk');
      return;
    case SIZE_LF:
      if (byte !== LF) registers.refuse(400, 'no CRLF after the size of a chunk');
      else sizeEnded(registers);
      return;
    default:
      sizeDigit(registers, byte);
  }
}

/** After a size line: data follows, or the trailers, which have a bound of their own. */
function sizeEnded(registers: ParserRegisters): void {
  const { extra, remaining } = registers;
  registers.state = remaining === 0 ? TRAILER_START : DATA;
  registers.extra = remaining === 0 ? 0 : Math.max(extra - SHARE_BYTES - remaining, 0);
}

/** A byte of the size itself, or the first one after it. */
function sizeDigit(registers: ParserRegisters, byte: number): void {
  const digit = HEX[byte]!;
  if (registers.state === SIZE_START) {
    registers.remaining = digit;
    registers.state = SIZE;
    if (digit < 0) registers.refuse(400, 'invalid chunk size');
  } else if (digit >= 0) {
    // The grammar allows leading zeros; their number must have a bound.
    if (registers.remaining === 0 && !spend(registers)) return;
    if (registers.remaining > MAX_SIZE_BEFORE_DIGIT) registers.refuse(400, 'chunk size beyond 2^53 - 1');
    else registers.remaining = registers.remaining * 16 + digit;
  } else if (registers.remaining > registers.maxBodySize - registers.total) {
    registers.refuse(413, 'chunks beyond the limit');
  } else {
    registers.total += registers.remaining;
    afterExtension(registers, byte);
  }
}

/** A byte that may follow a size or a complete extension: line end, white space, or the next extension. */
function afterExtension(registers: ParserRegisters, byte: number): void {
  if (byte === CR) registers.state = SIZE_LF;
  else if (byte === SEMICOLON) registers.state = EXT_NAME_START;
  else if (byte === SP || byte === HTAB) registers.state = EXT_SPACE;
  else registers.refuse(400, 'invalid byte after the size of a chunk');
}

/**
 * RFC 9112 section 7.1.1: chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ). They are
 * checked, because a reader that skips them loosely may end the line elsewhere than the next reader, and then ignored.
 */
function extensionByte(registers: ParserRegisters, byte: number): void {
  if (!spend(registers)) return;
  const isSpace = byte === SP || byte === HTAB;
  const isToken = TOKEN[byte] !== 0;
  switch (registers.state) {
    case EXT_SPACE:
      if (byte === SEMICOLON) registers.state = EXT_NAME_START;
      else if (!isSpace) break;
      return;
    case EXT_NAME_START:
      if (isToken) registers.state = EXT_NAME;
      else if (!isSpace) break;
      return;
    case EXT_NAME:
      if (byte === EQUALS) registers.state = EXT_VALUE_START;
      else if (isSpace) registers.state = EXT_NAME_SPACE;
      else if (!isToken) afterExtension(registers, byte);
      return;
    case EXT_NAME_SPACE:
      if (byte === EQUALS) registers.state = EXT_VALUE_START;
      else if (byte === SEMICOLON) registers.state = EXT_NAME_START;
      else if (!isSpace) break;
      return;
    case EXT_VALUE_START:
      if (isToken) registers.state = EXT_TOKEN;
      else if (byte === DQUOTE) registers.state = EXT_QUOTED;
      else if (!isSpace) break;
      return;
    case EXT_TOKEN:
      if (!isToken) afterExtension(registers, byte);
      return;
    case EXT_QUOTED:
      if (byte === DQUOTE) registers.state = EXT_QUOTED_END;
      else if (byte === BACKSLASH) registers.state = EXT_ESCAPED;
      else if (QUOTED_TEXT[byte] === 0) break;
      return;
    case EXT_ESCAPED:
      if (FIELD_VALUE[byte] === 0) break;
      registers.state = EXT_QUOTED;
      return;
    default:
      afterExtension(registers, byte);
      return;
  }
  registers.refuse(400, 'invalid chunk extension');
}

/** RFC 9112 section 7.1.2. Trailers are checked like header fields. */
function trailerByte(registers: ParserRegisters, byte: number): void {
  if (!spend(registers)) return;
  switch (registers.state) {
    case TRAILER_START:
      if (byte === CR) {
        registers.state = END_LF;
      } else if (TOKEN[byte] !== 0) {
        registers.state = TRAILER_NAME;
        registers.trailerMatch = ALL_FORBIDDEN_TRAILERS;
        matchTrailer(registers, byte);
      } else {
        refuseFieldStart(registers, byte);
      }
      return;
    case TRAILER_NAME:
      if (TOKEN[byte] !== 0) {
        matchTrailer(registers, byte);
      } else if (byte !== COLON) {
        registers.refuse(400, 'invalid byte in a trailer name');
      } else if (isForbiddenTrailer(registers)) {
        registers.refuse(400, 'a trailer that is only allowed in the head');
      } else {
        registers.state = TRAILER_VALUE;
      }
      return;
    case TRAILER_VALUE:
      if (byte === CR) registers.state = TRAILER_LF;
      else if (FIELD_VALUE[byte] === 0) registers.refuse(400, 'invalid byte in a trailer value');
      return;
    default:
      if (byte !== LF) registers.refuse(400, 'CR without LF in the trailers');
      else registers.state = registers.state === END_LF ? START : TRAILER_START;
  }
}

/** Removes the candidates that do not continue with this byte, so that no bytes of the name have to be kept. */
function matchTrailer(registers: ParserRegisters, byte: number): void {
  const index = registers.trailerMatch >>> 16;
  let candidates = registers.trailerMatch & 0xffff;
  if (candidates === 0) return;
  for (let i = 0; i < FORBIDDEN_TRAILERS.length; i++) {
    if (FORBIDDEN_TRAILERS[i]![index] !== (byte | 0x20)) candidates &= ~(1 << i);
  }
  registers.trailerMatch = candidates | ((index + 1) << 16);
}

/** Whether a candidate is left whose whole name was matched. */
function isForbiddenTrailer(registers: ParserRegisters): boolean {
  const length = registers.trailerMatch >>> 16;
  for (let i = 0; i < FORBIDDEN_TRAILERS.length; i++) {
    if ((registers.trailerMatch & (1 << i)) !== 0 && FORBIDDEN_TRAILERS[i]!.length === length) return true;
  }
  return false;
}

/** Counts a byte that no other limit covers. False: refused. */
function spend(registers: ParserRegisters): boolean {
  if (registers.extra < registers.maxHeaderSize) {
    registers.extra++;
    return true;
  }
  if (registers.state >= TRAILER_START) registers.refuse(431, 'trailers too long');
  else registers.refuse(413, 'chunk size or extension too long');
  return false;
}
