/**
 * Runs the Web Platform Tests of Request, Response, Headers and bodies under plain Node and under Paceline's classes
 * (suites/classes.ts) in the same run, and compares them test by test.
 *
 *   npm run wpt -- [--suite DIR] [PART OF A PATH …]
 *
 * DIR holds a copy of the suite: fetch/api, resources and interfaces. It is only read. Exits 1 when a test passes under plain
 * Node alone that wpt/accepted.ts does not list, or when one that it lists passes; 0 when there is no such folder.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { OURS } from './suites/classes.js';
import { agrees, compare, describe } from './suites/compare.js';
import { ACCEPTED } from './wpt/accepted.js';
import { readSuite } from './wpt/files.js';
import { runSuite } from './wpt/run.js';
import { serveSuite } from './wpt/suite-server.js';

const SUITE = '../shared/suites/wpt';

const { values, positionals } = parseArgs({
  options: { suite: { type: 'string', default: SUITE } },
  allowPositionals: true,
});
const folder = resolve(values.suite);

async function main(): Promise<boolean> {
  const { files, leftOut } = readSuite(folder);
  const wanted = files.filter(
    ({ file }) => positionals.length === 0 || positionals.some((part) => file.includes(part)),
  );
  for (const { file, reason } of leftOut) console.log(`left out: ${file}: ${reason}`);
  const server = await serveSuite(folder);
  const runs = await runSuite(folder, server.origin, wanted);
  server.close();
  const plain = runs.get('plain')!;
  const tests = [...plain.results.values()].reduce((sum, { size }) => sum + size, 0);
  console.log(`${wanted.length} files, ${tests} tests under plain Node ${process.versions.node}`);
  const comparisons = OURS.map((classes) => {
    const { results, messages } = runs.get(classes)!;
    const comparison = compare(plain.results, results, ACCEPTED, classes);
    const lines = describe(
      classes,
      comparison,
      ({ file, test }) => messages.get(file)?.get(test) ?? 'did not run',
    );
    console.log(lines.join('\n'));
    return comparison;
  });
  return comparisons.every(agrees);
}

if (existsSync(folder)) {
  process.exitCode = (await main()) ? 0 : 1;
} else {
  console.log(
    `wpt: skipped, there is no copy of the Web Platform Tests in ${values.suite} (--suite DIR names another)`,
  );
}
