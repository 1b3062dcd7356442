/** Range requests (RFC 9110, 14). */

/** No byte of the file is in the range: 416. */
export const UNSATISFIABLE = 416;

interface ByteRange {
  readonly start: number;
  /** The byte after the last one. */
  readonly end: number;
}

const SINGLE_RANGE = /^bytes=[ \t]*(?:(\d+)-(\d*)|-(\d+))[ \t]*$/i;

/**
 * The part of a file that a Range field selects.
 *
 * @returns null when the whole file is to be sent: the unit is unknown, the field is malformed, or it has several ranges,
 * which a server may ignore (14.2) and which would let clients cause much work. An empty file is always sent whole:
 * clients that limit every download by a range would get an error otherwise.
 */
export function parseRange(field: string, size: number): ByteRange | typeof UNSATISFIABLE | null {
  const match = SINGLE_RANGE.exec(field);
  if (match === null || size === 0) return null;
  const [, first, last, suffix] = match;
  if (first === undefined) {
    const length = Number(suffix);
    return length === 0 ? UNSATISFIABLE : { start: Math.max(size - length, 0), end: size };
  }
  const start = Number(first);
  // A range that ends before it begins is malformed (14.1.1).
  if (last !== '' && Number(last) < start) return null;
  if (start >= size) return UNSATISFIABLE;
  return { start, end: last === '' ? size : Math.min(Number(last) + 1, size) };
}
