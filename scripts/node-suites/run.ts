/** Runs a suite in a process of mocha, on one of the servers. */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { END, type Report, readReport } from './report.js';
import type { NodeSuite } from './suites.js';

/** Which module's `createServer` the tests get. */
export type HttpModule = 'node:http' | 'paceline/http';

const SWAP = fileURLToPath(new URL('./swap.js', import.meta.url));
/** The time for a test, which mocha's default of 2 s would not give on a busy machine. */
const TEST_TIMEOUT_MS = 10_000;
/** The time that the process has to exit after the last test; a kept-alive connection alone may take 5 s. */
const EXIT_TIMEOUT_MS = 15_000;
/** The time for all tests. Those that have not reported by then have failed. */
const RUN_TIMEOUT_MS = 300_000;

/** The test of a suite that it leaves no server, socket or timer behind. */
const EXITS = '(exits after the last test)';

interface Outcome {
  readonly output: string;
  readonly hasExited: boolean;
}

/** Runs mocha until it exits, or has not done so in time. */
function runMocha(args: readonly string[], cwd: string): Promise<Outcome> {
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  const kill = () => child.kill('SIGKILL');
  const timers = [setTimeout(kill, RUN_TIMEOUT_MS)];
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (timers.length === 1 && output.includes(`\n${END}`)) timers.push(setTimeout(kill, EXIT_TIMEOUT_MS));
  });
  return new Promise<Outcome>((resolve, reject) => {
    child.once('error', reject);
    // mocha's exit code is the number of failed tests.
    child.once('close', (code) => resolve({ output, hasExited: code !== null }));
  }).finally(() => {
    for (const timer of timers) clearTimeout(timer);
  });
}

/**
 * The test files of a suite, relative to its package.
 *
 * @param folder the one that layOut() has made
 * @param parts of which a file's name must contain one; all files when there is none
 */
export function testFiles(suite: NodeSuite, folder: string, parts: readonly string[]): string[] {
  return readdirSync(join(folder, suite.name, 'test'))
    .filter((file) => suite.isTest(file))
    .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
    .map((file) => `./test/${file}`);
}

/**
 * @param folder the one that layOut() has made
 * @throws when the tests have not used the module that they should
 */
export async function runSuite(
  suite: NodeSuite,
  module: HttpModule,
  folder: string,
  files: readonly string[],
): Promise<Report> {
  const swap = module === 'paceline/http' ? ['--require', SWAP] : [];
  const mocha = join(folder, 'node_modules/mocha/bin/_mocha');
  const reporting = ['--reporter', 'json-stream', '--timeout', String(TEST_TIMEOUT_MS)];
  const args = [...suite.nodeOptions, mocha, ...suite.mochaOptions, ...swap, ...reporting, ...files];
  const { output, hasExited } = await runMocha(args, join(folder, suite.name));
  const report = readReport(output, folder);
  if (report.isComplete && swap.length > 0 && report.servers === 0) {
    throw new Error(`the tests of ${suite.name} have created no server of paceline/http`);
  }
  const results = new Map(report.results);
  results.set(suite.name, new Map([[EXITS, report.isComplete && hasExited]]));
  return { ...report, results };
}
