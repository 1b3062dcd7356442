import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PacelineError } from '../../../../lib/errors.js';
import {
  BODY,
  END,
  HEAD,
  NEED_MORE,
  PARSER_WORDS,
  type ParserLimits,
  REFUSED,
  RequestParser,
} from '../../../../lib/http/parser/request-parser.js';
import { drive, LIMITS, type Message, type Outcome, textOf, verdict } from '../../../support/http/drive.js';
import { CORPUS_FOLDER, type CorpusCase, readCorpus } from '../../../support/llhttp-corpus.js';
import { AFTER_CLOSE, OTHERWISE, STRICTER } from '../../../support/llhttp-differences.js';
import { offersUpgrade, withHosts } from '../../../support/llhttp-hosts.js';
import { randomOf } from '../../../support/random.js';

/** Every request that a test below used, with its limits: the splitting tests run over all of them. */
const used = new Map<string, { input: Uint8Array; limits: ParserLimits }>();

function parse(request: string, limits: ParserLimits = LIMITS): Outcome {
  const input = Buffer.from(request, 'latin1');
  used.set(`${request} ${JSON.stringify(limits)}`, { input, limits });
  return drive(input, [], limits);
}

/** Joins lines to a head, with line ends and the empty line. */
function head(...lines: string[]): string {
  return `${lines.join('\r\n')}\r\n\r\n`;
}

const GET = 'GET / HTTP/1.1';
const POST = 'POST / HTTP/1.1';
const HOST = 'Host: a';

/** Exactly one complete message. */
function accepts(request: string, limits?: ParserLimits): Message {
  const outcome = parse(request, limits);
  assert.is(outcome.status, 0, `${JSON.stringify(request)}: ${outcome.reason}`);
  assert.is(outcome.messages.length, 1, JSON.stringify(request));
  assert.ok(outcome.messages[0]!.complete, `unfinished: ${JSON.stringify(request)}`);
  assert.ok(outcome.fresh);
  return outcome.messages[0]!;
}

function refuses(request: string, status: number, reason?: RegExp, limits?: ParserLimits): void {
  const outcome = parse(request, limits);
  assert.is(outcome.status, status, `${JSON.stringify(request)}: ${outcome.status} ${outcome.reason}`);
  if (reason !== undefined) assert.match(outcome.reason, reason);
  assert.not(outcome.inHead);
  assert.not(outcome.fresh);
}

function chunked(...lines: string[]): string {
  return head(POST, HOST, 'Transfer-Encoding: chunked') + lines.map((line) => `${line}\r\n`).join('');
}

// --- the request line -----------------------------------------------------------------------------------------------

test('the facts of a plain request are told', () => {
  const message = accepts(head('GET /hello?a=b HTTP/1.1', 'Host: 127.0.0.1:8080', 'Accept: */*'));
  assert.equal(message, {
    method: 'GET',
    target: '/hello?a=b',
    headers: 'Host: 127.0.0.1:8080\r\nAccept: */*\r\n',
    host: '127.0.0.1:8080',
    minorVersion: 1,
    keepAlive: true,
    hasBody: false,
    chunked: false,
    contentLength: -1,
    expectContinue: false,
    body: '',
    complete: true,
  });
});

test('any token is a method, in the case in which it was sent', () => {
  const other = ['patch', 'Propfind', 'deleted', 'gets', 'hea', 'p\x5ft'];
  for (const method of ['GET', 'PROPFIND', 'M-SEARCH', "!#$%&'*+-.^_`|~09az", 'X'.repeat(64), ...other]) {
    assert.is(accepts(head(`${method} / HTTP/1.1`, HOST)).method, method);
  }
});

test('a method that Request would put in upper case is refused in any other case', () => {
  for (const method of ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']) {
    accepts(head(`${method} / HTTP/1.1`, HOST));
    assert.is(new Request('http://a', { method: method.toLowerCase() }).method, method);
    const mixed = method[0] + method.slice(1).toLowerCase();
    const last = method.slice(0, -1) + method.at(-1)!.toLowerCase();
    for (const other of [method.toLowerCase(), mixed, last])
      refuses(head(`${other} / HTTP/1.1`, HOST), 400, /case/);
  }
});

