/**
 * The key of a route: its method, and its path with `*` for each segment that varies, so that `/users/1` and `/users/2` are one route.
 * A segment varies if it is
 *
 * - a number: digits alone;
 * - hexadecimal: 8 characters or more, with a digit among them;
 * - opaque: more than 24 letters, digits, `_` and `-`, with a digit among them, as UUIDs and tokens are;
 * - longer than 48 characters.
 *
 * The query does not belong to the path. A target in absolute form (RFC 9112 section 3.2.2) counts without scheme and authority.
 * HEAD counts as GET, because an app does the same work for both. Paths are taken as they were sent: percent-encoding and dot
 * segments stay as they are, and cases differ.
 *
 * These are guesses: routes that are folded into one have one typical hold, and one route may be split into several. A client that
 * looks for paths with the same hash can spoil an estimate, and nothing else.
 */
import { MAX_ROUTE_NAME_BYTES, RESERVED_ROUTE_TAGS } from '../memory/route-words.js';
import { equals, pathEnd, pathStart, QUESTION, SLASH } from './request-bytes.js';

const MIN_HEX_LENGTH = 8;
const MAX_WORD_LENGTH = 24;
const MAX_LITERAL_LENGTH = 48;

/** Classes of the bytes of a segment, which are collected by `|`. */
const DIGIT = 1;
const HEX_LETTER = 2;
const WORD = 4;
const OTHER = 8;

const CLASSES = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  if (/[0-9]/.test(character)) return DIGIT;
  if (/[A-Fa-f]/.test(character)) return HEX_LETTER;
  return /[A-Za-z_-]/.test(character) ? WORD : OTHER;
});

const SPACE = 0x20;
const ASTERISK = 0x2a;
const TILDE = 0x7e;
const GET = Buffer.from('GET');
const HEAD = Buffer.from('HEAD');

/** FNV-1a, 32 bits (Fowler, Noll, Vo): one multiplication a byte. */
const FNV_BASIS = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;
/** Another basis, so that a declared pattern is never taken for the learned route of the same name. */
const PATTERN_BASIS = 0x9e3779b9 | 0;

/**
 * The hash of a request's route, which is equal for requests with the same key. One pass, without allocation.
 *
 * @param bytes hold the method and the target, at the given places
 * @returns 32 bits, signed; never 0 to 255, which the route table reserves
 */
export function routeHash(
  bytes: Uint8Array,
  methodStart: number,
  methodEnd: number,
  targetStart: number,
  targetEnd: number,
): number {
  let hash = hashOfMethod(bytes, methodStart, methodEnd);
  const start = pathStart(bytes, targetStart, targetEnd);
  // A target of scheme and authority alone has the path "/".
  if (start === targetEnd || bytes[start] === QUESTION) return finish(Math.imul(hash ^ SLASH, FNV_PRIME));
  let beforeSegment = hash;
  let seen = 0;
  let segment = start;
  let at = start;
  for (; at < targetEnd; at++) {
    const byte = bytes[at]!;
    if (byte === SLASH) {
      if (varies(seen, at - segment)) hash = Math.imul(beforeSegment ^ ASTERISK, FNV_PRIME);
      hash = Math.imul(hash ^ SLASH, FNV_PRIME);
      beforeSegment = hash;
      seen = 0;
      segment = at + 1;
      continue;
    }
    if (byte === QUESTION) break;
    seen |= CLASSES[byte]!;
    hash = Math.imul(hash ^ byte, FNV_PRIME);
  }
  if (varies(seen, at - segment)) hash = Math.imul(beforeSegment ^ ASTERISK, FNV_PRIME);
  return finish(hash);
}

/**
 * The name of a request's route for people, for example `GET /users/*`. Bytes that are not visible ASCII are escaped, as `\xc3`.
 *
 * @param bytes and the others as for {@link routeHash}
 * @returns at most MAX_ROUTE_NAME_BYTES of UTF-8; a longer name ends with `…`
 */
export function routeName(
  bytes: Uint8Array,
  methodStart: number,
  methodEnd: number,
  targetStart: number,
  targetEnd: number,
): string {
  const isHead = equals(bytes, methodStart, methodEnd, HEAD);
  const method = isHead ? 'GET' : escaped(bytes, methodStart, methodEnd);
  const start = pathStart(bytes, targetStart, targetEnd);
  const end = pathEnd(bytes, start, targetEnd);
  let name = `${method} ${start === end ? '/' : ''}`;
  // What follows would be cut off.
  for (let segment = start; segment <= end && name.length <= MAX_ROUTE_NAME_BYTES; ) {
    let seen = 0;
    let at = segment;
    for (; at < end && bytes[at] !== SLASH; at++) seen |= CLASSES[bytes[at]!]!;
    name += varies(seen, at - segment) ? '*' : escaped(bytes, segment, at);
    if (at < end) name += '/';
    segment = at + 1;
  }
  return cutName(name);
}

/** The hash of a declared pattern's text; never 0 to 255, and in general none of {@link routeHash}. */
export function patternHash(pattern: string): number {
  let hash = PATTERN_BASIS;
  for (let at = 0; at < pattern.length; at++) hash = Math.imul(hash ^ pattern.charCodeAt(at), FNV_PRIME);
  return finish(hash);
}

/** A name of ASCII characters, cut so that it fits into a slot of the route table. */
export const cutName = (name: string): string =>
  name.length <= MAX_ROUTE_NAME_BYTES
    ? name
    : `${name.slice(0, MAX_ROUTE_NAME_BYTES - Buffer.byteLength('…'))}…`;

/** Whether a segment with bytes of these classes varies from request to request. */
function varies(seen: number, length: number): boolean {
  if ((seen & DIGIT) === 0) return length > MAX_LITERAL_LENGTH;
  if (seen === DIGIT || length > MAX_LITERAL_LENGTH) return true;
  if (seen === (DIGIT | HEX_LETTER)) return length >= MIN_HEX_LENGTH;
  return seen < OTHER && length > MAX_WORD_LENGTH;
}

function hashOfMethod(bytes: Uint8Array, start: number, end: number): number {
  let hash = FNV_BASIS;
  if (equals(bytes, start, end, HEAD)) {
    for (let at = 0; at < GET.length; at++) hash = Math.imul(hash ^ GET[at]!, FNV_PRIME);
  } else {
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, FNV_PRIME);
  }
  return Math.imul(hash ^ SPACE, FNV_PRIME);
}

/** Spreads every bit over the whole hash, whose upper bits name a set of the table: the end of MurmurHash3 (Appleby). */
function finish(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  mixed ^= mixed >>> 16;
  return mixed >= 0 && mixed < RESERVED_ROUTE_TAGS ? mixed + RESERVED_ROUTE_TAGS : mixed;
}

function escaped(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end && text.length <= MAX_ROUTE_NAME_BYTES; at++) {
    const byte = bytes[at]!;
    const isVisible = byte > SPACE && byte <= TILDE;
    text += isVisible ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return text;
}
