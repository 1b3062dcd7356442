/** The bounds of one message that an operator sets, and the check that they are usable numbers. */
import { PacelineError } from '../../errors.js';

/** Bounds of one message, all in bytes. */
export interface ParserLimits {
  /**
   * The whole head, from the method's first byte to the empty line's last; more is answered 431. The same bound holds
   * for the trailers of a body (431), for the extensions of one chunk, and for those of all chunks of a body together beyond
   * 128 bytes and the size of its data for each chunk (413). Default elsewhere: 16384. At most 65535.
   */
  maxHeaderSize: number;
  /**
   * The request target alone; more is answered 414. Default: half of maxHeaderSize, which at the default size is above
   * the 8000 octets that RFC 9112 section 3 recommends to support, and leaves room for the fields.
   */
  maxTargetSize?: number;
  /** The content, chunk framing not counted; more is answered 413. Infinity: no bound but 2^53 - 1. */
  maxBodySize: number;
}

/** What 16 bits of a register can hold. */
const MAX_HEADER_SIZE = 0xffff;

/**
 * The limits with their defaults, each an exact integer.
 *
 * @throws PacelineError PACELINE_OPTION when a limit is no usable number.
 */
export function checkLimits(limits: ParserLimits): Required<ParserLimits> {
  const { maxHeaderSize, maxBodySize, maxTargetSize = Math.floor(maxHeaderSize / 2) } = limits;
  requireLimit('maxHeaderSize', maxHeaderSize);
  requireLimit('maxTargetSize', maxTargetSize);
  if (maxBodySize !== Infinity && !(Number.isSafeInteger(maxBodySize) && maxBodySize >= 0)) {
    throw new PacelineError(
      'PACELINE_OPTION',
      `maxBodySize is ${maxBodySize}, not a count of bytes or Infinity`,
    );
  }
  return { maxHeaderSize, maxTargetSize, maxBodySize: Math.min(maxBodySize, Number.MAX_SAFE_INTEGER) };
}

function requireLimit(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= MAX_HEADER_SIZE) return;
  throw new PacelineError(
    'PACELINE_OPTION',
    `${name} is ${value}, not a count of bytes from 1 to ${MAX_HEADER_SIZE}`,
  );
}
