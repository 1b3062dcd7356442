import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { envFiles, environmentWithoutFiles } from '../../../lib/dev/env-files.js';

test('the files are found in both spellings of the options', () => {
  const options = [
    '--env-file=.env',
    '--no-warnings',
    '--env-file',
    '/b',
    '--env-file-if-exists=c',
    '--env-file',
  ];
  assert.equal(envFiles(options, '/a'), ['/a/.env', '/b', '/a/c']);
  assert.equal(envFiles([], '/a'), []);
});

test('what the process was not started with is left out', () => {
  const { PATH } = process.env;
  assert.equal(environmentWithoutFiles({ PATH, PACELINE_FROM_A_FILE: '1' }), { PATH });
});

test.run();
