/**
 * The HTTP/1.1 request parser: a finite state machine over bytes, strict by RFC 9112 and RFC 9110. It allocates nothing
 * on its way, stops after any byte, and can be resumed by another thread.
 *
 *   Start ⇄ StartLf            empty lines before a request (RFC 9112 section 2.2), at most MAX_LEADING_EMPTY_LINES
 *     │ first byte of a message
 *   Method → Target → Version                                            the request line
 *     │ CRLF
 *   FieldStart → FieldName → FieldValue → FieldLf → FieldStart …         the header fields
 *     │ CR
 *   HeadLf ──────────────────────────────────────────────► result HEAD
 *     ├─ no content ──────────────────────────────► Complete
 *     ├─ Content-Length ──► Fixed ── all there ───► Complete ─► result END, Start
 *     └─ chunked ──► SizeStart → Size ─(Ext…)→ SizeLf → Data → DataCr → DataLf → SizeStart …
 *                                                 └ size 0 ► TrailerStart → TrailerName → TrailerValue → TrailerLf …
 *                                                                └ CR ► EndLf ─► result END, Start
 *   every state ── a byte that the grammar has no place for, or a limit ──► Refused, for good
 *
 * Who owns the registers. The connection's record in shared memory owns them between two events: save() writes them
 * there, load() takes them back. While a thread is inside the connection (invariant I3: one at a time) this object owns
 * them, so nothing here is atomic. They are numbers only; the bytes of an unfinished head stay with the caller:
 *
 *   word 0   state (6 bits), field being read (3), empty lines skipped (4), flags (10)
 *   word 1   bytes of the head examined (low half); start of the name or value being read (high half), both relative to
 *            the message's first byte; in a body the high half counts extension and trailer bytes
 *   word 2   end of the request target (low half), start of the host (high half, 0: none)
 *   word 3   method length (7 bits), host length (10), header fields so far (11)
 *   word 4,5 bytes of the content or of the chunk still to come; in trailers word 4 holds which forbidden names the
 *            trailer's name still matches
 *   word 6,7 Content-Length, or the sum of the chunk sizes so far
 *
 * Halves of 16 bits are why maxHeaderSize ends at 65535. All facts of the head survive a save and load in the body.
 *
 * Resuming costs nothing for what was examined before: the loops go on at the byte after the last. Only a completed
 * name of an interesting length and the value of a field with a meaning here are looked at a second time.
 * A verdict never depends on how the bytes were split: each check stands at a fixed byte, or, for a limit, before every
 * other check on the bytes past it.
 */
import { PacelineError } from '../errors.js';
import {
  ASTERISK,
  ascii,
  BACKSLASH,
  BRACKET_CLOSE,
  BRACKET_OPEN,
  COLON,
  COMMA,
  CR,
  DIGIT_0,
  DIGIT_9,
  DOT,
  DQUOTE,
  EQUALS,
  FIELD_VALUE,
  HEX,
  HTAB,
  IPV6,
  LF,
  PERCENT,
  QUESTION,
  QUOTED_TEXT,
  REG_NAME,
  SEMICOLON,
  SLASH,
  SP,
  TARGET,
  TOKEN,
} from './tables.js';

/** How many int32 words {@link RequestParser.save} writes and {@link RequestParser.load} reads. */
export const PARSER_WORDS = 8;

/** Result of execute(): all bytes were looked at and the message goes on. */
export const NEED_MORE = 0;
/** Result of execute(): the head is complete and its facts are set. */
export const HEAD = 1;
/** Result of execute(): bytes[spanStart, spanEnd) are content. */
export const BODY = 2;
/** Result of execute(): the message is complete; the next byte is the next message's. */
export const END = 3;
/** Result of execute(): not an acceptable request; `status` and `reason` say why. The connection must be closed. */
export const REFUSED = 4;

