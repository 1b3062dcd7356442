/** Reads the report that vitest writes as JSON. */
import { relative } from 'node:path';
import type { Results } from '../suites/compare.js';

interface Report {
  readonly testResults: readonly {
    /** The file's absolute path. A file that is part of several projects is reported for each of them. */
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** The test of a file that it can be loaded, and fails in its tests alone. */
const NO_ERROR = '(no error outside of tests)';

/**
 * Tests of the same name in a file, also in several projects, count as one, which passes when all of them do. Those that
 * were skipped are left out.
 *
 * @param folder that the names of files are relative to
 */
export function readReport(text: string, folder: string): Results {
  const results = new Map<string, Map<string, boolean>>();
  for (const { name, status, assertionResults } of (JSON.parse(text) as Report).testResults) {
    const file = relative(folder, name);
    const tests = results.get(file) ?? new Map<string, boolean>();
    results.set(file, tests);
    const add = (test: string, isPassed: boolean) => tests.set(test, isPassed && (tests.get(test) ?? true));
    for (const { fullName, status } of assertionResults) {
      if (status === 'passed' || status === 'failed') add(fullName, status === 'passed');
    }
    add(NO_ERROR, status === 'passed' || assertionResults.some(({ status }) => status === 'failed'));
  }
  return results;
}
