/** The command without a copy of the suite. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const COMMAND = fileURLToPath(new URL('../../../../scripts/wpt.js', import.meta.url));

test('it says that the folder is absent, and succeeds', () => {
  const args = [COMMAND, '--suite', '/proc/no-such-folder'];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.match(stdout, /^wpt: skipped, .* in \/proc\/no-such-folder /);
  assert.is(status, 0);
});

test.run();