test('a method that is no token, or none, is refused', () => {
  for (const method of ['G@T', 'GET:', '(GET)', 'GÉT', 'G\x00T', '"GET"'])
    refuses(head(`${method} / HTTP/1.1`, HOST), 400);
  refuses(head(' / HTTP/1.1', HOST), 400);
  refuses('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, /first byte/);
});

test('a method longer than any that exists is not implemented', () => {
  refuses(head(`${'X'.repeat(65)} / HTTP/1.1`, HOST), 501);
  refuses(`${'X'.repeat(100)}\x00`, 501);
});

test('exactly one space stands between the parts of the request line', () => {
  refuses(head('GET  / HTTP/1.1', HOST), 400);
  refuses(head('GET /  HTTP/1.1', HOST), 400);
  refuses(head('GET\t/ HTTP/1.1', HOST), 400);
  refuses(head('GET /\tHTTP/1.1', HOST), 400);
  refuses(head('GET / HTTP/1.1 ', HOST), 400);
  refuses(head(' GET / HTTP/1.1', HOST), 400);
  refuses(head('GET /a b HTTP/1.1', HOST), 400);
});

test('HTTP/1.0 and HTTP/1.1 are spoken', () => {
  assert.is(accepts(head('GET / HTTP/1.0')).minorVersion, 0);
  assert.is(accepts(head(GET, HOST)).minorVersion, 1);
});

test('another version of the right form is not supported', () => {
  for (const version of ['0.9', '1.2', '1.9', '2.0', '3.0', '9.9', '0.0', '2.1']) {
    refuses(head(`GET / HTTP/${version}`, HOST), 505);
  }
  refuses('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505);
  refuses(head('PRI * HTTP/1.1', HOST), 400);
});

test('a malformed version is a bad request', () => {
  const versions = [
    'http/1.1',
    'HTTP/1',
    'HTTP/11',
    'HTTP/1.',
    'HTTP/.1',
    'HTTP/1,1',
    'HTTP/1.1x',
    'HTTP/01.1',
    'HTTP/1.01',
  ];
  for (const version of [
    ...versions,
    'HTTP/1.10',
    'HTTPS/1.1',
    'HTP/1.1',
    'ICE/1.0',
    'RTSP/1.0',
    'HTTP /1.1',
    'HTTP/a.1',
    '',
  ]) {
    refuses(head(`GET / ${version}`, HOST), 400);
  }
  refuses('GET /\r\n\r\n', 400);
});

test('the target in origin-form starts with a slash and has visible ASCII only', () => {
  const all = Array.from({ length: 0x7f - 0x21 }, (_, i) => String.fromCharCode(0x21 + i))
    .join('')
    .replace('#', '');
  assert.is(accepts(head(`GET /${all} HTTP/1.1`, HOST)).target, `/${all}`);
  for (const byte of ['\x00', '\x01', '\t', '\n', '\r', '\x0b', '\x1f', '\x7f', '\x80', '\xff', '#']) {
    refuses(head(`GET /a${byte}b HTTP/1.1`, HOST), 400);
    refuses(head(`GET /a?${byte} HTTP/1.1`, HOST), 400);
  }
  for (const target of ['a', 'index.html', '?a', '.', '%2f', '\\', 'a:80'])
    refuses(head(`GET ${target} HTTP/1.1`, HOST), 400);
});

test('the target in absolute-form names the host, whatever Host says', () => {
  const message = accepts(head('GET http://example.com:81/path?q HTTP/1.1', 'Host: other'));
  assert.is(message.target, 'http://example.com:81/path?q');
  assert.is(message.host, 'example.com:81');
  assert.is(accepts(head('GET HTTPS://Example.com HTTP/1.1', HOST)).host, 'Example.com');
  assert.is(accepts(head('GET http://[::1]?q=/ HTTP/1.1', HOST)).host, '[::1]');
  assert.is(accepts(head('GET http://h/ HTTP/1.0')).host, 'h');
  assert.is(accepts(head(`GET http://${'h'.repeat(1023)}/ HTTP/1.1`, HOST)).host, 'h'.repeat(1023));
  refuses(head('GET http://example.com/ HTTP/1.1'), 400, /no Host/);
});

test('an absolute-form with another scheme, without a host or with user information is refused', () => {
  for (const target of [
    'ftp://a/',
    'ws://a/',
    'http:/a',
    'http:a',
    'http://',
    'https://',
    'http:///a',
    'http://:80/',
    'http://?q',
  ]) {
    refuses(head(`GET ${target} HTTP/1.1`, HOST), 400);
  }
  for (const authority of [
    'u@h',
    'u:p@h',
    'h:x',
    'h:99999',
    '[::1',
    '[g]',
    'a%zz',
    'a<b',
    `${'h'.repeat(1024)}`,
  ]) {
    refuses(head(`GET http://${authority}/ HTTP/1.1`, HOST), 400);
  }
});

test('CONNECT is not implemented, and its target must be an authority', () => {
  refuses(head('CONNECT example.com:443 HTTP/1.1', HOST), 501);
  refuses(head('CONNECT / HTTP/1.1', HOST), 400);
  refuses(head('CONNECT http://a/ HTTP/1.1', HOST), 400);
  refuses(head('GET example.com:443 HTTP/1.1', HOST), 400);
});

test('the asterisk is for OPTIONS only', () => {
  assert.is(accepts(head('OPTIONS * HTTP/1.1', HOST)).target, '*');
  accepts(head('OPTIONS /a HTTP/1.1', HOST));
  refuses(head('GET * HTTP/1.1', HOST), 400);
  refuses(head('options * HTTP/1.1', HOST), 400);
  refuses(head('OPTIONS ** HTTP/1.1', HOST), 400);
});

test('up to four empty lines before a request are ignored', () => {
  const message = accepts(`\r\n\r\n\r\n\r\n${head(GET, HOST)}`);
  assert.is(message.method, 'GET');
  refuses(`\r\n\r\n\r\n\r\n\r\n${head(GET, HOST)}`, 400, /empty lines/);
  refuses(`\n${head(GET, HOST)}`, 400);
  refuses(`\r${head(GET, HOST)}`, 400);
  const empty = '\r\n'.repeat(4);
  assert.is(parse(head(GET, HOST) + empty + head(GET, HOST) + empty + head(GET, HOST)).messages.length, 3);
  const between = parse('\r\n\r');
  assert.not(between.inHead);
  assert.not(between.fresh, 'half an empty line must be saved');
});

test('a line ends with CRLF and nothing else', () => {
  const request = head(GET, HOST, 'A: b');
  for (let at = request.indexOf('\r\n'); at !== -1; at = request.indexOf('\r\n', at + 1)) {
    const before = request.slice(0, at);
    const after = request.slice(at + 2);
    refuses(`${before}\n${after}`, 400);
    // What follows the last CR is another message's first byte, so give it one.
    refuses(`${before}\r${after}x`, 400);
    refuses(`${before}\r\r\n${after}`, 400);
    refuses(`${before}\n\r${after}`, 400);
  }
});

// --- header fields --------------------------------------------------------------------------------------------------

test('a field name is a token, right before the colon', () => {
  accepts(head(GET, HOST, "!#$%&'*+-.^_`|~09azAZ: 1"));
  for (const line of [
    ': b',
    'A : b',
    'A\t: b',
    'A b: c',
    'A',
    'A\x00: b',
    'Ä: b',
    'A(: b',
    'A"b: c',
    '@: b',
    '[a]: b',
  ]) {
    refuses(head(GET, HOST, line), 400);
    refuses(head(GET, line, HOST), 400);
  }
});

test('a folded line is refused', () => {
  refuses(head(GET, HOST, 'A: b', ' c'), 400, /white space/);
  refuses(head(GET, HOST, 'A: b', '\tc'), 400, /white space/);
  refuses(head(GET, ' Host: a'), 400, /white space/);
  refuses(head(GET, HOST, 'A:', ' '), 400, /white space/);
});

test('a field value has visible bytes, obs-text, spaces and tabs', () => {
  accepts(head(GET, HOST, 'A: \t b\tc d \x80\xff! \t '));
  accepts(head(GET, HOST, 'A:', 'B: ', 'C:\t', 'D:e'));
  for (const byte of ['\x00', '\x01', '\x08', '\x0b', '\x0c', '\x1f', '\x7f', '\n', '\r']) {
    refuses(head(GET, HOST, `A: b${byte}c`), 400);
    refuses(head(GET, HOST, `A:${byte}`, 'B: c'), 400);
  }
});

test('field names mean the same in any case, and near misses mean nothing', () => {
  const message = accepts(
    `${head('POST / HTTP/1.1', 'hOST: a', 'CONTENT-length: 2', 'cOnNeCtIoN: CLOSE')}ok`,
  );
  assert.is(message.contentLength, 2);
  assert.is(message.body, 'ok');
  assert.not(message.keepAlive);
  accepts(
    head(
      GET,
      HOST,
      'Hosts: b',
      'Content-Lengt: x',
      'Content-Length1: x',
      'Content_Length: x',
      'Transfer_Encoding: x',
    ),
  );
  refuses(head(GET, 'Hose: a'), 400, /no Host/);
});

test('more header fields than the bound are too large', () => {
  const limits = { ...LIMITS, maxHeaderSize: 65535 };
  const message = accepts(`GET / HTTP/1.1\r\nHost: a\r\n${'A:\r\n'.repeat(1999)}\r\n`, limits);
  assert.is(message.headers.length, 9 + 4 * 1999);
  refuses(`GET / HTTP/1.1\r\nHost: a\r\n${'A:\r\n'.repeat(2000)}\r\n`, 431, /too many/, limits);
});

// --- Host -----------------------------------------------------------------------------------------------------------

test('HTTP/1.1 has exactly one Host, HTTP/1.0 at most one', () => {
  refuses(head(GET), 400, /no Host/);
  refuses(head(GET, HOST, HOST), 400, /twice/);
  refuses(head(GET, HOST, 'Host: b'), 400, /twice/);
  refuses(head(GET, 'Host:', 'Host: b'), 400, /twice/);
  refuses(head('GET / HTTP/1.0', HOST, HOST), 400, /twice/);
  assert.is(accepts(head('GET / HTTP/1.0')).host, undefined);
  assert.is(accepts(head('GET / HTTP/1.0', HOST)).host, 'a');
});

test('Host is a host and perhaps a port, without the white space around it', () => {
  const hosts = [
    'a',
    'example.com',
    'EXAMPLE.com:',
    'a:80',
    'a:65535',
    '127.0.0.1',
    '[::1]',
    '[::1]:8080',
    '[::ffff:1.2.3.4]',
  ];
  const names = ['a_b', '0.0.0.0=5000', "~!$&'()*+,;=", 'xn--mnchen-3ya.de', 'xn--zckzah', '1.a', 'a.'];
  const numbers = ['255.255.255.255', '127.0.0.1.', '127.1', '0x7f.1', '2130706433'];
  for (const host of [...hosts, ...names, ...numbers, 'sub.XN--mnchen-3ya.de:80', 'xn-a.de', 'axn--.de']) {
    assert.is(accepts(head(GET, `Host: ${host}`)).host, host);
    assert.ok(URL.canParse(`http://${host}/`), host);
  }
  assert.is(accepts(head(GET, 'Host: \t a \t')).host, 'a');
  assert.is(accepts(head(GET, 'Host:')).host, '');
});

test('an invalid Host is refused', () => {
  const hosts = [
    'a b',
    'a/b',
    'a?b',
    'a#b',
    'a@b',
    'u:p@b',
    'http://a',
    ':80',
    'a:b',
    'a:80:80',
    'a:65536',
    'a:-1',
    'a: 80',
    '::1',
  ];
  for (const host of [
    ...hosts,
    '[::1',
    '[::1]x',
    '[]',
    '[:]',
    '[v1.x]',
    '[::1]:x',
    'a\\b',
    'a<b>',
    'a"',
    'ä',
    'a%',
    'a%4',
    'a%4x',
    '%zz',
    'a,b c',
  ]) {
    refuses(head(GET, `Host: ${host}`), 400, /invalid Host/);
  }
  refuses(head(GET, `Host: ${'a'.repeat(1024)}`), 400, /invalid Host/);
});

test('a Host or an authority that cannot be the host of a URL as it was sent is refused', () => {
  const escaped = ['a%2fb', 'a%2Fb', 'a%20b', '%41', 'a%62', 'a%40b', '%00', '127.0.0.%31'];
  const idna = ['xn--', 'xn--a', 'xn--0', 'a.xn--', 'xn--.de', 'XN--a', 'xn--a:80', 'www.xn--a.de', 'xn--a-'];
  const numbers = [
    '256.256.256.256',
    '1.2.3.4.5',
    '1.2.3.256',
    '0x',
    '4294967296',
    'a.1',
    '1.2.3.08',
    'a.0x1',
  ];
  const addresses = ['[1::2::3]', '[1:2:3:4:5:6:7:8:9]', '[::1.2.3]', '[::12345]', '[1]', '[:::]'];
  for (const host of [...escaped, ...idna, ...numbers, ...addresses]) {
    const isPossible = URL.canParse(`http://${host}/`) && !host.includes('%');
    if (isPossible) {
      // A host that the URL of a Node.js version accepts gives a URL of its own, not the server's.
      assert.ok(accepts(head(GET, `Host: ${host}`)));
      continue;
    }
    refuses(head(GET, `Host: ${host}`), 400, /invalid Host/);
    refuses(head(`GET http://${host}/ HTTP/1.1`, HOST), 400, /invalid authority/);
    refuses(head(`GET https://${host}/path HTTP/1.1`, HOST), 400, /invalid authority/);
    // A valid host is not mistaken for another one, before or after.
    accepts(head(GET, 'Host: xn--mnchen-3ya.de'));
    refuses(head(GET, `Host: ${host}`), 400, /invalid Host/);
  }
  for (const host of [...escaped, '256.256.256.256', '1.2.3.4.5', ...addresses])
    refuses(head(GET, `Host: ${host}`), 400, /invalid Host/);
});

test('every Host that the parser takes is the host of a URL', () => {
  const random = randomOf(8);
  const parts = [
    'a',
    'A',
    '0',
    '9',
    '1',
    '.',
    '-',
    'xn--',
    'x',
    '%',
    '%41',
    '_',
    ';',
    '0x',
    ':',
    '80',
    '256',
    '[',
    ']',
  ];
  let taken = 0;
  for (let round = 0; round < 20_000; round++) {
    let host = '';
    for (let count = 1 + random(8); count > 0; count--) host += parts[random(parts.length)];
    const { status } = drive(Buffer.from(head(GET, `Host: ${host}`)), [], LIMITS);
    if (status !== 0) continue;
    taken++;
    assert.ok(URL.canParse(`http://${host}/`), host);
    assert.not.match(host, /%/);
  }
  assert.ok(taken > 1000, `${taken} taken`);
});

// --- Connection, Expect, Upgrade ------------------------------------------------------------------------------------

test('the connection lives on by version and by the Connection tokens, and close wins', () => {
  const alive = (version: string, ...lines: string[]) =>
    accepts(head(`GET / HTTP/${version}`, HOST, ...lines)).keepAlive;
  assert.is(alive('1.1'), true);
  assert.is(alive('1.1', 'Connection: close'), false);
  assert.is(alive('1.1', 'Connection: keep-alive'), true);
  assert.is(alive('1.1', 'Connection: keep-alive, close'), false);
  assert.is(alive('1.1', 'Connection: close, keep-alive'), false);
  assert.is(alive('1.1', 'Connection: close', 'Connection: keep-alive'), false);
  assert.is(alive('1.1', 'Connection: , foo ,\t,CLOSE ,'), false);
  assert.is(alive('1.1', 'Connection: closed, xclose, close-'), true);
  assert.is(alive('1.1', 'Connection:'), true);
  assert.is(alive('1.0'), false);
  assert.is(alive('1.0', 'Connection: Keep-Alive'), true);
  assert.is(alive('1.0', 'Connection: foo,keep-alive'), true);
  assert.is(alive('1.0', 'Connection: keep-alive, close'), false);
  assert.is(alive('1.0', 'Connection: keep-alives'), false);
});

test('a Connection that is no list of tokens is refused', () => {
  for (const value of ['close keep-alive', 'a;b', '"close"', 'a, b c', 'a=b', '\x80']) {
    refuses(head(GET, HOST, `Connection: ${value}`), 400, /Connection/);
  }
});

test('100-continue is the one expectation that is understood', () => {
  const post = (version: string, ...lines: string[]) =>
    accepts(`${head(`POST / HTTP/${version}`, HOST, 'Content-Length: 1', ...lines)}x`).expectContinue;
  assert.is(post('1.1', 'Expect: 100-continue'), true);
  assert.is(post('1.1', 'Expect: 100-Continue '), true);
  assert.is(post('1.1'), false);
  assert.is(post('1.0', 'Expect: 100-continue'), false);
  assert.is(accepts(head(GET, HOST, 'Expect: 100-continue')).expectContinue, false);
  for (const value of [
    '',
    '100',
    '100-continue, 100-continue',
    '100-continue;a',
    '200-ok',
    '100-continuee',
  ]) {
    refuses(head(POST, HOST, 'Content-Length: 1', `Expect: ${value}`), 417);
  }
});

test('a request that offers an upgrade is one like any other', () => {
  // RFC 9110 section 7.8: a server may ignore Upgrade.
  for (const connection of ['upgrade', 'keep-alive, UPGRADE']) {
    const message = accepts(head('GET / HTTP/1.1', HOST, 'Upgrade: websocket', `Connection: ${connection}`));
    assert.ok(message.keepAlive && !message.hasBody);
  }
  refuses(head('GET / HTTP/1.1', HOST, 'Upgrade: websocket', 'Connection: upgrade websocket'), 400);
});

// --- the length of the content --------------------------------------------------------------------------------------

test('Content-Length delimits the content', () => {
  const message = accepts(`${head(POST, HOST, 'Content-Length: 5')}hello`);
  assert.is(message.body, 'hello');
  assert.ok(message.hasBody);
  const empty = accepts(head(POST, HOST, 'Content-Length: 0'));
  assert.is(empty.contentLength, 0);
  assert.not(empty.hasBody);
  assert.is(accepts(`${head(POST, HOST, 'Content-Length: \t005 ')}hello`).contentLength, 5);
  assert.is(accepts(`${head('POST / HTTP/1.0', 'Content-Length: 2')}ok`).body, 'ok');
});

test('a Content-Length that is not one number is refused', () => {
  for (const value of [
    '',
    '+5',
    '-5',
    '5.0',
    '0x5',
    '5 5',
    '5,5',
    '5, 5',
    '5;',
    'five',
    '1e3',
    '٥',
    '5\t0',
    '9007199254740992',
    '9'.repeat(400),
  ]) {
    refuses(`${head(POST, HOST, `Content-Length: ${value}`)}hello`, 400, /Content-Length/);
  }
  refuses(head(POST, HOST, 'Content-Length: 5', 'Content-Length: 5'), 400, /twice/);
  refuses(head(POST, HOST, 'Content-Length: 0', 'Content-Length: 0'), 400, /twice/);
  refuses(head(POST, HOST, 'Content-Length: 5', 'Content-Length: 6'), 400, /twice/);
});

test('the largest Content-Length is 2^53 - 1, and it survives in the registers', () => {
  const outcome = parse(`${head(POST, HOST, 'Content-Length: 9007199254740991')}hello`);
  assert.is(outcome.status, 0);
  assert.is(outcome.messages[0]!.contentLength, Number.MAX_SAFE_INTEGER);
  assert.is(outcome.messages[0]!.body, 'hello');
  assert.not(outcome.messages[0]!.complete);
});

test('content longer than allowed is too large', () => {
  const limits = { ...LIMITS, maxBodySize: 4 };
  assert.is(accepts(`${head(POST, HOST, 'Content-Length: 4')}1234`, limits).body, '1234');
  refuses(head(POST, HOST, 'Content-Length: 5'), 413, undefined, limits);
  assert.is(accepts(chunked('2', 'ab', '2', 'cd', '0', ''), limits).body, 'abcd');
  refuses(chunked('2', 'ab', '3', 'cde', '0', ''), 413, undefined, limits);
  refuses(chunked('5', 'abcde', '0', ''), 413, undefined, limits);
  refuses(chunked('1fffffffffffff', 'abcde'), 413, undefined, limits);
  refuses(chunked('1', 'a', '1fffffffffffff', 'b'), 413);
  assert.is(accepts(head(POST, HOST, 'Content-Length: 0'), { ...LIMITS, maxBodySize: 0 }).contentLength, 0);
});

test('Transfer-Encoding is chunked and nothing else, in HTTP/1.1, without Content-Length', () => {
  for (const value of ['chunked', 'Chunked', 'CHUNKED \t']) {
    const message = accepts(`${head(POST, HOST, `Transfer-Encoding: ${value}`)}0\r\n\r\n`);
    assert.ok(message.chunked && message.hasBody);
    assert.is(message.contentLength, -1);
  }
  for (const value of [
    'gzip, chunked',
    'gzip,chunked',
    'gzip;q=1, deflate ,\tchunked',
    'identity, chunked',
    'xchunked, chunked',
  ]) {
    refuses(head(POST, HOST, `Transfer-Encoding: ${value}`), 501);
  }
  const bad = [
    '',
    'gzip',
    'identity',
    'chunked, gzip',
    'chunked, chunked',
    'chunked,',
    ',chunked',
    'chunkedchunked',
    'chunked;a=b',
  ];
  for (const value of [
    ...bad,
    '"chunked"',
    'chunke',
    'chunked chunked',
    'gzip, "chunked"',
    'gzip,, chunked',
    'gzip, chunked, chunked',
    '\x0bchunked',
    'gzip, chunked;a',
  ]) {
    refuses(head(POST, HOST, `Transfer-Encoding: ${value}`), 400);
  }
  refuses(head(POST, HOST, 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'), 400, /twice/);
  refuses(head(POST, HOST, 'Transfer-Encoding: chunked', 'Content-Length: 5'), 400, /both/);
  refuses(head(POST, HOST, 'Content-Length: 5', 'Transfer-Encoding: chunked'), 400, /both/);
  refuses(head('POST / HTTP/1.0', 'Transfer-Encoding: chunked'), 400, /1\.0/);
});

// --- chunks ---------------------------------------------------------------------------------------------------------

test('the framing of chunks is taken away', () => {
  assert.is(accepts(chunked('5', 'hello', '7', ', world', '0', '')).body, 'hello, world');
  assert.is(accepts(chunked('A', '0123456789', '0a', '0123456789', '0', '')).body, '0123456789'.repeat(2));
  assert.is(accepts(chunked('4', '\r\n\r\n', '00', '')).body, '\r\n\r\n');
  assert.is(accepts(chunked('0', '')).body, '');
});

test('a chunk size is hexadecimal digits up to 2^53 - 1', () => {
  for (const size of [
    '',
    'g',
    '-1',
    '+1',
    '0x5',
    ' 5',
    '5 ',
    '5g',
    '\t5',
    '5\t',
    '1_0',
    '20000000000000',
    '5,',
    'f'.repeat(40),
  ]) {
    refuses(chunked(size, 'hello', '0', ''), 400);
  }
  const outcome = parse(chunked('1fffffffffffff', 'hello'));
  assert.is(outcome.status, 0);
  assert.is(outcome.messages[0]!.body, 'hello\r\n');
  assert.is(accepts(chunked(`${'0'.repeat(50)}5`, 'hello', '0', '')).body, 'hello');
  refuses(chunked('0'.repeat(200)), 413, undefined, { ...LIMITS, maxHeaderSize: 100 });
});

test('the lines of chunks end with CRLF, and so does their data', () => {
  const start = chunked();
  for (const rest of [
    '5\nhello',
    '5\rhello',
    '5\r\r\nhello',
    '5\r\nhello\n',
    '5\r\nhello\r0',
    '5\r\nhellox',
    '5\r\nhello0',
    '0\n\r\n',
    '0\r\n\n',
    '0\r\n\rx',
  ]) {
    refuses(start + rest, 400);
  }
});

test('chunk extensions are held to the grammar and ignored', () => {
  const good = [
    ';a',
    ';a=b',
    ';a="b"',
    ';a;b=c;d="e;f=\\"g\\"\r"'.replace('\r', ''),
    ' ;\ta \t= \tb',
    ';a ;b',
    ' ; a',
    ';a=""',
    ';a="\\\\"',
    ';a="\t \x80"',
  ];
  for (const extension of good) {
    assert.is(accepts(chunked(`5${extension}`, 'hello', `0${extension}`, '')).body, 'hello', extension);
  }
  const bad = [
    ';',
    ';;a',
    ';=b',
    ';a=',
    ';a=;b',
    ';a="b',
    ';a="b"c',
    ';a=b c',
    ' ',
    ';a ',
    ';a=b ',
    ';a b',
    '; ',
    ';a\x00',
    ';a="\x00"',
    ';a="\\\x00"',
  ];
  for (const extension of [
    ...bad,
    ';a="\n"',
    ';a=b\n',
    ';a\n',
    ' \n',
    ';\n',
    ';a=\n',
    ';a="b"\n',
    ';ä',
    ';a="b\\',
    ' x',
    ';a =',
    ';a=(',
  ]) {
    refuses(chunked(`5${extension}`, 'hello', '0', ''), 400);
  }
});

/** `count` chunks of `size` bytes, each with an extension of `length` bytes. */
function extended(count: number, size: number, length: number): string {
  const line = `${size.toString(16)};${'a'.repeat(length - 1)}`;
  return chunked(...Array.from({ length: count }, () => [line, 'x'.repeat(size)]).flat(), '0', '');
}

/** Without the splitting tests, as the requests are large. @returns the bytes of content taken, or the refusal */
function outcomeOf(request: string, limits: ParserLimits = LIMITS): number | string {
  const { status, reason, messages } = drive(Buffer.from(request, 'latin1'), [], limits);
  return status === 0 && messages[0]!.complete ? messages[0]!.body.length : `${status} ${reason}`;
}

const TOO_LONG = '413 chunk size or extension too long';

test('the extensions of any number of chunks pass where each is of a usual length', () => {
  // Like the signatures of chunks in requests to object stores.
  const signature = `;chunk-signature=${'0123456789abcdef'.repeat(4)}`;
  assert.is(outcomeOf(extended(300, 10, signature.length)), 3000);
  assert.is(outcomeOf(extended(2000, 1, 128)), 2000);
  // A longer one is allowed in proportion to the content that it is sent with.
  assert.is(outcomeOf(extended(100, 1000, 1128)), 100_000);
});

test('an extension has the bound of a head, and so have all together beyond a share for each chunk', () => {
  const limits = { ...LIMITS, maxHeaderSize: 100 };
  accepts(extended(1, 1, 99), limits);
  accepts(extended(4, 1, 90), limits);
  refuses(extended(1, 1, 110), 413, /extension/, limits);
  refuses(chunked('1', 'x', `0;${'a'.repeat(110)}`, ''), 413, /extension/, limits);
  refuses(chunked(`${'0'.repeat(110)}1`, 'x', '0', ''), 413, /extension/, limits);
  // 129 bytes are the share of a chunk of one byte; 71 more each are too many in the end.
  assert.is(outcomeOf(extended(200, 1, 200)), 200);
  assert.is(outcomeOf(extended(300, 1, 200)), TOO_LONG);
  assert.is(outcomeOf(extended(3, 1, 10_000)), TOO_LONG);
});

test('trailers are checked as fields and discarded', () => {
  const message = accepts(
    chunked(
      '2',
      'ok',
      '0',
      'Vary: *',
      'X-Sum: 1 2\t\x80',
      'Empty:',
      'Hos: a',
      'Hosts: a',
      'Content-Lengt: 1',
      'TEE: a',
      '',
    ),
  );
  assert.is(message.body, 'ok');
  for (const line of [
    ': b',
    'A : b',
    'A',
    ' A: b',
    '\tA: b',
    'A: b\x00',
    'A\x00: b',
    'A: b\nB: c',
    'A: b\rB: c',
    'A: b\x7f',
    'Ä: b',
  ]) {
    refuses(chunked('0', line, ''), 400);
    refuses(chunked('0', 'Vary: *', line, ''), 400);
  }
});

test('trailers that belong into the head are refused', () => {
  for (const name of [
    'Content-Length',
    'transfer-encoding',
    'HOST',
    'Connection',
    'Expect',
    'Upgrade',
    'TE',
    'Trailer',
  ]) {
    refuses(chunked('0', `${name}: 1`, ''), 400, /only allowed in the head/);
    refuses(chunked('0', 'A: b', `${name}:`, ''), 400, /only allowed in the head/);
  }
});

test('trailers have the bound of a head', () => {
  const limits = { ...LIMITS, maxHeaderSize: 100 };
  accepts(chunked('0', `A: ${'b'.repeat(93)}`, ''), limits);
  refuses(chunked('0', `A: ${'b'.repeat(94)}`, ''), 431, /trailers/, limits);
  refuses(chunked('0', ...Array.from({ length: 40 }, () => 'A:'), ''), 431, /trailers/, limits);
  // The bytes that the extensions used do not count here.
  accepts(chunked(`1;${'a'.repeat(90)}`, 'x', `0;${'a'.repeat(90)}`, `A: ${'b'.repeat(93)}`, ''), limits);
});

// --- limits, pipelining, states -------------------------------------------------------------------------------------

test('a head of exactly the limit passes, one byte more is too large', () => {
  const exact = head(GET, HOST, `A: ${'b'.repeat(68)}`);
  assert.is(exact.length, 100);
  accepts(exact, { ...LIMITS, maxHeaderSize: 100 });
  refuses(exact, 431, /head too long/, { ...LIMITS, maxHeaderSize: 99 });
  refuses(`${GET}\r\n${'A'.repeat(200)}`, 431, /head too long/, { ...LIMITS, maxHeaderSize: 99 });
  refuses(`${GET}\r\nA:${' '.repeat(200)}`, 431, /head too long/, { ...LIMITS, maxHeaderSize: 99 });
  accepts(`\r\n\r\n${exact}`, { ...LIMITS, maxHeaderSize: 100 });
});

test('a target longer than its limit is 414, by default at half a head', () => {
  const limits = { ...LIMITS, maxHeaderSize: 100 };
  accepts(head(`GET /${'a'.repeat(49)} HTTP/1.1`, HOST), limits);
  refuses(head(`GET /${'a'.repeat(50)} HTTP/1.1`, HOST), 414, undefined, limits);
  refuses(`GET /${'a'.repeat(200)}`, 414, undefined, limits);
  refuses(`GET /${'a'.repeat(200)}\x00`, 414, undefined, limits);
  accepts(head('GET /abc HTTP/1.1', HOST), { ...limits, maxTargetSize: 4 });
  refuses(head('GET /abcd HTTP/1.1', HOST), 414, undefined, { ...limits, maxTargetSize: 4 });
  refuses(`GET /${'a'.repeat(200)}`, 414, undefined, { ...limits, maxTargetSize: 100 });
  refuses('GET /abcd', 414, undefined, { ...LIMITS, maxTargetSize: 4 });
});

test('limits that are no limits are refused when the parser is made', () => {
  for (const maxHeaderSize of [0, -1, 1.5, Number.NaN, 65536, Infinity]) {
    assert.throws(
      () => new RequestParser({ ...LIMITS, maxHeaderSize }),
      (error: unknown) => error instanceof PacelineError,
    );
  }
  for (const maxBodySize of [-1, 0.5, Number.NaN])
    assert.throws(() => new RequestParser({ ...LIMITS, maxBodySize }));
  assert.throws(() => new RequestParser({ ...LIMITS, maxTargetSize: 0 }));
});

test('requests that arrive together are told one by one', () => {
  const three =
    head('GET /1 HTTP/1.1', HOST) +
    `${head('POST /2 HTTP/1.1', 'Host: b', 'Content-Length: 3', 'Connection: close')}two\r\n` +
    head('PUT /3 HTTP/1.1', 'Host: c', 'Transfer-Encoding: chunked') +
    `3\r\nthr\r\n2\r\nee\r\n0\r\n\r\n${head('GET /4 HTTP/1.0')}GET /5 HT`;
  const outcome = parse(three);
  assert.is(outcome.status, 0);
  assert.equal(
    outcome.messages.map(({ target, body, host, keepAlive }) => [target, body, host, keepAlive]),
    [
      ['/1', '', 'a', true],
      ['/2', 'two', 'b', false],
      ['/3', 'three', 'c', true],
      ['/4', '', undefined, false],
    ],
  );
  assert.ok(outcome.inHead);
  assert.is(outcome.lastStart, three.indexOf('GET /5'));
});

test('a message after an accepted one is held to the same rules', () => {
  const outcome = parse(head(GET, HOST) + head(GET));
  assert.is(outcome.status, 400);
  assert.is(outcome.messages.length, 1);
  assert.ok(outcome.messages[0]!.complete);
});

test('between messages the parser is fresh, in a head it says so, and reset makes it new', () => {
  const parser = new RequestParser(LIMITS);
  const bytes = Buffer.from(`${head(POST, HOST, 'Content-Length: 2')}ok`);
  assert.ok(parser.fresh && !parser.inHead);
  assert.is(parser.execute(bytes, 0, 0), NEED_MORE);
  assert.ok(parser.fresh && !parser.inHead);
  assert.is(parser.execute(bytes, 0, 1), NEED_MORE);
  assert.ok(!parser.fresh && parser.inHead);
  assert.is(parser.messageStart, 0);
  assert.is(parser.position, 1);
  assert.is(parser.execute(bytes, 1, bytes.length), HEAD);
  assert.ok(!parser.fresh && !parser.inHead);
  assert.is(parser.execute(bytes, parser.position, parser.position), NEED_MORE);
  assert.is(parser.execute(bytes, parser.position, bytes.length), BODY);
  assert.not(parser.fresh);
  assert.is(parser.execute(bytes, bytes.length, bytes.length), END);
  assert.ok(parser.fresh);
  assert.is(parser.execute(Buffer.from('\n'), 0, 1), REFUSED);
  assert.not(parser.fresh);
  parser.reset();
  assert.ok(parser.fresh && parser.status === 0);
  assert.is(parser.execute(bytes, 0, bytes.length), HEAD);
});

test('a refused connection stays refused in another thread', () => {
  const words = new Int32Array(new SharedArrayBuffer(4 * PARSER_WORDS));
  const parser = new RequestParser(LIMITS);
  assert.is(parser.execute(Buffer.from('\n'), 0, 1), REFUSED);
  parser.save(words, 0);
  const other = new RequestParser(LIMITS);
  other.load(words, 0);
  assert.is(other.execute(Buffer.from(head(GET, HOST)), 0, 30), REFUSED);
  assert.is(other.status, 400);
});

test('resuming a head does not look at its bytes again', () => {
  const parser = new RequestParser(LIMITS);
  const bytes = Buffer.from(head(GET, HOST, `A: ${'b'.repeat(1000)}`));
  assert.is(parser.execute(bytes, 0, 500), NEED_MORE);
  // Invalid bytes in the part that was examined before: the parser would refuse them if it read them again.
  bytes.fill(0, 100, 400);
  assert.is(parser.execute(bytes, 500, bytes.length), HEAD);
  assert.is(parser.headLength, bytes.length);
});

test('a caller that lost the bytes of an unfinished head is told so', () => {
  const parser = new RequestParser(LIMITS);
  const bytes = Buffer.from(head(GET, HOST));
  assert.is(parser.execute(bytes, 0, 10), NEED_MORE);
  assert.throws(
    () => parser.execute(bytes.subarray(10), 0, 5),
    (error: unknown) => error instanceof PacelineError,
  );
});

// --- splitting: after every test above, over all the requests that they used ------------------------------------------

/** Splitting at every byte is quadratic in the length: long inputs are split near their interesting ends only. */
const EVERY_BYTE_UP_TO = 700;

function cutsOf(length: number): number[] {
  const all = Array.from({ length: length + 1 }, (_, at) => at);
  return length <= EVERY_BYTE_UP_TO ? all : all.filter((at) => at < 60 || at > length - 60 || at % 97 === 0);
}

test('every request split at any byte and resumed by another parser gives the same', () => {
  assert.ok(used.size > 400, `only ${used.size} requests were collected`);
  for (const { input, limits } of used.values()) {
    const whole = verdict(drive(input, [], limits));
    for (const cut of cutsOf(input.length)) {
      assert.equal(verdict(drive(input, [cut], limits)), whole, `${textOf(input, 0, 200)} cut at ${cut}`);
    }
  }
});

test('every request that arrives byte by byte gives the same', () => {
  for (const { input, limits } of used.values()) {
    if (input.length > EVERY_BYTE_UP_TO) continue;
    const cuts = Array.from(input, (_, at) => at);
    assert.equal(
      verdict(drive(input, cuts, limits)),
      verdict(drive(input, [], limits)),
      textOf(input, 0, 200),
    );
  }
});

// --- chance ---------------------------------------------------------------------------------------------------------

const STRANGE_BYTES = [...Buffer.from('\r\n\0 \t:;,=/"\\#%[]09afAZ\x7f\x80\xff@', 'latin1')];

test('mutated requests get the same verdict however they are split', () => {
  const random = randomOf(20240611);
  const seeds = [...used.values()].filter(({ input }) => input.length > 20 && input.length < 300);
  for (let round = 0; round < 4000; round++) {
    const { input, limits } = seeds[random(seeds.length)]!;
    const other = seeds[random(seeds.length)]!.input;
    const bytes = [...input, ...(random(3) === 0 ? other : [])];
    for (let edits = random(4); edits > 0; edits--) {
      const at = random(bytes.length);
      const byte = STRANGE_BYTES[random(STRANGE_BYTES.length)]!;
      bytes.splice(at, random(2), ...(random(3) === 0 ? [] : [byte]));
    }
    const mutant = Uint8Array.from(bytes);
    const cuts = Array.from({ length: 1 + random(5) }, () => random(mutant.length + 1)).sort((a, b) => a - b);
    const message = `round ${round}: ${JSON.stringify(textOf(mutant, 0, mutant.length))} at ${cuts}`;
    assert.equal(verdict(drive(mutant, cuts, limits)), verdict(drive(mutant, [], limits)), message);
  }
});

// --- llhttp's corpus ------------------------------------------------------------------------------------------------

interface Verdict {
  refused: boolean;
  reason: string;
  complete: number;
  body: string;
  withoutHost: boolean;
}

/** The verdict on a case. Reads no further after a message that ends the connection, or at which llhttp stops for an upgrade. */
function judge(bytes: Uint8Array): Verdict {
  const { bytes: input, withoutHost } = withHosts(bytes);
  const outcome = drive(input, []);
  const last = outcome.messages.findIndex(
    (message) => message.complete && (!message.keepAlive || offersUpgrade(message)),
  );
  const read = last === -1 ? outcome.messages : outcome.messages.slice(0, last + 1);
  return {
    refused: last === -1 && outcome.status !== 0,
    reason: `${outcome.status} ${outcome.reason}`,
    complete: read.filter(({ complete }) => complete).length,
    body: read.map(({ body }) => body).join(''),
    withoutHost,
  };
}

/** How a verdict differs from llhttp's; undefined when it does not. */
function difference(the: CorpusCase, ours: Verdict): string | undefined {
  const refusal = the.error !== undefined && the.error !== AFTER_CLOSE;
  if (ours.refused !== refusal)
    return ours.refused ? `refused: ${ours.reason}` : `accepted, not: ${the.error}`;
  if (ours.complete !== the.complete) return `${ours.complete} complete messages, not ${the.complete}`;
  if (the.body !== undefined && ours.body !== the.body) return `another body: ${JSON.stringify(ours.body)}`;
  return undefined;
}

test("llhttp's strict cases get its verdict, but for the listed ones", () => {
  const corpus = readCorpus();
  if (corpus === undefined) {
    console.log(`\nskipped: there is no llhttp corpus at ${CORPUS_FOLDER}`);
    return;
  }
  const cases = corpus.filter(({ type }) => type === 'request');
  assert.ok(cases.length > 100);
  const different: string[] = [];
  let withoutHost = 0;
  for (const one of cases) {
    const ours = judge(one.bytes);
    if (ours.withoutHost) withoutHost++;
    const found = difference(one, ours);
    if (found === undefined) continue;
    if (found.startsWith('refused')) assert.ok(STRICTER[one.id] !== undefined, `${one.id}: ${found}`);
    else assert.ok(OTHERWISE[one.id] !== undefined, `${one.id}: ${found}`);
    different.push(one.id);
  }
  const listed = [...Object.keys(STRICTER), ...Object.keys(OTHERWISE)];
  assert.equal(different.sort(), listed.sort(), 'every listed case still differs');
  const counts = `${cases.length} cases, ${different.length} differ as listed`;
  console.log(
    `\nllhttp corpus: ${counts}; ${withoutHost} lack a Host (refused) and were compared with one put in`,
  );
});

test.run();
