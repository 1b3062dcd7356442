/**
 * The states of the request parser and their transitions, the codes of the fields that it interprets, and the flags of what
 * it has seen: the codes in the registers' first word.
 *
 *   Start ⇄ StartLf            empty lines before a request (RFC 9112 section 2.2): request-parser.ts
 *     │ first byte of a message
 *   Method → Target → Version                                            the request line: request-line.ts
 *     │ CRLF
 *   FieldStart → FieldName → FieldContent → FieldLf → FieldStart …       the header fields: header-fields.ts
 *     │ CR
 *   HeadLf ──────────────────────────────────────────────► result HEAD
 *     ├─ no content ──────────────────────────────► Complete
 *     ├─ Content-Length ──► Fixed ── all there ───► Complete ─► result END, Start
 *     └─ chunked ──► SizeStart → Size ─(Ext…)→ SizeLf → Data → DataCr → DataLf → SizeStart …     chunked-body.ts
 *                                                 └ size 0 ► TrailerStart → TrailerName → TrailerValue → TrailerLf …
 *                                                                └ CR ► EndLf ─► result END, Start
 *   every state ── a byte that the grammar does not allow, or a limit ──► Dead, refused for good
 *
 * The order of the numbers matters: Method to HeadLf are inside a head, Fixed and later ones inside a body; a chunk's size,
 * its extensions and the trailers are a range each.
 */

// The states.
export const START = 0;
export const START_LF = 1;
export const METHOD = 2;
export const REQUEST_TARGET = 3;
export const VERSION = 4;
export const FIELD_START = 5;
export const FIELD_NAME = 6;
export const FIELD_CONTENT = 7;
export const FIELD_LF = 8;
export const HEAD_LF = 9;
export const COMPLETE = 10;
export const FIXED = 11;
export const DATA = 12;
export const DATA_CR = 13;
export const DATA_LF = 14;
export const SIZE_START = 15;
export const SIZE = 16;
export const SIZE_LF = 17;
export const EXT_SPACE = 18; // white space after a size or an extension: only another extension may follow
export const EXT_NAME_START = 19;
export const EXT_NAME = 20;
export const EXT_NAME_SPACE = 21; // white space after a name: "=" or the next ";" must follow
export const EXT_VALUE_START = 22;
export const EXT_TOKEN = 23;
export const EXT_QUOTED = 24;
export const EXT_ESCAPED = 25;
export const EXT_QUOTED_END = 26;
export const TRAILER_START = 27;
export const TRAILER_NAME = 28;
export const TRAILER_VALUE = 29;
export const TRAILER_LF = 30;
export const END_LF = 31;
export const DEAD = 32;

// The fields that the parser interprets.
export const OTHER = 0;
export const HOST = 1;
export const EXPECT = 2;
// 3 is free: no field has it.
export const CONNECTION = 4;
export const CONTENT_LENGTH = 5;
export const TRANSFER_ENCODING = 6;

// What was seen in a head: the flags of word 0.
export const SAW_VERSION_1_1 = 1;
export const SAW_ABSOLUTE_TARGET = 2;
export const SAW_CONTENT_LENGTH = 4;
export const SAW_CHUNKED = 8;
export const SAW_HOST = 16;
export const SAW_CONTINUE = 32;
export const SAW_CLOSE = 64;
export const SAW_KEEP_ALIVE = 128;
