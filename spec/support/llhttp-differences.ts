/** Where this server's verdict on requests differs from llhttp's, case by case of its corpus, each with the reason. */

const CONNECT = 'CONNECT asks for a proxy, which this server is not: 501';
const FRAGMENT = 'a target holds no fragment, RFC 9112 section 3.2: 400';
const OTHER_PROTOCOL = 'RTSP and ICE are other protocols, RFC 9112 section 2.3 knows HTTP only: 400';

/** Cases that llhttp accepts in strict mode and this parser refuses on purpose, each with the reason. */
export const STRICTER: Record<string, string> = {
  'method.md: CONNECT request': CONNECT,
  'method.md: CONNECT request with CAPS': CONNECT,
  'method.md: CONNECT with body': CONNECT,
  'uri.md: Underscore in hostname': CONNECT,
  'method.md: M-SEARCH request': 'the asterisk is for OPTIONS only, RFC 9112 section 3.2.4: 400',
  'method.md: PRI request HTTP2':
    'an asterisk again; llhttp pauses there for a switch to HTTP/2, which is not spoken here',
  'method.md: SOURCE request with ICE': OTHER_PROTOCOL,
  'method.md: OPTIONS request with RTSP': OTHER_PROTOCOL,
  'method.md: ANNOUNCE request with RTSP': OTHER_PROTOCOL,
  'sample.md: No HTTP version': 'HTTP/0.9 has no place in RFC 9112: 400',
  'uri.md: Fragment in URI': FRAGMENT,
  'transfer-encoding.md: POST with `chunked` as last transfer-encoding': `${FRAGMENT}; and deflate is unknown: 501`,
  'transfer-encoding.md: POST with `chunked` as last transfer-encoding (multiple headers)': `${FRAGMENT}; and Transfer-Encoding is repeated`,
  'uri.md: `host:port` and basic auth':
    'user information in a target is an error, RFC 9110 section 4.2.4: 400',
};

/** Cases with another verdict that is not a stricter one. */
export const OTHERWISE: Record<string, string> = {
  'invalid.md: Invalid method': 'MKCOLA is a token, so it is a method, and the handler decides what it means',
  'invalid.md: HTTP protocol and ANNOUNCE method': 'the same: llhttp keeps ANNOUNCE for RTSP',
  'content-length.md: Content-Length reset when no body is received':
    'the case tells llhttp to skip the body, which this parser has no option for',
};

/** llhttp's error after the end of a connection: this parser leaves that to the connection, which reads no further. */
export const AFTER_CLOSE = 'Data after `Connection: close`';