/** Bounds of one message, all in bytes. */
export interface ParserLimits {
  /**
   * The whole head, from the method's first byte to the empty line's last; more is answered 431. The same bound holds
   * for the chunk extensions (413) and the trailers (431) of one body. Default elsewhere: 16384. At most 65535.
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

/** RFC 9112 section 2.2 wants at least one ignored; endless ones would be traffic that no limit counts. */
const MAX_LEADING_EMPTY_LINES = 4;
/** The longest registered method has 17 letters (UPDATEREDIRECTREF). Longer than this is 501, RFC 9112 section 3. */
const MAX_METHOD_SIZE = 64;
/** A domain name has at most 253 characters; percent-encoding can triple that. */
const MAX_HOST_SIZE = 1023;
/** Node's default bound of header fields. */
const MAX_FIELDS = 2000;
/** What 16 bits of a register can hold. */
const LARGEST_HEADER_SIZE = 0xffff;
/** A chunk size up to this takes one more digit without leaving the exact integers. */
const LARGEST_SIZE_BEFORE_DIGIT = 2 ** 49 - 1;
const TWO_32 = 2 ** 32;

// The states. Their order is used: everything from Method to HeadLf is inside a head, Fixed and later inside a body.
const START = 0;
const START_LF = 1;
const METHOD = 2;
const REQUEST_TARGET = 3;
const VERSION = 4;
const FIELD_START = 5;
const FIELD_NAME = 6;
const FIELD_CONTENT = 7;
const FIELD_LF = 8;
const HEAD_LF = 9;
const COMPLETE = 10;
const FIXED = 11;
const DATA = 12;
const DATA_CR = 13;
const DATA_LF = 14;
const SIZE_START = 15;
const SIZE = 16;
const SIZE_LF = 17;
const EXT_SPACE = 18; // white space after a size or an extension: only another extension may follow
const EXT_NAME_START = 19;
const EXT_NAME = 20;
const EXT_NAME_SPACE = 21; // white space after a name: "=" or the next ";" must follow
const EXT_VALUE_START = 22;
const EXT_TOKEN = 23;
const EXT_QUOTED = 24;
const EXT_ESCAPED = 25;
const EXT_QUOTED_END = 26;
const TRAILER_START = 27;
const TRAILER_NAME = 28;
const TRAILER_VALUE = 29;
const TRAILER_LF = 30;
const END_LF = 31;
const DEAD = 32;

// The fields that mean something to the parser.
const OTHER = 0;
const HOST = 1;
const EXPECT = 2;
const UPGRADE = 3;
const CONNECTION = 4;
const CONTENT_LENGTH = 5;
const TRANSFER_ENCODING = 6;

// What was seen in a head: the flags of word 0.
const SAW_VERSION_1_1 = 1;
const SAW_ABSOLUTE_TARGET = 2;
const SAW_CONTENT_LENGTH = 4;
const SAW_CHUNKED = 8;
const SAW_HOST = 16;
const SAW_CONTINUE = 32;
const SAW_CLOSE = 64;
const SAW_KEEP_ALIVE = 128;
const SAW_UPGRADE_TOKEN = 256;
const SAW_UPGRADE = 512;

const NAME_HOST = ascii('host');
const NAME_EXPECT = ascii('expect');
const NAME_UPGRADE = ascii('upgrade');
const NAME_CONNECTION = ascii('connection');
const NAME_CONTENT_LENGTH = ascii('content-length');
const NAME_TRANSFER_ENCODING = ascii('transfer-encoding');
const VALUE_CHUNKED = ascii('chunked');
const VALUE_CONTINUE = ascii('100-continue');
const VALUE_CLOSE = ascii('close');
const VALUE_KEEP_ALIVE = ascii('keep-alive');
const SCHEME_HTTP = ascii('http://');
const SCHEME_HTTPS = ascii('https://');
const METHOD_CONNECT = ascii('CONNECT');
const METHOD_OPTIONS = ascii('OPTIONS');
const VERSION_START = ascii('HTTP/');
const LINE_1_1 = ascii('HTTP/1.1\r\n');
/** Where in "HTTP/1.1\r\n" the parts stand. */
const AT_MAJOR = 5;
const AT_DOT = 6;
const AT_MINOR = 7;
const AT_CR = 8;
const AT_LF = 9;
/** SP, HTTP-version and CRLF: what stands between the target and the first header field. */
const AFTER_TARGET = 11;

/**
 * Fields that no trailer section may hold, because they say where a message ends, where it goes or how the connection is
 * used (RFC 9110 section 6.5.1). All other trailers are checked and discarded. At most 16: one bit each.
 */
const FORBIDDEN_TRAILERS = [
  NAME_CONTENT_LENGTH,
  NAME_TRANSFER_ENCODING,
  NAME_HOST,
  NAME_CONNECTION,
  NAME_EXPECT,
  NAME_UPGRADE,
  ascii('te'),
  ascii('trailer'),
];
const ALL_FORBIDDEN_TRAILERS = (1 << FORBIDDEN_TRAILERS.length) - 1;

/** What the parts of the head parser return instead of a position when the bytes end or the request is refused. */
const STOPPED = -1;

/**
 * Parses the requests of one connection at a time, one after the other.
 *
 * The rule for the caller: hand every byte in once, in order. While a head is unfinished (`inHead`) keep its bytes, from
 * `messageStart` on, and have them lie right before `from` in the next call, wherever that is; the parser goes on at
 * `from` and reads the kept ones only where it needs them. At all other times nothing has to be kept.
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
 * After HEAD the caller calls again from `position`: BODY comes as often as content is there (for every chunk at least
 * once), then END. A request without content gives END at once, without consuming anything. After END the next call
 * starts the next message (pipelining, RFC 9112 section 9.3.2); whether there may be one (`keepAlive`) is the caller's to
 * see. The facts hold until the first byte of the next message.
 */
export class RequestParser {
  /** After execute(): absolute index of the first byte not consumed; `to` after NEED_MORE. No meaning after REFUSED. */
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
   * Where the host of the request starts: the Host field's value without white space, or, when the target is in absolute
   * form, the target's own authority (RFC 9112 section 3.2.2 says to ignore Host then). -1: HTTP/1.0 without Host.
   */
  hostStart = -1;
  hostEnd = -1;
  minorVersion: 0 | 1 = 1;
  /** Whether the client wants the connection to live on, RFC 9112 section 9.3. */
  keepAlive = false;
  /** Whether content follows: chunked, or a Content-Length above 0. */
  hasBody = false;
  chunked = false;
  /** The Content-Length field, -1 when absent. */
  contentLength = -1;
  /** Content follows, and the client waits for 100 (Continue) before it sends it, RFC 9110 section 10.1.1. HTTP/1.1 only. */
  expectContinue = false;
  /** An Upgrade field, named by Connection as RFC 9110 section 7.8 asks. HTTP/1.1 only. */
  upgrade = false;

