/** Reading what mocha prints: one result a test, whatever the tests print themselves, and whenever the process dies. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readReport } from '../../../../scripts/node-suites/report.js';

const event = (name: string, fullTitle: string, more: object = {}) =>
  JSON.stringify([name, { title: fullTitle, fullTitle, file: '/run/ws/test/a.test.js', ...more }]);
const passed = (fullTitle: string) => event('pass', fullTitle);
const failed = (fullTitle: string, err = 'it is broken') => event('fail', fullTitle, { err, stack: null });
const START = '["start",{"total":2}]';
const END = '["end",{"tests":2}]';

const read = (...lines: string[]) => readReport(`${lines.join('\n')}\n`, '/run');

const tests = (...lines: string[]): unknown =>
  Object.fromEntries([...read(...lines).results].map(([file, all]) => [file, Object.fromEntries(all)]));

test('tests by file, relative to the folder', () => {
  assert.equal(tests(START, passed('one'), failed('two'), END), {
    'ws/test/a.test.js': { one: true, two: false },
  });
});

test('tests of the same name pass when all of them do', () => {
  const expected = { 'ws/test/a.test.js': { one: false } };
  assert.equal(tests(passed('one'), failed('one')), expected);
  assert.equal(tests(failed('one'), passed('one')), expected);
});

test('what tests print is left out, also when it looks like the beginning of an event', () => {
  const printed = ['["pass",', '[]', 'null', 'listening', '["an","array"]'];
  assert.equal(tests(START, ...printed, passed('one'), END), { 'ws/test/a.test.js': { one: true } });
});

test('a process that died has reported the tests that it had run', () => {
  const report = read(START, passed('one'), '["pass",{"full');
  assert.is(report.isComplete, false);
  assert.equal([...report.results.keys()], ['ws/test/a.test.js']);
  assert.is(read(START, passed('one'), END).isComplete, true);
});

test('a failed test has a message, and one that did not run says so', () => {
  const { messageOf } = read(failed('one', 'expected 200, got 404'));
  const file = 'ws/test/a.test.js';
  assert.is(messageOf({ file, test: 'one' }), 'expected 200, got 404');
  assert.is(messageOf({ file, test: 'two' }), 'did not run');
});

test('the number of replaced servers is 0 where nothing says it', () => {
  assert.is(read(START, '["servers",179]', END).servers, 179);
  assert.is(read(START, END).servers, 0);
});

test.run();
