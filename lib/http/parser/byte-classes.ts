/**
 * Byte classes of HTTP/1.1, one table of 256 entries per class: `CLASS[byte] !== 0` if the byte belongs to it. A look-up
 * costs the same for every byte and has no branches, which is why the parser's loops use tables and not comparisons.
 */

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const DQUOTE = 0x22;
export const ASTERISK = 0x2a;
export const COMMA = 0x2c;
export const HYPHEN = 0x2d;
export const DOT = 0x2e;
export const SLASH = 0x2f;
export const DIGIT_0 = 0x30;
export const DIGIT_9 = 0x39;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const EQUALS = 0x3d;
export const QUESTION = 0x3f;
export const BRACKET_OPEN = 0x5b;
export const BACKSLASH = 0x5c;
export const BRACKET_CLOSE = 0x5d;

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

function tableOf(members: string): Uint8Array {
  const table = new Uint8Array(256);
  for (let i = 0; i < members.length; i++) table[members.charCodeAt(i)] = 1;
  return table;
}

function tableWhere(belongs: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (belongs(byte) ? 1 : 0));
}

/** tchar, RFC 9110 section 5.6.2: methods, field names, list tokens. */
export const TOKEN = tableOf(`${ALPHANUMERIC}!#$%&'*+-.^_\`|~`);

/**
 * The bytes of a request target: visible ASCII without `#`. RFC 3986 allows fewer (no `"<>\^{|}` and backquote), but
 * browsers send some of those unescaped in queries, and none of them is a delimiter. A fragment is never sent (RFC 9112
 * section 3.2), so `#` is refused; llhttp accepts it, and with its lenient flags also bytes above 0x7f.
 */
export const TARGET = tableWhere((byte) => byte > 0x20 && byte < 0x7f && byte !== 0x23);

/** field-content with the white space around and inside it, RFC 9110 section 5.5: HTAB, SP, VCHAR, obs-text. */
export const FIELD_VALUE = tableWhere((byte) => byte === HTAB || (byte >= 0x20 && byte !== 0x7f));

/** reg-name, RFC 3986 section 3.2.2, without percent-encoded triplets: unreserved and sub-delims. */
export const REG_NAME = tableOf(`${ALPHANUMERIC}-._~!$&'()*+,;=`);

/** The bytes between the brackets of an IPv6 literal, RFC 3986 section 3.2.2. No `v`: IPvFuture is not in use. */
export const IPV6 = tableOf('0123456789abcdefABCDEF:.');

/** qdtext, RFC 9110 section 5.6.4: bytes that need no escape inside quotes. */
export const QUOTED_TEXT = tableWhere(
  (byte) => FIELD_VALUE[byte] !== 0 && byte !== DQUOTE && byte !== BACKSLASH,
);

/** The value of a hexadecimal digit; -1 for every other byte. */
export const HEX = Int8Array.from({ length: 256 }, (_, byte) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase());
  return byte < 0x80 ? digit : -1;
});

/** The bytes of an ASCII text, for the constants that bytes are compared with. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}
