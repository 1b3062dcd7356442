/** Reads what mocha's reporter `json-stream` prints: an event a line, so that a process that dies has reported what it had done. */
import { relative } from 'node:path';
import type { Results, Test } from '../suites/compare.js';

/** The results of one run, and what its failed tests say. */
export interface Report {
  readonly results: Results;
  readonly messageOf: (test: Test) => string;
  /** Whether mocha has come to the end of the files. */
  readonly isComplete: boolean;
  /** How many servers the tests created by the replaced functions (swap.ts). */
  readonly servers: number;
}

interface TestEvent {
  readonly fullTitle: string;
  readonly file: string;
  readonly err?: string;
}

/** The event that mocha prints last. */
export const END = '["end",';
/** The event that swap.ts prints, with the number of servers. */
export const SERVERS = 'servers';

/** An event, or null for a line that a test has printed. */
function parse(line: string): readonly [string, unknown] | null {
  if (!line.startsWith('["')) return null;
  try {
    return JSON.parse(line) as [string, unknown];
  } catch {
    return null;
  }
}

/**
 * Tests of the same name in a file count as one, which passes when all of them do; so does one that fails after it has passed.
 * Those that were skipped are left out.
 *
 * @param folder that the names of files are relative to
 */
export function readReport(text: string, folder: string): Report {
  const results = new Map<string, Map<string, boolean>>();
  const messages = new Map<string, string>();
  const keyOf = (file: string, test: string) => `${file}\n${test}`;
  let isComplete = false;
  let servers = 0;
  for (const line of text.split('\n')) {
    const [event, value] = parse(line) ?? [];
    if (event === 'end') isComplete = true;
    if (event === SERVERS) servers = value as number;
    if (event !== 'pass' && event !== 'fail') continue;
    const { fullTitle, file: path, err } = value as TestEvent;
    const file = relative(folder, path);
    const tests = results.get(file) ?? new Map<string, boolean>();
    results.set(file, tests);
    tests.set(fullTitle, event === 'pass' && (tests.get(fullTitle) ?? true));
    if (event === 'fail') messages.set(keyOf(file, fullTitle), err ?? 'failed without an error');
  }
  const messageOf = ({ file, test }: Test) => messages.get(keyOf(file, test)) ?? 'did not run';
  return { results, messageOf, isComplete, servers };
}
