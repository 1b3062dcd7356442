/** Which connection is closed for a new one at the limit, here of two connections. */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Connections } from '../../../lib/dashboard/connections.js';
import { Client } from '../../support/server/http-client.js';
import { until } from '../../support/server/wait.js';

const silent = { error() {}, warn() {}, info() {}, debug() {} };
/** Longer than the kernel's buffers for a client that does not read. */
const LONG = Buffer.alloc(32 * 1024 * 1024, 'x');

/** A server for two connections; `/long` is answered with LONG, `/never` never completely, everything else at once. */
class TwoPlaces implements AsyncDisposable {
  readonly connections = new Connections(silent, 2);
  readonly #acceptor: Server;
  readonly #clients: Client[] = [];

  private constructor() {
    const http = createHttpServer((request, response) => {
      if (!this.connections.beginRequest(request.socket, response)) return;
      if (request.url === '/never') response.writeHead(200).write('first');
      else response.end(request.url === '/long' ? LONG : 'short');
    });
    this.#acceptor = createServer({ allowHalfOpen: true }, (socket) => {
      if (this.connections.admit(socket)) http.emit('connection', socket);
    });
  }

  static async open(): Promise<TwoPlaces> {
    const places = new TwoPlaces();
    places.#acceptor.listen(0, '127.0.0.1');
    await once(places.#acceptor, 'listening');
    return places;
  }

  /** Sends a request, and does not read its answer except for `/short`. */
  async ask(path: string): Promise<Client> {
    const { port } = this.#acceptor.address() as AddressInfo;
    const client = await Client.connect({ host: '127.0.0.1', port });
    this.#clients.push(client);
    if (path !== '/short') client.socket.pause();
    await client.send(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`);
    return client;
  }

  /** @returns whether it was answered; if not, it was refused */
  async isLetIn(): Promise<boolean> {
    const client = await this.ask('/short');
    await until('it is answered or refused', () => client.waiting > 0 || client.ended);
    return client.waiting > 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    this.#acceptor.close();
    this.connections.destroyAll();
    await this.connections.allClosed();
    this.connections[Symbol.dispose]();
  }
}

test('the connection of a client that does not read a complete answer is closed after some time', async () => {
  await using places = await TwoPlaces.open();
  const clients = [await places.ask('/long'), await places.ask('/long')];
  for (const began = performance.now(); !(await places.isLetIn()); ) {
    assert.ok(performance.now() - began < 20_000, 'somebody gives way');
  }
  for (const { socket } of clients) socket.resume();
  await until('one has all of it', () => clients.some(({ socket }) => socket.bytesRead > LONG.length));
  await until('the other one was cut off', () => clients.some(({ ended }) => ended));
  assert.ok(clients.some(({ socket }) => socket.bytesRead < LONG.length));
});

test('a connection whose answer is not complete is never closed', async () => {
  await using places = await TwoPlaces.open();
  const clients = [await places.ask('/never'), await places.ask('/never')];
  for (const client of clients) {
    client.socket.resume();
    await until('its answer has begun', () => client.waiting > 0);
  }
  const began = performance.now();
  // Longer than a complete answer may wait.
  while (performance.now() - began < 1500) assert.is(await places.isLetIn(), false);
  assert.equal(
    clients.map(({ ended }) => ended),
    [false, false],
  );
});

test('a connection that waits is closed before one with a complete answer, whichever came first', async () => {
  await using places = await TwoPlaces.open();
  const busy = await places.ask('/never');
  busy.socket.resume();
  await until('its answer has begun', () => busy.waiting > 0);
  assert.is(await places.isLetIn(), true);
  assert.is(await places.isLetIn(), true);
  assert.is(busy.ended, false);
});

test.run();