  /** After BODY: bytes[spanStart, spanEnd) are content, never empty. */
  spanStart = 0;
  spanEnd = 0;

  /** After REFUSED: the status code to answer with (400, 413, 414, 417, 431, 501, 505); else 0. */
  status = 0;
  /** After REFUSED: why, a short phrase for the log. It never holds bytes of the request. */
  reason = '';

  private readonly maxHeaderSize: number;
  private readonly maxTargetSize: number;
  private readonly maxBodySize: number;

  // Registers that are no facts.
  private state = START;
  private field = OTHER;
  private flags = 0;
  private emptyLines = 0;
  /** Bytes of the head examined before this call. */
  private examined = 0;
  /** Start of the name or value being read, relative. */
  private mark = 0;
  private fields = 0;
  private remaining = 0;
  /** Sum of the chunk sizes. */
  private total = 0;
  /** Bytes of chunk extensions and trailers, which count as neither head nor content. */
  private extra = 0;
  /** Candidates among FORBIDDEN_TRAILERS (low 16 bits) and the letter of the name that comes next. */
  private trailerMatch = 0;

  /** @throws PacelineError PACELINE_OPTION when a limit is no usable number. */
  constructor(limits: ParserLimits) {
    const { maxHeaderSize, maxBodySize, maxTargetSize = Math.floor(maxHeaderSize / 2) } = limits;
    requireLimit('maxHeaderSize', maxHeaderSize, LARGEST_HEADER_SIZE);
    requireLimit('maxTargetSize', maxTargetSize, LARGEST_HEADER_SIZE);
    if (maxBodySize !== Infinity && !(Number.isSafeInteger(maxBodySize) && maxBodySize >= 0)) {
      throw new PacelineError(
        'PACELINE_OPTION',
        `maxBodySize is ${maxBodySize}, not a count of bytes or Infinity`,
      );
    }
    this.maxHeaderSize = maxHeaderSize;
    this.maxTargetSize = maxTargetSize;
    this.maxBodySize = Math.min(maxBodySize, Number.MAX_SAFE_INTEGER);
  }

  /** True while a message's head has begun and is unfinished: the caller must keep its bytes. */
  get inHead(): boolean {
    return this.state >= METHOD && this.state <= HEAD_LF;
  }

  /** True between messages: no byte of a next message was seen (empty lines before it do not count). */
  get idle(): boolean {
    return this.state <= START_LF;
  }

  /** True when nothing at all was seen since the last message: save() has nothing to tell that reset() loses. */
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
   * Parses bytes[from, to) up to the next result. `from` is the byte after the last one consumed; in a head, the bytes
   * of the message so far lie right before it.
   *
   * @returns NEED_MORE, HEAD, BODY, END or REFUSED.
   * @throws PacelineError PACELINE_STATE when there is no room before `from` for the bytes to keep: they were lost.
   */
  execute(bytes: Uint8Array, from: number, to: number): number {
    if (this.state < COMPLETE) return this.head(bytes, from, to);
    this.position = from;
    if (this.state === COMPLETE) return this.end(from);
    if (this.state === DEAD) return REFUSED;
    if (this.state > DATA) return this.framing(bytes, from, to);
    return this.content(from, to);
  }

  /** Writes the registers to `words[at, at + PARSER_WORDS)`. They must not be used twice: one copy goes on. */
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

