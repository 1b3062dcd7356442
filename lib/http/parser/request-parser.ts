/**
 * The HTTP/1.1 request parser: a finite state machine over bytes, strict by RFC 9112 and RFC 9110. It allocates nothing,
 * can stop after any byte, and can be resumed by another thread.
 *
 * This file drives it from result to result. The states and their transitions are in states.ts, the registers that are
 * saved between two events in registers.ts, and the grammar in the files of its parts: request-line.ts,
 * header-fields.ts (with authority.ts for Host, body-framing.ts for the length of the content) and chunked-body.ts.
 *
 * Resuming does not examine bytes again: the loops continue at the byte after the last. Only a complete name with the length
 * of a known one, and the value of a field that the parser interprets, are read a second time.
 * A verdict never depends on how the bytes were split: each check is made at a fixed byte, or, for a limit, before every
 * other check of the bytes beyond it.
 *
 * Why its files copy states and byte classes from a namespace into constants of their own: V8 embeds a module's own constants
 * in the machine code, but loads an imported binding at each use. In Node.js 20 that is a quarter of a head's time.
 */
import { PacelineError } from '../../errors.js';
import { authorityStart, endOfAuthority } from './authority.js';
import * as classes from './byte-classes.js';
import { chunkFraming } from './chunked-body.js';
import { headerFields } from './header-fields.js';
import { ParserRegisters, STOPPED } from './registers.js';
import { requestLine } from './request-line.js';
import * as states from './states.js';

export type { ParserLimits } from './limits.js';
export { PARSER_WORDS } from './registers.js';

const {
  COMPLETE,
  DATA,
  DATA_CR,
  DEAD,
  FIELD_START,
  FIXED,
  HEAD_LF,
  METHOD,
  REQUEST_TARGET,
  SAW_ABSOLUTE_TARGET,
  SAW_CHUNKED,
  SAW_CONTENT_LENGTH,
  SAW_HOST,
  SAW_VERSION_1_1,
  SIZE_START,
  START,
  START_LF,
} = states;
const { CR, LF, TOKEN } = classes;

/** Result of execute(): all bytes were consumed, and the message continues. */
export const NEED_MORE = 0;
/** Result of execute(): the head is complete and its facts are set. */
export const HEAD = 1;
/** Result of execute(): bytes[spanStart, spanEnd) are content. */
export const BODY = 2;
/** Result of execute(): the message is complete; the next byte is the next message's. */
export const END = 3;
/** Result of execute(): not an acceptable request; `status` and `reason` say why. The connection must be closed. */
export const REFUSED = 4;

/** RFC 9112 section 2.2 asks to ignore at least one; without a bound they would be traffic that no limit covers. */
const MAX_LEADING_EMPTY_LINES = 4;

/**
 * Parses the requests of one connection at a time, one after the other.
 *
 * The caller passes every byte once, in order. While a head is unfinished (`inHead`) it keeps the head's bytes, from
 * `messageStart` on, and places them directly before `from` in the next call, at any offset; the parser continues at `from`
 * and reads the kept bytes only where it needs them. At all other times nothing has to be kept.
 *
 * ```ts
 * for (;;) {
 *   const result = parser.execute(bytes, at, filled);
 *   at = parser.position;
 *   if (result === NEED_MORE || result === REFUSED) break;   // receive more, or answer and close
 *   …                                                        // HEAD, BODY…, END
 * }
 * ```
 *
 * After HEAD the caller calls again from `position`: the result is BODY as often as there is content (at least once for
 * every chunk), then END. A request without content gives END at once, without consuming anything. After END the next call
 * starts the next message (pipelining, RFC 9112 section 9.3.2); the caller checks whether there may be one (`keepAlive`).
 * The facts are valid until the first byte of the next message.
 */
export class RequestParser extends ParserRegisters {
  /** True while a message's head has begun and is unfinished: the caller must keep its bytes. */
  get inHead(): boolean {
    return this.state >= METHOD && this.state <= HEAD_LF;
  }

  /** True when all of a message is parsed: the next result is END. */
  get complete(): boolean {
    return this.state === COMPLETE;
  }

  /** True when no byte was seen since the last message: reset() gives the same state, so save() is not needed. */
  get fresh(): boolean {
    return this.state === START && this.emptyLines === 0;
  }

  /** Makes the parser ready for the first byte of a connection. */
  reset(): void {
    this.state = START;
    this.emptyLines = 0;
    this.clear();
  }

