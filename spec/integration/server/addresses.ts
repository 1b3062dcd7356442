/** A server at several addresses: each of them serves the app, and none is left when one of them cannot be had. */
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import {
  type AddressInfo,
  connect,
  createServer as createNetServer,
  type Server as NetServer,
} from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ListenOptions } from '../../../lib/options/listen-options.js';
import type { ServerOptions } from '../../../lib/options/server-options.js';
import { createServer, type Listening, type ListeningAddress, type Server } from '../../../lib/server.js';
import { DESCRIPTIONS, STRATEGIES } from '../../../lib/strategies/descriptions.js';
import { closeDescriptor, duplicateDescriptor } from '../../../lib/sys/descriptor.js';
import { bindListener, localAddress, type SocketAddress, startListening } from '../../../lib/sys/socket.js';
import { Client, type Target } from '../../support/server/http-client.js';
import { until } from '../../support/server/wait.js';
import { isOpen } from '../../support/set/native.js';

const HTTP_APP = 'export default { fetch: ({ url }) => new URL(url).pathname }';
const TCP_APP = 'export default { open: (connection) => connection.end("hello"), data() {} }';

let directory = '';

test.before(() => {
  directory = mkdtempSync(join(tmpdir(), 'paceline-addresses-'));
});
test.after(() => rmSync(directory, { recursive: true }));

const moduleOf = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;

const targetOf = (address: ListeningAddress): Target =>
  typeof address === 'string' ? { path: address } : { host: address.address, port: address.port };

async function withServer(
  source: string,
  where: ListenOptions | readonly ListenOptions[],
  use: (server: Server, listening: readonly Listening[]) => Promise<void>,
  options: ServerOptions = {},
): Promise<void> {
  const server = createServer({ app: moduleOf(source), threads: 2, drainTimeout: 300, ...options });
  const listening: Listening[] = [];
  server.on('listening', (listener) => listening.push(listener));
  await server.listen(where);
  try {
    await use(server, listening);
  } finally {
    await server.close();
  }
}

async function ask(address: ListeningAddress, path: string): Promise<string> {
  const client = await Client.connect(targetOf(address));
  const { text } = await client.get(path);
  await client.close();
  return text;
}

async function hear(address: ListeningAddress): Promise<string> {
  let heard = '';
  for await (const chunk of connect(targetOf(address)).setEncoding('utf8')) heard += chunk;
  return heard;
}

const isRefused = (address: ListeningAddress): Promise<boolean> =>
  new Promise((resolve) => {
    connect(targetOf(address))
      .on('connect', function (this: { destroy(): void }) {
        this.destroy();
        resolve(false);
      })
      .on('error', () => resolve(true));
  });

async function closed(owner: NetServer): Promise<void> {
  owner.close();
  await once(owner, 'close');
}

test('an app is served at each of several addresses, which are reported in their order', async () => {
  const path = join(directory, 'several.sock');
  let addresses: ListeningAddress[] = [];
  const where = [{ port: 0 }, { path }, { port: 0, host: '127.0.0.2' }];
  await withServer(HTTP_APP, where, async (server, listening) => {
    addresses = server.addresses();
    assert.is(addresses.length, 3);
    const [first, second, third] = addresses as [AddressInfo, string, AddressInfo];
    assert.equal([first.address, second, third.address], ['127.0.0.1', path, '127.0.0.2']);
    assert.equal(server.address(), first);
    assert.equal(
      listening.map(({ url }) => url),
      [`http://127.0.0.1:${first.port}`, `unix:${path}`, `http://127.0.0.2:${third.port}`],
    );
    assert.equal(
      listening.map(({ address }) => address),
      addresses,
    );
    const texts = await Promise.all(addresses.map((address, index) => ask(address, `/${index}`)));
    assert.equal(texts, ['/0', '/1', '/2']);
  });
  assert.equal(await Promise.all(addresses.map(isRefused)), [true, true, true]);
  assert.not(existsSync(path));
});

test('a raw TCP app is as well', async () => {
  const where = [{ port: 0 }, { path: join(directory, 'tcp.sock') }];
  await withServer(TCP_APP, where, async (server) => {
    assert.equal(await Promise.all(server.addresses().map(hear)), ['hello', 'hello']);
  });
});