  /** Takes over what save() wrote, of this or another parser with the same limits. */
  load(words: Int32Array, at: number): void {
    const first = words[at]!;
    const third = words[at + 3]!;
    const half = words[at + 1]! >>> 16;
    const rest = (words[at + 4]! >>> 0) + words[at + 5]! * TWO_32;
    const sum = (words[at + 6]! >>> 0) + words[at + 7]! * TWO_32;
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

  // --- the head ---------------------------------------------------------------------------------------------------

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
    // Nothing past the limit is looked at, so the loops need no check of their own for it.
    const end = Math.min(to, head + this.maxHeaderSize);
    if (this.state < FIELD_START) at = this.requestLine(bytes, at, end);
    if (at !== STOPPED) at = this.headerFields(bytes, at, end);
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

  /** RFC 9112 section 3: method SP request-target SP HTTP-version CRLF. Returns where the fields start. */
  private requestLine(bytes: Uint8Array, from: number, end: number): number {
    const head = this.messageStart;
    let at = from;
    if (this.state === METHOD) {
      while (at < end && TOKEN[bytes[at]!] !== 0) at++;
      if (at - head > MAX_METHOD_SIZE) return this.refuse(501, 'method too long');
      if (at === end) return STOPPED;
      if (bytes[at] !== SP) return this.refuse(400, 'invalid byte in the method');
      this.methodEnd = at - head;
      this.state = REQUEST_TARGET;
      at++;
    }
    if (this.state === REQUEST_TARGET) {
      while (at < end && TARGET[bytes[at]!] !== 0) at++;
      const length = at - head - this.methodEnd - 1;
      if (length > this.maxTargetSize) return this.refuse(414, 'request target too long');
      if (at === end) return STOPPED;
      if (bytes[at] !== SP) return this.refuse(400, 'invalid byte in the request target');
      this.targetEnd = at - head;
      this.state = VERSION;
      at++;
    }
    return this.version(bytes, at, end);
  }

  /** RFC 9112 section 2.3, up to the line's end. A version of the right form that is not spoken here is 505. */
  private version(bytes: Uint8Array, from: number, end: number): number {
    const start = this.messageStart + this.targetEnd + 1;
    // The fast path: what nearly every request says, and in one piece.
    if (from === start && end - from >= LINE_1_1.length && isExactly(bytes, from, LINE_1_1)) {
      this.flags |= SAW_VERSION_1_1;
      this.state = FIELD_START;
      return this.targetForm(bytes) ? from + LINE_1_1.length : STOPPED;
    }
    for (let at = from; at < end; at++) {
      const byte = bytes[at]!;
      const index = at - start;
      if (index < AT_MAJOR) {
        if (byte !== VERSION_START[index]) return this.refuse(400, 'invalid HTTP version');
      } else if (index === AT_DOT) {
        if (byte !== DOT) return this.refuse(400, 'invalid HTTP version');
      } else if (index < AT_CR) {
        if (byte < DIGIT_0 || byte > DIGIT_9) return this.refuse(400, 'invalid HTTP version');
        if (index === AT_MINOR) {
          if (bytes[start + AT_MAJOR] !== DIGIT_0 + 1 || byte > DIGIT_0 + 1) {
            return this.refuse(505, 'HTTP version not supported');
          }
          if (byte !== DIGIT_0) this.flags |= SAW_VERSION_1_1;
        }
      } else if (index < AT_LF) {
        if (byte !== CR) return this.refuse(400, 'no CRLF after the HTTP version');
        // Only now, so that HTTP/2's preface "PRI * HTTP/2.0" is told about the version and not about the asterisk.
        if (!this.targetForm(bytes)) return STOPPED;
      } else {
        if (byte !== LF) return this.refuse(400, 'no CRLF after the HTTP version');
        this.state = FIELD_START;
        return at + 1;
      }
    }
    return STOPPED;
  }

  /** RFC 9112 section 3.2: the four forms of a target, and which method may use which. False: refused. */
  private targetForm(bytes: Uint8Array): boolean {
    const head = this.messageStart;
    const start = head + this.methodEnd + 1;
    const end = head + this.targetEnd;
    const isConnect = this.methodEnd === METHOD_CONNECT.length && isExactly(bytes, head, METHOD_CONNECT);
    if (isConnect) {
      if (!isAuthority(bytes, start, end)) return this.refuseLine(400, 'CONNECT without an authority');
      return this.refuseLine(501, 'CONNECT is not implemented');
    }
    if (bytes[start] === SLASH) return true;
    if (bytes[start] === ASTERISK && end - start === 1) {
      if (this.methodEnd === METHOD_OPTIONS.length && isExactly(bytes, head, METHOD_OPTIONS)) return true;
      return this.refuseLine(400, 'only OPTIONS may have the target *');
    }
    const authority = authorityStart(bytes, start, end);
    if (authority === STOPPED) return this.refuseLine(400, 'invalid form of the request target');
    const authorityEnd = endOfAuthority(bytes, authority, end);
    // An empty host is no http URI (RFC 9110 section 4.2.1), and user information is an attack's mark (section 4.2.4).
    if (authorityEnd === authority || !isAuthority(bytes, authority, authorityEnd)) {
      return this.refuseLine(400, 'invalid authority in the request target');
    }
    this.flags |= SAW_ABSOLUTE_TARGET;
    return true;
  }

  /** RFC 9112 section 5. Returns the position after the empty line. */
  private headerFields(bytes: Uint8Array, from: number, end: number): number {
    const head = this.messageStart;
    let at = from;
    let state = this.state;
    let mark = head + this.mark;
    let field = this.field;
    for (;;) {
      if (state === FIELD_START) {
        if (at === end) break;
        const byte = bytes[at]!;
        if (TOKEN[byte] !== 0) {
          if (++this.fields > MAX_FIELDS) return this.refuse(431, 'too many header fields');
          mark = at;
          state = FIELD_NAME;
        } else if (byte === CR) {
          state = HEAD_LF;
        } else {
          return this.refuseFieldStart(byte);
        }
        at++;
      }
      if (state === FIELD_NAME) {
        while (at < end && TOKEN[bytes[at]!] !== 0) at++;
        if (at === end) break;
        if (bytes[at] !== COLON) return this.refuse(400, 'invalid byte in a field name');
        field = identify(bytes, mark, at - mark);
        mark = ++at;
        state = FIELD_CONTENT;
      }
      if (state === FIELD_CONTENT) {
        at = afterValue(bytes, at, end);
        if (at === end) break;
        if (bytes[at] !== CR) return this.refuse(400, 'invalid byte in a field value');
        if (field !== OTHER && !this.fieldLine(field, bytes, mark, at)) return STOPPED;
        at++;
        state = FIELD_LF;
      }
      if (at === end) break;
      if (bytes[at] !== LF) return this.refuse(400, 'CR without LF in the head');
      at++;
      if (state === HEAD_LF) return at;
      state = FIELD_START;
    }
    this.state = state;
    this.mark = mark - head;
    this.field = field;
    return STOPPED;
  }

  /** A field line that means something here, its value being bytes[from, to). False: refused. */
  private fieldLine(field: number, bytes: Uint8Array, from: number, to: number): boolean {
    let start = from;
    let end = to;
    while (start < end && (bytes[start] === SP || bytes[start] === HTAB)) start++;
    while (end > start && (bytes[end - 1] === SP || bytes[end - 1] === HTAB)) end--;
    switch (field) {
      case HOST:
        return this.hostLine(bytes, start, end);
      case EXPECT:
        return this.expectLine(bytes, start, end);
      case UPGRADE:
        if (start < end) this.flags |= SAW_UPGRADE;
        return true;
      case CONNECTION:
        return this.connectionLine(bytes, start, end);
      case CONTENT_LENGTH:
        return this.contentLengthLine(bytes, start, end);
      default:
        return this.transferEncodingLine(bytes, start, end);
    }
  }

  /** RFC 9112 section 3.2, RFC 9110 section 7.2. An empty value is allowed: the target URI had no authority. */
  private hostLine(bytes: Uint8Array, start: number, end: number): boolean {
    if ((this.flags & SAW_HOST) !== 0) return this.refuseLine(400, 'Host given twice');
    if (start < end && !isAuthority(bytes, start, end)) return this.refuseLine(400, 'invalid Host');
    this.flags |= SAW_HOST;
    this.hostStart = start - this.messageStart;
    this.hostEnd = end - this.messageStart;
    return true;
  }

  /** RFC 9110 section 10.1.1. In HTTP/1.0 the one expectation that exists must be ignored. */
  private expectLine(bytes: Uint8Array, start: number, end: number): boolean {
    if (!isText(bytes, start, end, VALUE_CONTINUE)) return this.refuseLine(417, 'unknown expectation');
    this.flags |= SAW_CONTINUE;
    return true;
  }

  /** RFC 9110 section 7.6.1: a list of tokens, in which empty elements must be ignored (section 5.6.1). */
  private connectionLine(bytes: Uint8Array, start: number, end: number): boolean {
    let at = start;
    while (at < end) {
      const byte = bytes[at]!;
      if (byte === COMMA || byte === SP || byte === HTAB) {
        at++;
        continue;
      }
      const token = at;
      while (at < end && TOKEN[bytes[at]!] !== 0) at++;
      if (isText(bytes, token, at, VALUE_KEEP_ALIVE)) this.flags |= SAW_KEEP_ALIVE;
      else if (isText(bytes, token, at, VALUE_CLOSE)) this.flags |= SAW_CLOSE;
      else if (isText(bytes, token, at, NAME_UPGRADE)) this.flags |= SAW_UPGRADE_TOKEN;
      while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) at++;
      // Two tokens with only a space between them are no list, and neither is a byte that no token can have.
      if (at < end && bytes[at] !== COMMA) return this.refuseLine(400, 'invalid Connection');
    }
    return true;
  }

