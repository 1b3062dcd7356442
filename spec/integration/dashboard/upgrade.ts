/** The upgrade to a websocket: each refusal is an HTTP response instead of 101. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PROTOCOL, TOKEN_PREFIX } from '../../../lib/dashboard/protocol.js';
import { type DashboardClient, TestDashboard } from '../../support/dashboard/test-dashboard.js';
import type { Answer } from '../../support/server/http-client.js';
import { range, until } from '../../support/server/wait.js';

type Fields = Record<string, string | undefined>;

/** The request that a browser on the page would send, except for `changed`. */
async function knock(
  dashboard: TestDashboard,
  changed: Fields = {},
  path = '/ws',
  method = 'GET',
): Promise<Answer> {
  const fields: Fields = {
    host: dashboard.host,
    connection: 'Upgrade',
    upgrade: 'websocket',
    origin: dashboard.origin,
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-protocol': `${PROTOCOL}, ${TOKEN_PREFIX}${dashboard.token}`,
    ...changed,
  };
  const lines = Object.entries(fields).filter(([, value]) => value !== undefined);
  const client = await dashboard.connect();
  void client.send(
    `${method} ${path} HTTP/1.1\r\n${lines.map((line) => line.join(': ')).join('\r\n')}\r\n\r\n`,
  );
  const answer = await client.answer();
  if (answer.status !== 101)
    assert.is((await client.rest()).length, 0, 'the connection ends after a refusal');
  await client.close();
  return answer;
}

test('a client with the right Host, Origin and token is accepted, and the token is not sent back', async () => {
  await using dashboard = await TestDashboard.start();
  const { status, head, headers } = await knock(dashboard);
  assert.is(status, 101);
  assert.is(headers.get('sec-websocket-protocol'), PROTOCOL);
  assert.not.ok(head.includes(dashboard.token));
  assert.is(
    (await knock(dashboard, { 'sec-websocket-protocol': `${TOKEN_PREFIX}${dashboard.token},${PROTOCOL}` }))
      .status,
    101,
  );
  const { port } = dashboard.server;
  assert.is(
    (await knock(dashboard, { host: `localhost:${port}`, origin: `http://localhost:${port}` })).status,
    101,
  );
});

test('a foreign Host is refused with 421, even if everything else is right', async () => {
  await using dashboard = await TestDashboard.start();
  const { port } = dashboard.server;
  for (const host of ['evil.example', `evil.example:${port}`, `127.0.0.1:${port + 1}`]) {
    const { status, text } = await knock(dashboard, { host, origin: `http://${host}` });
    assert.is(status, 421, host);
    assert.not.ok(text.includes(dashboard.token));
  }
  assert.is((await knock(dashboard, { host: undefined })).status, 400);
});

test('a foreign Origin, and none, are refused with 403', async () => {
  await using dashboard = await TestDashboard.start();
  const { port } = dashboard.server;
  for (const origin of [
    undefined,
    'null',
    'http://evil.example',
    `https://127.0.0.1:${port}`,
    `http://127.0.0.1:${port + 1}`,
    `http://127.0.0.1:${port}/`,
    // The Origin of another Host than the requested one.
    `http://localhost:${port}`,
  ]) {
    assert.is((await knock(dashboard, { origin })).status, 403, String(origin));
  }
});

test('a missing or wrong token is refused with 401', async () => {
  await using dashboard = await TestDashboard.start();
  const { token } = dashboard;
  for (const offered of [
    undefined,
    PROTOCOL,
    `${PROTOCOL}, ${TOKEN_PREFIX}`,
    `${PROTOCOL}, ${TOKEN_PREFIX}${'A'.repeat(token.length)}`,
    `${PROTOCOL}, ${TOKEN_PREFIX}${token}x`,
    `${PROTOCOL}, ${TOKEN_PREFIX}${token.slice(0, -1)}`,
    `${PROTOCOL}, ${token}`,
  ]) {
    const { status, headers } = await knock(dashboard, { 'sec-websocket-protocol': offered });
    assert.is(status, 401, offered);
    assert.match(headers.get('www-authenticate')!, /^Bearer/);
  }
});

test('the token of another start is refused', async () => {
  await using old = await TestDashboard.start();
  await using dashboard = await TestDashboard.start();
  const { status } = await knock(dashboard, {
    'sec-websocket-protocol': `${PROTOCOL}, ${TOKEN_PREFIX}${old.token}`,
  });
  assert.is(status, 401);
});

