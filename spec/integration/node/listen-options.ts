/** Options of listen() that decide who reaches a server. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { subject } from '../../support/node/subject.js';

test('ipv6Only is refused, as IPv4 clients would get in', async () => {
  const server = subject.createServer();
  server.listen({ port: 0, host: '::', ipv6Only: true });
  const [error] = await once(server, 'error').catch((thrown) => [thrown]);
  assert.is((error as NodeJS.ErrnoException).code, 'PACELINE_ADDRESS');
  assert.not(server.listening);
});

test('readableAll and writableAll open a Unix socket to everybody', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-listen-'));
  const path = join(folder, 'socket');
  const umask = process.umask(0o077);
  const server = subject.createServer();
  try {
    server.listen({ path, readableAll: true, writableAll: true });
    await once(server, 'listening');
    assert.is(statSync(path).mode & 0o666, 0o666);
  } finally {
    process.umask(umask);
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  }
});

test.run();
