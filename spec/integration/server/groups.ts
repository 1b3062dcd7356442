/** Several thread sets in one server: they share its addresses, and what users rely on holds for all of them together. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import { type Hello, PROTOCOL, TOKEN_PREFIX } from '../../../lib/dashboard/protocol.js';
import type { PacelineError } from '../../../lib/errors.js';
import type { ListenOptions } from '../../../lib/options/listen-options.js';
import type { ServerOptions } from '../../../lib/options/server-options.js';
import { createServer, type Listening, type Server, type ThreadExit } from '../../../lib/server.js';
import { duplicateDescriptor } from '../../../lib/sys/descriptor.js';
import { bindListener, startListening } from '../../../lib/sys/socket.js';
import { Gate } from '../../support/server/gate.js';
import { Client } from '../../support/server/http-client.js';
import { fixture, Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

const THREADS = 2;
const GROUPS = 2;
/** That none of them is dealt to one of the groups has a probability of 2^-63. */
const MANY = 64;

const start = (app = 'web', options: Omit<ServerOptions, 'app'> = {}): Promise<Running> =>
  Running.start(app, { threads: THREADS, groups: GROUPS, ...options });

const groupOf = (thread: number): number => Math.floor(thread / THREADS);

/** Connections, and by which group each was accepted. */
async function dealt(running: Running): Promise<{ client: Client; group: number }[]> {
  const clients = await running.connectMany(MANY);
  return Promise.all(
    clients.map(async (client) => ({ client, group: groupOf(Number((await client.get('/thread')).text)) })),
  );
}

const moduleOf = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;

async function failure(promise: Promise<unknown>): Promise<PacelineError> {
  return promise.then(
    () => {
      throw new Error('it succeeds');
    },
    (error: PacelineError) => error,
  );
}

const isRefused = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('connect', () => resolve(socket.destroy() === undefined));
    socket.on('error', () => resolve(true));
  });

test('connections are dealt to all groups, and stay in theirs', async () => {
  await using running = await start();
  const first = await dealt(running);
  assert.equal([...new Set(first.map(({ group }) => group))].sort(), range(GROUPS));
  assert.is(running.server.connections, MANY);
  for (const { client, group } of first) {
    for (const _ of range(4)) assert.is(groupOf(Number((await client.get('/thread')).text)), group);
  }
});

test('threads have the numbers of the server everywhere', async () => {
  const starts: number[] = [];
  const seen = new Set<number>();
  const server = createServer({
    app: fixture('web'),
    threads: THREADS,
    groups: GROUPS,
    logger: false,
  });
  server.on('threadStart', ({ thread }) => starts.push(thread));
  server.on('transition', ({ thread }) => seen.add(thread));
  await server.listen({ port: 0 });
  try {
    const all = range(THREADS * GROUPS);
    assert.equal(
      server.threads().map(({ id }) => id),
      all,
    );
    await until('all threads have joined', () => starts.length === all.length);
    assert.equal(starts.sort(), all);
    await until('each group has a leader', () => leaders(server).length === GROUPS);
    const { port } = server.address() as AddressInfo;
    while (new Set([...seen].map(groupOf)).size < GROUPS) {
      const client = await Client.connect({ port });
      await client.get('/text');
      await client.close();
    }
    assert.ok(Math.max(...seen) < all.length);
  } finally {
    await server.close();
  }
});

const leaders = (server: Server): number[] =>
  server.threads().flatMap(({ id, state }) => (state === 'leader' ? [groupOf(id)] : []));

test('a dead thread takes the connection that it was inside, and none of another group', async () => {
  await using running = await start();
  const exits: ThreadExit[] = [];
  const starts: number[] = [];
  running.server.on('threadExit', (exit) => exits.push(exit));
  running.server.on('threadStart', ({ thread }) => starts.push(thread));
  const clients = await dealt(running);
  for (const victims of range(GROUPS)) {
    const index = clients.findIndex(({ group }) => group === victims);
    const [victim] = clients.splice(index, 1);
    await victim!.client.send('GET /exit HTTP/1.1\r\nhost: test\r\n\r\n');
    assert.is((await victim!.client.rest()).length, 0);
    await until('the thread is replaced', () => starts.length === victims + 1);
    const { thread, connectionsLost } = exits[victims]!;
    assert.equal([groupOf(thread), starts[victims], connectionsLost], [victims, thread, 1]);
    const logged = running.log.find(({ message }) => message.startsWith(`thread ${thread} died`));
    assert.is(logged?.level, 'error');
    for (const { client, group } of clients) {
      assert.is(groupOf(Number((await client.get('/thread')).text)), group);
    }
  }
});

