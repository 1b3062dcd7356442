/** The files of the Web Platform Tests: which are run, with which scripts, and which are left out for a reason. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readSuite } from '../../../../scripts/wpt/files.js';

const folder = mkdtempSync(join(tmpdir(), 'paceline-wpt-'));
const SOURCES: Readonly<Record<string, string>> = {
  'headers/plain.any.js': '',
  'headers/helper.js': '',
  'request/scripts.any.js':
    '// META: script=../resources/utils.js\n// META: script=/common/utils.js\n// META: script=near.js\n',
  'request/blobs.any.js': '// META: script=near.js\nnew FileReader();',
  'request/request-cache-reload.any.js': '',
  'response/response-clone-iframe.window.js': '',
};

test.before(() => {
  for (const [name, source] of Object.entries(SOURCES)) {
    const file = join(folder, 'fetch/api', name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, source);
  }
});
test.after(() => rmSync(folder, { recursive: true }));

test('each test file comes with the scripts that it names, relative to it or to the suite', () => {
  const files = Object.fromEntries(readSuite(folder).files.map(({ file, scripts }) => [file, scripts]));
  assert.equal(files, {
    'fetch/api/headers/plain.any.js': [],
    'fetch/api/request/blobs.any.js': ['common/file-reader.js', 'fetch/api/request/near.js'],
    'fetch/api/request/scripts.any.js': [
      'fetch/api/resources/utils.js',
      'common/utils.js',
      'fetch/api/request/near.js',
    ],
    'fetch/api/idlharness.any.js': ['resources/webidl2/lib/webidl2.js', 'resources/idlharness.js'],
  });
});

test('a file that is left out has a reason', () => {
  assert.equal(readSuite(folder).leftOut, [
    {
      file: 'fetch/api/request/request-cache-reload.any.js',
      reason: "needs the suite's own server, which answers by scripts",
    },
    { file: 'fetch/api/response/response-clone-iframe.window.js', reason: 'needs a window with frames' },
  ]);
});

test.run();
