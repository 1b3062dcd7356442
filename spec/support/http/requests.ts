/** Random request streams: valid ones, and ones that a hostile or broken client might send. Shared by specs and the fuzzer. */
import { oneOf, type Random } from '../random.js';

const METHODS = ['GET', 'GET', 'HEAD', 'OPTIONS', 'POST', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'];
const TARGETS = [
  '/',
  '/a',
  '/a/b?c=d&e=%20f',
  '//a/../b/./c',
  '/%2e%2e/%00?',
  "/!$&'()*+,;=:@~|[]^`{}",
  'http://other:81/a?b',
  'HTTPS://[::1]/',
  '/?',
];
const HOSTS = ['a', 'example.com:8080', '127.0.0.1', '[::1]:80', 'A-b_c.d'];
const FIELDS = [
  'Accept: */*',
  'X-Empty:',
  'X-Empty: \t ',
  'X-Folded:\t a\tb  c ',
  'X-Bytes: \x80\xff\xe9',
  'Cookie: a=b; c="d"',
  'Cookie: e=f',
  "!#$%&'*+-.^_`|~0: token",
  'Connection: keep-alive',
  'Connection: , keep-alive, x-a ,',
  'TE: trailers',
  'Trailer: X-Sum',
  'Upgrade: websocket',
  'Content-Type: text/plain; charset=utf-8',
];
const LATE_FIELDS = ['Connection: close', 'Expect: 100-continue'];
const EXTENSIONS = ['', '', '', ';a', ';a=b', ';a="b;\\"c"', ' ;a = b;c'];
const TRAILERS = ['', '', 'X-Sum: 1\r\n', 'X-Sum:\r\nVary: *\r\n'];

/** Bytes that are special in some parser. */
const STRANGE_BYTES = '\r\n\0 \t:;,=/"\\#%[]()<>@?{}09afAFxX-+_.\x01\x0b\x0c\x7f\x80\xa0\xff';
/** Pieces of attacks: smuggling, splitting, obsolete syntax. */
const STRANGE_PIECES = [
  ...['Content-Length: 3\r\n', 'Content-Length: 0\r\n', 'Content-Length: +1\r\n', 'Content-Length : 1\r\n'],
  ...['Content-Length: 1, 1\r\n', 'Content-Length:\r\n', 'Content-Length: 18446744073709551617\r\n'],
  ...['Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: xchunked\r\n', 'Transfer-Encoding: identity\r\n'],
  ...[
    'Transfer-Encoding: gzip, chunked\r\n',
    'Transfer-Encoding: chunked, chunked\r\n',
    'Transfer-Encoding:\r\n',
  ],
  ...[
    'Transfer-Encoding\t: chunked\r\n',
    'Transfer-Encoding: \x0bchunked\r\n',
    'Transfer_Encoding: chunked\r\n',
  ],
  ...[
    'Host: b\r\n',
    'Host:\r\n',
    'Host: a b\r\n',
    'Host: a@b\r\n',
    'Host: a/b\r\n',
    ' folded\r\n',
    '\tfolded\r\n',
  ],
  ...[
    '\r\n',
    '\n',
    '\r',
    '\r\r\n',
    '\n\n',
    ': a\r\n',
    'a\r\n',
    'a b: c\r\n',
    '0\r\n\r\n',
    '0\r\n',
    '00000000000000000005\r\n',
  ],
  ...[
    'ffffffffffffffff\r\n',
    '-1\r\n',
    '0x1\r\n',
    '1;\r\n',
    '1 \r\n',
    ';',
    'Expect: x\r\n',
    'Connection: close, x y\r\n',
  ],
  ...[
    'HTTP/1.0',
    'HTTP/1.2',
    'HTTP/2.0',
    'HTTP/0.9',
    'http/1.1',
    'HTTP/1.1 ',
    'CONNECT a:1 ',
    'PRI * ',
    '* ',
    'a:1 ',
  ],
];

/** One request that every server must accept. Its bytes are the latin1 of the text. */
export function validRequest(random: Random, isLast: boolean): string {
  const method = oneOf(random, METHODS);
  const minor = random(12) === 0 && isLast ? 0 : 1;
  const lines = [`${method} ${oneOf(random, TARGETS)} HTTP/1.${minor}`, `Host: ${oneOf(random, HOSTS)}`];
  for (let count = random(5); count > 0; count--) lines.push(oneOf(random, FIELDS));
  if (isLast && random(6) === 0) lines.push(oneOf(random, LATE_FIELDS));
  if (random(8) === 0) lines.push(`X-Long: ${'y'.repeat(random(4000))}`);
  // Content of the other methods has no defined meaning (RFC 9110, 9.3), and handlers do not see it.
  const hasContent = !['GET', 'HEAD', 'OPTIONS'].includes(method) && random(4) > 0;
  const chunked = hasContent && minor === 1 && random(2) === 0;
  if (chunked) return `${head(random, [...lines, 'Transfer-Encoding: chunked'])}${chunks(random)}`;
  if (!hasContent) return head(random, random(8) === 0 ? [...lines, 'Content-Length: 0'] : lines);
  const content = contentOf(random);
  return `${head(random, [...lines, `Content-Length: ${content.length}`])}${content}`;
}

/** Several requests in sequence, with empty lines where the grammar allows them. */
export function validStream(random: Random): string {
  let stream = '';
  for (let count = 1 + random(4); count > 0; count--) {
    if (random(8) === 0) stream += '\r\n';
    stream += validRequest(random, count === 1);
  }
  return stream;
}

/** A stream with no, one or a few mutations. */
export function mutatedStream(random: Random): string {
  let stream = validStream(random);
  for (let edits = 1 + random(3); edits > 0; edits--) stream = mutate(random, stream);
  return stream;
}

/** Where a stream is cut into the pieces in which it is sent. */
export function pieces(random: Random, bytes: Buffer, most = 6): Buffer[] {
  const cuts = Array.from({ length: random(most) }, () => random(bytes.length + 1)).sort((a, b) => a - b);
  return [...cuts, bytes.length].map((cut, index) => bytes.subarray(index === 0 ? 0 : cuts[index - 1]!, cut));
}

function mutate(random: Random, stream: string): string {
  const at = random(stream.length + 1);
  const lines = stream.split('\r\n');
  const line = random(lines.length);
  switch (random(9)) {
    case 0:
      return splice(stream, at, 1, '');
    case 1:
      return splice(stream, at, 0, oneOf(random, [...STRANGE_BYTES]));
    case 2:
      return splice(stream, at, 1, oneOf(random, [...STRANGE_BYTES]));
    case 3:
      return splice(stream, at, random(3), oneOf(random, STRANGE_PIECES));
    case 4:
    case 5: {
      // Inserts a whole line at the start of a line.
      const start = lines.slice(0, line).join('\r\n').length + (line === 0 ? 0 : 2);
      return splice(stream, start, 0, oneOf(random, STRANGE_PIECES));
    }
    case 6:
      return [...lines.slice(0, line), lines[line]!, ...lines.slice(line)].join('\r\n');
    case 7:
      return [...lines.slice(0, line), ...lines.slice(line + 1)].join('\r\n');
    default:
      return random(3) === 0
        ? stream.slice(0, at)
        : splice(stream, at, random(20), stream.slice(random(at + 1), at));
  }
}

function splice(text: string, at: number, removed: number, added: string): string {
  return text.slice(0, at) + added + text.slice(at + removed);
}

function head(random: Random, lines: string[]): string {
  const text = `${lines.join('\r\n')}\r\n\r\n`;
  return random(10) === 0 ? text.replace('Host: ', 'hOsT:\t') : text;
}

function contentOf(random: Random): string {
  const unit = oneOf(random, ['x', '\0\r\n', 'GET / HTTP/1.1\r\n\r\n', '0\r\n\r\n', '\xff\x80']);
  return unit.repeat(1 + random(random(6) === 0 ? 200 : 5));
}

function chunks(random: Random): string {
  let text = '';
  for (let count = random(4); count > 0; count--) {
    const content = contentOf(random);
    const digits = content.length.toString(16);
    const size = oneOf(random, [digits, digits.toUpperCase(), `00${digits}`]);
    text += `${size}${oneOf(random, EXTENSIONS)}\r\n${content}\r\n`;
  }
  return `${text}0${oneOf(random, EXTENSIONS)}\r\n${oneOf(random, TRAILERS)}\r\n`;
}