test('a port that somebody has is in use, whoever that is', async () => {
  await using running = await start();
  const { port } = running.server.address() as AddressInfo;
  for (const groups of [1, GROUPS]) {
    const other = createServer({ app: fixture('web'), threads: 1, groups, logger: false });
    assert.is((await failure(other.listen({ port }))).code, 'PACELINE_ADDRESS_IN_USE');
  }
  const plain = createNetServer().listen(0, '127.0.0.1');
  await once(plain, 'listening');
  const taken = (plain.address() as AddressInfo).port;
  const other = createServer({ app: fixture('web'), threads: 1, groups: GROUPS, logger: false });
  assert.is((await failure(other.listen({ port: taken }))).code, 'PACELINE_ADDRESS_IN_USE');
  plain.close();
  await once(plain, 'close');
  const client = createNetServer().listen(port, '127.0.0.1');
  const [error] = await once(client, 'error');
  assert.is(error.code, 'EADDRINUSE');
});

test('of two servers that bind the same port before either listens, one fails', async () => {
  using gate = new Gate();
  const server = () =>
    createServer({
      app: moduleOf(
        `import { pass } from ${JSON.stringify(new URL('../../fixtures/server/pass.js', import.meta.url).href)};
         pass(${JSON.stringify(gate.path)});
         export default { fetch: () => 'served' };`,
      ),
      threads: 1,
      groups: GROUPS,
      logger: false,
    });
  const probe = createNetServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const servers = [server(), server()];
  const starts = servers.map((each) =>
    each.listen({ port }).then(
      () => 'serves',
      ({ code }) => code,
    ),
  );
  // Both are bound, and load the app.
  await gate.entered(2);
  gate.release(2 * GROUPS);
  assert.equal((await Promise.all(starts)).sort(), ['PACELINE_ADDRESS_IN_USE', 'serves']);
  await Promise.all(servers.map((each) => each.close()));
});