  /**
   * RFC 9112 section 6.3, RFC 9110 section 8.6. Repeating the same value, in one line or more, may be let pass by the RFC;
   * no honest client does so, and two readers of it are how requests are smuggled.
   */
  private contentLengthLine(bytes: Uint8Array, start: number, end: number): boolean {
    if ((this.flags & SAW_CONTENT_LENGTH) !== 0) return this.refuseLine(400, 'Content-Length given twice');
    if (start === end) return this.refuseLine(400, 'empty Content-Length');
    let length = 0;
    for (let at = start; at < end; at++) {
      const digit = bytes[at]! - DIGIT_0;
      if (digit < 0 || digit > 9) return this.refuseLine(400, 'invalid Content-Length');
      // Exact up to the bound; rounding beyond it never brings a number back under it.
      length = length * 10 + digit;
      if (length > Number.MAX_SAFE_INTEGER) return this.refuseLine(400, 'Content-Length beyond 2^53 - 1');
    }
    this.flags |= SAW_CONTENT_LENGTH;
    this.contentLength = length;
    return true;
  }

  /**
   * RFC 9112 sections 6.1 and 7. `chunked` alone is understood. Another coding below a final `chunked` is 501; without a
   * final `chunked`, or with more than one, the length cannot be known: 400.
   */
  private transferEncodingLine(bytes: Uint8Array, start: number, end: number): boolean {
    if ((this.flags & SAW_CHUNKED) !== 0) return this.refuseLine(400, 'Transfer-Encoding given twice');
    if ((this.flags & SAW_VERSION_1_1) === 0) {
      return this.refuseLine(400, 'Transfer-Encoding in HTTP/1.0');
    }
    if (isText(bytes, start, end, VALUE_CHUNKED)) {
      this.flags |= SAW_CHUNKED;
      return true;
    }
    if (isCodingsThenChunked(bytes, start, end)) {
      return this.refuseLine(501, 'unknown transfer coding');
    }
    return this.refuseLine(400, 'invalid Transfer-Encoding');
  }