  /**
   * Parses bytes[from, to) up to the next result. `from` is the byte after the last one consumed; in a head, the bytes of
   * the message so far are directly before it.
   *
   * @returns NEED_MORE, HEAD, BODY, END or REFUSED.
   * @throws PacelineError `PACELINE_STATE` when there is no room before `from` for the kept bytes: the caller lost them.
   */
  execute(bytes: Uint8Array, from: number, to: number): number {
    if (this.state < COMPLETE) return this.head(bytes, from, to);
    this.position = from;
    if (this.state === COMPLETE) return this.end(from);
    if (this.state === DEAD) return REFUSED;
    if (this.state > DATA) return this.framing(bytes, from, to);
    return this.content(from, to);
  }

  /** Takes the head on, from wherever it stopped. */
  private head(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    if (this.state < METHOD) {
      at = this.start(bytes, from, to);
      if (at === STOPPED) return this.stopped(to);
    } else if (from < this.examined) {
      throw new PacelineError(
        'PACELINE_STATE',
        `a head of ${this.examined} bytes so far cannot end at ${from}`,
      );
    }
    const head = at - this.examined;
    this.messageStart = head;
    // Bytes beyond the limit are not examined, so the loops need no check for it.
    const end = Math.min(to, head + this.maxHeaderSize);
    if (this.state < FIELD_START) at = requestLine(this, bytes, at, end);
    if (at !== STOPPED) at = headerFields(this, bytes, at, end);
    if (at !== STOPPED) return this.finishHead(bytes, at);
    this.examined = end - head;
    if (this.examined === this.maxHeaderSize && this.state !== DEAD) return this.refuseHeadSize();
    return this.stopped(to);
  }

  private stopped(to: number): number {
    this.position = to;
    return this.state === DEAD ? REFUSED : NEED_MORE;
  }

  /** Skips empty lines; returns where the message starts. */
  private start(bytes: Uint8Array, from: number, to: number): number {
    for (let at = from; at < to; at++) {
      const byte = bytes[at]!;
      if (this.state === START_LF) {
        if (byte !== LF) return this.refuse(400, 'CR without LF before the request line');
        this.state = START;
      } else if (byte === CR) {
        if (this.emptyLines === MAX_LEADING_EMPTY_LINES) return this.refuse(400, 'too many empty lines');
        this.emptyLines++;
        this.state = START_LF;
      } else if (TOKEN[byte] !== 0) {
        this.clear();
        this.state = METHOD;
        return at;
      } else {
        return this.refuse(400, 'the first byte is no method');
      }
    }
    return STOPPED;
  }

  /** Makes the checks that need the whole head, and sets the facts. */
  private finishHead(bytes: Uint8Array, at: number): number {
    const flags = this.flags;
    const head = this.messageStart;
    this.position = at;
    if ((flags & (SAW_HOST | SAW_VERSION_1_1)) === SAW_VERSION_1_1 && !this.leavesToServer)
      return this.refused(400, 'no Host');
    if ((flags & SAW_CHUNKED) !== 0) {
      if ((flags & SAW_CONTENT_LENGTH) !== 0) {
        return this.refused(400, 'both Content-Length and Transfer-Encoding');
      }
      this.state = SIZE_START;
    } else {
      if (this.contentLength > this.maxBodySize) return this.refused(413, 'Content-Length beyond the limit');
      this.state = this.contentLength > 0 ? FIXED : COMPLETE;
      this.remaining = Math.max(this.contentLength, 0);
    }
    if ((flags & SAW_ABSOLUTE_TARGET) !== 0) {
      const end = head + this.targetEnd;
      const authority = authorityStart(bytes, head + this.methodEnd + 1, end);
      this.hostStart = authority - head;
      this.hostEnd = endOfAuthority(bytes, authority, end) - head;
    }
    this.examined = at - head;
    this.setFacts();
    return HEAD;
  }

  /** Content whose bytes are not examined: the rest of a body of known length, or of a chunk. */
  private content(from: number, to: number): number {
    if (from === to) return NEED_MORE;
    const length = Math.min(this.remaining, to - from);
    this.spanStart = from;
    this.spanEnd = from + length;
    this.position = from + length;
    this.remaining -= length;
    if (this.remaining === 0) this.state = this.state === DATA ? DATA_CR : COMPLETE;
    return BODY;
  }

  /** The framing around the data of the chunks, and the data that follows directly. */
  private framing(bytes: Uint8Array, from: number, to: number): number {
    this.trailersStart = -1;
    const at = chunkFraming(this, bytes, from, to);
    if (this.state === START) return this.end(at);
    if (this.state === DEAD) return REFUSED;
    this.position = at;
    return this.state === DATA ? this.content(at, to) : NEED_MORE;
  }

  private end(at: number): number {
    this.state = START;
    this.emptyLines = 0;
    this.position = at;
    return END;
  }

  private refuseHeadSize(): number {
    if (this.state === REQUEST_TARGET) return this.refused(414, 'request target too long');
    return this.refused(431, 'head too long');
  }

  private refused(status: number, reason: string): number {
    this.refuse(status, reason);
    return REFUSED;
  }
}
