/**
 * Runs the tests of Express and of ws on node:http and on paceline/http in the same run, and compares them test by test.
 *
 *   npm run node-suites -- [--suites DIR] [PART OF A FILE'S NAME …]
 *
 * DIR holds copies of the suites: express/test and ws/test. It is only read. What they need is installed on demand, outside of
 * the project. Exits 1 when a test passes on node:http alone that node-suites/accepted.ts does not list, or when one that it
 * lists passes; 0 when there is no such folder.
 */
import { existsSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ACCEPTED } from './node-suites/accepted.js';
import { installPackages, layOut } from './node-suites/install.js';
import type { Report } from './node-suites/report.js';
import { type HttpModule, runSuite, testFiles } from './node-suites/run.js';
import { type NodeSuite, SUITES } from './node-suites/suites.js';
import { agrees, compare, describe } from './suites/compare.js';

const { values, positionals } = parseArgs({
  options: { suites: { type: 'string', default: '../shared/suites' } },
  allowPositionals: true,
});
const suites = resolve(values.suites);

const MODULES: readonly HttpModule[] = ['node:http', 'paceline/http'];

interface Task {
  readonly suite: NodeSuite;
  readonly files: readonly string[];
  readonly reports: Map<HttpModule, Report>;
}

/** Runs each suite on both modules, as many at a time as there are CPUs: the tests listen on free ports and paths of their own. */
async function runAll(folder: string, tasks: readonly Task[]): Promise<void> {
  const runs = tasks.flatMap((task) => MODULES.map((module) => ({ task, module })));
  async function work(): Promise<void> {
    for (let run = runs.shift(); run !== undefined; run = runs.shift()) {
      const { task, module } = run;
      task.reports.set(module, await runSuite(task.suite, module, folder, task.files));
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work));
}

/** @returns whether the suite's results agree with the list */
function judge({ suite, reports }: Task): boolean {
  const plain = reports.get('node:http')!;
  const { results, messageOf, servers } = reports.get('paceline/http')!;
  const comparison = compare(plain.results, results, ACCEPTED, 'paceline/http');
  console.log(`${suite.name}: ${servers} servers of paceline/http`);
  console.log(describe('paceline/http', comparison, messageOf).join('\n'));
  return agrees(comparison);
}

async function main(): Promise<boolean> {
  const folder = layOut(await installPackages(), suites);
  try {
    const tasks = SUITES.map((suite) => ({
      suite,
      files: testFiles(suite, folder, positionals),
      reports: new Map<HttpModule, Report>(),
    })).filter(({ files }) => files.length > 0);
    await runAll(folder, tasks);
    return tasks.map(judge).every((isGood) => isGood) && tasks.length > 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (existsSync(suites)) {
  process.exitCode = (await main()) ? 0 : 1;
} else {
  console.log(
    `node-suites: skipped, there are no copies of the suites in ${suites} (--suites DIR names another)`,
  );
}
