/** The endpoints over plain HTTP: their answers, and what they refuse. */
import { connect, createServer } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Dashboard } from '../../../lib/dashboard/server.js';
import { PacelineError } from '../../../lib/errors.js';
import { now } from '../../support/dashboard/fake-observed.js';
import { TestDashboard } from '../../support/dashboard/test-dashboard.js';
import { range, within } from '../../support/server/wait.js';

const READABLE = [
  '/healthz',
  '/readyz',
  '/metrics',
  '/api/threads',
  '/protocol.js',
  '/uplot/uPlot.esm.js',
  '/uplot/uPlot.min.css',
];

test('the headers of every answer forbid what the page does not need', async () => {
  await using dashboard = await TestDashboard.start();
  for (const path of [...READABLE, '/absent', '/api/trace']) {
    const { headers } = await dashboard.get(path);
    const policy = headers.get('content-security-policy')!;
    assert.match(
      policy,
      /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    );
    assert.is(headers.get('x-content-type-options'), 'nosniff', path);
    assert.is(headers.get('referrer-policy'), 'no-referrer', path);
    assert.is(headers.get('cross-origin-opener-policy'), 'same-origin', path);
    assert.is(headers.get('cross-origin-resource-policy'), 'same-origin', path);
    assert.match(
      headers.get('cache-control')!,
      path.endsWith('js') || path.endsWith('css') ? /no-cache/ : /no-store/,
    );
    assert.is(headers.get('access-control-allow-origin'), undefined);
  }
});

test('HEAD is answered as GET, without content', async () => {
  await using dashboard = await TestDashboard.start();
  for (const path of READABLE.filter((one) => one !== '/metrics')) {
    const [head, get] = [await dashboard.ask('HEAD', path), await dashboard.get(path)];
    assert.is(head.status, get.status, path);
    assert.is(head.headers.get('content-length'), get.headers.get('content-length'), path);
    assert.is(head.headers.get('content-type'), get.headers.get('content-type'), path);
  }
  assert.is((await dashboard.ask('HEAD', '/metrics')).status, 200);
});

test('other methods are refused with a list of the allowed ones', async () => {
  await using dashboard = await TestDashboard.start();
  for (const path of [...READABLE, '/api/trace?ms=0', '/ws']) {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const { status, headers } = await dashboard.ask(method, path);
      assert.is(status, 405, `${method} ${path}`);
      assert.is(headers.get('allow'), 'GET, HEAD');
    }
  }
});

test('unknown paths are not found, and no path escapes the allow-list', async () => {
  await using dashboard = await TestDashboard.start();
  for (const path of [
    '/nothing',
    '/page/',
    '/page/../server.js',
    '/page/..%2fserver.js',
    '/page/%2e%2e/server.js',
    '/uplot/../../../package.json',
    '/uplot/package.json',
    '/server.js',
    '//healthz',
    '/healthz/',
    '/HEALTHZ',
    '/api',
    '/__proto__',
    '/constructor',
    '/%00',
    `/${'x'.repeat(4000)}`,
  ]) {
    assert.is((await dashboard.get(path)).status, 404, path);
  }
});

test('requests with content are refused, and the rest of their connection is not read', async () => {
  await using dashboard = await TestDashboard.start();
  for (const fields of ['content-length: 5\r\n', 'transfer-encoding: chunked\r\n']) {
    const client = await dashboard.connect();
    void client.send(`GET /healthz HTTP/1.1\r\nhost: ${dashboard.host}\r\n${fields}\r\nhello`);
    const { status, headers } = await client.answer();
    assert.is(status, 400);
    assert.is(headers.get('connection'), 'close');
    await client.rest();
  }
  assert.is((await dashboard.get('/healthz', 'content-length: 0\r\n')).status, 200);
});

test('an Expect field changes nothing: the request is checked first, and 100 is never sent', async () => {
  await using dashboard = await TestDashboard.start();
  for (const expect of ['100-continue', 'something-else']) {
    const fields = `expect: ${expect}\r\n`;
    assert.is((await dashboard.get('/healthz', fields)).status, 200, expect);
    assert.is((await dashboard.get('/healthz', `host: evil.example\r\n${fields}`)).status, 421, expect);
    assert.is((await dashboard.get('/healthz', `content-length: 5\r\n${fields}`)).status, 400, expect);
  }
});

test('bytes that are not HTTP end their own connection and nothing else', async () => {
  await using dashboard = await TestDashboard.start();
  const other = await dashboard.connect();
  for (const bytes of [
    'nonsense\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    `GET / HTTP/1.1\r\nhost: ${dashboard.host}\r\nbad\0field: x\r\n\r\n`,
    `GET / HTTP/1.1\r\nhost: ${dashboard.host}\r\nlong: ${'x'.repeat(20_000)}\r\n\r\n`,
  ]) {
    const client = await dashboard.connect();
    void client.send(bytes);
    assert.match((await client.rest()).toString(), /^HTTP\/1\.1 4(00|31) /);
  }
  void other.send(`GET /healthz HTTP/1.1\r\nhost: ${dashboard.host}\r\n\r\n`);
  assert.is((await other.answer()).text, 'alive\n');
});

