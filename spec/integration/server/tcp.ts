/** Raw TCP apps: what a connection does, and when its handlers are called. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gate } from '../../support/server/gate.js';
import type { Client } from '../../support/server/http-client.js';
import { Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

/** Reads one line. */
async function line(client: Client): Promise<string> {
  let text = '';
  for (;;) {
    const byte = (await client.bytes(1)).toString('latin1');
    if (byte === '\n') return text;
    text += byte;
  }
}

async function ask(client: Client, command: string): Promise<string> {
  await client.send(`${command}\n`);
  return line(client);
}

/** What happened in the (only) thread so far. */
async function events(running: Running): Promise<string[]> {
  const client = await running.connect();
  const text = await ask(client, 'events');
  await client.close();
  return text === '' ? [] : text.split(',');
}

const single = (query = '') => Running.start(`tcp${query}`, { threads: 1 });

test('the app speaks first when it wants to, on every connection', async () => {
  await using running = await Running.start('tcp?greeting=welcome', { threads: 3 });
  assert.is(running.server.protocol, 'tcp');
  for (const client of await running.connectMany(20)) assert.is(await line(client), 'welcome');
});

test('a greeting precedes the answer to what the client sent at once', async () => {
  await using running = await Running.start('tcp?greeting=welcome', { threads: 3 });
  const clients = await running.connectMany(20);
  await Promise.all(clients.map((client) => client.send('echo hello\n')));
  for (const client of clients) assert.equal([await line(client), await line(client)], ['welcome', 'hello']);
});

test('the connection has the thread and the address', async () => {
  await using running = await single();
  const client = await running.connect();
  assert.is(await ask(client, 'thread'), '0');
  assert.is(await ask(client, 'address'), '127.0.0.1');
});

test('with threads blocked, other connections are served', async () => {
  await using running = await Running.start('tcp', { threads: 3 });
  using gate = new Gate();
  const held = await running.connectMany(2);
  const clients = await running.connectMany(16);
  for (const client of held) await client.send(`hold ${gate.path}\n`);
  await gate.entered(2);
  for (const client of clients) assert.is(await ask(client, 'echo hello'), 'hello');
  gate.release(2);
  const threads = await Promise.all(held.map(line));
  assert.is.not(threads[0], threads[1]);
});

test('connection.data keeps its value, and the connection its thread', async () => {
  await using running = await Running.start('tcp', { threads: 4 });
  const clients = await running.connectMany(12);
  const threads = await Promise.all(clients.map((client, index) => ask(client, `name n${index}`)));
  for (const round of range(5)) {
    const answers = await Promise.all(clients.map((client) => ask(client, 'count')));
    assert.equal(
      answers,
      clients.map((_client, index) => `n${index} ${round + 1} ${threads[index]}`),
    );
  }
  const unnamed = await running.connect();
  assert.is(await ask(unnamed, 'count'), 'unnamed');
});

test('a bound connection may be written to from a timer', async () => {
  await using running = await Running.start('tcp', { threads: 3 });
  const clients = await running.connectMany(6);
  for (const _round of range(5)) {
    assert.equal(
      await Promise.all(clients.map((client) => ask(client, 'later on'))),
      clients.map(() => 'on'),
    );
  }
});

test('writing to an unbound connection after its event throws PACELINE_CONNECTION', async () => {
  await using running = await single();
  const client = await running.connect();
  assert.is(await ask(client, 'later-unbound'), 'kept');
  const other = await running.connect();
  assert.is(await ask(other, 'write-kept'), 'PACELINE_CONNECTION');
  await client.close();
  await running.connections(1);
  assert.is(await ask(other, 'write-kept'), 'PACELINE_CONNECTION');
});

test('data() that returns promises is called in order, one after the other', async () => {
  await using running = await Running.start('tcp', { threads: 3 });
  const client = await running.connect();
  for (const n of range(100)) await client.send(`${n % 3 === 0 ? 'echo' : 'slowly'} ${n}\n`);
  const got: number[] = [];
  for (const _n of range(100)) got.push(Number(await line(client)));
  assert.equal(got, range(100));
});

