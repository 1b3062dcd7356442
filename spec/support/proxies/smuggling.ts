/**
 * Requests that two parsers may delimit differently. Each ends with a complete request, the trap: a server that answers it has
 * taken content for a request. All of them must be refused, except for those whose trap is plain content.
 */

export interface Smuggling {
  readonly name: string;
  /** The bytes, as latin1; the trap is a complete request where none is given. */
  readonly bytes: (token: string, trap?: string) => string;
  /** What a server must do. */
  readonly verdict: 'refused' | 'content';
}

/** The token of the trap in a request with `token`. */
export const trapOf = (token: string): string => `${token}-trap`;

const wholeTrap = (token: string): string => `GET /say?t=${trapOf(token)} HTTP/1.1\r\nHost: test\r\n\r\n`;
/** A trap whose last field swallows the next request on the connection. */
export const openTrap = (token: string): string =>
  `GET /say?t=${trapOf(token)} HTTP/1.1\r\nHost: test\r\nX-Swallowed: `;

/** The bytes of a case. */
type Bytes = (token: string, trap: string) => string;

const post = (token: string, fields: string, rest: string): string =>
  `POST /echo?t=${token} HTTP/1.1\r\nHost: test\r\n${fields}\r\n\r\n${rest}`;

const CHUNKED = 'Transfer-Encoding: chunked';

/** By one field the whole rest is content, by the other it is one empty chunk. */
const twofold = (field: (length: number) => string) => (token: string, trap: string) => {
  const rest = `0\r\n\r\n${trap}`;
  return post(token, field(rest.length), rest);
};
/** The trap follows content whose framing is invalid. */
const framed =
  (fields: string, content = '0\r\n\r\n') =>
  (token: string, trap: string) =>
    post(token, fields, `${content}${trap}`);
const chunks = (content: string) => framed(CHUNKED, content);

