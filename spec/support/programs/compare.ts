/**
 * Runs the same checks against a program under node and under Paceline. A check asserts what must hold anyway, and returns what
 * it has observed, which must be the same in both.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HOW_TO_RUN, installed } from './install.js';
import { Program, type ProgramOptions, type Runtime } from './program.js';

const THREADS = 4;
const RUNTIMES: readonly Runtime[] = ['node', 'paceline'];

/** @returns what both runtimes must agree on */
export type Check = (url: string) => Promise<unknown>;

interface Comparison extends Partial<Pick<ProgramOptions, 'file' | 'threads'>> {
  /** The folder to start it in, relative to the program's; default: the program's. */
  readonly folder?: string;
}

/** Registers a test for each check, and one of the program's end; the checks run in order, against one process of each runtime. */
export function compare(
  name: string,
  checks: Readonly<Record<string, Check>>,
  comparison: Comparison = {},
): void {
  const folder = installed(name);
  if (folder === undefined) {
    console.log(`skipped: ${name}: ${HOW_TO_RUN}`);
    // A file in which no test runs counts as failed.
    test('the checks are skipped where the program is not installed', () => {});
    test.run();
    return;
  }
  const programs: Program[] = [];
  const options: ProgramOptions = {
    folder: `${folder}/${comparison.folder ?? ''}`,
    file: comparison.file ?? './server.js',
    threads: comparison.threads ?? THREADS,
  };
  test('it starts', async () => {
    for (const runtime of RUNTIMES) programs.push(await Program.start(runtime, options));
  });
  test.after(async () => {
    for (const program of programs) await program[Symbol.asyncDispose]();
  });
  for (const [title, check] of Object.entries(checks)) test(title, () => agree(programs, check));
  test('it ends at SIGTERM, and Paceline has nothing to complain of', async () => {
    for (const program of programs) {
      const code = await program.stop();
      if (program.runtime === 'paceline') assert.is(code, 0, program.output);
      assert.equal(program.complaints, []);
    }
  });
  test.run();
}

async function agree(programs: readonly Program[], check: Check): Promise<void> {
  assert.is(programs.length, RUNTIMES.length, 'it has not started');
  let reference: unknown;
  for (const program of programs) {
    let observed: unknown;
    try {
      observed = await check(program.url);
    } catch (error) {
      // The runtime is what a reader wants to know first.
      if (error instanceof Error) error.message = `under ${program.runtime}: ${error.message}`;
      throw error;
    }
    if (program.runtime === 'node') reference = observed;
    else assert.equal(observed, reference, 'Paceline answers otherwise than node');
  }
}
