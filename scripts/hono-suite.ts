/**
 * Runs Hono's own tests under plain Node and under Paceline's classes (suites/classes.ts) in the same run, and compares them
 * test by test.
 *
 *   npm run hono-suite -- PATH
 *
 * PATH is a checkout of the repository honojs/hono with its dependencies installed (docs/testing.md). Exits 1 when a test
 * passes under plain Node alone that hono-suite/accepted.ts does not list, or when one that it lists passes.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ACCEPTED } from './hono-suite/accepted.js';
import { runHono } from './hono-suite/run.js';
import { OURS } from './suites/classes.js';
import { agrees, compare, describe } from './suites/compare.js';

const [path] = process.argv.slice(2);
const folder = resolve(path ?? '');
if (path === undefined || !existsSync(join(folder, 'node_modules/vitest'))) {
  console.error('hono-suite: name a checkout of honojs/hono whose dependencies are installed');
  process.exit(2);
}
const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
console.log(`Hono ${version} under Node ${process.versions.node}`);
const plain = await runHono(folder, 'plain');
for (const classes of OURS) {
  const comparison = compare(plain, await runHono(folder, classes), ACCEPTED, classes);
  console.log(describe(classes, comparison, () => "run the file by Hono's vitest to see why").join('\n'));
  if (!agrees(comparison)) process.exitCode = 1;
}