  /** The checks that need the whole head, and the facts. */
  private finishHead(bytes: Uint8Array, at: number): number {
    const flags = this.flags;
    const head = this.messageStart;
    this.position = at;
    if ((flags & (SAW_HOST | SAW_VERSION_1_1)) === SAW_VERSION_1_1) return this.refused(400, 'no Host');
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

  /** The facts that follow from the registers. */
  private setFacts(): void {
    const flags = this.flags;
    this.headLength = this.examined;
    this.targetStart = this.methodEnd + 1;
    this.headersStart = this.targetEnd + AFTER_TARGET;
    this.chunked = (flags & SAW_CHUNKED) !== 0;
    this.hasBody = this.chunked || this.contentLength > 0;
    if ((flags & SAW_VERSION_1_1) !== 0) {
      this.minorVersion = 1;
      this.keepAlive = (flags & SAW_CLOSE) === 0;
      this.expectContinue = this.hasBody && (flags & SAW_CONTINUE) !== 0;
      this.upgrade = (flags & SAW_UPGRADE) !== 0 && (flags & SAW_UPGRADE_TOKEN) !== 0;
    } else {
      this.minorVersion = 0;
      this.keepAlive = (flags & (SAW_CLOSE | SAW_KEEP_ALIVE)) === SAW_KEEP_ALIVE;
      this.expectContinue = false;
      this.upgrade = false;
    }
  }

  /** Before the first byte of a message: what the last one left behind. */
  private clear(): void {
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

  // --- the body ---------------------------------------------------------------------------------------------------

  /** Content that needs no look at its bytes: the rest of a body of known length, or of a chunk. */
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

  /** RFC 9112 section 7.1: what stands around the data of the chunks. */
  private framing(bytes: Uint8Array, from: number, to: number): number {
    for (let at = from; at < to; at++) {
      const byte = bytes[at]!;
      if (this.state >= TRAILER_START) this.trailerByte(byte);
      else if (this.state > SIZE_LF) this.extensionByte(byte);
      else this.sizeByte(byte);
      if (this.state === DATA) {
        this.position = at + 1;
        return this.content(at + 1, to);
      }
      if (this.state === START) return this.end(at + 1);
      if (this.state === DEAD) return REFUSED;
    }
    this.position = to;
    return NEED_MORE;
  }

  /** The line with a chunk's size, and the CRLF after its data. */
  private sizeByte(byte: number): void {
    switch (this.state) {
      case DATA_CR:
        if (byte === CR) this.state = DATA_LF;
        else this.refuse(400, 'no CRLF after the data of a chunk');
        return;
      case DATA_LF:
        if (byte === LF) this.state = SIZE_START;
        else this.refuse(400, 'no CRLF after the data of a chunk');
        return;
      case SIZE_LF:
        if (byte !== LF) this.refuse(400, 'no CRLF after the size of a chunk');
        else this.state = this.remaining === 0 ? TRAILER_START : DATA;
        return;
      default:
        this.sizeDigit(byte);
    }
  }

  private sizeDigit(byte: number): void {
    const digit = HEX[byte]!;
    if (this.state === SIZE_START) {
      this.remaining = digit;
      this.state = SIZE;
      if (digit < 0) this.refuse(400, 'invalid chunk size');
    } else if (digit >= 0) {
      // Leading zeros are in the grammar, but their number must have a bound.
      if (this.remaining === 0 && !this.spend()) return;
      if (this.remaining > LARGEST_SIZE_BEFORE_DIGIT) this.refuse(400, 'chunk size beyond 2^53 - 1');
      else this.remaining = this.remaining * 16 + digit;
    } else if (this.remaining > this.maxBodySize - this.total) {
      this.refuse(413, 'chunks beyond the limit');
    } else {
      this.total += this.remaining;
      this.afterExtension(byte);
    }
  }

  /** A byte that may follow a size or a complete extension: line end, white space, or the next extension. */
  private afterExtension(byte: number): void {
    if (byte === CR) this.state = SIZE_LF;
    else if (byte === SEMICOLON) this.state = EXT_NAME_START;
    else if (byte === SP || byte === HTAB) this.state = EXT_SPACE;
    else this.refuse(400, 'invalid byte after the size of a chunk');
  }

  /**
   * RFC 9112 section 7.1.1: chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ). They are checked,
   * because a reader that skips them loosely ends the line elsewhere than the next one, and then ignored.
   */
  private extensionByte(byte: number): void {
    if (!this.spend()) return;
    const isSpace = byte === SP || byte === HTAB;
    const isToken = TOKEN[byte] !== 0;
    switch (this.state) {
      case EXT_SPACE:
        if (byte === SEMICOLON) this.state = EXT_NAME_START;
        else if (!isSpace) break;
        return;
      case EXT_NAME_START:
        if (isToken) this.state = EXT_NAME;
        else if (!isSpace) break;
        return;
      case EXT_NAME:
        if (byte === EQUALS) this.state = EXT_VALUE_START;
        else if (isSpace) this.state = EXT_NAME_SPACE;
        else if (!isToken) this.afterExtension(byte);
        return;
      case EXT_NAME_SPACE:
        if (byte === EQUALS) this.state = EXT_VALUE_START;
        else if (byte === SEMICOLON) this.state = EXT_NAME_START;
        else if (!isSpace) break;
        return;
      case EXT_VALUE_START:
        if (isToken) this.state = EXT_TOKEN;
        else if (byte === DQUOTE) this.state = EXT_QUOTED;
        else if (!isSpace) break;
        return;
      case EXT_TOKEN:
        if (!isToken) this.afterExtension(byte);
        return;
      case EXT_QUOTED:
        if (byte === DQUOTE) this.state = EXT_QUOTED_END;
        else if (byte === BACKSLASH) this.state = EXT_ESCAPED;
        else if (QUOTED_TEXT[byte] === 0) break;
        return;
      case EXT_ESCAPED:
        if (FIELD_VALUE[byte] === 0) break;
        this.state = EXT_QUOTED;
        return;
      default:
        this.afterExtension(byte);
        return;
    }
    this.refuse(400, 'invalid chunk extension');
  }

  /** RFC 9112 section 7.1.2. Trailers are held to the rules of fields, then discarded. */
  private trailerByte(byte: number): void {
    if (!this.spend()) return;
    switch (this.state) {
      case TRAILER_START:
        if (byte === CR) {
          this.state = END_LF;
        } else if (TOKEN[byte] !== 0) {
          this.state = TRAILER_NAME;
          this.trailerMatch = ALL_FORBIDDEN_TRAILERS;
          this.matchTrailer(byte);
        } else {
          this.refuseFieldStart(byte);
        }
        return;
      case TRAILER_NAME:
        if (TOKEN[byte] !== 0) {
          this.matchTrailer(byte);
        } else if (byte !== COLON) {
          this.refuse(400, 'invalid byte in a trailer name');
        } else if (this.isForbiddenTrailer()) {
          this.refuse(400, 'a trailer that is only allowed in the head');
        } else {
          this.state = TRAILER_VALUE;
        }
        return;
      case TRAILER_VALUE:
        if (byte === CR) this.state = TRAILER_LF;
        else if (FIELD_VALUE[byte] === 0) this.refuse(400, 'invalid byte in a trailer value');
        return;
      default:
        if (byte !== LF) this.refuse(400, 'CR without LF in the trailers');
        else this.state = this.state === END_LF ? START : TRAILER_START;
    }
  }

  /** Strikes the names out that do not go on with this byte: no bytes of the name have to be kept for it. */
  private matchTrailer(byte: number): void {
    const index = this.trailerMatch >>> 16;
    let candidates = this.trailerMatch & 0xffff;
    if (candidates === 0) return;
    for (let i = 0; i < FORBIDDEN_TRAILERS.length; i++) {
      if (FORBIDDEN_TRAILERS[i]![index] !== (byte | 0x20)) candidates &= ~(1 << i);
    }
    this.trailerMatch = candidates | ((index + 1) << 16);
  }

  private isForbiddenTrailer(): boolean {
    const length = this.trailerMatch >>> 16;
    for (let i = 0; i < FORBIDDEN_TRAILERS.length; i++) {
      if ((this.trailerMatch & (1 << i)) !== 0 && FORBIDDEN_TRAILERS[i]!.length === length) return true;
    }
    return false;
  }

  /** Counts a byte that no other limit counts. False: refused. */
  private spend(): boolean {
    if (this.extra < this.maxHeaderSize) {
      this.extra++;
      return true;
    }
    if (this.state >= TRAILER_START) this.refuse(431, 'trailers too long');
    else this.refuse(413, 'chunk size or extension too long');
    return false;
  }

  private end(at: number): number {
    this.state = START;
    this.emptyLines = 0;
    this.position = at;
    return END;
  }

  // --- refusing ---------------------------------------------------------------------------------------------------

  private refuseFieldStart(byte: number): number {
    // RFC 9112 section 5.2: a server must refuse obs-fold or unfold it; llhttp refuses it too unless told otherwise.
    if (byte === SP || byte === HTAB) return this.refuse(400, 'white space at the start of a field line');
    return this.refuse(400, byte === COLON ? 'empty field name' : 'invalid byte in a field name');
  }

  private refuseHeadSize(): number {
    if (this.state === REQUEST_TARGET) return this.refused(414, 'request target too long');
    return this.refused(431, 'head too long');
  }

  private refused(status: number, reason: string): number {
    this.refuse(status, reason);
    return REFUSED;
  }

  private refuseLine(status: number, reason: string): false {
    this.refuse(status, reason);
    return false;
  }

  private refuse(status: number, reason: string): typeof STOPPED {
    this.state = DEAD;
    this.status = status;
    this.reason = reason;
    return STOPPED;
  }
}

function requireLimit(name: string, value: number, largest: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= largest) return;
  throw new PacelineError(
    'PACELINE_OPTION',
    `${name} is ${value}, not a count of bytes from 1 to ${largest}`,
  );
}

/** Where a field value's run of bytes ends. Most of a head is values, and four at a time is a seventh less for all of it. */
function afterValue(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  const last = end - 3;
  while (at < last) {
    const two = FIELD_VALUE[bytes[at]!]! & FIELD_VALUE[bytes[at + 1]!]!;
    if ((two & FIELD_VALUE[bytes[at + 2]!]! & FIELD_VALUE[bytes[at + 3]!]!) === 0) break;
    at += 4;
  }
  while (at < end && FIELD_VALUE[bytes[at]!] !== 0) at++;
  return at;
}

/** Which field a name means. The length alone rules most names out. */
function identify(bytes: Uint8Array, at: number, length: number): number {
  switch (length) {
    case NAME_HOST.length:
      return isLetters(bytes, at, NAME_HOST) ? HOST : OTHER;
    case NAME_EXPECT.length:
      return isLetters(bytes, at, NAME_EXPECT) ? EXPECT : OTHER;
    case NAME_UPGRADE.length:
      return isLetters(bytes, at, NAME_UPGRADE) ? UPGRADE : OTHER;
    case NAME_CONNECTION.length:
      return isLetters(bytes, at, NAME_CONNECTION) ? CONNECTION : OTHER;
    case NAME_CONTENT_LENGTH.length:
      return isLetters(bytes, at, NAME_CONTENT_LENGTH) ? CONTENT_LENGTH : OTHER;
    case NAME_TRANSFER_ENCODING.length:
      return isLetters(bytes, at, NAME_TRANSFER_ENCODING) ? TRANSFER_ENCODING : OTHER;
    default:
      return OTHER;
  }
}

/** Whether the bytes say `text`, which is in lower case, in any case. */
function isText(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  return end - start === text.length && isLetters(bytes, start, text);
}

/**
 * The same when the length is known. Setting bit 0x20 makes letters lower-case and leaves digits, "-", "/" and ":" alone;
 * besides them only control characters (CR for "-") are mapped onto these, and none reaches this place.
 */
function isLetters(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) {
    if ((bytes[at + i]! | 0x20) !== text[i]) return false;
  }
  return true;
}

function isExactly(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) {
    if (bytes[at + i] !== text[i]) return false;
  }
  return true;
}

