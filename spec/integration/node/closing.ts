/** Servers that close, and clients that leave: requests under way are answered, and no connection stays. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Serving } from '../../support/node/serving.js';
import type { Client } from '../../support/server/http-client.js';
import { Running } from '../../support/server/running.js';
import { range, until, within } from '../../support/server/wait.js';

const THREADS = 3;
const HEAD_END = '\r\n\r\n';
const ANSWER = 'answer';

// ---- in one thread ---------------------------------------------------------------------------------------------------------

test('a request under way on a connection that has had others is answered, though the server closes', async () => {
  const order: string[] = [];
  let second: ServerResponse | undefined;
  await using serving = await Serving.start((server) =>
    server.on('request', (request, response) => {
      if (request.url !== '/second') return void response.end('other');
      second = response;
      response.on('finish', () => order.push('answered'));
      server.close(() => order.push('closed'));
    }),
  );
  const idle = await serving.connect();
  await idle.get('/first');
  // Not idle to the server, as it has not had a request.
  const fresh = await serving.connect();
  const client = await serving.connect();
  await client.get('/first');
  void client.send('GET /second HTTP/1.1\r\nhost: test\r\n\r\n');
  await idle.rest();
  // The server has closed what it closes, and has taken another event since.
  await fresh.get('/other');
  await until('the second request has come', () => second !== undefined);
  assert.not(client.ended);
  second!.end('second');
  assert.is((await client.answer()).text, 'second');
  await Promise.all([client.close(), fresh.close()]);
  await until('the server is closed', () => order.length === 2);
  assert.equal(order, ['answered', 'closed']);
});

/** Listeners that leave the client's socket as it is. */
const NEGLECT: Readonly<Record<string, () => void>> = {
  'does nothing': () => {},
  throws: () => {
    throw new Error('of the listener');
  },
};

for (const [name, listener] of Object.entries(NEGLECT)) {
  test(`a refused client that leaves leaves no connection, though the listener of clientError ${name}`, async () => {
    const uncaught: string[] = [];
    const note = (error: Error) => void uncaught.push(error.message);
    process.on('uncaughtException', note);
    let told = 0;
    await using serving = await Serving.start((server) => {
      server.keepAliveTimeout = 0;
      server.on('clientError', () => {
        told++;
        listener();
      });
    });
    const client = await serving.connect();
    await client.send('garbage\r\n\r\n');
    await until('the listener is told', () => told === 1);
    await client.close();
    await serving.close();
    process.off('uncaughtException', note);
    assert.equal(uncaught, name === 'throws' ? ['of the listener'] : []);
    assert.is(told, 1);
  });
}

test('a socket that the app ends between two requests ends its connection', async () => {
  const sockets: Socket[] = [];
  await using serving = await Serving.start((server) => {
    // Nothing else ends the connection.
    server.keepAliveTimeout = 0;
    server.on('request', (request, response) => {
      sockets.push(request.socket);
      response.end('answer');
    });
  });
  const client = await serving.connect();
  assert.is((await client.get('/')).text, 'answer');
  sockets[0]!.end();
  await client.rest();
});

// ---- in one of several threads ---------------------------------------------------------------------------------------------

interface Held {
  readonly client: Client;
  /** The thread of its request. */
  readonly thread: string;
}

/** A request that is under way in a thread until its body of `length` bytes has been sent. */
async function hold(running: Running, length: number): Promise<Held> {
  const client = await running.connect();
  await client.send(`POST / HTTP/1.1\r\nhost: test\r\ncontent-length: ${length}\r\n\r\n`);
  let head = '';
  while (!head.endsWith(HEAD_END)) head += (await client.bytes(1)).toString('latin1');
  return { client, thread: /x-thread: (\d+)/i.exec(head)![1]! };
}

/** As many held requests as it takes for each thread to have one. */
async function holdEverywhere(running: Running, length: number): Promise<Held[]> {
  const held: Held[] = [];
  while (new Set(held.map(({ thread }) => thread)).size < THREADS)
    held.push(...(await Promise.all(range(THREADS).map(() => hold(running, length)))));
  return held;
}

for (const method of ['close', 'closeAllConnections']) {
  test(`${method}() in one of several threads leaves the others their requests, and idle connections alone`, async () => {
    await using running = await Running.start('closes', { threads: THREADS });
    const idle = await running.connectMany(THREADS);
    for (const client of idle) assert.is((await client.post('/', 'idle')).text, ANSWER);
    const held = await holdEverywhere(running, method.length);
    const [first] = held;
    await first!.client.send(method);
    const others = held.filter(({ thread }) => thread !== first!.thread);
    // What happens to the connection says that the thread has closed what it closes.
    if (method === 'close') assert.is((await first!.client.bytes(ANSWER.length)).toString(), ANSWER);
    else assert.is((await within('the end of the connection', first!.client.rest())).length, 0);
    for (const { client } of others) {
      await client.send('x'.repeat(method.length));
      assert.is((await client.bytes(ANSWER.length)).toString(), ANSWER);
    }
    for (const client of idle) assert.is((await client.post('/', 'idle')).text, ANSWER);
  });
}

test.run();
