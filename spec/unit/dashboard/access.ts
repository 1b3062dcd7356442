/** Access to the dashboard: every request that is not meant for it is refused, whatever its path. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Access } from '../../../lib/dashboard/access.js';
import { TestDashboard } from '../../support/dashboard/test-dashboard.js';

const PATHS = ['/', '/healthz', '/readyz', '/metrics', '/api/threads', '/api/trace?ms=0', '/ws', '/absent'];

test('a foreign Host is refused on every path, with the method right or wrong', async () => {
  await using dashboard = await TestDashboard.start();
  const { port } = dashboard.server;
  const foreign = [
    'evil.example',
    `evil.example:${port}`,
    '127.0.0.1',
    `127.0.0.1:${port + 1}`,
    '',
    'a b',
    `127.0.0.1:${port}@x`,
  ];
  for (const host of foreign) {
    for (const path of PATHS) {
      const { status, text } = await dashboard.get(path, `host: ${host}\r\n`);
      assert.is(status, 421, `${host} ${path}`);
      assert.not.match(text, dashboard.token);
    }
  }
  assert.is((await dashboard.ask('DELETE', '/metrics', 'host: evil.example\r\n')).status, 421);
});

test('no Host, two of them, and a target that is not a path are bad requests', async () => {
  await using dashboard = await TestDashboard.start();
  const { host } = dashboard;
  for (const head of [
    'GET /healthz HTTP/1.1\r\n',
    'GET /healthz HTTP/1.0\r\n',
    `GET /healthz HTTP/1.1\r\nhost: ${host}\r\nhost: ${host}\r\n`,
    `GET /healthz HTTP/1.1\r\nhost: evil.example\r\nHost: ${host}\r\n`,
    `GET http://${host}/healthz HTTP/1.1\r\nhost: ${host}\r\n`,
    `GET http://evil.example/healthz HTTP/1.1\r\nhost: ${host}\r\n`,
    `OPTIONS * HTTP/1.1\r\nhost: ${host}\r\n`,
  ]) {
    const client = await dashboard.connect();
    void client.send(`${head}\r\n`);
    assert.is((await client.answer()).status, 400, head);
  }
});

test('a dashboard on loopback has the names of loopback, with its port', async () => {
  await using dashboard = await TestDashboard.start();
  const { port } = dashboard.server;
  for (const name of ['127.0.0.1', 'localhost', 'LocalHost', '[::1]']) {
    assert.is((await dashboard.get('/healthz', `host: ${name}:${port}\r\n`)).status, 200, name);
  }
});

test('a dashboard on a wildcard address accepts any IP address, but of names only its own', () => {
  for (const address of ['0.0.0.0', '::']) {
    const access = new Access(address, { address, port: 9080 });
    for (const host of [
      '10.1.2.3:9080',
      '[fe80::1]:9080',
      '127.0.0.1:9080',
      'localhost:9080',
      '0.0.0.0:9080',
    ]) {
      assert.ok(access.isOwnHost(host), host);
    }
    for (const host of [
      'evil.example:9080',
      '10.1.2.3:9081',
      '10.1.2.3',
      '1.2.3.4.evil.example:9080',
      '[evil]:9080',
    ]) {
      assert.not(access.isOwnHost(host), host);
    }
  }
});

test('a dashboard on an address or a name accepts only that one', () => {
  const byAddress = new Access('192.0.2.7', { address: '192.0.2.7', port: 9080 });
  assert.ok(byAddress.isOwnHost('192.0.2.7:9080'));
  for (const host of ['192.0.2.8:9080', 'localhost:9080', '127.0.0.1:9080'])
    assert.not(byAddress.isOwnHost(host));
  const byName = new Access('Box.Example', { address: '192.0.2.7', port: 80 });
  for (const host of ['box.example', 'BOX.example:80', '192.0.2.7']) assert.ok(byName.isOwnHost(host), host);
  assert.not(byName.isOwnHost('box.example:8080'));
});

test('an Origin is accepted if it is the page of the same Host', () => {
  const access = new Access('127.0.0.1', { address: '127.0.0.1', port: 9080 });
  assert.ok(access.isOwnOrigin('http://localhost:9080', 'localhost:9080'));
  assert.ok(access.isOwnOrigin('http://localhost:9080', 'LOCALHOST:9080'));
  for (const origin of [
    undefined,
    '',
    'null',
    'https://localhost:9080',
    'http://127.0.0.1:9080',
    'http://localhost:9080/',
  ]) {
    assert.not(access.isOwnOrigin(origin, 'localhost:9080'), String(origin));
  }
});

test('each start has another token, of more than 128 bits', () => {
  const tokens = Array.from({ length: 20 }, () => new Access('::1', { address: '::1', port: 1 }).token);
  assert.is(new Set(tokens).size, 20);
  for (const token of tokens) assert.match(token, /^[\w-]{32}$/);
  const access = new Access('::1', { address: '::1', port: 1 });
  assert.ok(access.isToken(access.token));
  for (const wrong of [undefined, '', 'x', `${access.token}x`, access.token.slice(1)])
    assert.not(access.isToken(wrong));
});

test.run();
