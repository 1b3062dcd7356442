/** The contract of the strategies: a thread that dies, whichever it is, takes nothing with it but what it was inside. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ThreadExit } from '../../../lib/server.js';
import type { Client } from '../../support/server/http-client.js';
import type { Running } from '../../support/server/running.js';
import { ThreadLines } from '../../support/server/thread-lines.js';
import { range, until } from '../../support/server/wait.js';
import { atRest, contract, type Model } from '../../support/strategies/contract.js';

const CLIENTS = 12;
const EXIT_CODE = 7;

/** Records the exits and starts of a server's threads. */
class Watched {
  readonly exits: ThreadExit[] = [];
  readonly starts: number[] = [];

  constructor(readonly running: Running) {
    running.server.on('threadExit', (exit) => this.exits.push(exit));
    running.server.on('threadStart', ({ thread }) => this.starts.push(thread));
  }

  /** Resolves once so many threads have died and been replaced. */
  async replaced(deaths: number): Promise<void> {
    await until(`${deaths} threads have died`, () => this.exits.length === deaths);
    await until(`${deaths} replacements have joined`, () => this.starts.length === deaths);
  }
}

/** The numbers of the threads of the model. */
const numbers = (model: Model): number[] => range(model.threads);

for (const command of ['exit', 'throw-in-tick']) {
  contract(
    `each thread may die in its own event loop, by ${command}, and no connection ends`,
    async (model) => {
      await using lines = await ThreadLines.open();
      await using running = await model.start(`event-loop?port=${lines.port}`);
      const watched = new Watched(running);
      await lines.connected(model.threads);
      const clients = await running.connectMany(CLIENTS);
      const ask = async () => {
        for (const answer of clients.map((client) => client.get('/')))
          assert.is((await answer).text, 'hello');
      };
      await ask();
      for (const index of numbers(model)) {
        lines.threads[index]!.tell(command);
        // Some of these come while nobody waits for events.
        await ask();
        await watched.replaced(index + 1);
        await ask();
      }
      assert.equal(watched.exits.map(({ thread }) => thread).sort(), numbers(model), 'each has died once');
      assert.ok(watched.exits.every(({ connectionsLost }) => connectionsLost === 0));
      await lines.connected(2 * model.threads);
      lines.tellAll('echo last');
      await until('every replacement answers', () =>
        lines.threads.slice(model.threads).every((thread) => thread.count('echo last') === 1),
      );
      await atRest(running);
    },
  );
}

contract('a thread that dies in a handler ends the connection that it was inside', async (model) => {
  await using running = await model.start('web');
  const watched = new Watched(running);
  const clients = await running.connectMany(CLIENTS);
  await Promise.all(clients.map((client) => client.get('/text')));
  const ends = ['/exit', '/exit-later', '/uncaught', '/unhandled'];
  for (const [index, path] of ends.entries()) {
    const victim = await running.connect();
    await victim.send(`GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`);
    assert.is((await victim.rest()).length, 0);
    await watched.replaced(index + 1);
    assert.is(watched.exits[index]!.connectionsLost, 1);
    for (const client of clients) assert.is((await client.get('/text')).text, 'hello');
  }
  assert.ok(watched.exits.every(({ thread }) => model.handlerThreads.includes(thread)));
  await running.connections(CLIENTS);
});

contract('threads that die under load end no connection but their own', async (model) => {
  await using lines = await ThreadLines.open();
  await using running = await model.start(`event-loop?port=${lines.port}`);
  const watched = new Watched(running);
  await lines.connected(model.threads);
  const clients = await running.connectMany(CLIENTS);
  let over = false;
  let broken = 0;
  let lost = 0;
  const load = async (client: Client) => {
    while (!over) {
      try {
        assert.is((await client.get('/')).text, 'hello');
      } catch (error) {
        if (!client.ended) throw error;
        broken++;
        return;
      }
    }
  };
  const loads = clients.map(load);
  for (const deaths of range(2 * model.threads)) {
    const before = clients.filter(({ ended }) => ended).length;
    await lines.connected(model.threads + deaths);
    lines.threads[deaths]!.tell('exit');
    await watched.replaced(deaths + 1);
    const { connectionsLost, exitCode } = watched.exits[deaths]!;
    assert.is(exitCode, EXIT_CODE);
    lost += connectionsLost;
    await until(
      'its clients know',
      () => clients.filter(({ ended }) => ended).length === before + connectionsLost,
    );
  }
  over = true;
  await Promise.all(loads);
  // It is inside no connection when its own loop runs. But one whose dispatch the system has interrupted for so long that its time was over
  // (dispatch-budget.ts) stays bound to it if the next request has come meanwhile.
  assert.ok(lost <= 1, `${lost} connections`);
  assert.is(broken, lost);
  await atRest(running);
  assert.is(running.server.connections, CLIENTS - lost);
});

contract('requests that kill their threads, again and again, jam nothing', async (model) => {
  await using running = await model.start('web', { threads: model.threads });
  const watched = new Watched(running);
  const clients = await running.connectMany(CLIENTS);
  for (const round of range(4)) {
    const victims = await running.connectMany(3);
    // Behind them in the queue, and in the connections' own input.
    for (const victim of victims) await victim.send('GET /exit HTTP/1.1\r\nhost: test\r\n\r\n'.repeat(2));
    const answers = clients.map((client) => client.get('/text'));
    for (const answer of answers) assert.is((await answer).text, 'hello');
    for (const victim of victims) await victim.rest();
    await watched.replaced(3 * (round + 1));
  }
  await running.connections(CLIENTS);
  await atRest(running);
});

test.run();
