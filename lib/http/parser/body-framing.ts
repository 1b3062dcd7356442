/**
 * The length of a request's content, RFC 9112 section 6: Content-Length and Transfer-Encoding. Anything that two readers of
 * a request could interpret in two ways is refused here: that is how requests are smuggled.
 */

import * as classes from './byte-classes.js';
import { equalsIgnoringCase } from './compare-bytes.js';
import type { ParserRegisters } from './registers.js';
import * as states from './states.js';

const { SAW_CHUNKED, SAW_CONTENT_LENGTH, SAW_VERSION_1_1 } = states;
const { COMMA, DIGIT_0, HTAB, SP, TOKEN } = classes;

const VALUE_CHUNKED = classes.ascii('chunked');

/**
 * RFC 9112 section 6.3, RFC 9110 section 8.6. The RFC allows a recipient to accept the same value repeated, in one line or
 * more; it is refused here, because no honest client sends it and readers that differ about it enable request smuggling.
 */
export function contentLengthLine(
  registers: ParserRegisters,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  if ((registers.flags & SAW_CONTENT_LENGTH) !== 0)
    return registers.refuseLine(400, 'Content-Length given twice');
  if (start === end) return registers.refuseLine(400, 'empty Content-Length');
  let length = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - DIGIT_0;
    if (digit < 0 || digit > 9) return registers.refuseLine(400, 'invalid Content-Length');
    // Exact up to the bound; rounding above it never yields a number below it.
    length = length * 10 + digit;
    if (length > Number.MAX_SAFE_INTEGER) return registers.refuseLine(400, 'Content-Length beyond 2^53 - 1');
  }
  registers.flags |= SAW_CONTENT_LENGTH;
  registers.contentLength = length;
  return true;
}

/**
 * RFC 9112 sections 6.1 and 7. Only `chunked` alone is implemented. Other codings before a final `chunked` are 501; without
 * a final `chunked`, or with more than one, the length is unknown: 400.
 */
export function transferEncodingLine(
  registers: ParserRegisters,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  if ((registers.flags & SAW_CHUNKED) !== 0)
    return registers.refuseLine(400, 'Transfer-Encoding given twice');
  if ((registers.flags & SAW_VERSION_1_1) === 0) {
    return registers.refuseLine(400, 'Transfer-Encoding in HTTP/1.0');
  }
  if (equalsIgnoringCase(bytes, start, end, VALUE_CHUNKED)) {
    registers.flags |= SAW_CHUNKED;
    return true;
  }
  if (isCodingsThenChunked(bytes, start, end)) {
    return registers.refuseLine(501, 'unknown transfer coding');
  }
  return registers.refuseLine(400, 'invalid Transfer-Encoding');
}

/** Whether a Transfer-Encoding is a list of other codings, each with a well-formed name, and then `chunked`. */
function isCodingsThenChunked(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const coding = at;
    while (at < end && TOKEN[bytes[at]!] !== 0) at++;
    const isChunked = equalsIgnoringCase(bytes, coding, at, VALUE_CHUNKED);
    if (at === end) return isChunked;
    if (at === coding || isChunked) return false;
    while (at < end && bytes[at] !== COMMA) at++;
    if (at < end) at++;
    while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) at++;
  }
  return false;
}