test('end() sends queued bytes, then closes; close() is called once', async () => {
  await using running = await single();
  const client = await running.connect();
  await ask(client, 'name ann');
  await client.send('fill 3000000\nend bye\n');
  const all = await client.rest();
  assert.is(all.length, 3_000_004);
  assert.is(all.subarray(-4).toString(), 'bye\n');
  await running.connections(0);
  assert.equal(
    (await events(running)).filter((event) => event !== 'drain'),
    ['close ann'],
  );
});

test('terminate() closes at once; close() is called once', async () => {
  await using running = await single();
  const client = await running.connect();
  await ask(client, 'name bob');
  await client.send('fill 3000000\nterminate\n');
  assert.ok((await client.rest()).length < 3_000_000 * 2);
  await running.connections(0);
  assert.equal(await events(running), ['close bob']);
  await running.connections(0);
});

test('drain() is not called once the connection has been ended', async () => {
  await using running = await single();
  const client = await running.connect();
  await client.send('fill 9000000\nend bye\n');
  await client.rest();
  await running.connections(0);
  assert.equal(await events(running), ['close']);
});

test('close() is called when the peer leaves, with FIN or RST', async () => {
  await using running = await single();
  const polite = await running.connect();
  await ask(polite, 'name polite');
  await polite.close();
  const rude = await running.connect();
  await ask(rude, 'name rude');
  rude.socket.resetAndDestroy();
  await running.connections(0);
  assert.equal(
    (await events(running)).filter((event) => event.startsWith('close')),
    ['close polite', 'close rude'],
  );
});

test('a peer that ends its sending side gets every answer, also of async handlers', async () => {
  await using running = await Running.start('tcp', { threads: 2 });
  const client = await running.connect();
  client.socket.allowHalfOpen = true;
  void client.send('slowly one\nslowly two\nfill 3000000\necho last\n');
  client.end();
  const all = await client.rest();
  assert.is(all.length, 3_000_013);
  assert.is(all.subarray(-5).toString(), 'last\n');
  await running.connections(0);
});

for (const command of ['throw', 'reject']) {
  test(`without an error handler, ${command} closes the connection and is logged`, async () => {
    await using running = await single();
    const client = await running.connect();
    await ask(client, 'name victim');
    await client.send(`${command}\n`);
    assert.is((await client.rest()).length, 0);
    await running.connections(0);
    assert.equal(await events(running), ['close victim']);
    await until('it is logged', () => running.log.some(({ message }) => message === 'a handler failed'));
  });

  test(`the error handler gets what ${command} throws, and decides about the connection`, async () => {
    await using running = await single('?errors=keep');
    const client = await running.connect();
    await client.send(`${command}\n`);
    let heard: string | undefined;
    while (heard === undefined) heard = (await events(running)).find((event) => event.startsWith('error'));
    assert.match(heard, /^error (secret of a handler|rejected later)$/);
    assert.is(await ask(client, 'echo alive'), 'alive');
  });
}

test('the error handler may end the connection with last bytes', async () => {
  await using running = await single('?errors=end');
  const client = await running.connect();
  await client.send('throw\n');
  assert.is((await client.rest()).toString(), 'sorry\n');
});

test('the error handler is told that a connection broke', async () => {
  await using running = await single('?errors=keep');
  const client = await running.connect();
  await ask(client, 'name cut');
  client.socket.resetAndDestroy();
  await running.connections(0);
  assert.match((await events(running)).join(), /^error .*,close cut/);
});

test('without an error handler a client that resets its connection is no error of the log', async () => {
  await using running = await single('');
  const client = await running.connect();
  await ask(client, 'name cut');
  client.socket.resetAndDestroy();
  await running.connections(0);
  await until('it is logged', () => running.log.some(({ message }) => message.includes('ECONNRESET')));
  assert.equal([...new Set(running.log.map(({ level }) => level))], ['debug']);
  assert.is(running.server.threads()[0]!.errors, 0);
});

test('calls after end() throw', async () => {
  await using running = await single('?errors=keep');
  const client = await running.connect();
  await client.send('end-twice\n');
  assert.is((await client.rest()).toString(), 'once\n');
  assert.equal((await events(running))[0], 'error PACELINE_CONNECTION');
});

test.run();
