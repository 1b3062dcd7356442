/** A handler gives up when its client leaves, in any of the usual ways: that is not a failure, and no answer is sent. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Client } from '../../support/server/http-client.js';
import { Running } from '../../support/server/running.js';
import { until, WATCHDOG_MS } from '../../support/server/wait.js';

const HANDLED =
  'AbortError true PACELINE_CLIENT_GONE: the client closed the connection while its request was being handled';
const UNFINISHED =
  'AbortError true PACELINE_CLIENT_GONE: the client closed the connection before the whole of its request was received';

/** An upstream that accepts and never answers. */
async function silentServer(): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** The notes of the (only) thread, up to the one that is `wanted`. */
async function eventsUpTo(asking: Client, wanted: string): Promise<string[]> {
  const events: string[] = [];
  for (const endMs = performance.now() + WATCHDOG_MS; !events.includes(wanted); ) {
    assert.ok(performance.now() < endMs, `waited in vain for ${wanted}, with ${JSON.stringify(events)}`);
    events.push(...(JSON.parse((await asking.get('/events')).text) as string[]));
  }
  return events;
}

const errorsOf = ({ log }: Running) => log.filter(({ level }) => level === 'error');

type Leave = (client: Client) => unknown;
const LEAVES: [string, Leave][] = [
  ['FIN', (client) => client.socket.end()],
  ['RST', (client) => client.socket.resetAndDestroy()],
];

for (const [how, leave] of LEAVES) {
  test(`a handler that gives up in any way when its client leaves with a ${how} has not failed`, async () => {
    await using running = await Running.start('gives-up', { threads: 1 });
    const upstream = await silentServer();
    const { port } = upstream.address() as AddressInfo;
    const asking = await running.connect();
    try {
      for (const way of [
        'reason',
        'throwIfAborted',
        'fetch',
        'request',
        'any',
        'timer',
        'once',
        'wrapped',
        'stream',
      ]) {
        const client = await running.connect();
        await client.send(`GET /${way}?port=${port} HTTP/1.1\r\nhost: test\r\n\r\n`);
        await eventsUpTo(asking, 'begun');
        leave(client);
        assert.equal(await eventsUpTo(asking, HANDLED), [HANDLED], way);
        await running.connections(1);
        if (how === 'FIN' && way !== 'stream') assert.is((await client.rest()).toString(), '', way);
      }
      assert.equal(errorsOf(running), []);
      assert.is(running.server.threads()[0]!.errors, 0);
    } finally {
      upstream.close();
    }
  });

  for (const way of ['body', 'echo']) {
    test(`a handler that cannot read the rest of a body (${way}) gets an AbortError after a ${how}`, async () => {
      await using running = await Running.start('gives-up', { threads: 1 });
      const asking = await running.connect();
      const client = await running.connect();
      await client.send(`POST /${way} HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\nabc`);
      await eventsUpTo(asking, 'begun');
      leave(client);
      assert.equal(await eventsUpTo(asking, UNFINISHED), [UNFINISHED]);
      await running.connections(1);
      assert.equal(errorsOf(running), []);
    });
  }

  test(`a handler that fails otherwise after a ${how} is logged`, async () => {
    await using running = await Running.start('gives-up', { threads: 1 });
    const asking = await running.connect();
    const client = await running.connect();
    await client.send('GET /bug HTTP/1.1\r\nhost: test\r\n\r\n');
    await eventsUpTo(asking, 'begun');
    leave(client);
    await running.connections(1);
    // A thread's entry comes by a message.
    await until('the failure is logged', () => errorsOf(running).length > 0);
    assert.equal(
      errorsOf(running).map(({ message }) => message),
      ['a handler failed'],
    );
  });
}

test('a request that is cut short and whose handler gives up is answered with 400', async () => {
  await using running = await Running.start('gives-up', { threads: 1 });
  const client = await running.connect();
  client.socket.end('POST /body HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\nabc');
  assert.is((await client.answer()).status, 400);
  assert.equal(errorsOf(running), []);
});

test('a body beyond the limit aborts the signal, too, and its reading fails with the limit', async () => {
  await using running = await Running.start('gives-up', { threads: 1, maxBodySize: 10 });
  const asking = await running.connect();
  const client = await running.connect();
  await client.send('POST /body HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n');
  await eventsUpTo(asking, 'begun');
  await client.send('ff\r\n');
  assert.is((await client.answer()).status, 413);
  const told = "AbortError true PACELINE_BODY_LIMIT: the request's body was refused: chunks beyond the limit";
  assert.equal(await eventsUpTo(asking, told), [told]);
  // An entry of its failure would have come before those of another one.
  const other = await running.connect();
  assert.is((await other.get('/fails')).status, 500);
  await until('a failure is logged', () => errorsOf(running).length > 0);
  assert.is(errorsOf(running).length, 1);
  assert.match(String(errorsOf(running)[0]!.fields.url), /fails/);
});

test.run();