test('an exported server of node:http is as well, and reports its first address', async () => {
  const path = join(directory, 'node.sock');
  const source = `import { createServer } from 'node:http';
    export default createServer(function (request, response) {
      response.end(request.url === '/port' ? String(this.address().port) : request.url);
    });`;
  const where = [{ port: 0 }, { path }, { port: 0, host: '127.0.0.2' }];
  await withServer(source, where, async (server) => {
    const addresses = server.addresses();
    assert.is(addresses.length, 3);
    // Each of them by every thread.
    for (const [index, address] of [...addresses, ...addresses, ...addresses].entries()) {
      assert.is(await ask(address, `/${index}`), `/${index}`);
      assert.is(await ask(address, '/port'), String((addresses[0] as AddressInfo).port));
    }
  });
  assert.not(existsSync(path));
});

// With an I/O thread there is a second copy of the server, which no handler can close.
const CLOSING = STRATEGIES.map((strategy) => ({ strategy, threads: DESCRIPTIONS[strategy].minThreads }));

for (const options of CLOSING) {
  test(`${options.strategy}: an exported server that closes itself closes at all of its addresses`, async () => {
    const source = `import { createServer } from 'node:http';
    const server = createServer((request, response) => {
      response.end(request.url);
      if (request.url === '/close') server.close();
    });
    export default server;`;
    const where = [{ port: 0 }, { path: join(directory, 'closes.sock') }];
    await withServer(
      source,
      where,
      async (server) => {
        const addresses = server.addresses();
        assert.is(await ask(addresses[1]!, '/close'), '/close');
        await until('the listeners are gone', () => server.addresses().length === 0);
        assert.equal(await Promise.all(addresses.map(isRefused)), [true, true]);
      },
      options,
    );
  });
}

test('where one address is taken, none is listened on', async () => {
  const owner = createNetServer().listen(0, '127.0.0.1');
  await once(owner, 'listening');
  const path = join(directory, 'given-up.sock');
  const { port } = owner.address() as AddressInfo;
  const server = createServer({ app: moduleOf(HTTP_APP), threads: 1 });
  const listening: Listening[] = [];
  server.on('listening', (listener) => listening.push(listener));
  const { code } = await server.listen([{ path }, { port }]).catch((error) => error);
  assert.is(code, 'PACELINE_ADDRESS_IN_USE');
  assert.equal([listening, server.addresses()], [[], []]);
  assert.not(existsSync(path));
  await closed(owner);
});

test('an inherited socket is served and closed, and stays that of its maker', async () => {
  const path = join(directory, 'inherited.sock');
  const places: SocketAddress[] = [
    { address: '127.0.0.1', family: 'IPv4', port: 0 },
    { address: path, family: 'Unix', port: 0 },
  ];
  for (const [place, listens] of places.flatMap((place) => [
    [place, true] as const,
    [place, false] as const,
  ])) {
    const makers = bindListener(place);
    if (listens) startListening(makers, 10);
    const fd = duplicateDescriptor(makers);
    await withServer(HTTP_APP, { fd }, async (server) => {
      const address = server.address();
      if (typeof address === 'string') assert.is(address, path);
      else assert.equal(address, localAddress(makers));
      assert.is(await ask(address, '/inherited'), '/inherited');
    });
    assert.equal([isOpen(fd), isOpen(makers)], [false, true]);
    assert.is(existsSync(path), place.family === 'Unix', 'only its maker removes the path');
    closeDescriptor(makers);
    rmSync(path, { force: true });
  }
});

test('a descriptor that is no socket is refused before any thread starts', async () => {
  const listen = (where: ListenOptions) =>
    createServer({ app: moduleOf(HTTP_APP), threads: 1 })
      .listen(where)
      .then(
        () => 'it listens',
        ({ code, message }) => `${code} ${message}`,
      );
  const file = openSync(fileURLToPath(import.meta.url), 'r');
  for (const fd of [1_000_000, file])
    assert.match(await listen({ fd }), /^PACELINE_ADDRESS the descriptor .* is no socket that a server can/);
  assert.ok(isOpen(file));
  closeSync(file);
});

test.run();