test('maxConnections is the maximum of all groups together', async () => {
  await using running = await start('web', { maxConnections: 5 });
  const clients = await Promise.all(range(MANY).map(() => Client.connect(running.target)));
  try {
    let peak = 0;
    await until('both groups are full', () => {
      peak = Math.max(peak, running.server.connections);
      return running.server.connections === 5;
    });
    // Each one that ends makes room for one of its group.
    const answers = clients.map(async (client) => {
      const { text } = await client.get('/thread', 'connection: close\r\n');
      peak = Math.max(peak, running.server.connections);
      return groupOf(Number(text));
    });
    assert.equal([...new Set(await Promise.all(answers))].sort(), range(GROUPS));
    assert.is(peak, 5);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
});

test('requests of all groups are finished when the server closes, and then the port is free', async () => {
  const running = await start();
  using gate = new Gate();
  const { port } = running.server.address() as AddressInfo;
  const released: unknown[] = [];
  running.server.on('released', () => released.push(null));
  const clients = await dealt(running);
  const busy = range(GROUPS).map((index) => clients.find(({ group }) => group === index)!.client);
  const answers = busy.map((client) => client.get(`/hold?gate=${gate.path}`));
  await gate.entered(GROUPS);
  const closed = running.server.close({ drainMs: 60_000 });
  await until('the sockets of all groups are closed', () => released.length === 1);
  assert.ok(await isRefused(port));
  gate.release(GROUPS);
  const groups = (await Promise.all(answers)).map(({ text }) => groupOf(Number(text)));
  assert.equal(groups, range(GROUPS));
  await closed;
  assert.is(released.length, 1);
  assert.equal([...new Set(running.server.threads().map(({ state }) => state))], ['dead']);
  const next = createNetServer().listen(port, '127.0.0.1');
  await once(next, 'listening');
  next.close();
  await running[Symbol.asyncDispose]();
});

test('servers of Node in all groups get the same ports, each of which is reported once', async () => {
  const server = createServer({ app: fixture('listens'), threads: THREADS, groups: GROUPS, logger: false });
  const listening: Listening[] = [];
  server.on('listening', (listener) => listening.push(listener));
  await server.listen({ port: 0 });
  try {
    await until('it listens at three addresses', () => listening.length === 3);
    assert.is(server.addresses().length, 3);
    const texts = await Promise.all(
      listening
        .filter(({ url }) => url.startsWith('http:'))
        .map(async ({ url }) => {
          const answers = await Promise.all(
            range(MANY).map(() => fetch(url, { headers: { connection: 'close' } })),
          );
          const bodies = new Set(await Promise.all(answers.map((answer) => answer.text())));
          assert.ok(new Set(answers.map(({ headers }) => headers.get('x-thread'))).size >= GROUPS);
          return [...bodies].join();
        }),
    );
    assert.equal(texts.sort(), ['one', 'two']);
    assert.is(listening.length, 3);
  } finally {
    await server.close({ drainMs: 300 });
  }
});

test('an app that listens where somebody else does gets EADDRINUSE', async () => {
  const owner = createNetServer().listen(0, '127.0.0.1');
  await once(owner, 'listening');
  const { port } = owner.address() as AddressInfo;
  const source = `import { createServer } from 'node:http';
    createServer().listen(${port}, '127.0.0.1');`;
  const server = createServer({ app: moduleOf(source), threads: 1, groups: GROUPS, logger: false });
  assert.is((await failure(server.listen({ port: 0 }))).code, 'PACELINE_ADDRESS_IN_USE');
  owner.close();
});

test('all groups accept from a Unix socket, and from an inherited one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-groups-'));
  const path = join(folder, 'groups.sock');
  const inherited = bindListener({ address: '127.0.0.1', family: 'IPv4', port: 0 });
  startListening(inherited, 64);
  try {
    for (const where of [{ path }, { fd: duplicateDescriptor(inherited) }] satisfies ListenOptions[]) {
      await servesInAllGroups(where);
    }
    assert.not(existsSync(path));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** While all threads of one group are inside handlers, another group serves. */
async function servesInAllGroups(where: ListenOptions): Promise<void> {
  using gate = new Gate();
  const server = createServer({ app: fixture('web'), threads: 1, groups: GROUPS, logger: false });
  await server.listen(where);
  const address = server.address();
  const target = typeof address === 'string' ? { path: address } : { port: address.port };
  const clients: Client[] = [];
  try {
    const answers: Promise<{ text: string }>[] = [];
    for (const held of range(GROUPS)) {
      const client = await Client.connect(target);
      clients.push(client);
      answers.push(client.get(`/hold?gate=${gate.path}`));
      await gate.entered(held + 1);
    }
    gate.release(GROUPS);
    const texts = (await Promise.all(answers)).map(({ text }) => text);
    assert.equal(texts.sort(), ['0', '1']);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await server.close({ drainMs: 300 });
  }
}

test('what waits in the queue of a socket that groups share counts once', async () => {
  const inherited = bindListener({ address: '127.0.0.1', family: 'IPv4', port: 0 });
  startListening(inherited, 64);
  using gate = new Gate();
  const server = createServer({
    app: fixture('web'),
    threads: 1,
    groups: GROUPS,
    dashboard: { port: 0 },
    logger: false,
  });
  await server.listen({ fd: inherited });
  const { port } = server.address() as AddressInfo;
  const [dashboard, token] = server.dashboard!.url.split('#') as [string, string];
  const clients: Client[] = [];
  const connected = async () => {
    const client = await Client.connect({ port });
    clients.push(client);
    return client;
  };
  try {
    const answers: Promise<unknown>[] = [];
    for (const held of range(GROUPS)) {
      answers.push((await connected()).get(`/hold?gate=${gate.path}`));
      await gate.entered(held + 1);
    }
    for (const _ of range(3)) await connected();
    let waiting = '';
    do {
      const metrics = await fetch(`${dashboard}metrics`, { headers: { authorization: `Bearer ${token}` } });
      [, waiting = ''] = /^paceline_requests_waiting (\d+)$/m.exec(await metrics.text()) ?? [];
    } while (waiting === '0');
    gate.release(GROUPS);
    await Promise.all(answers);
    assert.is(waiting, '3');
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await server.close({ drainMs: 300 });
  }
});

test("an app's own Unix socket is served whatever its threads remove", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-groups-'));
  const path = join(folder, 'app.sock');
  const source = `import { rmSync } from 'node:fs';
    import { createServer } from 'node:http';
    const path = ${JSON.stringify(path)};
    rmSync(path, { force: true });
    const server = createServer((request, response) => {
      response.end('served');
      if (request.url === '/die') setImmediate(() => { throw new Error('it dies'); });
    });
    server.listen(path);`;
  const server = createServer({ app: moduleOf(source), threads: 1, groups: GROUPS, logger: false });
  let started = 0;
  server.on('threadStart', () => started++);
  const ask = async (target: string) => {
    const client = await Client.connect({ path });
    const { text } = await client.get(target);
    await client.close();
    return text;
  };
  try {
    await server.listen({ port: 0 });
    assert.equal(server.addresses(), [path]);
    assert.is(await ask('/'), 'served');
    await ask('/die');
    await until('the thread is replaced', () => started === GROUPS + 1);
    await until('it has joined', () =>
      server.threads().every(({ state }) => !['dead', 'starting'].includes(state)),
    );
    assert.is(await ask('/'), 'served');
  } finally {
    await server.close({ drainMs: 300 });
  }
  assert.equal(readdirSync(folder), []);
  rmSync(folder, { recursive: true });
});

