/** The contract of the strategies: requests and responses over HTTP, whatever the pace and the manners of the client. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Client } from '../../support/server/http-client.js';
import { range, until } from '../../support/server/wait.js';
import { atRest, contract, holding } from '../../support/strategies/contract.js';

const CLIENTS = 12;

const request = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`;

contract('connections that are kept alive get an answer for each request', async (model) => {
  await using running = await model.start('web');
  const clients = await running.connectMany(CLIENTS);
  const ask = async (client: Client, own: number) => {
    for (const round of range(30)) {
      const { status, text } = await client.get(`/number?n=${own}-${round}`);
      assert.is(status, 200);
      assert.match(text, new RegExp(`^\\d:${own}-${round}$`));
    }
  };
  await Promise.all(clients.map(ask));
  assert.is(running.server.connections, CLIENTS);
});

contract('handlers run in the threads for them only', async (model) => {
  await using running = await model.start('web');
  const { length } = model.handlerThreads;
  let others: number[] = [];
  if (model.sharesRequests) {
    const threads = await holding(running, length, async () => {});
    assert.equal(threads.map(Number).sort(), model.handlerThreads, 'each of them takes requests');
  }
  const clients = await running.connectMany(CLIENTS);
  for (const _round of range(10)) {
    const answers = await Promise.all(clients.map((client) => client.get('/thread')));
    others = [...others, ...answers.map(({ text }) => Number(text))];
  }
  assert.ok(others.every((thread) => model.handlerThreads.includes(thread)));
});

contract('pipelined requests are answered in order', async (model) => {
  await using running = await model.start('web');
  const clients = await running.connectMany(CLIENTS);
  const numbers = range(40);
  const pipelined = numbers.map((n) => request(n % 8 === 7 ? '/async' : `/number?n=${n}`)).join('');
  await Promise.all(clients.map((client) => client.send(pipelined)));
  for (const client of clients) {
    for (const n of numbers) {
      const { text } = await client.answer();
      if (n % 8 === 7) assert.is(text, 'later');
      else assert.match(text, new RegExp(`^\\d:${n}$`));
    }
  }
});

contract('a request may come byte by byte', async (model) => {
  await using running = await model.start('web');
  const clients = await running.connectMany(4);
  const drip = async (client: Client) => {
    for (const byte of 'POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\n\r\nhello')
      await client.send(byte);
    assert.is((await client.answer()).text, 'hello');
  };
  await Promise.all(clients.map(drip));
});

contract('handlers that wait leave their threads to others', async (model) => {
  await using running = await model.start('web');
  const waiting = await running.connectMany(CLIENTS);
  for (const client of waiting) await client.send(request('/never'));
  const clients = await running.connectMany(CLIENTS);
  for (const _round of range(10)) {
    const answers = await Promise.all(clients.map((client) => client.get('/async')));
    assert.ok(answers.every(({ text }) => text === 'later'));
  }
});

contract(
  'while one thread for handlers is free, handlers that block stall nobody',
  async (model) => {
    await using running = await model.start('web');
    const clients = await running.connectMany(CLIENTS);
    await Promise.all(clients.map((client) => client.get('/text')));
    await holding(running, model.handlerThreads.length - 1, async () => {
      for (const _round of range(20)) {
        const answers = await Promise.all(clients.map((client) => client.get('/text')));
        assert.ok(answers.every(({ text }) => text === 'hello'));
      }
    });
  },
  ({ sharesRequests, handlerThreads }) => sharesRequests && handlerThreads.length > 1,
);

contract('requests that come while every thread is blocked are answered afterwards', async (model) => {
  await using running = await model.start('web');
  const clients = await running.connectMany(CLIENTS);
  let answers: Promise<unknown>[] = [];
  const { length } = model.handlerThreads;
  await holding(running, model.sharesRequests ? length : 1, async () => {
    answers = clients.map((client) => client.get('/text'));
  });
  await Promise.all(answers);
  await atRest(running);
});

contract('clients may leave at every moment', async (model) => {
  await using running = await model.start('web');
  const bytes = 'POST /echo-stream HTTP/1.1\r\nhost: test\r\ncontent-length: 8\r\n\r\n12345678';
  const leave = async (sent: string, received: number) => {
    const client = await running.connect();
    await client.send(sent);
    if (received > 0) await client.bytes(received);
    if (sent.length % 2 === 0) client.socket.resetAndDestroy();
    else client.socket.destroy();
  };
  for (let length = 0; length <= bytes.length; length += 3) await leave(bytes.slice(0, length), 0);
  for (const path of ['/async', '/never', '/stream?chunks=50', '/endless', '/large-bytes?bytes=3000000'])
    await leave(request(path), path === '/never' ? 0 : 1);
  await leave(request('/text').repeat(50), 20);
  await running.connections(0);
  assert.is(await running.get('/text'), 'hello');
  await atRest(running);
  await until('no block of the pool is in use', () => running.server.pool()!.current === 0);
});

contract('more requests at once than any queue has room for are all answered', async (model) => {
  const COUNT = 1500;
  await using running = await model.start('web', { maxConnections: 4 * COUNT });
  const clients: Client[] = [];
  // No more at once than the backlog of a listening socket has room for.
  for (const _batch of range(15)) clients.push(...(await running.connectMany(COUNT / 15)));
  const { length } = model.handlerThreads;
  let answers: Promise<{ text: string }>[] = [];
  await holding(running, model.sharesRequests ? length : 1, async () => {
    answers = clients.map((client) => client.get('/text'));
    await Promise.all(clients.map((client) => client.send('')));
  });
  for (const answer of answers) assert.is((await answer).text, 'hello');
  const again = clients.map((client) => client.get('/text'));
  for (const answer of again) assert.is((await answer).text, 'hello');
});

test.run();
