/** The authority of a URI, host and port: in a Host field, in a target in absolute form, in CONNECT's target. */
import { isLetters } from './letters.js';
import * as tables from './tables.js';

const { BRACKET_CLOSE, BRACKET_OPEN, COLON, DIGIT_0, HEX, IPV6, PERCENT, QUESTION, REG_NAME, SLASH } = tables;

/** A domain name has at most 253 characters; percent-encoding can triple that. */
const MAX_HOST_SIZE = 1023;
const SCHEME_HTTP = tables.ascii('http://');
const SCHEME_HTTPS = tables.ascii('https://');

/** What {@link authorityStart} returns when there is none. */
export const NO_AUTHORITY = -1;

/** Where the authority of a target in absolute form starts; NO_AUTHORITY when it has another form or scheme. */
export function authorityStart(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > SCHEME_HTTP.length && isLetters(bytes, start, SCHEME_HTTP))
    return start + SCHEME_HTTP.length;
  if (end - start > SCHEME_HTTPS.length && isLetters(bytes, start, SCHEME_HTTPS))
    return start + SCHEME_HTTPS.length;
  return NO_AUTHORITY;
}

/** Where an authority ends: at the path, the query or the end of the target. */
export function endOfAuthority(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== SLASH && bytes[at] !== QUESTION) at++;
  return at;
}

/** RFC 9110 section 4.2 and RFC 3986 section 3.2: uri-host [ ":" port ], with a host and without user information. */
export function isAuthority(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > MAX_HOST_SIZE) return false;
  let at = start;
  if (bytes[at] === BRACKET_OPEN) {
    at++;
    while (at < end && IPV6[bytes[at]!] !== 0) at++;
    // The shortest address is "::".
    if (at - start < 3 || at === end || bytes[at] !== BRACKET_CLOSE) return false;
    at++;
  } else {
    while (at < end && (REG_NAME[bytes[at]!] !== 0 || isEscape(bytes, at, end))) at++;
    if (at === start) return false;
  }
  return at === end || (bytes[at] === COLON && isPort(bytes, at + 1, end));
}

/** "%" with two digits behind it. The digits are members of REG_NAME, so the caller goes over them by itself. */
function isEscape(bytes: Uint8Array, at: number, end: number): boolean {
  return bytes[at] === PERCENT && at + 2 < end && HEX[bytes[at + 1]!]! >= 0 && HEX[bytes[at + 2]!]! >= 0;
}

/** RFC 3986 section 3.2.3: digits, or none. */
function isPort(bytes: Uint8Array, start: number, end: number): boolean {
  let port = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - DIGIT_0;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
    if (port > 0xffff) return false;
  }
  return true;
}
