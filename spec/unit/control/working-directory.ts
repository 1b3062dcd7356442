/** How the main thread changes the folder of the process for a thread. */
import { mkdtempSync, realpathSync, rmdirSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { changeDirectory, workingDirectory } from '../../../lib/control/working-directory.js';
import { CHDIR_ABANDONED, CHDIR_DONE, CHDIR_PENDING } from '../../../lib/thread/messages.js';

const start = process.cwd();

test.after.each(() => process.chdir(start));

function answerTo(directory: string, state = CHDIR_PENDING): number {
  const answer = new Int32Array(new SharedArrayBuffer(4)).fill(state);
  changeDirectory({ type: 'chdir', directory, answer });
  return answer[0]!;
}

test('the folder is changed', () => {
  assert.is(answerTo('/'), CHDIR_DONE);
  assert.is(process.cwd(), '/');
});

test('a failure is answered with its errno', () => {
  assert.is(answerTo(join(start, 'not there')), -constants.errno.ENOENT);
  assert.is(process.cwd(), start);
});

test('nothing is changed for a thread that waits no longer', () => {
  assert.is(answerTo('/', CHDIR_ABANDONED), CHDIR_ABANDONED);
  assert.is(process.cwd(), start);
});

test('a folder that was removed counts as the root', () => {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'paceline-directory-')));
  process.chdir(directory);
  assert.is(workingDirectory(), directory);
  rmdirSync(directory);
  // Node keeps the name of the folder, so as to ask the system once.
  process.chdir('.');
  assert.is(workingDirectory(), '/');
});

test.run();
