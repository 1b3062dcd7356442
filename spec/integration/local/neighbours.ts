/** What else a program does goes on while its thread waits for requests: I8, for the main thread. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Program } from '../../support/local/program.js';
import { Client } from '../../support/server/http-client.js';

test('timers, promises, files, processes, workers, sockets and signals are served while the loop waits', async () => {
  await using program = new Program('neighbours');
  await program.printed('all served');
  const client = await Client.connect({ port: await program.port(), host: '127.0.0.1' });
  assert.is((await client.get('/')).text, 'hello');
  await client.close();
  program.kill('SIGINT');
  await program.printed('interrupted');
  program.kill('SIGTERM');
  assert.equal(await program.end(), { code: 0, signal: null });
  assert.is(program.stderr, '');
});

test('a signal without a listener ends the process', async () => {
  await using program = new Program('lifetime', 'stays');
  await program.port();
  program.kill('SIGINT');
  assert.equal(await program.end(), { code: null, signal: 'SIGINT' });
});

test.run();
