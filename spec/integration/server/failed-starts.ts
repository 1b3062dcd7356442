/**
 * Servers that fail to start, or are stopped while threads still load: a thread that is terminated in the middle of loading
 * a native module aborts the whole process, and one that reads a file just then leaves the descriptor open.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createServer } from '../../../lib/server.js';
import { openDescriptors } from '../../support/descriptors.js';
import { fixture, Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

/** Each round stops some threads at another moment of their loading. */
const ROUNDS = 12;
const THREADS = 4;

test.before(async () => {
  await using running = await Running.start('web', { threads: THREADS });
  await running.get('/text');
});

for (const app of ['throws', 'exits', 'no-app']) {
  test(`starts of the app "${app}" fail again and again and leave no descriptor open`, async () => {
    const before = openDescriptors();
    for (const _round of range(ROUNDS)) {
      const server = createServer({ app: fixture(app), threads: THREADS });
      let failed = false;
      await server.listen({ port: 0 }).catch(() => {
        failed = true;
      });
      assert.ok(failed);
    }
    await until('the descriptors are closed', () => openDescriptors() <= before);
  });
}

test('a server can be closed at once while a replacement loads', async () => {
  const before = openDescriptors();
  for (const round of range(ROUNDS)) {
    await using running = await Running.start('web', { threads: 2 });
    let exits = 0;
    running.server.on('threadExit', () => exits++);
    const victim = await running.connect();
    await victim.send('GET /exit HTTP/1.1\r\nhost: test\r\n\r\n');
    await until('the thread died', () => exits === 1);
    // The replacement gets a little further in each round.
    for (const _pass of range(round * 20)) await new Promise(setImmediate);
    await running.server.close({ drainMs: 0 });
    await victim.close();
  }
  await until('the descriptors are closed', () => openDescriptors() <= before);
});

test.run();
