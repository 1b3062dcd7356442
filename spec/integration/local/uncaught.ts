/** An error that a handler does not catch ends the process, or reaches the program's own listener, as in Node. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Program } from '../../support/local/program.js';
import { Client } from '../../support/server/http-client.js';
import { until } from '../../support/server/wait.js';

const WAYS = ['tick', 'microtask', 'timer', 'immediate', 'rejection', 'deferred', 'not-an-error'];
const caught = (program: Program): number => program.stdout.match(/^caught/gm)?.length ?? 0;
const connectTo = async (program: Program): Promise<Client> =>
  Client.connect({ port: await program.port(), host: '127.0.0.1' });

for (const way of WAYS) {
  test(`an uncaught error ends the process: ${way}`, async () => {
    await using program = new Program('uncaught', way);
    const client = await connectTo(program);
    await client.send('GET /fail HTTP/1.1\r\nhost: test\r\n\r\n');
    assert.equal(await program.end(), { code: 1, signal: null });
    assert.match(program.stderr, /thrown for nobody/);
    assert.match(program.stderr, /Node\.js v/);
    assert.is(program.stdout.split('exit 1').length, 2, `'exit' is emitted once: ${program.stdout}`);
  });

  for (const listens of ['listener', 'capture']) {
    test(`it reaches the program's ${listens}, and the program serves on: ${way}`, async () => {
      await using program = new Program('uncaught', way, listens);
      const client = await connectTo(program);
      for (let round = 1; round <= 3; round++) {
        assert.is((await client.get('/fail')).text, 'hello');
        await until(`it is caught for the time ${round}`, () => caught(program) === round);
        assert.is((await client.get('/')).text, 'hello');
      }
      assert.is(caught(program), 3);
      assert.ok(program.running);
    });
  }
}

test.run();
