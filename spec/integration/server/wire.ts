/** HTTP: what must never be sent, or not at that moment: late interim responses, foreign bytes in a head, wrong lengths. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gate } from '../../support/server/gate.js';
import type { Client } from '../../support/server/http-client.js';
import { Running } from '../../support/server/running.js';
import { until } from '../../support/server/wait.js';

const EXPECTING = (path: string, length = 4) =>
  `POST ${path} HTTP/1.1\r\nhost: test\r\ncontent-length: ${length}\r\nexpect: 100-continue\r\n\r\n`;

// ---- 100 Continue ------------------------------------------------------------------------------------------------------

for (const path of ['/echo', '/echo-later', '/echo-through', '/echo-clone', '/echo-text']) {
  test(`100 Continue is sent before the head of a response whose request's body is in use (${path})`, async () => {
    await using running = await Running.start('wire', { threads: 2 });
    const client = await running.connect();
    for (let round = 0; round < 2; round++) {
      await client.send(EXPECTING(path));
      const interim = await client.answer();
      assert.is(interim.status, 100);
      assert.is(interim.head, 'HTTP/1.1 100 Continue\r\n\r\n');
      await client.send('body');
      const answer = await client.answer();
      assert.is(answer.status, 200);
      assert.is(answer.text, 'body');
      assert.is(answer.headers.get('connection'), undefined, 'and the connection is of use still');
    }
    assert.is((await client.get('/text')).text, 'hello');
  });
}

test('no 100 Continue is sent for a body that is not read, or not used by the response', async () => {
  await using running = await Running.start('wire', { threads: 2 });
  for (const [path, status] of [
    ['/accepted', 202],
    ['/touched', 200],
    ['/text', 200],
    ['/throws', 500],
  ] as const) {
    const client = await running.connect();
    await client.send(EXPECTING(path));
    const answer = await client.answer();
    assert.is(answer.status, status, path);
    assert.is(answer.headers.get('connection'), 'close', path);
    assert.is((await client.rest()).length, 0, path);
  }
});

test('no interim response follows once a response has begun, and the body is read when it comes', async () => {
  await using running = await Running.start('wire', { threads: 2 });
  const client = await running.connect();
  await client.send(EXPECTING('/head-first'));
  // The head, and two chunks of five bytes: the handler has begun to read the body.
  let all = '';
  while (!all.endsWith('asked')) all += (await client.bytes(1)).toString();
  await client.send('body');
  all += (await client.rest()).toString();
  assert.is(all.match(/HTTP\/1\.1/g)?.length, 1, all);
  assert.match(all, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(all, /\r\n\r\n5\r\nfirst\r\n5\r\nasked\r\n4\r\nbody\r\n0\r\n\r\n$/);
  assert.is(client.error, null);
});

test('a handler that reads an awaited body too late gets an error', async () => {
  await using running = await Running.start('wire', { threads: 1 });
  const client = await running.connect();
  await client.send(EXPECTING('/too-late'));
  const all = (await client.rest()).toString();
  assert.is(all.match(/HTTP\/1\.1/g)?.length, 1, all);
  assert.match(all, /\r\n\r\n5\r\nfirst\r\n4\r\nlast\r\n0\r\n\r\n$/);
  const other = await running.connect();
  let events: string[] = [];
  while (events.length === 0) events = JSON.parse((await other.get('/events')).text);
  assert.equal(events, ['not read: PACELINE_CLIENT_GONE']);
});

// ---- the alphabet of a head --------------------------------------------------------------------------------------------

/** An upstream that answers each connection with these bytes. */
async function upstream(bytes: string): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(Buffer.from(bytes)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

/** In latin1 these characters are CR and LF. */
const CR_LF = '\u010d\u010a';
const INJECTED = `${CR_LF}content-length: 0${CR_LF}x-injected: 1${CR_LF}${CR_LF}HTTP/1.1 200 OK${CR_LF}${CR_LF}`;

for (const path of ['/fetched', '/fetched-stream']) {
  test(`the reason phrase of an upstream does not split the response (${path})`, async () => {
    await using running = await Running.start('wire', { threads: 1 });
    const client = await running.connect();
    for (const phrase of [`OK${INJECTED}`, 'O\u0100K', 'O\u0001K', 'O\u007fK']) {
      await using hostile = await upstream(
        `HTTP/1.1 200 ${phrase}\r\nx-own: 1\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbody`,
      );
      const answer = await client.get(`${path}?port=${hostile.port}`);
      assert.is(answer.status, 500, phrase);
      assert.is(answer.headers.has('x-injected'), false);
      assert.not.match(answer.head, /x-own|[^\r\n\x20-\x7e]/);
      assert.is((await client.get('/text')).text, 'hello', 'nothing stands in front of the next answer');
    }
    await using honest = await upstream(
      'HTTP/1.1 200 Fine, thanks\r\ncontent-length: 4\r\nconnection: keep-alive\r\n\r\nbody',
    );
    assert.match((await client.get(`${path}?port=${honest.port}`)).head, /^HTTP\/1\.1 200 Fine, thanks\r\n/);
    const failures = running.log.filter(({ message }) => message === 'a handler failed');
    assert.ok(failures.length > 0);
  });
}

test('control characters in a field value cost the response, and no byte of it is sent', async () => {
  await using running = await Running.start('wire', { threads: 1 });
  const client = await running.connect();
  for (const query of ['', '&stream']) {
    for (const value of ['a\u0001b', 'a\u001bb', 'a\u007fb', 'a\u000bb']) {
      const answer = await client.get(`/value?value=${encodeURIComponent(JSON.stringify(value))}${query}`);
      assert.is(answer.status, 500);
      assert.is(answer.headers.has('x-value'), false);
    }
    for (const value of ['a\tb', 'a b', 'a\u00e9\u0080\u00ffb', '']) {
      const answer = await client.get(`/value?value=${encodeURIComponent(JSON.stringify(value))}${query}`);
      assert.is(answer.status, 200, JSON.stringify(value));
      assert.is(answer.headers.get('x-value'), value);
    }
  }
  const failures = running.log.filter(({ message }) => message === 'a handler failed');
  assert.ok(failures.length > 0);
  assert.match(String(failures[0]!.fields.error), /header fields/);
});

test('control characters in a field value of a request are refused with 400', async () => {
  await using running = await Running.start('wire', { threads: 1 });
  for (const byte of ['\x00', '\x01', '\x0b', '\x1b', '\x7f']) {
    const client = await running.connect();
    assert.is((await client.get('/text', `x-value: a${byte}b\r\n`)).status, 400);
  }
});

// ---- lengths -----------------------------------------------------------------------------------------------------------

test('HEAD and 304 have a Content-Length where it is known, and none otherwise', async () => {
  await using running = await Running.start('wire', { threads: 1 });
  const client = await running.connect();
  const lengthOf = async (method: string, path: string) => {
    await client.send(`${method} ${path} HTTP/1.1\r\nhost: test\r\n\r\n`);
    const { headers } = await client.answer({ toHead: method === 'HEAD' });
    assert.is(headers.has('transfer-encoding'), false);
    return headers.get('content-length');
  };
  assert.is(await lengthOf('HEAD', '/null'), undefined);
  assert.is(await lengthOf('HEAD', '/null-sized'), '123');
  assert.is(await lengthOf('HEAD', '/empty'), '0');
  assert.is(await lengthOf('HEAD', '/text'), '5');
  assert.is(await lengthOf('HEAD', '/unsized-stream'), undefined);
  for (const method of ['GET', 'HEAD']) {
    assert.is(await lengthOf(method, '/status?code=304'), undefined);
    assert.is(await lengthOf(method, '/status?code=204'), undefined);
  }
  assert.is(await lengthOf('GET', '/null'), '0');
  assert.is(await lengthOf('GET', '/status?code=205'), '0');
});

// ---- the end of responses that end with the connection -----------------------------------------------------------------

const OLD = (path: string) => `GET ${path} HTTP/1.0\r\nhost: test\r\n\r\n`;

/** A client that does not read, of a stream that has ended in this way. */
async function ending(running: Running, how: string): Promise<Client> {
  using gate = new Gate();
  const client = await running.connect();
  client.socket.pause();
  await client.send(OLD(`/ending?how=${how}&gate=${encodeURIComponent(gate.path)}`));
  await gate.entered(1);
  gate.release();
  return client;
}

async function isWhole(client: Client): Promise<void> {
  client.socket.resume();
  assert.match((await client.rest()).toString(), /\r\n\r\nfirst$/);
  assert.is(client.error, null);
}

test('to HTTP/1.0 a stream that fails, or whose thread dies, ends with a reset, and one that is complete does not', async () => {
  await using running = await Running.start('wire', { threads: 2 });
  await isWhole(await ending(running, 'close'));
  await isReset(await ending(running, 'fail'));
  await isReset(await ending(running, 'exit'));
  await isWhole(await ending(running, 'close'));
});

test('to HTTP/1.0 a stream that a slow client gets completely does not end with a reset, and one that is cut off does', async () => {
  await using running = await Running.start('wire', { threads: 2, sendTimeout: 2000 });
  const whole = await running.connect();
  whole.socket.pause();
  await whole.send(OLD('/large?parts=200'));
  const cut = await running.connect();
  cut.socket.pause();
  await cut.send(OLD('/large?parts=100000'));
  await running.connections(2);
  whole.socket.resume();
  const parts = (await whole.answer()).body.length;
  assert.is(parts, 200 * 65_536);
  assert.is(whole.error, null);
  await running.connections(0);
  await isReset(cut);
});

test('to HTTP/1.0 a stream that the end of the server cuts off ends with a reset', async () => {
  await using running = await Running.start('wire', { threads: 2 });
  const client = await running.connect();
  client.socket.pause();
  await client.send(OLD('/large?parts=100000'));
  await running.connections(1);
  await running.idle();
  await running.server.close({ drainMs: 100 });
  await isReset(client);
});

/**
 * Whether the kernel has dropped the connection on the client's side, as only a reset does. Read from /proc, because libuv reports
 * the reset of a paused socket as its end. Both ends are compared: connections to other peers may have the same local port.
 */
async function isReset({ localPort, remotePort }: Client): Promise<void> {
  const ends = [localPort, remotePort].map(onLoopback).join(' ');
  const connections = () =>
    readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/).slice(1, 3).join(' '));
  await until('the connection is reset', () => !connections().includes(ends));
}

