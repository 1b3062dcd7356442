/** Comparisons of a message's bytes with constants of the protocol, without making strings. */

/** Whether bytes[start, end) are `text`, in any case. @param text in lower case */
export function equalsIgnoringCase(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  return end - start === text.length && startsWithIgnoringCase(bytes, start, text);
}

/**
 * Whether the bytes from `at` on are `text`, in any case. Setting bit 0x20 makes letters lower-case and leaves digits, "-",
 * "/" and ":" unchanged. Of all other bytes only control characters (CR for "-") are mapped onto these, and the callers
 * pass none.
 *
 * @param text in lower case
 */
export function startsWithIgnoringCase(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) {
    if ((bytes[at + i]! | 0x20) !== text[i]) return false;
  }
  return true;
}

/** Whether the bytes from `at` on are `text`, case-sensitively. */
export function startsWith(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) {
    if (bytes[at + i] !== text[i]) return false;
  }
  return true;
}
