/** I9: an uncaught error, in whatever frame it is thrown, kills at most its thread; never the process. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ThreadExit } from '../../../lib/server.js';
import { Running } from '../../support/server/running.js';
import { until } from '../../support/server/wait.js';

const FIXTURE = 'uncaught';

async function waysOf(running: Running): Promise<string[]> {
  return JSON.parse(await running.get('/ways')) as string[];
}

/** Before the handler's first await, and in a later pass of the loop. */
for (const when of ['now', 'later']) {
  test(`thrown ${when} and not caught, it ends its thread, which is replaced`, async () => {
    await using running = await Running.start(FIXTURE, { threads: 1 });
    const exits: ThreadExit[] = [];
    running.server.on('threadExit', (exit) => exits.push(exit));
    const bystander = await running.connect();
    let deaths = 0;
    for (const way of await waysOf(running)) {
      const victim = await running.connect();
      await victim.send(`GET /${when}/${way} HTTP/1.1\r\nhost: test\r\n\r\n`);
      // The abort listener runs when a client leaves.
      if (way === 'abort-listener') await victim.close();
      deaths++;
      await until(`${way} has ended the thread`, () => exits.length === deaths);
      assert.is(exits.at(-1)!.exitCode, 1, way);
      assert.match((exits.at(-1)!.error as Error).message, /thrown for nobody|write after end/, way);
      assert.is((await bystander.get('/well')).text, 'well', way);
    }
    await running.connections(1);
  });

  test(`thrown ${when}, it reaches the app's own listener, and the thread goes on`, async () => {
    await using running = await Running.start(`${FIXTURE}?listener`, { threads: 1 });
    const exits: ThreadExit[] = [];
    running.server.on('threadExit', (exit) => exits.push(exit));
    const bystander = await running.connect();
    let told = 0;
    for (const way of await waysOf(running)) {
      const victim = await running.connect();
      await victim.send(`GET /${when}/${way} HTTP/1.1\r\nhost: test\r\n\r\n`);
      if (way === 'abort-listener') await victim.close();
      told += way === 'two-ticks' ? 2 : 1;
      const caught = async () => JSON.parse((await bystander.get('/caught')).text) as string[];
      let messages: string[] = [];
      while (messages.length < told) messages = await caught();
      assert.is(messages.length, told, way);
      assert.match(messages.at(-1)!, /thrown for nobody|write after end/, way);
    }
    assert.equal(exits, []);
  });
}

test.run();
