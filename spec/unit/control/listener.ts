/** The sockets that a server listens with. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openListener, wasRemoved } from '../../../lib/control/listener.js';

const start = process.cwd();

test.after.each(() => process.chdir(start));

test('a relative path is found again after the folder has changed', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'paceline-listener-'));
  process.chdir(directory);
  const listener = await openListener({ path: 'server.sock' });
  assert.is(listener.address.address, 'server.sock');
  process.chdir('/');
  assert.not(wasRemoved(listener));
  listener.close();
  assert.not(existsSync(join(directory, 'server.sock')));
  assert.ok(wasRemoved(listener));
  rmSync(directory, { recursive: true });
});

test.run();
