/** Descriptors, connections and paths are released, however a server ends. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createPlainServer, type Server as PlainServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { PacelineError } from '../../../lib/errors.js';
import { createServer, type Server } from '../../../lib/server.js';
import { openDescriptors } from '../../support/descriptors.js';
import { Client } from '../../support/server/http-client.js';
import { fixture, Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

/** Runs `use` and expects as many open descriptors after as before. */
async function leavesNothing(use: () => Promise<void>): Promise<void> {
  const before = openDescriptors();
  await use();
  // Sockets of the spec's own side close a moment after their close event.
  await until(`${before} descriptors are open`, () => openDescriptors() <= before);
  assert.is(openDescriptors(), before);
}

async function refusedWith(server: Server, where: Parameters<Server['listen']>[0]): Promise<string> {
  try {
    await server.listen(where);
  } catch (error) {
    return (error as PacelineError).code;
  }
  await server.close();
  return 'listened';
}

test.before(async () => {
  // Descriptors that the process opens once and keeps (koffi, the thread pool) are not the server's.
  await using running = await Running.start('web', { threads: 2 });
  await running.get('/text');
});

const folder = mkdtempSync(join(tmpdir(), 'paceline-descriptors-'));
test.after(() => rmSync(folder, { recursive: true }));

test('an HTTP server with connections in every state leaves no descriptor behind', () =>
  leavesNothing(async () => {
    await using running = await Running.start('web', { threads: 4 });
    const clients = await running.connectMany(20);
    await Promise.all(clients.slice(0, 5).map((client) => client.get('/text')));
    for (const client of clients.slice(5, 10)) await client.send('GET /never HTTP/1.1\r\nhost: test\r\n\r\n');
    for (const client of clients.slice(10, 15)) await client.send('GET /te');
    await Promise.all(clients.slice(0, 3).map((client) => client.close()));
    await running.server.close({ drainMs: 50 });
    assert.is(running.server.connections, 0);
  }));

test('a raw TCP server leaves no descriptor behind', () =>
  leavesNothing(async () => {
    await using running = await Running.start('tcp', { threads: 4 });
    const clients = await running.connectMany(10);
    for (const client of clients) await client.send('echo hello\n');
    await Promise.all(clients.map((client) => client.bytes(6)));
    await running.server.close({ drainMs: 50 });
  }));

test('a server on a Unix socket leaves neither descriptor nor path behind', () =>
  leavesNothing(async () => {
    const path = join(folder, 'server.sock');
    await using running = await Running.start('web', { threads: 2 }, path);
    assert.is(running.server.address(), path);
    assert.is(await running.get('/address'), '');
    assert.ok(existsSync(path));
    await running.server.close();
    assert.not.ok(existsSync(path));
  }));

test('a path that a dead server left behind is taken over, one that is no socket is not', async () => {
  const path = join(folder, 'left.sock');
  writeFileSync(path, 'precious');
  const server = createServer({ app: fixture('web'), threads: 1 });
  await leavesNothing(async () => assert.is(await refusedWith(server, { path }), 'PACELINE_ADDRESS_IN_USE'));
  assert.ok(existsSync(path));
  const { message } = await createServer({ app: fixture('web'), threads: 1 })
    .listen({ path })
    .catch((error) => error);
  assert.is(message, `${path} is there already and is no socket; remove it or choose another path`);
});

test('a path in a folder that does not exist is refused with the reason', async () => {
  for (const path of [join(folder, 'absent', 's.sock'), join(fileURLToPath(import.meta.url), 's.sock')]) {
    const server = createServer({ app: fixture('web'), threads: 1 });
    const { code, message, syscall } = await server.listen({ path }).catch((error) => error);
    assert.equal([code, syscall], ['PACELINE_ADDRESS', 'bind']);
    assert.match(message, /^the folder of the Unix socket \S+s\.sock does not exist; /);
  }
});

test('threads that die and are replaced leave no descriptor behind', () =>
  leavesNothing(async () => {
    await using running = await Running.start('web', { threads: 2 });
    let starts = 0;
    running.server.on('threadStart', () => starts++);
    for (const round of range(3)) {
      const victim = await running.connect();
      await victim.send('GET /exit HTTP/1.1\r\nhost: test\r\n\r\n');
      await victim.rest();
      await until('the replacement joined', () => starts === round + 1);
    }
    await running.server.close();
  }));

test('a busy port is reported, and nothing is left open', async () => {
  const other: PlainServer = createPlainServer();
  await new Promise<void>((resolve) => {
    other.listen(0, '127.0.0.1', resolve);
  });
  const { port } = other.address() as { port: number };
  await leavesNothing(async () => {
    const server = createServer({ app: fixture('web'), threads: 2 });
    assert.is(await refusedWith(server, { port }), 'PACELINE_ADDRESS_IN_USE');
    await server.close();
  });
  other.close();
});

test('an address of another machine is reported, and nothing is left open', () =>
  leavesNothing(async () => {
    const server = createServer({ app: fixture('web'), threads: 2 });
    assert.is(await refusedWith(server, { port: 0, host: '192.0.2.1' }), 'PACELINE_ADDRESS');
  }));

const BAD_APPS: [what: string, app: string, code: string][] = [
  ['that throws when it is loaded', 'throws', 'PACELINE_APP_LOAD'],
  ['that exits when it is loaded', 'exits', 'PACELINE_APP_LOAD'],
  ['that exports no app', 'no-app', 'PACELINE_APP_SHAPE'],
];

for (const [what, app, code] of BAD_APPS) {
  test(`an app ${what} is reported, and nothing is left open`, () =>
    leavesNothing(async () => {
      const server = createServer({ app: fixture(app), threads: 3 });
      assert.is(await refusedWith(server, { port: 0 }), code);
      assert.is(server.connections, 0);
      await server.close();
    }));
}

test('connections that come and go release their descriptors and their places', () =>
  leavesNothing(async () => {
    await using running = await Running.start('web', { threads: 4 });
    for (const _round of range(10)) {
      const clients = await running.connectMany(30);
      await Promise.all(clients.map((client) => client.get('/text')));
      await Promise.all(clients.map((client) => client.close()));
    }
    await running.connections(0);
  }));

test('a port is free again once its server is closed', async () => {
  const first = createServer({ app: fixture('web'), threads: 1 });
  await first.listen({ port: 0 });
  const { port } = first.address() as { port: number };
  const client = await Client.connect({ port, host: '127.0.0.1' });
  await client.get('/text');
  await first.close();
  await using second = createServer({ app: fixture('web'), threads: 1 });
  await second.listen({ port });
  await client.close();
});

test.run();
