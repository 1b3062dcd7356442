/** The authority of a URI (host and port): in a Host field, in a target in absolute form, in CONNECT's target. */

import * as classes from './byte-classes.js';
import { startsWithIgnoringCase } from './compare-bytes.js';

const { BRACKET_CLOSE, BRACKET_OPEN, COLON, DIGIT_0, DIGIT_9, DOT, HYPHEN, IPV6, QUESTION, REG_NAME, SLASH } =
  classes;

/** A domain name has at most 253 characters; the registers can hold four times that. */
const MAX_HOST_SIZE = 1023;
const SCHEME_HTTP = classes.ascii('http://');
const SCHEME_HTTPS = classes.ascii('https://');

/** What {@link authorityStart} returns when there is none. */
export const NO_AUTHORITY = -1;

/** The start of the authority in a target in absolute form; NO_AUTHORITY for another form or scheme. */
export function authorityStart(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > SCHEME_HTTP.length && startsWithIgnoringCase(bytes, start, SCHEME_HTTP))
    return start + SCHEME_HTTP.length;
  if (end - start > SCHEME_HTTPS.length && startsWithIgnoringCase(bytes, start, SCHEME_HTTPS))
    return start + SCHEME_HTTPS.length;
  return NO_AUTHORITY;
}

/** The end of an authority: at the path, the query or the end of the target. */
export function endOfAuthority(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== SLASH && bytes[at] !== QUESTION) at++;
  return at;
}

/**
 * RFC 9110 section 4.2 and RFC 3986 section 3.2: uri-host [ ":" port ], with a host and without user information. The host
 * must also be valid in a URL as it was sent, because `request.url` must not name another server than the client did: no
 * percent-encoding, which a URL decodes and the next reader may not, and nothing that URL refuses.
 */
export function isAuthority(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > MAX_HOST_SIZE) return false;
  if (end - start === knownSize && isKnown(bytes, start)) return true;
  if (!isHostAndPort(bytes, start, end)) return false;
  knownSize = end - start;
  for (let i = 0; i < knownSize; i++) known[i] = bytes[start + i]!;
  return true;
}

/** The last valid authority: most requests to a server have the same one. */
const known = new Uint8Array(MAX_HOST_SIZE);
let knownSize = 0;

function isKnown(bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < knownSize; i++) {
    if (bytes[start + i] !== known[i]) return false;
  }
  return knownSize > 0;
}

function isHostAndPort(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  if (bytes[at] === BRACKET_OPEN) {
    at++;
    while (at < end && IPV6[bytes[at]!] !== 0) at++;
    // The shortest address is "::".
    if (at - start < 3 || at === end || bytes[at] !== BRACKET_CLOSE) return false;
    at++;
  } else {
    while (at < end && REG_NAME[bytes[at]!] !== 0) at++;
    if (at === start) return false;
  }
  if (at < end && !(bytes[at] === COLON && isPort(bytes, at + 1, end))) return false;
  return isPlainHost(bytes, start, at) || isUrlHost(bytes, start, at);
}

/**
 * Whether a host is certainly valid in a URL: a name without two hyphens in a row, so without "xn--", whose last label does
 * not start with a digit; or an IPv4 address of four decimal numbers. Fast path, for nearly every host.
 */
function isPlainHost(bytes: Uint8Array, start: number, end: number): boolean {
  let label = start;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === DOT) label = at + 1;
    else if (byte === HYPHEN && bytes[at + 1] === HYPHEN) return false;
  }
  // A numeric last label makes the URL parser read an IPv4 address; before a final dot there is another last label.
  if (label === end || bytes[start] === BRACKET_OPEN) return false;
  const first = bytes[label]!;
  return first < DIGIT_0 || first > DIGIT_9 || isDottedDecimal(bytes, start, end);
}

/** Four numbers up to 255 without leading zeros, which would make them octal. */
function isDottedDecimal(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  for (let part = 0; part < 4; part++) {
    if (part > 0 && bytes[at++] !== DOT) return false;
    const from = at;
    let number = 0;
    while (at < end && bytes[at]! >= DIGIT_0 && bytes[at]! <= DIGIT_9 && at - from < 3) {
      number = number * 10 + bytes[at++]! - DIGIT_0;
    }
    if (at === from || number > 255 || (bytes[from] === DIGIT_0 && at - from > 1)) return false;
  }
  return at === end;
}

/** The URL parser decides about the rest: internationalised names, IPv6, unusual numbers. */
function isUrlHost(bytes: Uint8Array, start: number, end: number): boolean {
  return URL.canParse(`http://${String.fromCharCode(...bytes.subarray(start, end))}/`);
}

/** RFC 3986 section 3.2.3: digits, or empty; at most 65535. */
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
