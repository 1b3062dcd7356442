import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { codeFrame } from '../../../lib/report/code-frame.js';

const folder = mkdtempSync(join(tmpdir(), 'paceline-frame-'));
test.after(() => rmSync(folder, { recursive: true }));

function frame(source: string, line: number, column: number): string | null {
  const file = join(folder, 'source.js');
  writeFileSync(file, source);
  return codeFrame({ file, line, column });
}

test('a frame has the line, a mark below the column, and two lines on each side', () => {
  const source = '1\n2\n3\nconst = 5;\r\n5\n6\n7\n';
  assert.is(
    frame(source, 4, 7),
    ['  2 | 2', '  3 | 3', '> 4 | const = 5;', '    |       ^', '  5 | 5', '  6 | 6'].join('\n'),
  );
  assert.is(frame('only', 1, 1), ['> 1 | only', '    | ^'].join('\n'));
});

test('of a long line the part around the column is shown', () => {
  const text = frame(`${'a'.repeat(5000)}!${'b'.repeat(5000)}`, 1, 5001)!;
  const [line, mark] = text.split('\n');
  assert.ok(line!.length < 140);
  assert.is(line![mark!.indexOf('^')], '!');
});

test('there is no frame for what is no file, or has no such line', () => {
  assert.is(frame('one', 5, 1), null);
  assert.is(codeFrame({ file: join(folder, 'none.js'), line: 1, column: 1 }), null);
  assert.is(codeFrame({ file: '/dev/zero', line: 1, column: 1 }), null);
  assert.is(codeFrame({ file: folder, line: 1, column: 1 }), null);
  assert.is(codeFrame({ file: 'data:text/javascript,1', line: 1, column: 1 }), null);
});

test.run();
