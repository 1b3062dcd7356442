/**
 * Puts the results of a run into the documentation: the tables of docs/BENCHMARKS.md, between its marks, and the plots beside them.
 *
 *   npm run bench:publish
 *
 * measures everything first (--full). The results of another run go there with
 *
 *   node dist/scripts/bench/publish.js FILE
 *
 * FILE is what `npm run bench -- --json FILE` has written.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { drawPlots } from './plots/draw.js';
import { resultsPage } from './publish/markdown.js';
import { withResults } from './publish/page.js';
import type { Run } from './run.js';
import { SCENARIOS } from './scenarios.js';

const DOCS = 'docs';
const PAGE = join(DOCS, 'BENCHMARKS.md');
const PLOTS = 'images/bench';
const RESULTS = join(DOCS, PLOTS, 'results.json');

const [file] = process.argv.slice(2);
if (file === undefined) {
  console.error('publish: name the file that `npm run bench -- --json FILE` has written');
  process.exit(2);
}
const run = JSON.parse(readFileSync(file, 'utf8')) as Run;
mkdirSync(join(DOCS, PLOTS), { recursive: true });
drawPlots(run, join(DOCS, PLOTS));
if (resolve(file) !== resolve(RESULTS)) copyFileSync(file, RESULTS);
writeFileSync(PAGE, withResults(readFileSync(PAGE, 'utf8'), resultsPage(run, SCENARIOS, PLOTS)));
