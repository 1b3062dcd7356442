/** State that a handler sets by AsyncLocalStorage.enterWith() is visible to its own request, and to no other. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Client } from '../../support/server/http-client.js';
import { Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

const CLIENTS = 20;
const ROUNDS = 10;

/** What each route answers to the request ID. */
const ANSWERS: Readonly<Record<string, (id: string) => string>> = {
  '/sync': (id) => `nothing,${id}`,
  '/before-await': (id) => `nothing,${id},${id}`,
  '/after-await': (id) => `nothing,nothing,${id},${id}`,
  '/left-behind': () => 'nothing',
  '/thenable': () => 'nothing',
  '/to-json': (id) => `"nothing,${id}"`,
  '/run': (id) => `${id},${id}`,
  '/stream': (id) => `nothing,${id},${id},${id}`,
  '/stream-later': (id) => `nothing,${id},${id},${id}`,
  '/blob': () => 'blob',
  '/look': () => 'nothing',
  '/look-later': () => 'nothing,nothing,nothing',
};
const ROUTES = Object.keys(ANSWERS);

test('200 requests at once, of alternating clients, see no state of each other', async () => {
  await using running = await Running.start('async-state', { threads: 1 });
  const clients = await running.connectMany(CLIENTS);
  for (const round of range(ROUNDS)) {
    await Promise.all(
      clients.map(async (client, index) => {
        const route = ROUTES[(index + round) % ROUTES.length]!;
        const id = `${round}-${index}`;
        assert.is((await client.get(`${route}?id=${id}`)).text, ANSWERS[route]!(id), route);
      }),
    );
  }
});

test('pipelined requests of one connection see no state of each other', async () => {
  await using running = await Running.start('async-state', { threads: 1 });
  const client = await running.connect();
  const requests = range(60).map((number) => ({ route: ROUTES[number % ROUTES.length]!, id: `n${number}` }));
  await client.send(
    requests.map(({ route, id }) => `GET ${route}?id=${id} HTTP/1.1\r\nhost: test\r\n\r\n`).join(''),
  );
  for (const { route, id } of requests) assert.is((await client.answer()).text, ANSWERS[route]!(id), route);
});

// Until an AsyncLocalStorage is used, Node.js 20 and 22 give promise reactions no scope.
for (const route of [...ROUTES, '/entering-stream']) {
  test(`the first async state of a thread is not visible to others when it is set in ${route}`, async () => {
    await using running = await Running.start('async-state', { threads: 1 });
    const [first, other] = await running.connectMany(2);
    const pending = other!.get('/look-later');
    await first!.get(`${route}?id=first`);
    assert.is((await pending).text, 'nothing,nothing,nothing');
    for (const path of ['/look', '/look-later', '/sync?id=1', '/after-await?id=2', '/stream?id=3']) {
      const [answer] = (await other!.get(path)).text.split(',');
      assert.is(answer, 'nothing', path);
    }
  });
}

test('state set by listeners to the signal and by sources of streams is not visible to others', async () => {
  await using running = await Running.start('async-state', { threads: 1, sendTimeout: 300 });
  const other = await running.connect();
  const leaving = await running.connectMany(6);
  for (const [index, client] of leaving.entries()) {
    const path = `/${index % 2 === 0 ? 'aborted' : 'cancelled'}?id=${index}`;
    await client.send(`GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`);
  }
  await until('all requests have begun', () => running.server.threads()[0]!.events >= leaving.length);
  assert.is((await other.get('/look')).text, 'nothing');
  for (const client of leaving) client.socket.resetAndDestroy();
  await running.connections(1);
  assert.is((await other.get('/look')).text, 'nothing');
  assert.is((await other.get('/look-later')).text, 'nothing,nothing,nothing');
  const events = (await other.get('/events')).text.split(',').sort();
  assert.equal(events, ['abort 0 0', 'abort 2 2', 'abort 4 4', 'cancel 1 1', 'cancel 3 3', 'cancel 5 5']);
});

async function line(client: Client, command: string): Promise<string> {
  await client.send(`${command}\n`);
  let text = '';
  while (!text.endsWith('\n')) text += (await client.bytes(1)).toString();
  return text.trimEnd();
}

test('handlers of raw TCP connections see no state of each other, nor of the event before', async () => {
  await using running = await Running.start('tcp-async-state', { threads: 1 });
  const clients = await running.connectMany(10);
  for (const round of range(4)) {
    await Promise.all(
      clients.map(async (client, index) => {
        const id = `${round}-${index}`;
        assert.is(await line(client, `enter ${id}`), 'nothing');
        assert.is(await line(client, `slowly ${id}`), `nothing,nothing,${id},${id}`);
        assert.is(await line(client, 'look'), 'nothing');
      }),
    );
  }
  const filled = await running.connect();
  await filled.send('fill\n');
  assert.is((await filled.bytes(8 * 1024 * 1024)).length, 8 * 1024 * 1024);
  const failed = await running.connect();
  assert.is(await line(failed, 'fail'), 'failed');
  await filled.close();
  await failed.close();
  await running.connections(10);
  const events = (await line(clients[0]!, 'events')).split(',');
  assert.equal([...new Set(events)].sort(), [
    'close nothing',
    'drain nothing',
    'error nothing',
    'open nothing',
  ]);
});

test('the first async state of a thread is not visible to others when a raw TCP handler sets it', async () => {
  for (const command of ['enter', 'slowly']) {
    await using running = await Running.start('tcp-async-state?quiet', { threads: 1 });
    const [first, other] = await running.connectMany(2);
    await line(first!, `${command} first`);
    assert.is(await line(other!, 'look'), 'nothing');
    assert.is(await line(other!, 'slowly x'), 'nothing,nothing,x,x');
  }
});

test.run();
