import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { developmentLine } from '../../../lib/cli/development-line.js';

test('dev as the first word, or --watch anywhere, asks for development', () => {
  for (const words of [
    'dev app.js -p 1',
    '--watch app.js -p 1',
    'app.js --watch -p 1',
    'dev app.js -p 1 --watch',
  ]) {
    const { isDevelopment, line } = developmentLine(words.split(' '));
    assert.equal([isDevelopment, line], [true, ['app.js', '-p', '1']], words);
  }
});

test('nothing else does', () => {
  for (const words of ['', './dev', 'app.js dev', 'top --watch', '-- --watch']) {
    const parts = words.split(' ');
    assert.equal(developmentLine(parts), { isDevelopment: false, line: parts }, words);
  }
});

test.run();