/** The address as /proc/net/tcp has it. */
const onLoopback = (port: number): string => `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;

// ---- methods and hosts -------------------------------------------------------------------------------------------------

test('a method reaches the handler as it was sent, or not at all', async () => {
  await using running = await Running.start('wire', { threads: 1 });
  const client = await running.connect();
  for (const method of ['DELETE', 'PATCH', 'patch', 'PURGE', 'purge']) {
    await client.send(`${method} /method HTTP/1.1\r\nhost: test\r\n\r\n`);
    assert.is((await client.answer()).text, method);
  }
  for (const method of ['delete', 'Delete', 'get', 'head', 'options', 'POst', 'puT']) {
    const other = await running.connect();
    await other.send(`${method} /method HTTP/1.1\r\nhost: test\r\n\r\n`);
    assert.is((await other.answer()).status, 400, method);
    assert.is((await other.rest()).length, 0);
  }
});

test('no Host yields the URL of another server', async () => {
  await using running = await Running.start('wire', { threads: 1 });
  // Later versions of Node.js accept any label in a URL.
  const idna = URL.canParse('http://xn--0/') ? [] : ['xn--0'];
  for (const host of [...idna, 'a%2fb', 'a%41', '1.2.3.256', '[::1::2]']) {
    for (const request of [
      `GET /url HTTP/1.1\r\nhost: ${host}`,
      `GET http://${host}/url HTTP/1.1\r\nhost: a`,
    ]) {
      const client = await running.connect();
      await client.send(`${request}\r\n\r\n`);
      assert.is((await client.answer()).status, 400, request);
    }
  }
  const client = await running.connect();
  await client.send('GET /url HTTP/1.1\r\nhost: XN--mnchen-3ya.de:8080\r\n\r\n');
  assert.is((await client.answer()).text, 'http://xn--mnchen-3ya.de:8080/url');
});

test.run();
