/** I2: ready events are served as long as some thread is not inside a handler. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gate } from '../../support/server/gate.js';
import type { Client } from '../../support/server/http-client.js';
import { Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

const KEPT_ALIVE = 32;
const FRESH = 40;

const hello = async (client: Client): Promise<void> => assert.is((await client.get('/text')).text, 'hello');

/** Blocks as many threads as there are connections. @returns the pending answers */
async function block(clients: Client[], gate: Gate): Promise<Promise<string>[]> {
  const held = clients.map(async (client) => (await client.get(`/hold?gate=${gate.path}`)).text);
  await gate.entered(clients.length);
  return held;
}

for (const blocked of [1, 3]) {
  test(`with ${blocked} of 4 threads blocked, all kept-alive and all fresh connections are served`, async () => {
    await using running = await Running.start('web', { threads: 4 });
    using gate = new Gate();
    const keptAlive = await running.connectMany(KEPT_ALIVE);
    await Promise.all(keptAlive.map(hello));
    const held = await block(await running.connectMany(blocked), gate);
    for (const _round of range(3)) await Promise.all(keptAlive.map(hello));
    const fresh = await running.connectMany(FRESH);
    await Promise.all(fresh.map(hello));
    await Promise.all([...keptAlive, ...fresh].map(hello));
    gate.release(blocked);
    const threads = await Promise.all(held);
    assert.is(new Set(threads).size, blocked, 'each of the blocked was in a thread of its own');
  });
}

test('a connection whose last request was served by a thread that is blocked now is served by another', async () => {
  await using running = await Running.start('web', { threads: 4 });
  const clients = await running.connectMany(4);
  const lastServedBy = new Map<string, Client>();
  {
    using gate = new Gate();
    const threads = await Promise.all(
      clients.map(async (client) => {
        const answer = client.get(`/hold?gate=${gate.path}`);
        await gate.entered(4);
        gate.release();
        return (await answer).text;
      }),
    );
    threads.forEach((thread, index) => {
      lastServedBy.set(thread, clients[index]!);
    });
  }
  assert.is(lastServedBy.size, 4, 'each thread has served one of them last');
  using gate = new Gate();
  const held = await block(await running.connectMany(3), gate);
  const answers = await Promise.all(clients.map((client) => client.get('/thread')));
  gate.release(3);
  const blocked = await Promise.all(held);
  for (const { text } of answers) assert.not.ok(blocked.includes(text), 'a blocked thread answers nobody');
});

test('requests that arrive while every thread is blocked are served as soon as one is free', async () => {
  await using running = await Running.start('web', { threads: 2 });
  using gate = new Gate();
  const waiting = await running.connectMany(8);
  const held = await block(await running.connectMany(2), gate);
  const answers = waiting.map(hello);
  await running.states('processing', 'processing');
  gate.release();
  await Promise.all(answers);
  gate.release();
  await Promise.all(held);
});

test('an async handler that waits blocks no other request, even with one thread', async () => {
  await using running = await Running.start('web', { threads: 1 });
  const pending = await running.connectMany(16);
  for (const client of pending) void client.send('GET /never HTTP/1.1\r\nhost: test\r\n\r\n');
  const clients = await running.connectMany(16);
  await Promise.all(clients.map(hello));
  assert.is(running.server.connections, 32);
});

test('a follower runs its own promise reactions while the others are blocked', async () => {
  await using running = await Running.start('web', { threads: 2 });
  using gate = new Gate();
  const held = await block([await running.connect()], gate);
  const clients = await running.connectMany(8);
  const answers = await Promise.all(clients.map((client) => client.get('/async')));
  assert.equal(
    answers.map(({ text }) => text),
    range(8).map(() => 'later'),
  );
  gate.release();
  await Promise.all(held);
});

// A hand-off to the follower on watch made it park and wake up endlessly, as long as another thread led.
test('a follower goes on with a connection of its own although another thread leads', async () => {
  await using running = await Running.start('web', { threads: 2 });
  const client = await running.connect();
  client.socket.pause();
  await client.send('GET /large-bytes?bytes=10000000 HTTP/1.1\r\nhost: test\r\n\r\n');
  await until('the response has begun', () => running.server.threads().some(({ requests }) => requests > 0));
  await running.idle();
  client.socket.resume();
  assert.is((await client.answer()).body.length, 10_000_000);
  for (const { parks } of running.server.threads()) {
    assert.ok(parks < 10_000, `it parked ${parks} times`);
  }
});

test.run();
