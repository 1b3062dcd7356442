/** The diagnostics channels of node's http and net modules: the same messages, in the same order, as on plain node. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Host, NodeProgram } from '../../support/server/node-program.js';

const FILE = 'dist/spec/fixtures/node/diagnostics.js';

/** What is compared with plain node. */
const HOSTS = ['paceline', 'paceline/http'] as const;

type Published = readonly [where: string, what: string, details: unknown];

let upstream: Server;
test.before(async () => {
  upstream = createServer((_, response) => response.end('upstream'));
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
});
test.after(() => {
  upstream.close();
});

const published = (program: NodeProgram, ...places: string[]): Published[] =>
  program.lines<Published>('published').filter(([where]) => places.includes(where));

const start = (host: Host): Promise<NodeProgram> => {
  const { port } = upstream.address() as AddressInfo;
  return NodeProgram.start(host, FILE, ['http', 'net'], { env: { UPSTREAM: String(port) } });
};

/** What is published for each of these requests on one connection, in order. */
const REQUESTS: Record<string, string> = {
  '/plain': 'GET /plain HTTP/1.1\r\nhost: test\r\n\r\n',
  '/body': 'POST /body HTTP/1.1\r\nhost: test\r\ncontent-length: 4\r\n\r\nbody',
  '/early': 'GET /early HTTP/1.1\r\nhost: test\r\n\r\n',
  '/head': 'HEAD /head HTTP/1.1\r\nhost: test\r\n\r\n',
  '/outgoing': 'GET /outgoing HTTP/1.1\r\nhost: test\r\n\r\n',
  '/old': 'GET /old HTTP/1.0\r\n\r\n',
};

async function ofRequests(host: Host): Promise<Record<string, Published[]>> {
  await using program = await start(host);
  const client = await program.connect('http');
  const messages: Record<string, Published[]> = {};
  for (const [where, bytes] of Object.entries(REQUESTS)) {
    await client.send(bytes);
    await client.answer({ toHead: where === '/head' });
    await program.until(`${where} is closed`, () =>
      published(program, where).some(([, what]) => what === 'close'),
    );
    messages[where] = published(program, where, '/upstream');
  }
  return messages;
}

for (const host of HOSTS) {
  test(`${host}: the messages of requests are those of node:http`, async () => {
    const expected = await ofRequests('node');
    const observed = await ofRequests(host);
    for (const where of Object.keys(REQUESTS)) assert.equal(observed[where], expected[where], where);
  });
}

for (const host of ['node', 'paceline', 'paceline/http'] as const) {
  test(`${host}: a request is published before its listener is called, and its response when it is finished`, async () => {
    await using program = await start(host);
    const client = await program.connect('http');
    await client.get('/plain');
    await program.until('it is closed', () =>
      published(program, '/plain').some(([, what]) => what === 'close'),
    );
    const order = published(program, '/plain').map(([, what]) => what);
    assert.ok(order.indexOf('http.server.request.start') < order.indexOf('listener'));
    assert.ok(order.indexOf('http.server.request.start') >= 0);
    assert.ok(order.indexOf('http.server.response.finish') > order.indexOf('listener'));
  });
}

async function ofDestroyed(host: Host): Promise<Published[]> {
  await using program = await start(host);
  const client = await program.connect('http');
  await client.send('GET /destroyed HTTP/1.1\r\nhost: test\r\n\r\n');
  await client.rest();
  await program.until('it is closed', () =>
    published(program, '/destroyed').some(([, what]) => what === 'close'),
  );
  return published(program, '/destroyed');
}

for (const host of HOSTS) {
  test(`${host}: a response that is destroyed is published as on node:http`, async () => {
    assert.equal(await ofDestroyed(host), await ofDestroyed('node'));
  });
}

async function ofSockets(host: Host): Promise<Published[]> {
  await using program = await start(host);
  const client = await program.connect('net');
  assert.is((await client.rest()).toString(), 'bye');
  await program.until('it is published', () =>
    published(program, 'net').some(([, what]) => what === 'connection'),
  );
  return published(program, 'net', 'sockets');
}

for (const host of HOSTS) {
  test(`${host}: the sockets of a net.Server are published as on node:net`, async () => {
    assert.equal(await ofSockets(host), await ofSockets('node'));
  });
}

async function ofListening(host: Host): Promise<string[]> {
  await using program = await start(host);
  return published(program, 'http', 'net').map(([where, what]) => `${where} ${what}`);
}

for (const host of HOSTS) {
  test(`${host}: listening is published as on node:net`, async () => {
    assert.equal((await ofListening(host)).sort(), (await ofListening('node')).sort());
  });
}

test.run();
