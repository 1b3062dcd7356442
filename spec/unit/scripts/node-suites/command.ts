/** The command without copies of the suites. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const COMMAND = fileURLToPath(new URL('../../../../scripts/node-suites.js', import.meta.url));

test('it says that the folder is absent, and succeeds', () => {
  const args = [COMMAND, '--suites', '/proc/no-such-folder'];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.match(stdout, /^node-suites: skipped, .* in \/proc\/no-such-folder /);
  assert.is(status, 0);
});

test.run();
