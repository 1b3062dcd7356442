/**
 * The registers of the request parser: its whole state within a message, and the facts of the head that are derived from
 * it. The files of the grammar (request-line.ts, header-fields.ts, body-framing.ts, chunked-body.ts) are functions on this
 * one object, and RequestParser extends it, so that V8 sees one shape everywhere.
 *
 * Ownership: between two events the connection's record in shared memory owns the registers. save() writes them there,
 * load() takes them back. While a thread is inside the connection (only one can be) this object owns
 * them, so nothing here is atomic. They are numbers only; the caller keeps the bytes of an unfinished head. The layout:
 *
 *   word 0   state (6 bits), field being read (3), empty lines skipped (4), flags (8): the codes in states.ts
 *   word 1   bytes of the head examined (low half); start of the name or value being read (high half), both relative to
 *            the message's first byte; in a body the high half counts extension and trailer bytes
 *   word 2   end of the request target (low half), start of the host (high half, 0: none)
 *   word 3   method length (7 bits), host length (10), header fields so far (11)
 *   word 4,5 bytes of the content or of the chunk still to come; in trailers word 4 holds which forbidden names the
 *            trailer's name still matches
 *   word 6,7 Content-Length, or the sum of the chunk sizes so far
 *
 * Because of the halves of 16 bits maxHeaderSize is at most 65535. All facts of the head survive a save and load in the body.
 */
import { checkLimits, type ParserLimits } from './limits.js';
import * as states from './states.js';

const {
  COMPLETE,
  DEAD,
  OTHER,
  SAW_CHUNKED,
  SAW_CLOSE,
  SAW_CONTENT_LENGTH,
  SAW_CONTINUE,
  SAW_KEEP_ALIVE,
  SAW_VERSION_1_1,
  START,
  TRAILER_START,
} = states;

/** How many int32 words {@link ParserRegisters.save} writes and {@link ParserRegisters.load} reads. */
export const PARSER_WORDS = 8;

/** Returned by the functions of the head instead of a position when the bytes end or the request is refused. */
export const STOPPED = -1;

/** Length of SP, HTTP-version and CRLF, which are between the target and the first header field. */
const AFTER_TARGET = 11;
const TWO_32 = 2 ** 32;

/**
 * The number whose words these are. A small one is an integer for V8, too: with one that only happens to have no fraction, the shape of the
 * registers would change, and all compiled code of the parser with it, at the first head that comes in two parts.
 */
const joined = (low: number, high: number): number =>
  high === 0 && low >= 0 ? low : (low >>> 0) + high * TWO_32;

/** The facts of a head are public; the registers below them are for the files of the parser only. */
export class ParserRegisters {
  /** After execute(): absolute index of the first byte not consumed; `to` after NEED_MORE. Undefined after REFUSED. */
  position = 0;
  /** Absolute index of the message's first byte, in the bytes of the last call that was in its head. */
  messageStart = 0;

  // Facts of the head, set when execute() returns HEAD. Offsets are relative to messageStart.
  /** Bytes of the head, with the empty line. */
  headLength = 0;
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  /** Where the first header field's line starts. */
  headersStart = 0;
  /**
   * Start of the request's host: the Host field's value without white space, or, with a target in absolute form, the
   * target's own authority (RFC 9112 section 3.2.2: Host is ignored then). -1: HTTP/1.0 without Host.
   */
  hostStart = -1;
  hostEnd = -1;
  minorVersion: 0 | 1 = 1;
  /** Whether the client allows the connection to persist, RFC 9112 section 9.3. */
  keepAlive = false;
  /** Whether content follows: chunked, or a Content-Length above 0. */
  hasBody = false;
  chunked = false;
  /** The Content-Length field, -1 when absent. */
  contentLength = -1;
  /** Content follows, and the client waits for 100 (Continue) before it sends it, RFC 9110 section 10.1.1. HTTP/1.1 only. */
  expectContinue = false;

  /** After BODY: bytes[spanStart, spanEnd) are content, never empty. */
  spanStart = 0;
  spanEnd = 0;

  /** After END or NEED_MORE: bytes[trailersStart, position) are of the trailer section; -1 when none were examined. */
  trailersStart = -1;
  /** After REFUSED: the status code to answer with (400, 413, 414, 417, 431, 501, 505); else 0. */
  status = 0;
  /** After REFUSED: why, a short phrase for the log. It never holds bytes of the request. */
  reason = '';

  maxHeaderSize: number;
  maxTargetSize: number;
  readonly maxBodySize: number;
  readonly leavesToServer: boolean;

  // Registers that are not facts: for the files of the parser only.
  state = START;
  field = OTHER;
  flags = 0;
  emptyLines = 0;
  /** Bytes of the head examined before this call. */
  examined = 0;
  /** Start of the name or value being read, relative. */
  mark = 0;
  fields = 0;
  remaining = 0;
  /** Sum of the chunk sizes. */
  total = 0;
  /** Bytes of chunk extensions beyond the chunks' share, then of trailers: they count as neither head nor content. */
  extra = 0;
  /** Candidates among the forbidden trailer names (low 16 bits), and the index of the next byte of the name (high 16). */
  trailerMatch = 0;