test('a server that is starting or closing is alive and not ready', async () => {
  await using dashboard = await TestDashboard.start({ starting: true });
  assert.is((await dashboard.get('/healthz')).status, 200);
  for (const path of ['/readyz', '/metrics', '/api/threads']) {
    assert.is((await dashboard.get(path)).status, 503, path);
  }
  dashboard.server.serve(dashboard.monitored);
  for (const path of ['/healthz', '/readyz', '/metrics', '/api/threads']) {
    assert.is((await dashboard.get(path)).status, 200, path);
  }
  dashboard.server.drain();
  const { status, text } = await dashboard.get('/readyz');
  assert.equal([status, text], [503, 'draining\n']);
  for (const path of ['/healthz', '/metrics', '/api/threads'])
    assert.is((await dashboard.get(path)).status, 200, path);
});

test('a degraded server is ready unless it is told otherwise, and one with an outage is not', async () => {
  for (const readyWhenDegraded of [true, false]) {
    await using dashboard = await TestDashboard.start({ readyWhenDegraded });
    const { observed } = dashboard;
    observed.clock = now();
    /** The answer, once so many threads have been held for a minute. */
    const readyWith = async (threads: number) => {
      observed.clock! += 1000;
      const since = observed.clock! - 60_000;
      for (const thread of observed.seen.threads.slice(0, threads)) {
        Object.assign(thread, { state: 'processing', since, requestSince: since, route: 'GET /of/a/user' });
      }
      const { status, text } = await dashboard.get('/readyz');
      return [status, text];
    };
    assert.equal(await readyWith(0), [200, 'serving\n']);
    const degraded = 'degraded: long-handler\n';
    assert.equal(await readyWith(1), readyWhenDegraded ? [200, `serving, ${degraded}`] : [503, degraded]);
    const [status, text] = await readyWith(4);
    assert.is(status, 503);
    assert.match(String(text), /^outage: [a-z, -]*all-blocked[a-z, -]*\n$/, 'it names no request');
  }
});

test('a fixed token is the one that is accepted', async () => {
  const token = 'A-Z.a~z_0123456789';
  await using dashboard = await TestDashboard.start({ token });
  assert.ok(dashboard.server.url.endsWith(`/#${token}`));
  await (await dashboard.openClient()).frame('come');
  const trace = (offered: string) => dashboard.get('/api/trace?ms=0', `authorization: Bearer ${offered}\r\n`);
  assert.is((await trace(token)).status, 200);
  assert.is((await trace(`${token}0`)).status, 401);
});

test('/api/threads is the JSON of server.threads()', async () => {
  await using dashboard = await TestDashboard.start();
  const { headers, text } = await dashboard.get('/api/threads');
  assert.is(headers.get('content-type'), 'application/json; charset=utf-8');
  assert.equal(JSON.parse(text), JSON.parse(JSON.stringify(dashboard.monitored.threads())));
});

test('an endpoint that fails answers 500, the log says why, and the next one works', async () => {
  await using dashboard = await TestDashboard.start();
  dashboard.observed.observe = () => {
    throw new Error('a broken observation');
  };
  assert.is((await dashboard.get('/metrics')).status, 500);
  assert.match(dashboard.log.join(), /a broken observation/);
  assert.is((await dashboard.get('/healthz')).status, 200);
});

test('the dashboard closes in bounded time although connections make no progress', async () => {
  const dashboard = await TestDashboard.start();
  const sockets = range(5).map(() => connect(dashboard.server.port, '127.0.0.1'));
  for (const socket of sockets) {
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\nho');
  }
  await within('the dashboard closes', dashboard[Symbol.asyncDispose]());
  for (const socket of sockets) socket.destroy();
});

async function refused(place: { host: string; port: number }, code: string, message: RegExp): Promise<void> {
  const silent = { error() {}, warn() {}, info() {}, debug() {} };
  try {
    const dashboard = await Dashboard.listen(place, silent);
    await dashboard.close();
  } catch (error) {
    assert.instance(error, PacelineError);
    assert.is((error as PacelineError).code, code);
    assert.match((error as PacelineError).message, message);
    return;
  }
  assert.unreachable('it listens');
}

test('an address that is taken, or is not of this machine, is one clear error', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  await refused(
    { host: '127.0.0.1', port },
    'PACELINE_ADDRESS_IN_USE',
    new RegExp(`127\\.0\\.0\\.1:${port} .*taken`),
  );
  await refused({ host: '192.0.2.1', port: 0 }, 'PACELINE_ADDRESS', /192\.0\.2\.1:0/);
  await refused({ host: 'no-such-host.invalid', port: 0 }, 'PACELINE_ADDRESS', /no-such-host\.invalid/);
  await new Promise((resolve) => other.close(resolve));
});

test.run();
