/** What keeps a program alive that serves in its own thread: a referenced listener and open connections, as in Node. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Program } from '../../support/local/program.js';
import { Client } from '../../support/server/http-client.js';

const connectTo = async (program: Program): Promise<Client> =>
  Client.connect({ port: await program.port(), host: '127.0.0.1' });

for (const name of ['closes', 'closes-idle', 'unreferenced', 'unreferenced-later']) {
  test(`a program ends by itself: ${name}`, async () => {
    await using program = new Program('lifetime', name);
    assert.equal(await program.end(), { code: 0, signal: null });
    assert.match(program.stdout, /beforeExit/);
    assert.is(program.stderr, '');
  });
}

for (const name of [
  'stays',
  'unreferenced-twice',
  'referenced-again',
  'one-of-two',
  'unreferenced-with-timer',
]) {
  test(`a program serves on: ${name}`, async () => {
    await using program = new Program('lifetime', name);
    for (let round = 0; round < 3; round++) {
      const client = await connectTo(program);
      assert.is((await client.get('/')).text, 'hello');
      await client.close();
    }
    assert.ok(program.running);
    assert.not(program.stdout.includes('beforeExit'));
    program.kill('SIGTERM');
    assert.equal(await program.end(), { code: null, signal: 'SIGTERM' });
  });
}

test('a listener that is referenced when nothing else is left keeps the program alive', async () => {
  await using program = new Program('lifetime', 'referenced-at-the-end');
  await program.printed('beforeExit');
  const client = await connectTo(program);
  assert.is((await client.get('/')).text, 'hello');
  await client.close();
  assert.ok(program.running);
});

test('an open connection keeps a program alive whose server is closed, and is served', async () => {
  await using program = new Program('lifetime', 'closes-when-told');
  const client = await connectTo(program);
  assert.is((await client.get('/')).text, 'hello');
  program.kill('SIGUSR2');
  // The port is closed; the connection is not.
  let refused = false;
  while (!refused) {
    refused = await connectTo(program).then(
      async (other) => {
        await other.close();
        return false;
      },
      () => true,
    );
  }
  assert.is((await client.get('/')).text, 'hello');
  await client.close();
  assert.equal(await program.end(), { code: 0, signal: null });
});

test('process.exit() in a handler ends the process with its code', async () => {
  await using program = new Program('lifetime', 'stays');
  const client = await connectTo(program);
  await client.send('GET /exit HTTP/1.1\r\nhost: test\r\n\r\n');
  assert.equal(await program.end(), { code: 7, signal: null });
});

test.run();
