/** Clients that close while no response comes: after a grace period nothing is left of their connections. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Running } from '../../support/server/running.js';
import { range, WATCHDOG_MS } from '../../support/server/wait.js';

const CLIENTS = 200;
/** The grace period is at most sendTimeout, and 5 s would be too long for specs. */
const SHORT = { threads: 1, sendTimeout: 300 };

interface Counts {
  begun: number;
  aborted: number;
  cancelled: number;
  late: number;
}

/** The counters of the (only) thread once they satisfy `holds`. */
async function countsWhen(running: Running, holds: (counts: Counts) => boolean): Promise<Counts> {
  const client = await running.connect();
  for (const endMs = performance.now() + WATCHDOG_MS; ; ) {
    const counts = JSON.parse((await client.get('/counts')).text) as Counts;
    if (!holds(counts)) {
      assert.ok(performance.now() < endMs, `waited in vain, with ${JSON.stringify(counts)}`);
      continue;
    }
    await client.close();
    return counts;
  }
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`;

for (const path of ['/never', '/idle', '/late']) {
  test(`clients that leave while ${path} is silent leave nothing behind`, async () => {
    await using running = await Running.start('silent', SHORT);
    const clients = await running.connectMany(CLIENTS);
    for (const client of clients) await client.send(get(path));
    await countsWhen(running, ({ begun }) => begun === CLIENTS);
    assert.is(running.server.connections >= CLIENTS, true);
    for (const client of clients) client.end();
    await countsWhen(running, ({ aborted }) => aborted === CLIENTS);
    await running.connections(0);
    for (const client of clients) await client.rest();
    if (path === '/never') return;
    // What is still returned is given back.
    assert.is(await running.get('/release'), 'released');
    const counts = await countsWhen(running, ({ cancelled }) => cancelled === CLIENTS);
    assert.equal(counts.late, path === '/late' ? CLIENTS : 0);
    await running.connections(0);
  });
}

test('clients that leave in the middle of a body that no handler reads leave nothing behind', async () => {
  await using running = await Running.start('silent', { ...SHORT, requestTimeout: 0 });
  const clients = await running.connectMany(20);
  const head = 'POST /unread HTTP/1.1\r\nhost: test\r\ncontent-length: 1000000\r\n\r\n';
  for (const client of clients) await client.send(Buffer.concat([Buffer.from(head), Buffer.alloc(80_000)]));
  await countsWhen(running, ({ begun }) => begun === 20);
  for (const client of clients) client.end();
  await countsWhen(running, ({ aborted }) => aborted === 20);
  await running.connections(0);
});

test('clients that leave right after their request leave nothing behind', async () => {
  await using running = await Running.start('silent', SHORT);
  const clients = await running.connectMany(50);
  for (const [index, client] of clients.entries())
    client.socket.end(get(index % 2 === 0 ? '/never' : '/idle'));
  await countsWhen(running, ({ begun, aborted }) => begun === 50 && aborted === 50);
  await running.connections(0);
  await countsWhen(running, ({ cancelled }) => cancelled === 25);
});

test('a client that half-closes and reads on gets a response that comes within the grace period', async () => {
  await using running = await Running.start('silent', { threads: 1 });
  const client = await running.connect();
  client.socket.end(get('/drip?chunks=1&ms=200'));
  assert.is((await client.answer()).body.length, 10);
  assert.is((await client.rest()).length, 0);
});

test('the grace period is renewed as long as the client takes bytes', async () => {
  // Ten pauses, each well within the grace period, and together far longer.
  await using running = await Running.start('silent', { threads: 1, sendTimeout: 2000 });
  const client = await running.connect();
  client.socket.end(get('/drip?chunks=10&ms=400'));
  assert.is((await client.answer()).body.length, 100);
  await running.connections(0);
});

test('raw TCP clients that leave while a handler is pending leave nothing behind', async () => {
  await using running = await Running.start('tcp', SHORT);
  const clients = await running.connectMany(50);
  for (const client of clients) client.socket.end('never\n');
  await running.connections(0);
  for (const client of clients) await client.rest();
  const asking = await running.connect();
  await asking.send('events\n');
  const events = (await asking.bytes('close,'.length * 50)).toString();
  assert.is(events.split(',').filter((event) => event.startsWith('close')).length, 50, 'each is told');
});

test('a raw TCP client that half-closes gets what a handler writes later', async () => {
  await using running = await Running.start('tcp', SHORT);
  for (const _round of range(20)) {
    const client = await running.connect();
    client.socket.end('slowly well\nslowly done\n');
    assert.is((await client.rest()).toString(), 'well\ndone\n');
  }
  await running.connections(0);
});

test.run();
