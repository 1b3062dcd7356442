/** Where this server's verdict on requests differs from node:http's (llhttp, strict), by class, each with the reason. */

interface Stricter {
  /** The parser's reason. */
  readonly reason: RegExp;
  readonly why: string;
}

/** Refused here and accepted by node:http. */
export const STRICTER: readonly Stricter[] = [
  {
    reason: /^Host given twice$/,
    why: 'RFC 9112, 3.2 wants 400; node takes the first, and a proxy in front may take the other',
  },
  {
    reason: /^invalid Host$/,
    why: 'RFC 9112, 3.2 wants 400 for an invalid value, and what no URL can have as its host is one; node leaves that to its user',
  },
  {
    reason: /^invalid (?:authority in|form of) the request target$|^only OPTIONS may have the target \*$/,
    why: 'RFC 9112, 3.2 has four forms of a target; node leaves them to its user',
  },
  {
    reason: /^CONNECT/,
    why: 'CONNECT asks for a proxy, which this server is not; node gives it to its user',
  },
  {
    reason: /^invalid byte in the request target$/,
    why: 'fragments, HTTP/0.9 and bytes above 0x7f are in no target of RFC 9112, 3.2; node takes them',
  },
  {
    reason: /^invalid HTTP version$/,
    why: 'exactly one space before the version, RFC 9112, 3; node takes several',
  },
  {
    reason: /^(?:CR without LF before the request line|the first byte is no method|too many empty lines)$/,
    why: 'an empty line before a request is CRLF (RFC 9112, 2.2), and there are few; node skips any CR and LF',
  },
  {
    reason: /^invalid Connection$/,
    why: 'a list of tokens, RFC 9110, 7.6.1; node looks for the ones that it knows',
  },
  {
    reason:
      /^invalid Transfer-Encoding$|^unknown transfer coding$|^Transfer-Encoding (?:given twice|in HTTP\/1\.0)$/,
    why: 'a coding that is not understood, or none, makes the end of the message a guess, RFC 9112, 6.1',
  },
  {
    reason: /^a trailer that is only allowed in the head$/,
    why: 'RFC 9110, 6.5.1: who merges trailers into the head would be fooled; node keeps them apart',
  },
  {
    reason: /^unknown expectation$/,
    why: 'RFC 9110, 10.1.1 lets it be 417 at once; node waits for the end of the head, and ignores it in HTTP/1.0',
  },
  {
    reason: /^(?:chunk size|Content-Length) beyond 2\^53 - 1$/,
    why: 'no such content ever comes, and a number cannot count it; node can, in 64 bits',
  },
  {
    reason: /^(?:invalid byte after the size of a chunk|invalid chunk extension)$/,
    why: 'an extension’s value is a token or a quoted string, RFC 9112, 7.1.1; node takes a token that a string follows',
  },
];

interface Wider {
  /** node's error code. */
  readonly error: string;
  /** What the stream must contain to be in the class. */
  readonly bytes: RegExp;
  readonly why: string;
}

/** Accepted here and refused by node:http. */
export const WIDER: readonly Wider[] = [
  {
    error: 'HPE_INVALID_METHOD',
    bytes: /./,
    why: 'every token is a method (RFC 9110, 9.1), but for those of Request in another case, and what it means is the handler’s business; node has a list',
  },
  {
    error: 'HPE_INVALID_CHUNK_SIZE',
    bytes: /[0-9a-f][ \t]+(?:;|$)/i,
    why: 'white space before a chunk extension’s semicolon is bad but allowed, RFC 9112, 7.1.1',
  },
  {
    error: 'HPE_STRICT',
    bytes: /;[^\r\n]*[ \t]/,
    why: 'the same around an extension’s name and value',
  },
  {
    error: 'HPE_INVALID_CONTENT_LENGTH',
    bytes: /content-length:[^\r\n]*\t/i,
    why: 'white space around a value may be tabs, RFC 9110, 5.5; node knows spaces only, here',
  },
  {
    error: 'HPE_INVALID_TRANSFER_ENCODING',
    bytes: /transfer-encoding:[^\r\n]*\t/i,
    why: 'the same',
  },
];
