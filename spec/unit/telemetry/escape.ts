import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { jsonText, logItem } from '../../../lib/telemetry/escape.js';

const MAX = 100;
/** Every character that a head can be read as. */
const ALL = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('');

test('what is visible ASCII stays as it is', () => {
  assert.is(logItem("GET /a%20b?c='d' HTTP/1.1", MAX), "GET /a%20b?c='d' HTTP/1.1");
});

test('quotes, backslashes and control characters are escaped as Apache does', () => {
  assert.is(logItem('a"b\\c\nd\re\tf\bg\vh', MAX), 'a\\"b\\\\c\\nd\\re\\tf\\bg\\vh');
  assert.is(logItem('\x1b[31m \x00\x7f\x9b\xfc', MAX), '\\x1b[31m \\x00\\x7f\\x9b\\xfc');
});

test('whatever the text, the result is visible ASCII, and no quote in it ends the field', () => {
  const item = logItem(ALL, 1024);
  assert.match(item, /^[ -~]*$/);
  assert.not.match(item.replaceAll(/\\./g, ''), /"/);
});

test('JSON has the text itself, in ASCII', () => {
  const text = jsonText(ALL, 2048);
  assert.match(text, /^[ -~]*$/);
  assert.is(JSON.parse(text), ALL);
});

for (const [name, of] of Object.entries({
  logItem,
  jsonText: (text: string, max: number) => jsonText(text, max).slice(1, -1),
})) {
  test(`${name}: a long text is cut, and no escape with it`, () => {
    assert.is(of('x'.repeat(MAX), MAX), 'x'.repeat(MAX));
    assert.is(of('x'.repeat(MAX + 1), MAX), `${'x'.repeat(MAX - 3)}...`);
    for (let length = 1; length < 2 * MAX; length++) {
      const item = of('\x1b'.repeat(length), MAX);
      assert.ok(item.length <= MAX, `${length}`);
      assert.match(item, /^(\\x1b|\\u001b)*(\.\.\.)?$/);
    }
  });
}

test.run();
