/** The dashboard's port under overload: whatever many clients do to it at once, a health check is accepted and answered. */
import { connect, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketOf } from '../../../lib/memory/histogram.js';
import { TestDashboard } from '../../support/dashboard/test-dashboard.js';
import type { Client } from '../../support/server/http-client.js';
import { range, until, within } from '../../support/server/wait.js';

/** More than the port accepts at once. */
const CLIENTS = 200;
const HALF = 'GET /healthz HTTP/1.1\r\nhost: 127';

/** Connections that do only what the spec makes them do. */
class ClientGroup implements Disposable {
  readonly sockets: Socket[] = [];
  /** How many of them the server has closed. */
  ended = 0;

  static async of(dashboard: TestDashboard, count: number, bytes: string): Promise<ClientGroup> {
    const group = new ClientGroup();
    await Promise.all(range(count).map(() => group.connect(dashboard, bytes)));
    return group;
  }

  /** Resolves once it is connected and has sent `bytes`. */
  async connect(dashboard: TestDashboard, bytes: string): Promise<Socket> {
    const socket = connect(dashboard.server.port, '127.0.0.1');
    this.sockets.push(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.ended++);
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    if (bytes !== '') await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
    return socket;
  }

  [Symbol.dispose](): void {
    for (const socket of this.sockets) socket.destroy();
  }
}

const isAlive = async (dashboard: TestDashboard): Promise<void> => {
  assert.is((await dashboard.get('/healthz')).text, 'alive\n');
};

for (const [what, bytes] of [
  ['have sent half a head', HALF],
  ['say nothing', ''],
] as const) {
  test(`connections that ${what} are closed for a health check, the oldest first, and all of them within a second or two`, async () => {
    await using dashboard = await TestDashboard.start();
    const began = performance.now();
    using group = await ClientGroup.of(dashboard, CLIENTS, bytes);
    await isAlive(dashboard);
    // Connections once kept their places for five seconds.
    if (performance.now() - began < 1000) assert.ok(group.ended < CLIENTS, 'only as many as have to');
    for (const socket of group.sockets) socket.resume();
    await until('all of them are ended', () => group.ended === CLIENTS);
    await isAlive(dashboard);
  });
}

