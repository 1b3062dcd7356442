/** The folder in which suites run: each beside the package that it tests, with what its copy lacks. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { layOut } from '../../../../scripts/node-suites/install.js';
import { testFiles } from '../../../../scripts/node-suites/run.js';
import { SUITES } from '../../../../scripts/node-suites/suites.js';

const scratch = mkdtempSync(join(tmpdir(), 'paceline-suites-'));
const FILES: Readonly<Record<string, string>> = {
  'node_modules/express/index.js': '',
  'node_modules/ws/index.js': '',
  'suites/express/test/app.js': '',
  'suites/express/test/support/env.js': '',
  'suites/express/test/fixtures/user.html': 'the real one',
  'suites/ws/test/sender.test.js': '',
  'suites/ws/test/autobahn.js': '',
};
let folder: string;

test.before(() => {
  for (const [name, content] of Object.entries(FILES)) {
    mkdirSync(dirname(join(scratch, name)), { recursive: true });
    writeFileSync(join(scratch, name), content);
  }
  folder = layOut(join(scratch, 'node_modules'), join(scratch, 'suites'));
});
test.after(() => {
  for (const path of [scratch, folder]) rmSync(path, { recursive: true });
});

test('a suite is in its package, and finds the others', () => {
  assert.ok(existsSync(join(folder, 'ws/index.js')));
  assert.ok(existsSync(join(folder, 'ws/test/sender.test.js')));
  assert.is(realpathSync(join(folder, 'node_modules')), realpathSync(join(scratch, 'node_modules')));
});

test('a file that a copy lacks has a stand-in, and one that it has stays as it is', () => {
  assert.is(readFileSync(join(folder, 'express/test/fixtures/user.html'), 'utf8'), 'the real one');
  assert.is(readFileSync(join(folder, 'express/test/fixtures/todo.html'), 'utf8'), '<li>groceries</li>');
});

test('only files with tests are run, all of them or those that are named', () => {
  const [express, ws] = SUITES;
  assert.equal(testFiles(express!, folder, []), ['./test/app.js']);
  assert.equal(testFiles(ws!, folder, []), ['./test/sender.test.js']);
  assert.equal(testFiles(ws!, folder, ['limiter', 'sender']), ['./test/sender.test.js']);
  assert.equal(testFiles(ws!, folder, ['limiter']), []);
});

test.run();
