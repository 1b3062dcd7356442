/** Pseudo-random bytes that both ends generate from a seed: the app to send them, the client to compare. */

/** No byte is ASCII, so content is never mistaken for a command of the TCP app, nor for a part of HTTP. */
const HIGH_BIT = 0x80;

/** `length` bytes, the same for the same seed; `from` skips that many of them. */
export function content(seed: number, length: number, from = 0): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; at++) {
    let word = Math.imul((from + at + 1) ^ seed, 0x9e3779b1);
    word = Math.imul(word ^ (word >>> 15), 0x85ebca6b);
    bytes[at] = (word >>> 24) | HIGH_BIT;
  }
  return bytes;
}

/** A description of the first difference of two buffers; undefined where they are equal. */
export function difference(expected: Buffer, found: Buffer): string | undefined {
  if (expected.equals(found)) return undefined;
  const shorter = Math.min(expected.length, found.length);
  let at = 0;
  while (at < shorter && expected[at] === found[at]) at++;
  return `${found.length} bytes instead of ${expected.length}, different from byte ${at} on`;
}
