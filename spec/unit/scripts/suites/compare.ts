/** Comparing a suite's results with plain Node's: every difference is listed with a reason, and nothing else is listed. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Accepted,
  agrees,
  compare,
  describe,
  type Results,
} from '../../../../scripts/suites/compare.js';

/** Results of one file; `+` in front of a test that passed, `-` of one that failed. */
const results = (...tests: string[]): Results =>
  new Map([['a.js', new Map(tests.map((test) => [test.slice(1), test.startsWith('+')]))]]);

const accepted = (name: string, under = ['installed']): Accepted[] => [
  { file: 'a.js', test: name, under, reason: 'it must' },
];

const check = (plain: Results, here: Results, list: readonly Accepted[] = []) =>
  compare(plain, here, list, 'installed');

test('the same results agree, also where both fail', () => {
  const comparison = check(results('+one', '-two'), results('+one', '-two'));
  assert.equal(comparison, { plain: 1, here: 1, gained: [], lost: [], stale: [] });
  assert.ok(agrees(comparison));
});

test('a test that passes under plain Node alone is lost, and the run fails', () => {
  const comparison = check(results('+one', '+two'), results('+one', '-two'));
  assert.equal(comparison.lost, [{ file: 'a.js', test: 'two', reason: null }]);
  assert.not(agrees(comparison));
});

test('a test that did not report here is lost, and so are all of a file that did not run', () => {
  assert.is(check(results('+one', '+two'), results('+one')).lost.length, 1);
  assert.is(check(results('+one', '+two'), new Map()).lost.length, 2);
});

test('one that passes here alone is reported, and is no difference to fail for', () => {
  const comparison = check(results('-one', '+three'), results('+one', '+two', '+three'));
  assert.equal(
    comparison.gained.map(({ test }) => test),
    ['one', 'two'],
  );
  assert.ok(agrees(comparison));
});

test('a listed difference is accepted with its reason, under the classes that the list names', () => {
  const plain = results('+one');
  const here = results('-one');
  assert.ok(agrees(check(plain, here, accepted('one'))));
  assert.is(check(plain, here, accepted('one')).lost[0]!.reason, 'it must');
  assert.not(agrees(check(plain, here, accepted('one', ['received']))));
  assert.not(agrees(check(plain, here, accepted('two'))));
});

test('a listed one that passes again is stale, and the run fails', () => {
  const comparison = check(results('+one'), results('+one'), accepted('one'));
  assert.equal(comparison.stale, accepted('one'));
  assert.not(agrees(comparison));
});

test('a listed one that fails under plain Node, or did not run, says nothing', () => {
  assert.ok(agrees(check(results('-one', '+two'), results('+one', '+two'), accepted('one'))));
  assert.ok(agrees(check(results('+two'), results('+two'), accepted('one'))));
});

test('a run in which nothing passes under plain Node fails', () => {
  assert.not(agrees(check(new Map(), new Map())));
  assert.not(agrees(check(results('-one'), results('-one'))));
});

test('what is printed names the counts, and each difference with its reason or what the test says', () => {
  const plain = results('+one', '+two', '+three', '-four');
  const here = results('-one', '-two', '+three', '+four');
  const list = [...accepted('one'), ...accepted('three')];
  const lines = describe('installed', check(plain, here, list), ({ test }) => `${test} is broken`);
  assert.equal(lines, [
    'installed: 2 pass, plain Node: 3 pass',
    '  listed: a.js: one',
    '    it must',
    '  NOT LISTED: a.js: two',
    '    two is broken',
    '  LISTED, BUT PASSES: a.js: three',
    '  passes here only: a.js: four',
  ]);
});

test.run();