const REFUSED: Readonly<Record<string, Bytes>> = {
  // ---- both framings, and each of them twice or in a wrong form ---------------------------------------------------------
  'length and coding': twofold((length) => `Content-Length: ${length}\r\n${CHUNKED}`),
  'coding and length': twofold((length) => `${CHUNKED}\r\nContent-Length: ${length}`),
  'coding and a length of 0': framed(`${CHUNKED}\r\nContent-Length: 0`),
  'two lengths': twofold((length) => `Content-Length: 0\r\nContent-Length: ${length}`),
  'two lengths in a list': twofold((length) => `Content-Length: ${length}, 0`),
  'a signed length': twofold((length) => `Content-Length: +${length}`),
  'a negative length': framed('Content-Length: -1'),
  'a length in hexadecimal': framed('Content-Length: 0x5'),
  'a length with a space in it': framed('Content-Length: 5 0'),
  'a length with an underscore': framed('Content-Length: 1_0'),
  'an empty length': framed('Content-Length:'),
  'a length beyond all numbers': framed('Content-Length: 18446744073709551621'),
  'a space before the colon of a length': framed('Content-Length : 5'),
  'a space before the colon of a coding': twofold(
    (length) => `Content-Length: ${length}\r\nTransfer-Encoding : chunked`,
  ),
  'a tab before the colon of a coding': twofold(
    (length) => `Content-Length: ${length}\r\nTransfer-Encoding\t: chunked`,
  ),
  'a vertical tab before a coding': framed('Transfer-Encoding: \x0bchunked'),
  'a NUL in a coding': framed('Transfer-Encoding: chun\x00ked'),
  'a quoted coding': framed('Transfer-Encoding: "chunked"'),
  'a coding with a parameter': framed('Transfer-Encoding: chunked;a=b'),
  'an unknown coding': framed('Transfer-Encoding: xchunked'),
  'the coding identity': framed('Transfer-Encoding: identity'),
  'a coding before identity': framed('Transfer-Encoding: chunked, identity'),
  'chunked twice': framed('Transfer-Encoding: chunked, chunked'),
  'two fields of codings': framed(`${CHUNKED}\r\nTransfer-Encoding: identity`),
  'an empty coding': framed('Transfer-Encoding:'),
  'a coding in HTTP/1.0': (token, trap) =>
    framed(`${CHUNKED}\r\nConnection: keep-alive`)(token, trap).replace('HTTP/1.1', 'HTTP/1.0'),
  'a folded coding': twofold((length) => `Content-Length: ${length}\r\nTransfer-Encoding:\r\n chunked`),
  'a folded field': twofold((length) => `X: a\r\n Content-Length: ${length}\r\n${CHUNKED}`),
  // ---- ends of lines ------------------------------------------------------------------------------------------------------
  'a bare LF behind a field': twofold((length) => `Content-Length: ${length}\r\nX: a\n${CHUNKED}`),
  'a bare CR behind a field': twofold((length) => `Content-Length: ${length}\r\nX: a\r${CHUNKED}`),
  'bare LFs': (token, trap) => framed(CHUNKED)(token, trap).replaceAll('\r\n', '\n'),
  'a bare LF behind the request line': (token, trap) => framed(CHUNKED)(token, trap).replace('\r\n', '\n'),
  'a bare LF as the empty line': (token, trap) =>
    `POST /echo?t=${token} HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\n${trap}`,
  'two CRs': twofold((length) => `Content-Length: ${length}\r\r\n${CHUNKED}`),
  'a space before the first field': twofold((length) => ` X: a\r\nContent-Length: ${length}`),
  'a line without a colon': twofold((length) => `Content-Length: ${length}\r\nchunked`),
  'a field without a name': twofold((length) => `: a\r\nContent-Length: ${length}`),
  'a name with a space': twofold((length) => `Content-Length: ${length}\r\nTransfer Encoding: chunked`),
  'a name with a NUL': twofold((length) => `Content-Length: ${length}\r\nTransfer-Encoding\x00: chunked`),
  'two spaces before the version': (token, trap) =>
    framed(CHUNKED)(token, trap).replace(' HTTP/1.1', '  HTTP/1.1'),
  'two Hosts': framed(`Host: other\r\n${CHUNKED}`),
  // ---- chunks ---------------------------------------------------------------------------------------------------------------
  'a bare LF behind a size': chunks('5\nhello\r\n0\r\n\r\n'),
  'a bare LF behind an extension': chunks('5;a\nhello\r\n0\r\n\r\n'),
  'a bare CR behind a size': chunks('5\rhello\r\n0\r\n\r\n'),
  'a bare CR in an extension': chunks('5;a\rb\r\nhello\r\n0\r\n\r\n'),
  'a LF in a quoted extension': chunks('5;a="\n"\r\nhello\r\n0\r\n\r\n'),
  'a bare LF behind content': chunks('5\r\nhello\n0\r\n\r\n'),
  'nothing behind content': chunks('5\r\nhello0\r\n\r\n'),
  'two bytes behind content': chunks('5\r\nhelloXX0\r\n\r\n'),
  'a bare LF behind the last chunk': chunks('0\n\r\n'),
  'a bare LF as the end': chunks('0\r\n\n'),
  'a size in 0x': chunks('0x5\r\nhello\r\n0\r\n\r\n'),
  'a signed size': chunks('+5\r\nhello\r\n0\r\n\r\n'),
  'a negative size': chunks('-5\r\nhello\r\n0\r\n\r\n'),
  'a space before a size': chunks(' 5\r\nhello\r\n0\r\n\r\n'),
  'a size with an underscore': chunks('0_5\r\nhello\r\n0\r\n\r\n'),
  'no size': chunks('\r\nhello\r\n0\r\n\r\n'),
  'a size of 64 bits and more': chunks('10000000000000005\r\nhello\r\n0\r\n\r\n'),
  'a size of 32 bits and more': chunks('ffffffff00000005\r\nhello\r\n0\r\n\r\n'),
  'a length among the trailers': chunks('5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n'),
  'a coding among the trailers': chunks('5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n'),
  'a bare LF behind a trailer': chunks('5\r\nhello\r\n0\r\nX: a\n\r\n'),
  'a folded trailer': chunks('5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n'),
};

const CONTENT: Readonly<Record<string, Bytes>> = {
  'a coding with an underscore': twofold(
    (length) => `Content-Length: ${length}\r\nTransfer_Encoding: chunked`,
  ),
  'a coding of something else': twofold(
    (length) => `Content-Length: ${length}\r\nX-Transfer-Encoding: chunked`,
  ),
  'a trap as content': (token, trap) => post(token, `Content-Length: ${trap.length}`, trap),
  'a trap as a chunk': (token, trap) =>
    post(token, CHUNKED, `${trap.length.toString(16)};a=b\r\n${trap}\r\n0\r\nX: a\r\n\r\n`),
  'content of a GET': (token, trap) =>
    `GET /say?t=${token} HTTP/1.1\r\nHost: test\r\nContent-Length: ${trap.length}\r\n\r\n${trap}`,
  'content that nobody reads': (token, trap) =>
    `POST /ignore?t=${token} HTTP/1.1\r\nHost: test\r\nContent-Length: ${trap.length}\r\n\r\n${trap}`,
};

const casesOf = (verdict: Smuggling['verdict'], cases: typeof REFUSED): Smuggling[] =>
  Object.entries(cases).map(([name, bytes]) => ({
    name,
    verdict,
    bytes: (token, trap = wholeTrap(token)) => bytes(token, trap),
  }));

export const SMUGGLING: readonly Smuggling[] = [
  ...casesOf('refused', REFUSED),
  ...casesOf('content', CONTENT),
];
