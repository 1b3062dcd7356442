/** The bytes of a request's method and target: where the path lies in a target, and comparison. */

const COLON = 0x3a;
export const SLASH = 0x2f;
export const QUESTION = 0x3f;

/**
 * Where the path of a target begins: behind scheme and authority, if it has them (RFC 9112 section 3.2.2). The targets of
 * `OPTIONS *` and of CONNECT have no path, and count whole.
 */
export function pathStart(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start] === SLASH) return start;
  let at = start;
  while (at < end && bytes[at] !== COLON && bytes[at] !== QUESTION) at++;
  if (at + 2 >= end || bytes[at] !== COLON || bytes[at + 1] !== SLASH || bytes[at + 2] !== SLASH)
    return start;
  at += 3;
  while (at < end && bytes[at] !== SLASH && bytes[at] !== QUESTION) at++;
  return at;
}

/** The end of the path that begins at `start`: the query, or the end of the target. */
export function pathEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== QUESTION) at++;
  return at;
}

/** Whether the bytes from `start` to `end` are those of `other`. */
export function equals(bytes: Uint8Array, start: number, end: number, other: Uint8Array): boolean {
  if (end - start !== other.length) return false;
  for (let at = 0; at < other.length; at++) if (bytes[start + at] !== other[at]) return false;
  return true;
}