/** Where the authority of a target in absolute form starts; STOPPED when it has another form or scheme. */
function authorityStart(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > SCHEME_HTTP.length && isLetters(bytes, start, SCHEME_HTTP))
    return start + SCHEME_HTTP.length;
  if (end - start > SCHEME_HTTPS.length && isLetters(bytes, start, SCHEME_HTTPS))
    return start + SCHEME_HTTPS.length;
  return STOPPED;
}

function endOfAuthority(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== SLASH && bytes[at] !== QUESTION) at++;
  return at;
}

/** RFC 9110 section 4.2 and RFC 3986 section 3.2: uri-host [ ":" port ], with a host and without user information. */
function isAuthority(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > MAX_HOST_SIZE) return false;
  let at = start;
  if (bytes[at] === BRACKET_OPEN) {
    at++;
    while (at < end && IPV6[bytes[at]!] !== 0) at++;
    // The shortest address is "::".
    if (at - start < 3 || at === end || bytes[at] !== BRACKET_CLOSE) return false;
    at++;
  } else {
    while (at < end && (REG_NAME[bytes[at]!] !== 0 || isEscape(bytes, at, end))) at++;
    if (at === start) return false;
  }
  return at === end || (bytes[at] === COLON && isPort(bytes, at + 1, end));
}

/** "%" with two digits behind it. The digits are members of REG_NAME, so the caller goes over them by itself. */
function isEscape(bytes: Uint8Array, at: number, end: number): boolean {
  return bytes[at] === PERCENT && at + 2 < end && HEX[bytes[at + 1]!]! >= 0 && HEX[bytes[at + 2]!]! >= 0;
}

/** RFC 3986 section 3.2.3: digits, or none. */
function isPort(bytes: Uint8Array, start: number, end: number): boolean {
  let port = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - DIGIT_0;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
    if (port > 0xffff) return false;
  }
  return true;
}

/** Whether a Transfer-Encoding is other codings, each at least by its name well-formed, and then `chunked`. */
function isCodingsThenChunked(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const coding = at;
    while (at < end && TOKEN[bytes[at]!] !== 0) at++;
    const isChunked = isText(bytes, coding, at, VALUE_CHUNKED);
    if (at === end) return isChunked;
    if (at === coding || isChunked) return false;
    while (at < end && bytes[at] !== COMMA) at++;
    if (at < end) at++;
    while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) at++;
  }
  return false;
}