test('invalid handshakes are refused with 400', async () => {
  await using dashboard = await TestDashboard.start();
  const token = TOKEN_PREFIX + dashboard.token;
  for (const changed of [
    { 'sec-websocket-protocol': token },
    { 'sec-websocket-protocol': `paceline.0, ${token}` },
    { 'sec-websocket-protocol': `${PROTOCOL}, ${PROTOCOL}, ${token}` },
    { 'sec-websocket-key': undefined },
    { 'sec-websocket-key': 'short' },
    { 'sec-websocket-version': '7' },
    { 'sec-websocket-version': undefined },
    { 'content-length': '5' },
  ]) {
    assert.is((await knock(dashboard, changed)).status, 400, JSON.stringify(changed));
  }
});

test('other paths and methods are refused as without an upgrade', async () => {
  await using dashboard = await TestDashboard.start();
  for (const path of ['/', '/healthz', '/absent', '/ws/', '//ws']) {
    assert.is((await knock(dashboard, {}, path)).status, 404, path);
  }
  const { status, headers } = await knock(dashboard, {}, '/ws', 'POST');
  assert.equal([status, headers.get('allow')], [405, 'GET, HEAD']);
  assert.is((await knock(dashboard, {}, '/ws', 'HEAD')).status, 405);
  assert.is((await dashboard.get('/ws')).status, 426);
});

test('the offer of another protocol is ignored, and the request is answered', async () => {
  await using dashboard = await TestDashboard.start();
  const offer = `connection: upgrade\r\nupgrade: h2c\r\nauthorization: Bearer ${dashboard.token}\r\n`;
  for (const path of ['/', '/healthz', '/readyz', '/metrics', '/api/threads', '/api/trace?ms=0']) {
    const { status, headers } = await dashboard.get(path, offer);
    assert.equal([path, status, headers.get('connection')], [path, 200, 'close']);
  }
  assert.is((await dashboard.ask('HEAD', '/healthz', offer)).status, 200);
  // Nor does it give access to anything that is refused otherwise.
  assert.is((await dashboard.get('/ws', offer)).status, 426);
  assert.is((await dashboard.get('/absent', offer)).status, 404);
  assert.is((await dashboard.get('/healthz', `host: evil.example\r\n${offer}`)).status, 421);
  assert.is((await dashboard.ask('POST', '/healthz', offer)).status, 405);
  assert.equal(dashboard.log, []);
});

test('a trace that does not fit in one write is complete although an upgrade was offered', async () => {
  await using dashboard = await TestDashboard.start();
  for (const _ of range(10_000)) {
    dashboard.observed.tell(1, 2, 4);
    dashboard.observed.tell(1, 4, 2);
  }
  const offer = `connection: upgrade\r\nupgrade: h2c\r\nauthorization: Bearer ${dashboard.token}\r\n`;
  const { text } = await dashboard.get('/api/trace?ms=0', offer);
  const { traceEvents } = JSON.parse(text) as { traceEvents: { ph: string }[] };
  assert.ok(traceEvents.filter(({ ph }) => ph === 'X').length >= 20_000);
});

test('no client is accepted while the server is starting', async () => {
  await using dashboard = await TestDashboard.start({ starting: true });
  assert.is((await knock(dashboard)).status, 503);
  // This is answered without a token: it only says that the server is starting, as /readyz does.
  assert.is((await knock(dashboard, { host: 'evil.example' })).status, 421);
});

test('no more than 16 clients are accepted, and when one leaves another is', async () => {
  await using dashboard = await TestDashboard.start();
  const viewers: DashboardClient[] = [];
  for (const _ of range(16)) viewers.push(await dashboard.openClient());
  assert.is((await knock(dashboard)).status, 429);
  await viewers[0]!.close();
  await until('the place is free', () => {
    const show = viewers[1]!.frames.at(-1);
    return show?.dashboard.clients === 15;
  });
  assert.is((await knock(dashboard)).status, 101);
});

test('a client that disconnects in the middle of the handshake affects no other', async () => {
  await using dashboard = await TestDashboard.start();
  const client = await dashboard.openClient();
  for (const _ of range(10)) {
    const client = await dashboard.connect();
    await client.send(
      `GET /ws HTTP/1.1\r\nhost: ${dashboard.host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`,
    );
    client.socket.resetAndDestroy();
  }
  await client.frame('come');
  assert.equal(dashboard.log, []);
});

test.run();
