/** The limits of one message that an operator sets, and their validation. */
import { PacelineError } from '../../errors.js';

/** Limits of one message, all in bytes. */
export interface ParserLimits {
  /**
   * The whole head, from the method's first byte to the empty line's last; a longer one is refused with 431. The same limit
   * applies to the trailers of a body (431), to the extensions of one chunk, and to the extensions of all chunks of a body
   * together beyond 128 bytes and the size of its data for each chunk (413). From 1 to 65535. The server's default is 16384.
   */
  maxHeaderSize: number;
  /**
   * The request target alone; a longer one is refused with 414. Default: half of maxHeaderSize, which at the default size is
   * more than the 8000 octets that RFC 9112 section 3 recommends to support, and leaves room for the fields.
   */
  maxTargetSize?: number;
  /** The content without chunk framing; more is refused with 413. Infinity: no limit but 2^53 - 1. */
  maxBodySize: number;
  /**
   * Leaves to the caller what a Node server decides by itself: a missing Host, or one that is no authority; expectations, all of which then set
   * `expectContinue`; CONNECT. Default: false.
   */
  leavesToServer?: boolean;
}

/** The maximum of a register of 16 bits. */
const MAX_HEADER_SIZE = 0xffff;

/**
 * The limits with their defaults, each an exact integer.
 *
 * @throws PacelineError `PACELINE_OPTION` when a limit is not in its range
 */
export function checkLimits(limits: ParserLimits): Required<ParserLimits> {
  const { maxHeaderSize, maxBodySize, leavesToServer = false } = limits;
  const { maxTargetSize = Math.floor(maxHeaderSize / 2) } = limits;
  requireLimit('maxHeaderSize', maxHeaderSize);
  requireLimit('maxTargetSize', maxTargetSize);
  if (maxBodySize !== Infinity && !(Number.isSafeInteger(maxBodySize) && maxBodySize >= 0)) {
    throw new PacelineError(
      'PACELINE_OPTION',
      `maxBodySize is ${maxBodySize}, not a count of bytes or Infinity`,
    );
  }
  return {
    maxHeaderSize,
    maxTargetSize,
    maxBodySize: Math.min(maxBodySize, Number.MAX_SAFE_INTEGER),
    leavesToServer,
  };
}

function requireLimit(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= MAX_HEADER_SIZE) return;
  throw new PacelineError(
    'PACELINE_OPTION',
    `${name} is ${value}, not a count of bytes from 1 to ${MAX_HEADER_SIZE}`,
  );
}