  /** @throws PacelineError `PACELINE_OPTION` when a limit is not in its range */
  constructor(limits: ParserLimits) {
    const { maxHeaderSize, maxTargetSize, maxBodySize, leavesToServer } = checkLimits(limits);
    this.maxHeaderSize = maxHeaderSize;
    this.maxTargetSize = maxTargetSize;
    this.maxBodySize = maxBodySize;
    this.leavesToServer = leavesToServer;
  }

  /** Changes the limit of heads, between two messages. The target may be as long. */
  limitHead(bytes: number): void {
    this.maxHeaderSize = bytes;
    this.maxTargetSize = bytes;
  }

  /** Writes the registers to `words[at, at + PARSER_WORDS)`. Only one copy may continue: this parser, or one that loads them. */
  save(words: Int32Array, at: number): void {
    const half = this.state < COMPLETE ? this.mark : this.extra;
    const rest = this.state >= TRAILER_START ? this.trailerMatch : this.remaining;
    const sum = this.chunked ? this.total : Math.max(this.contentLength, 0);
    words[at] = this.state | (this.field << 6) | (this.emptyLines << 9) | (this.flags << 13);
    words[at + 1] = this.examined | (half << 16);
    words[at + 2] = this.targetEnd | (Math.max(this.hostStart, 0) << 16);
    words[at + 3] = this.methodEnd | ((this.hostEnd - this.hostStart) << 7) | (this.fields << 17);
    words[at + 4] = rest | 0;
    words[at + 5] = (rest / TWO_32) | 0;
    words[at + 6] = sum | 0;
    words[at + 7] = (sum / TWO_32) | 0;
  }

  /** Reads the registers that save() wrote, of this or another parser with the same limits. */
  load(words: Int32Array, at: number): void {
    const first = words[at]!;
    const third = words[at + 3]!;
    const half = words[at + 1]! >>> 16;
    const rest = joined(words[at + 4]!, words[at + 5]!);
    const sum = joined(words[at + 6]!, words[at + 7]!);
    this.state = first & 63;
    this.field = (first >>> 6) & 7;
    this.emptyLines = (first >>> 9) & 15;
    this.flags = first >>> 13;
    this.examined = words[at + 1]! & 0xffff;
    this.mark = this.state < COMPLETE ? half : 0;
    this.extra = this.state < COMPLETE ? 0 : half;
    this.fields = third >>> 17;
    this.remaining = this.state < TRAILER_START ? rest : 0;
    this.trailerMatch = this.state < TRAILER_START ? 0 : rest;
    this.total = sum;
    this.contentLength = (this.flags & SAW_CONTENT_LENGTH) !== 0 ? sum : -1;
    this.methodEnd = third & 127;
    this.targetEnd = words[at + 2]! & 0xffff;
    this.hostStart = words[at + 2]! >>> 16 || -1;
    this.hostEnd = this.hostStart + ((third >>> 7) & 1023);
    this.status = this.state === DEAD ? 400 : 0;
    this.reason = this.state === DEAD ? 'refused before' : '';
    this.setFacts();
  }

  /** Sets the facts that are derived from the registers. */
  setFacts(): void {
    const flags = this.flags;
    this.headLength = this.examined;
    this.targetStart = this.methodEnd + 1;
    this.headersStart = this.targetEnd + AFTER_TARGET;
    this.chunked = (flags & SAW_CHUNKED) !== 0;
    this.hasBody = this.chunked || this.contentLength > 0;
    if ((flags & SAW_VERSION_1_1) !== 0) {
      this.minorVersion = 1;
      this.keepAlive = (flags & SAW_CLOSE) === 0;
      this.expectContinue = (this.hasBody || this.leavesToServer) && (flags & SAW_CONTINUE) !== 0;
    } else {
      this.minorVersion = 0;
      this.keepAlive = (flags & (SAW_CLOSE | SAW_KEEP_ALIVE)) === SAW_KEEP_ALIVE;
      this.expectContinue = false;
    }
  }

  /** Clears what the last message left, before the first byte of the next one. */
  clear(): void {
    this.trailersStart = -1;
    this.flags = 0;
    this.examined = 0;
    this.mark = 0;
    this.field = OTHER;
    this.fields = 0;
    this.methodEnd = 0;
    this.targetEnd = 0;
    this.hostStart = -1;
    this.hostEnd = -1;
    this.contentLength = -1;
    this.chunked = false;
    this.remaining = 0;
    this.total = 0;
    this.extra = 0;
    this.status = 0;
    this.reason = '';
  }

  /** Refuses the request; every later byte is refused too. @returns STOPPED, for the functions that return a position */
  refuse(status: number, reason: string): typeof STOPPED {
    this.state = DEAD;
    this.status = status;
    this.reason = reason;
    return STOPPED;
  }

  /** The same, for the functions that check a line. @returns false */
  refuseLine(status: number, reason: string): false {
    this.refuse(status, reason);
    return false;
  }
}
