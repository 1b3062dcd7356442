/** What the writer repeats is what it would have written: bodies, heads and dates that change are seen. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BODYLESS, ResponseWriter, SIZED } from '../../../lib/http/response-writer.js';
import type { Outgoing } from '../../../lib/web/outgoing.js';

const clock = { micros: 0 };

const outgoing = (headers: string): Outgoing => ({
  status: 200,
  statusText: '',
  headers,
  contentLength: -1,
  close: false,
  body: null,
});

/** As the responder does it. @returns the text written, without its date, and whether it was a repetition */
function write(writer: ResponseWriter, body: string, headers = 'x: 1\r\n', persistent = true) {
  writer.length = 0;
  const response = outgoing(headers);
  const repeated = writer.repeats(response, body, persistent, 1);
  if (!repeated) {
    assert.is(writer.head(response, SIZED, Buffer.byteLength(body), persistent, 1), null);
    assert.ok(writer.text(body, Buffer.byteLength(body)));
  }
  return { text: written(writer), repeated };
}

const written = (writer: ResponseWriter): string =>
  writer.bytes.toString('utf8', 0, writer.length).replace(/date: .*\r\n/, '');

const expected = (body: string, headers = 'x: 1\r\n', close = ''): string =>
  `HTTP/1.1 200 OK\r\n${headers}${close}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

test('an answer that comes again is repeated, and is the same', () => {
  const writer = new ResponseWriter(clock);
  const answers = [1, 2, 3, 4].map(() => write(writer, 'grüezi'));
  for (const { text } of answers) assert.is(text, expected('grüezi'));
  assert.ok(answers.at(-1)!.repeated, 'so it is the repetition that was looked at');
});

test('another body, other fields or another connection field are never answered with the answer before', () => {
  const writer = new ResponseWriter(clock);
  const round = () => {
    for (const body of ['one', 'one', 'one', 'two', 'two', 'two', 'one', '']) {
      for (const headers of ['x: 1\r\n', 'x: 2\r\n']) {
        for (const persistent of [true, true, true, false]) {
          const close = persistent ? '' : 'connection: close\r\n';
          assert.is(write(writer, body, headers, persistent).text, expected(body, headers, close));
        }
      }
    }
  };
  round();
  round();
});

test('a response without a body between two that are alike leaves them as they are', () => {
  const writer = new ResponseWriter(clock);
  for (let count = 0; count < 3; count++) write(writer, 'body');
  writer.length = 0;
  writer.head(outgoing('x: 1\r\n'), BODYLESS, 4, true, 1);
  assert.is(written(writer), 'HTTP/1.1 200 OK\r\nx: 1\r\ncontent-length: 4\r\n\r\n');
  for (let count = 0; count < 3; count++) assert.is(write(writer, 'body').text, expected('body'));
});

test('what is repeated bears the date of now', () => {
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
