/** The contract of the strategies: how a server ends, and what its limits and timeouts do. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { endRuns, Run } from '../../support/cli/run.js';
import { Gate } from '../../support/server/gate.js';
import { Client } from '../../support/server/http-client.js';
import { fixture } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';
import { contract } from '../../support/strategies/contract.js';

const LONG_MS = 60_000;
const SHORT_MS = 200;

for (const path of ['/hold', '/hold-later']) {
  contract(`close() waits for the response of ${path}, and closes what is idle`, async (model) => {
    await using running = await model.start('web');
    using gate = new Gate();
    const idle = await running.connectMany(20);
    const client = await running.connect();
    if (model.sharesRequests) await Promise.all(idle.map((one) => one.get('/text')));
    const answer = client.get(`${path}?gate=${gate.path}`);
    await gate.entered(1);
    const closing = running.server.close({ drainMs: LONG_MS });
    if (model.sharesRequests) for (const one of idle) assert.is((await one.rest()).length, 0);
    gate.release();
    const { status, headers } = await answer;
    assert.is(status, 200);
    assert.is(headers.get('connection'), 'close');
    for (const one of [client, ...idle]) assert.is((await one.rest()).length, 0);
    await closing;
    assert.is(running.server.connections, 0);
  });
}

contract('close() waits for bodies on their way to slow readers', async (model) => {
  await using running = await model.start('web');
  const clients = await running.connectMany(4);
  for (const [index, client] of clients.entries()) {
    client.socket.pause();
    const path = index % 2 === 0 ? '/large-bytes?bytes=8000000' : '/stream?chunks=100';
    await client.send(`GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`);
  }
  const begun = () => running.server.threads().reduce((sum, { requests }) => sum + requests, 0);
  await until('the responses have begun', () => begun() === clients.length);
  const closing = running.server.close({ drainMs: LONG_MS });
  for (const client of clients) client.socket.resume();
  const sizes = await Promise.all(clients.map(async (client) => (await client.answer()).body.length));
  assert.equal(sizes, [8_000_000, 6_553_600, 8_000_000, 6_553_600]);
  await closing;
});

contract('close() ends what takes longer than the time for it', async (model) => {
  await using running = await model.start('web');
  const clients = await running.connectMany(6);
  for (const client of clients) await client.send('GET /never HTTP/1.1\r\nhost: test\r\n\r\n');
  await running.server.close({ drainMs: 50 });
  for (const client of clients) await client.rest();
  assert.is(running.server.connections, 0);
});

contract('many idle connections are closed at once', async (model) => {
  await using running = await model.start('web', { maxConnections: 3000 });
  const clients: Client[] = [];
  for (const _batch of range(15)) clients.push(...(await running.connectMany(100)));
  await running.connections(1500);
  await running.server.close({ drainMs: LONG_MS });
  for (const client of clients) assert.is((await client.rest()).length, 0);
});

contract('SIGTERM finishes the request in flight, and the process ends with 0', async (model) => {
  const app = fixture('web').href;
  const run = new Run('--strategy', model.name, '--threads', `${model.threads}`, '--port', '0', app);
  using gate = new Gate();
  try {
    const { port, hostname } = new URL(await run.url());
    const [client, idle] = await Promise.all(
      range(2).map(() => Client.connect({ port: Number(port), host: hostname })),
    );
    const answer = client!.get(`/hold-later?gate=${gate.path}`);
    await gate.entered(1);
    run.kill('SIGTERM');
    gate.release();
    assert.is((await answer).status, 200);
    assert.is((await client!.rest()).length, 0);
    assert.is((await idle!.rest()).length, 0);
    assert.equal(await run.ended, [0, null], run.stderr);
  } finally {
    await endRuns();
  }
});

contract('connections beyond the limit wait until others end', async (model) => {
  await using running = await model.start('web', { maxConnections: 5 });
  const clients = await running.connectMany(5);
  await Promise.all(clients.map((client) => client.get('/text')));
  const waiting = await running.connectMany(3);
  let served = 0;
  const answers = waiting.map(async (client) => {
    assert.is((await client.get('/text')).text, 'hello');
    served++;
  });
  for (const client of clients) assert.is((await client.get('/text')).text, 'hello');
  assert.is(served, 0);
  assert.is(running.server.connections, 5);
  for (const index of range(3)) {
    await clients[index]!.close();
    await until('one more is served', () => served > index);
    assert.is(running.server.connections, 5);
  }
  await Promise.all(answers);
});

contract('clients that take too long are refused, and others are served', async (model) => {
  const short = { headersTimeout: SHORT_MS, requestTimeout: SHORT_MS, keepAliveTimeout: SHORT_MS };
  await using running = await model.start('web', short);
  const slow = [
    'GET /text HTTP/1.1\r\nhost: te',
    'POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\nabc',
    'GET /text HTTP/1.1\r\nhost: test\r\n\r\n',
    '',
  ];
  const statuses = range(40).map(async (index) => {
    const client = await running.connect();
    await client.send(slow[index % slow.length]!);
    return /^HTTP\/1.1 (\d+)|^$/.exec((await client.rest()).toString('latin1'))![1];
  });
  const ended = await Promise.all(statuses);
  assert.ok(ended.includes('408'));
  // On a busy machine a client may be late with what it sends at once.
  assert.ok(ended.every((status) => status === undefined || status === '408' || status === '200'));
  assert.is(await running.get('/text'), 'hello');
  await running.connections(0);
});

test.run();
