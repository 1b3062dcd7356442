/** An upgraded connection: its socket, the one of the event `connection`, and the descriptor end together. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { listenOnSet } from '../../../lib/node/listening.js';
import { openDescriptors } from '../../support/descriptors.js';
import { Serving } from '../../support/node/serving.js';
import { Client } from '../../support/server/http-client.js';
import { range, until, within } from '../../support/server/wait.js';

const UPGRADE = 'GET / HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: own\r\n\r\n';
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: own\r\n\r\n';
const CONNECTIONS = 20;

/** A server that upgrades, and the open sockets of its event `connection`, as an app keeps them for its shutdown. */
async function upgrading(): Promise<{ serving: Serving; open: Set<Socket>; upgraded: Duplex[] }> {
  const open = new Set<Socket>();
  const upgraded: Duplex[] = [];
  const serving = await Serving.start((server) => {
    server.on('connection', (socket) => {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
    });
    server.on('upgrade', (_request, socket: Duplex) => {
      upgraded.push(socket);
      socket.on('error', () => {});
      socket.on('end', () => socket.end());
      socket.resume();
      socket.write(SWITCHING);
    });
  });
  return { serving, open, upgraded };
}

async function upgrade(serving: Serving): Promise<Client> {
  const client = await serving.connect();
  await client.send(UPGRADE);
  assert.is((await client.answer()).status, 101);
  return client;
}

test('the socket of the event connection closes with the upgraded one', async () => {
  const { serving, open, upgraded } = await upgrading();
  await using _ = serving;
  const client = await upgrade(serving);
  assert.is(open.size, 1);
  client.end();
  await until('the upgraded socket is closed', () => upgraded[0]!.closed);
  await until('the socket of the connection is closed', () => open.size === 0);
  await serving.close();
});

test('destroying the socket of the event connection ends the upgraded one', async () => {
  const { serving, open, upgraded } = await upgrading();
  await using _ = serving;
  const client = await upgrade(serving);
  for (const socket of open) socket.destroy();
  await client.rest();
  await until('the upgraded socket is closed', () => upgraded[0]!.closed);
  assert.is(open.size, 0);
  await serving.close();
});

test('an upgraded socket whose listeners of close are removed leaves no descriptor open', async () => {
  await using serving = await Serving.start((server) =>
    server.on('upgrade', (_request, socket: Duplex) => {
      socket.removeAllListeners('close');
      socket.resume();
      socket.end(SWITCHING);
    }),
  );
  const before = openDescriptors();
  for (const _ of range(CONNECTIONS)) {
    const client = await upgrade(serving);
    await client.rest();
    await client.close();
  }
  await until('all descriptors are closed', () => openDescriptors() <= before);
  await serving.close();
});

test('a socket of another protocol whose listeners of close are removed leaves no descriptor open', async () => {
  const server = createServer((socket) => {
    setImmediate(() => {
      socket.removeAllListeners('close');
      socket.resume();
      socket.end('bye');
    });
  });
  // The set of this thread exists since the first server of this file.
  listenOnSet(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const before = openDescriptors();
  for (const _ of range(CONNECTIONS)) {
    const client = await Client.connect({ port, host: '127.0.0.1' });
    assert.is((await client.rest()).toString(), 'bye');
    await client.close();
  }
  await until('all descriptors are closed', () => openDescriptors() <= before);
  await within('the close of the server', new Promise((resolve) => server.close(resolve)));
});

test('an upgraded connection keeps its place after one that was destroyed at once', async () => {
  const upgraded: Duplex[] = [];
  await using serving = await Serving.start((server) =>
    server.on('upgrade', (_request, socket: Duplex) => {
      upgraded.push(socket);
      if (upgraded.length === 1) socket.destroy();
      else socket.write(SWITCHING);
    }),
  );
  const destroyed = await serving.connect();
  await destroyed.send(UPGRADE);
  await destroyed.rest();
  const kept = await upgrade(serving);
  const open = await new Promise<number>((resolve) =>
    serving.server.getConnections((_error, count) => resolve(count)),
  );
  assert.is(open, 1);
  upgraded[1]!.destroy();
  await kept.rest();
});

test.run();
