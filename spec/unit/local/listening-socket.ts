/** Where a local set listens, and the errors of it: compared with a net.Server in the same process. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openListeningSocket } from '../../../lib/local/listening-socket.js';
import type { ListenRequest } from '../../../lib/node/binding.js';
import { within } from '../../support/server/wait.js';

const CAPACITY = 100_000;

type Where = Pick<ListenRequest, 'address' | 'port' | 'path'>;

const request = (where: Partial<Where>): ListenRequest => ({
  address: null,
  port: 0,
  path: null,
  backlog: 0,
  protocol: 'http',
  ...where,
});

function listenAsNode({ address, port, path }: Where): Promise<Server> {
  const server = createServer();
  const listens = new Promise<Server>((resolve, reject) => {
    server.once('listening', () => resolve(server));
    server.once('error', reject);
  });
  if (path !== null) server.listen(path);
  else server.listen({ port, ...(address !== null && { host: address }) });
  return within('a server of Node', listens);
}

const closed = (server: Server) => new Promise((resolve) => server.close(resolve));

async function codeOf(listen: () => unknown): Promise<unknown> {
  try {
    await listen();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
  throw new Error('it listens');
}

/** Listens in vain on both, and compares the codes. */
async function failsAsInNode(where: Partial<Where>): Promise<void> {
  const wanted = request(where);
  assert.is(
    await codeOf(() => openListeningSocket(wanted, CAPACITY)),
    await codeOf(() => listenAsNode(wanted)),
  );
}

test('without an address it listens where Node does', async () => {
  const server = await listenAsNode(request({}));
  const { address, family } = server.address() as { address: string; family: string };
  await closed(server);
  const socket = openListeningSocket(request({}), CAPACITY);
  socket.close();
  assert.equal([socket.address.address, socket.address.family], [address, family]);
  assert.ok(socket.address.port > 0);
});

for (const address of ['127.0.0.1', '::1', null]) {
  test(`a port of ${address} that is taken is refused as in Node`, async () => {
    const taken = await listenAsNode(request({ address }));
    try {
      await failsAsInNode({ address, port: (taken.address() as { port: number }).port });
    } finally {
      await closed(taken);
    }
  });
}

test('an address that is not of this machine is refused as in Node', async () => {
  // TEST-NET-1 and the documentation prefix: no machine has them (RFC 5737, RFC 3849).
  await failsAsInNode({ address: '192.0.2.1' });
  await failsAsInNode({ address: '2001:db8::1', port: 8080 });
});

test('Unix paths: taken, in no folder, and too long are refused as in Node', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-'));
  try {
    const path = join(folder, 'taken');
    const taken = await listenAsNode(request({ path, port: -1 }));
    await failsAsInNode({ path, port: -1 });
    assert.ok(existsSync(path), 'the path of the other server is left alone');
    await closed(taken);
    await failsAsInNode({ path: join(folder, 'none', 'socket'), port: -1 });
  } finally {
    rmSync(folder, { recursive: true });
  }
  // Node reports a path of any length differently from version to version.
  const path = `/${'x'.repeat(200)}`;
  assert.is(await codeOf(() => openListeningSocket(request({ path, port: -1 }), CAPACITY)), 'EINVAL');
});

test('a Unix path is removed when it is closed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-'));
  try {
    const path = join(folder, 'socket');
    const socket = openListeningSocket(request({ path, port: -1 }), CAPACITY);
    assert.equal(socket.address, { address: path, family: 'Unix', port: 0 });
    assert.ok(existsSync(path));
    socket.close();
    assert.not(existsSync(path));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a descriptor beyond the handle table is refused', async () => {
  assert.is(await codeOf(() => openListeningSocket(request({ address: '127.0.0.1' }), 0)), 'EMFILE');
});

test.run();
