import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { logLines } from '../../../lib/report/log-lines.js';

test('an entry is one line with its fields, and its error is below it', () => {
  const error = Object.assign(new TypeError('wrong\nin two lines'), { stack: '    at f (/app/a.js:1:2)' });
  const text = logLines('error', 'it failed', { thread: 0, url: '/x y', error }, { color: false });
  assert.match(text, /^\[\d\d:\d\d:\d\d\.\d{3}\] ERROR: it failed thread=0 url="\/x y"\n/);
  assert.is(
    text.slice(text.indexOf('\n') + 1),
    '    TypeError: wrong\n    in two lines\n        at f (/app/a.js:1:2)\n',
  );
});

test('an origin stands before the level, and levels are coloured where that is wanted', () => {
  const text = logLines('warn', 'look', {}, { origin: 'paceline', color: true });
  assert.is(text.slice(text.indexOf(']')), '] paceline \u001b[33mWARN\u001b[39m: look\n');
});

test('no message and no field writes control characters or another line', () => {
  const fields = { url: 'a\u001b[2J\nb', list: [1, '\u0007'], missing: undefined };
  const text = logLines('info', 'm\u001bm', fields, { color: false });
  assert.match(text, / INFO: m\\x1bm url="a\\u001b\[2J\\nb" list=\[1,"\\u0007"\] missing=undefined\n$/);
});

test.run();