test('a connection is closed for a slow head although bytes keep arriving', async () => {
  await using dashboard = await TestDashboard.start();
  using group = await ClientGroup.of(dashboard, 1, HALF);
  const [socket] = group.sockets;
  let answer = '';
  socket!.on('data', (data) => {
    answer += String(data);
  });
  while (group.ended === 0) {
    socket!.write('x');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.match(answer, /^HTTP\/1\.1 408 /);
});

test('idle connections are closed for new ones, in the order in which they became idle', async () => {
  await using dashboard = await TestDashboard.start();
  const ask = async (client: Client) => {
    void client.send(`GET /healthz HTTP/1.1\r\nhost: ${dashboard.host}\r\n\r\n`);
    return (await client.answer()).text;
  };
  const first = await dashboard.connect();
  await ask(first);
  const others = await Promise.all(
    range(127).map(async () => {
      const client = await dashboard.connect();
      await ask(client);
      return client;
    }),
  );
  await ask(first);
  await isAlive(dashboard);
  await until('one that was idle longer is ended', () => others.some(({ ended }) => ended));
  assert.is(await ask(first), 'alive\n', 'it came first, and was busy last');
});

test('websockets and connections with an incomplete answer are not closed for new ones', async () => {
  await using dashboard = await TestDashboard.start();
  const client = await dashboard.openClient();
  const trace = await dashboard.connect();
  void trace.send(
    `GET /api/trace?ms=1500 HTTP/1.1\r\nhost: ${dashboard.host}\r\nauthorization: Bearer ${dashboard.token}\r\n\r\n`,
  );
  await until('the trace is being recorded', () => dashboard.observed.readers === 3);
  using group = await ClientGroup.of(dashboard, CLIENTS, HALF);
  for (const socket of group.sockets) socket.resume();
  await isAlive(dashboard);
  const { status, text } = await trace.answer();
  assert.is(status, 200);
  assert.ok(JSON.parse(text).traceEvents.length > 0);
  await client.frame('come');
});

test('a client that sends requests without waiting for answers is disconnected and delays no other', async () => {
  await using dashboard = await TestDashboard.start();
  const request = `GET /metrics HTTP/1.1\r\nhost: ${dashboard.host}\r\n\r\n`;
  using group = await ClientGroup.of(dashboard, 4, request.repeat(5000));
  for (const socket of group.sockets) socket.resume();
  await isAlive(dashboard);
  await until('they are ended', () => group.ended === 4);
  // A few are answered in their order.
  const client = await dashboard.connect();
  void client.send(request.repeat(8));
  for (const _answer of range(8)) assert.is((await client.answer()).status, 200);
});

test('many scrapers at once get the same text, made once', async () => {
  await using dashboard = await TestDashboard.start();
  const observe = dashboard.observed.observe.bind(dashboard.observed);
  let looks = 0;
  dashboard.observed.observe = () => {
    looks++;
    return observe();
  };
  const answers = await Promise.all(range(100).map(() => dashboard.get('/metrics')));
  for (const { status } of answers) assert.is(status, 200);
  const made = new Set(answers.map(({ text }) => text)).size;
  assert.ok(made < 20, `${made} texts`);
  assert.ok(looks < 30, `${looks} looks`);
});

test('a text is no older than a second', async () => {
  await using dashboard = await TestDashboard.start();
  const { responses } = dashboard.observed.seen.threads[0]!.histograms;
  const counted = async () =>
    Number(
      /^paceline_request_duration_seconds_count (\d+)$/m.exec((await dashboard.get('/metrics')).text)![1],
    );
  assert.is(await counted(), 0);
  responses[bucketOf(10)] = 3;
  const seen = (async () => {
    while ((await counted()) !== 3) await new Promise((resolve) => setTimeout(resolve, 50));
  })();
  await within('the new count', seen);
});

test('an observation that fails is not cached', async () => {
  await using dashboard = await TestDashboard.start();
  const { observe } = dashboard.observed;
  dashboard.observed.observe = () => {
    throw new Error('a broken observation');
  };
  assert.is((await dashboard.get('/metrics')).status, 500);
  dashboard.observed.observe = observe;
  assert.is((await dashboard.get('/metrics')).status, 200);
});

test('a client can end no other connection than its own', async () => {
  await using dashboard = await TestDashboard.start();
  const { host } = dashboard;
  const switching = 'connection: upgrade\r\nupgrade: websocket\r\n';
  for (const bytes of [
    'OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n',
    `OPTIONS * HTTP/1.1\r\nhost: ${host}\r\n\r\n`,
    `CONNECT ${host} HTTP/1.1\r\nhost: ${host}\r\n\r\nhello`,
    `GET /ws HTTP/1.1\r\nhost: ${host}\r\n${switching}`,
    `GET /ws HTTP/1.1\r\nhost: ${host}\r\n${switching}\r\n\x81\xff\xff\xff`,
    `POST /ws HTTP/1.1\r\nhost: ${host}\r\n${switching}content-length: 9\r\n\r\nabc`,
    `POST /metrics HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 1000000\r\n\r\n${'x'.repeat(10_000)}`,
    `HEAD /metrics HTTP/1.1\r\nhost: ${host}\r\n\r\n`,
    `GET /page/main.js HTTP/1.1\r\nhost: ${host}\r\n\r\n`.repeat(10),
    `GET /healthz HTTP/1.0\r\n\r\n`,
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  ]) {
    for (const leave of ['destroy', 'resetAndDestroy', 'end'] as const) {
      using group = await ClientGroup.of(dashboard, 3, bytes);
      for (const socket of group.sockets) socket.resume()[leave]();
      await until(`${JSON.stringify(bytes.slice(0, 60))} is over`, () => group.ended === 3);
    }
  }
  await isAlive(dashboard);
  assert.equal(dashboard.log, []);
});

test.run();
