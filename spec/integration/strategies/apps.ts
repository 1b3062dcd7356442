/** The contract of the strategies: every kind of app, and what the apps' own event loops do beside serving. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createServer } from '../../../lib/server.js';
import { Client } from '../../support/server/http-client.js';
import { ThreadLines } from '../../support/server/thread-lines.js';
import { range, until } from '../../support/server/wait.js';
import { Site } from '../../support/static/site.js';
import { contract } from '../../support/strategies/contract.js';

const CLIENTS = 8;
const UPGRADE = 'GET /own HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: own\r\n\r\n';

async function line(client: Client): Promise<string> {
  let text = '';
  for (;;) {
    const byte = (await client.bytes(1)).toString('latin1');
    if (byte === '\n') return text;
    text += byte;
  }
}

contract('a Node server is served: requests, bodies, timers of its handlers', async (model) => {
  await using running = await model.start('upgrades');
  const clients = await running.connectMany(CLIENTS);
  const ask = async (client: Client, own: number) => {
    for (const round of range(10)) {
      assert.is((await client.get(`/${own}/${round}`)).headers.get('x-url'), `/${own}/${round}`);
      const body = `${own}.${round} `.repeat(5000);
      assert.is((await client.post('/echo', body)).text, body);
      assert.is((await client.get('/later')).text, 'later');
    }
  };
  await Promise.all(clients.map(ask));
});

contract('connections of a Node server are upgraded and go on beside others', async (model) => {
  await using running = await model.start('upgrades');
  const upgraded = await running.connectMany(CLIENTS);
  const [other] = await running.connectMany(1);
  for (const client of upgraded) {
    await client.send(`${UPGRADE}head\n`);
    assert.is((await client.answer()).status, 101);
    assert.is(await line(client), 'welcome');
    assert.is(await line(client), 'head');
  }
  const text = 'x'.repeat(50_000);
  for (const round of range(3)) {
    await Promise.all(upgraded.map((client) => client.send(`${round}${text}\n`)));
    assert.is((await other!.get('/')).text, 'hello');
    for (const client of upgraded) assert.is((await client.bytes(50_002)).toString(), `${round}${text}\n`);
  }
  for (const client of upgraded) client.end();
  for (const client of upgraded) assert.is((await client.rest()).length, 0);
  await running.connections(1);
});

contract('a raw TCP app is served, and may speak first', async (model) => {
  await using running = await model.start('tcp?greeting=welcome');
  const clients = await running.connectMany(CLIENTS);
  const talk = async (client: Client, own: number) => {
    assert.is(await line(client), 'welcome');
    await client.send(`name ${own}\n`);
    const thread = await line(client);
    for (const round of range(10)) {
      await client.send(`echo ${own} ${round}\n`);
      assert.is(await line(client), `${own} ${round}`);
      await client.send('count\n');
      assert.match(
        await line(client),
        new RegExp(`^${own} ${round + 1} ${thread}$`),
        'it stays with its object',
      );
      await client.send('later soon\n');
      assert.is(await line(client), 'soon');
    }
    await client.send('fill 3000000\n');
    assert.is((await client.bytes(3_000_000)).length, 3_000_000);
    await client.send('end bye\n');
    assert.is((await client.rest()).toString(), 'bye\n');
  };
  await Promise.all(clients.map(talk));
  await running.connections(0);
});

contract('a folder of files is served', async (model) => {
  using site = new Site({ 'a.txt': 'abcdefghij', 'large.bin': new Uint8Array(8_000_000).fill(7) });
  const server = createServer({ app: site.root, strategy: model.name, threads: model.threads });
  await server.listen({ port: 0 });
  try {
    const { port, address } = server.address() as { port: number; address: string };
    const clients = await Promise.all(range(CLIENTS).map(() => Client.connect({ port, host: address })));
    const slow = clients[0]!;
    slow.socket.pause();
    void slow.send('GET /large.bin HTTP/1.1\r\nhost: test\r\n\r\n');
    for (const client of clients.slice(1)) {
      assert.is((await client.get('/a.txt')).text, 'abcdefghij');
      assert.is((await client.get('/a.txt', 'range: bytes=2-4\r\n')).text, 'cde');
      assert.is((await client.get('/none.txt')).status, 404);
    }
    slow.socket.resume();
    assert.ok((await slow.answer()).body.equals(Buffer.alloc(8_000_000, 7)));
    await Promise.all(clients.map((client) => client.close()));
  } finally {
    await server.close({ drainMs: 300 });
  }
});

contract('the event loop of every thread runs, idle and under load', async (model) => {
  await using lines = await ThreadLines.open();
  await using running = await model.start(`event-loop?port=${lines.port}`);
  const { threads } = model;
  await lines.connected(threads);
  const useAll = async (times: number) => {
    lines.tellAll('timer 1');
    lines.tellAll('promise 20');
    lines.tellAll('file /etc/hostname');
    lines.tellAll(`echo ${times}`);
    await lines.said('timer', times);
    await lines.said('promised', times);
    await lines.said(`echo ${times}`);
    await until('every thread has read', () =>
      lines.threads.every(({ lines: said }) => said.filter((one) => one.startsWith('read')).length >= times),
    );
  };
  await useAll(1);
  const clients = await running.connectMany(CLIENTS);
  let over = false;
  const load = clients.map(async (client) => {
    while (!over) assert.is((await client.get('/')).text, 'hello');
  });
  for (const times of [2, 3, 4]) await useAll(times);
  over = true;
  await Promise.all(load);
  await useAll(5);
});

contract(
  'a timer that ticks in every thread delays no request, and requests without end no timer',
  async (model) => {
    await using lines = await ThreadLines.open();
    await using running = await model.start(`event-loop?port=${lines.port}&ticks`);
    await lines.connected(model.threads);
    const clients = await running.connectMany(CLIENTS);
    const ask = async (client: Client) => {
      for (const _round of range(100)) assert.is((await client.get('/')).text, 'hello');
    };
    await Promise.all([...clients.map(ask), lines.said('tick', 50)]);
  },
);

test.run();
