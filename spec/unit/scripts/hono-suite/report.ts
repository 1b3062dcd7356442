/** Reading vitest's report: one result a test, also where a file runs in several projects. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readReport } from '../../../../scripts/hono-suite/report.js';

type Assertion = { readonly fullName: string; readonly status: string };

const NO_ERROR = '(no error outside of tests)';
const passed = (fullName: string): Assertion => ({ fullName, status: 'passed' });
const failed = (fullName: string): Assertion => ({ fullName, status: 'failed' });
const file = (name: string, status: string, ...assertionResults: Assertion[]) => ({
  name: `/checkout/${name}`,
  status,
  assertionResults,
});

function read(...testResults: object[]): unknown {
  const results = readReport(JSON.stringify({ testResults }), '/checkout');
  return Object.fromEntries([...results].map(([name, tests]) => [name, Object.fromEntries(tests)]));
}

test('tests by file, without those that were skipped', () => {
  const skipped = { fullName: 'two', status: 'pending' };
  assert.equal(read(file('src/a.test.ts', 'failed', passed('one'), skipped, failed('three'))), {
    'src/a.test.ts': { one: true, three: false, [NO_ERROR]: true },
  });
});

test('a test that fails in one of the projects has failed, whichever is reported first', () => {
  const good = file('a', 'passed', passed('one'));
  const bad = file('a', 'failed', failed('one'));
  const expected = { a: { one: false, [NO_ERROR]: true } };
  assert.equal(read(good, bad), expected);
  assert.equal(read(bad, good), expected);
});

test('a file that cannot be loaded fails by itself', () => {
  assert.equal(read(file('a', 'failed')), { a: { [NO_ERROR]: false } });
});

test.run();
