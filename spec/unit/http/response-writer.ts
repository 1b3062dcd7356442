/** Texts are written behind their head in one go, and announced with the length that they have in UTF-8. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ResponseWriter } from '../../../lib/http/response-writer.js';
import type { Outgoing } from '../../../lib/web/outgoing.js';

/** Of lib/http/response-writer.ts. */
const OUTPUT_BYTES = 64 * 1024;
const COPY_BYTES = 32 * 1024;

const clock = { micros: 0 };

const outgoing = (headers: string): Outgoing => ({
  status: 200,
  statusText: '',
  headers,
  contentLength: -1,
  close: false,
  body: null,
});

const HEADERS = 'x: 1\r\n';
const CLOSE = 'connection: close\r\n';

/** @returns what was written from `start` on, without its date; null when it does not fit */
function write(writer: ResponseWriter, body: string, persistent = true, start = 0): string | null {
  writer.length = start;
  if (!writer.text(outgoing(HEADERS), body, persistent, 1)) {
    assert.is(writer.length, start, 'nothing is written');
    return null;
  }
  return writer.bytes.toString('utf8', start, writer.length).replace(/date: .*\r\n/, '');
}

const expected = (body: string, close = ''): string =>
  `HTTP/1.1 200 OK\r\n${HEADERS}${close}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

const BODIES = [
  'hello',
  '',
  'grüezi',
  'é',
  '\u20ac'.repeat(1000),
  '𝕏',
  'é'.repeat(50),
  `${'a'.repeat(99)}é`,
  'x'.repeat(COPY_BYTES),
];

test('a text is announced with its bytes, whatever its characters', () => {
  const writer = new ResponseWriter(clock);
  for (const body of [...BODIES, ...BODIES.reverse()]) {
    assert.is(write(writer, body), expected(body), body.slice(0, 20));
    assert.is(write(writer, body, false), expected(body, CLOSE), body.slice(0, 20));
    assert.is(write(writer, body, true, 1234), expected(body), body.slice(0, 20));
  }
});

test('another status, reason, field, version or connection field than the answer before is seen', () => {
  const writer = new ResponseWriter(clock);
  const kinds = [200, 404].flatMap((status) =>
    ['', 'Fine'].flatMap((statusText) =>
      ['x: 1\r\n', 'x: 2\r\n'].flatMap((headers) =>
        [true, false].flatMap((persistent) =>
          [0, 1].map((minorVersion) => ({ status, statusText, headers, persistent, minorVersion })),
        ),
      ),
    ),
  );
  const phrases: Record<number, string> = { 200: 'OK', 404: 'Not Found' };
  for (const { status, statusText, headers, persistent, minorVersion } of [...kinds, ...kinds.reverse()]) {
    const connection = persistent ? (minorVersion === 0 ? 'connection: keep-alive\r\n' : '') : CLOSE;
    const line = `HTTP/1.1 ${status} ${statusText || phrases[status]}\r\n`;
    // From the third on, the start of the head is a copy.
    for (const body of ['', 'one', 'the second', 'ü', 'x'.repeat(1000)]) {
      writer.length = 7;
      assert.ok(writer.text({ ...outgoing(headers), status, statusText }, body, persistent, minorVersion));
      const text = writer.bytes.toString('utf8', 7, writer.length).replace(/date: .*\r\n/, '');
      const length = Buffer.byteLength(body);
      assert.is(text, `${line}${headers}${connection}content-length: ${length}\r\n\r\n${body}`);
    }
  }
});

test('lengths of all numbers of digits are written', () => {
  const writer = new ResponseWriter(clock);
  for (const length of [0, 1, 9, 10, 11, 99, 100, 109, 999, 1000, 9999, 10_000, 10_009, COPY_BYTES]) {
    assert.is(write(writer, 'x'.repeat(length)), expected('x'.repeat(length)));
  }
});

test('half a surrogate pair is sent as the replacement character', () => {
  assert.is(write(new ResponseWriter(clock), 'a\ud800b'), expected('a\ufffdb'));
});

test('a text that may not fit is not written, wherever the buffer ends in it', () => {
  const writer = new ResponseWriter(clock);
  for (const body of ['x'.repeat(300), 'é'.repeat(300), `${'x'.repeat(299)}𝕏`]) {
    const bytes = expected(body).length - body.length + Buffer.byteLength(body);
    for (let room = bytes - 10; room < bytes + 60; room++) {
      const text = write(writer, body, true, OUTPUT_BYTES - room);
      if (text !== null) assert.is(text, expected(body), `${room} bytes for ${bytes}`);
    }
    assert.is(write(writer, body, true, OUTPUT_BYTES - bytes + 5), null);
    assert.is.not(write(writer, body, true, OUTPUT_BYTES - bytes - 60), null);
  }
  assert.is(write(writer, 'x'.repeat(COPY_BYTES + 1)), null);
  assert.is(write(writer, 'é'.repeat(COPY_BYTES / 2 + 1)), null);
});

test('each answer bears the date of now', () => {
  const writer = new ResponseWriter(clock);
  const realNow = Date.now;
  try {
    for (const second of [1_000_000, 1_000_001, 1_000_002]) {
      Date.now = () => second * 1000 + 250;
      clock.micros += 1_000_000;
      for (let count = 0; count < 3; count++) {
        write(writer, 'body');
        const head = writer.bytes.toString('latin1', 0, writer.length);
        assert.ok(head.includes(`date: ${new Date(second * 1000).toUTCString()}\r\n`), head);
      }
    }
  } finally {
    Date.now = realNow;
  }
});

test.run();
