/** I8: a thread's event loop is served whatever its work is, also while no handle in the loop is alive. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { BroadcastChannel } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fixture, Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

const FIXTURE = 'platform-work';
const CLI = fileURLToPath(new URL('../../../lib/cli/main.js', import.meta.url));

for (const threads of [1, 4]) {
  test(`handlers that await the platform's work are answered, by ${threads} threads`, async () => {
    await using running = await Running.start(FIXTURE, { threads });
    const client = await running.connect();
    for (const name of JSON.parse((await client.get('/names')).text) as string[]) {
      for (const _round of range(5)) {
        // Every thread sleeps: only the work itself can wake one.
        await running.idle();
        assert.is((await client.get(`/${name}`)).text, 'true', name);
      }
    }
  });
}

test('a message for an unreferenced channel of parked threads reaches all of them', async () => {
  const THREADS = 3;
  await using running = await Running.start(FIXTURE, { threads: THREADS });
  const channel = new BroadcastChannel('paceline-spec');
  for (const round of range(3)) {
    await running.idle();
    const passes = running.server.threads().map(({ loopPasses }) => loopPasses);
    channel.postMessage(round);
    // A thread that receives it runs its loop once; no request wakes it.
    await until('every loop has run', () =>
      running.server.threads().every(({ loopPasses }, thread) => loopPasses > passes[thread]!),
    );
  }
  channel.close();
});

test('what idle threads print appears at once', async () => {
  const child = spawn(process.execPath, [
    CLI,
    fileURLToPath(fixture(FIXTURE)),
    ...['--port', '0', '--threads', '1', '--dashboard', 'off'],
  ]);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  try {
    await until('it listens', () => output.includes('listening on'));
    const url = /listening on (\S+)/.exec(output)![1];
    for (const round of range(5)) {
      await (await fetch(`${url}/print?of=${round}`)).text();
      // No more requests are sent.
      await until('every line is there', () => output.includes(`line 39 of ${round}`));
    }
  } finally {
    child.kill('SIGTERM');
    await once(child, 'close');
  }
});

test.run();