test('a start that fails in one group leaves nothing behind', async () => {
  const source = `export function init({ thread }) { if (thread === 3) throw new Error('thread three'); }
    export default { fetch: () => 'served' };`;
  const server = createServer({ app: moduleOf(source), threads: THREADS, groups: GROUPS, logger: false });
  const { code, message } = await failure(server.listen({ port: 0 }));
  assert.is(code, 'PACELINE_APP_LOAD');
  assert.match(message, 'thread three');
  assert.equal(server.addresses(), []);
});

test('the dashboard shows the threads of all groups, and which group each is of', async () => {
  await using running = await start('web', { dashboard: { port: 0 } });
  await dealt(running);
  const { url } = running.server.dashboard!;
  const [base, token] = url.split('#') as [string, string];
  const metrics = await (await fetch(`${base}metrics`)).text();
  const accepted = [...metrics.matchAll(/^paceline_connections_accepted_total\{(.*)\} (\d+)$/gm)];
  assert.equal(
    accepted.map(([, labels]) => labels),
    range(THREADS * GROUPS).map((thread) => `thread="${thread}",group="${groupOf(thread)}"`),
  );
  const open = [...metrics.matchAll(/^paceline_group_connections\{group="\d+"\} (\d+)$/gm)];
  assert.is(
    open.reduce((sum, [, count]) => sum + Number(count), 0),
    MANY,
  );
  const answer = await fetch(`${base}api/trace?ms=0`, { headers: { authorization: `Bearer ${token}` } });
  const { traceEvents } = (await answer.json()) as {
    traceEvents: { name: string; args: { name: string } }[];
  };
  const tracks = traceEvents.filter(({ name }) => name === 'thread_name').map(({ args }) => args.name);
  const names = range(THREADS * GROUPS).map((thread) => `thread ${thread} of group ${groupOf(thread)}`);
  assert.equal(tracks, names);
  const { origin } = new URL(base);
  const protocols = [PROTOCOL, TOKEN_PREFIX + token];
  const socket = new WebSocket(`${base.replace('http', 'ws')}ws`, protocols, { origin });
  const [data] = await once(socket, 'message');
  const hello = JSON.parse(String(data)) as Hello;
  assert.equal([hello.threads, hello.groups, hello.names], [THREADS * GROUPS, GROUPS, names]);
  socket.terminate();
});

test('the options say how many threads and connections groups need', () => {
  for (const options of [
    { groups: 0 },
    { groups: 17 },
    { groups: 3, threads: 64 },
    { groups: 4, maxConnections: 3 },
  ]) {
    assert.throws(
      () => createServer(options),
      (error: PacelineError) => error.code === 'PACELINE_OPTION',
    );
  }
});

test.run();
