/**
 * Writes what is made from the table of options: docs/options.md and the table in the README.
 *
 *   npm run docs:options
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { optionsPage, withReadmeTable } from './options-page.js';

writeFileSync('docs/options.md', optionsPage());
writeFileSync('README.md', withReadmeTable(readFileSync('README.md', 'utf8')));
