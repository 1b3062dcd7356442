/** Comparing bytes of a message with the words of the protocol, without making strings of them. */

/** Whether the bytes say `text`, which is in lower case, in any case. */
export function equalsIgnoringCase(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  return end - start === text.length && startsWithIgnoringCase(bytes, start, text);
}

/**
 * The same when the length is known. Setting bit 0x20 makes letters lower-case and leaves digits, "-", "/" and ":" alone;
 * besides them only control characters (CR for "-") are mapped onto these, and none reaches this place.
 */
export function startsWithIgnoringCase(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) {
    if ((bytes[at + i]! | 0x20) !== text[i]) return false;
  }
  return true;
}

/** Whether the bytes from `at` on are those of `text`, in this case. */
export function startsWith(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) {
    if (bytes[at + i] !== text[i]) return false;
  }
  return true;
}
