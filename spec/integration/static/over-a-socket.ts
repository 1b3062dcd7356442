/** Static files end to end: a directory as the app, and a handler that uses them. */
import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createServer, type Server } from '../../../lib/server.js';
import { openDescriptors } from '../../support/descriptors.js';
import { Client } from '../../support/server/http-client.js';
import { fixture } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';
import { Site } from '../../support/static/site.js';

const TEXT = 'abcdefghijklmnopqrstuvwxyz';
/** More than the kernel buffers for one connection. */
const LARGE_BYTES = 16 * 1024 * 1024;
const FIVE_MIB = 5 * 1024 * 1024;

const content = (bytes: number): Buffer => {
  const all = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) all.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at);
  return all;
};
const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function start(app: string | URL): Promise<{ server: Server; connect: () => Promise<Client> }> {
  const server = createServer({ app, threads: 3 });
  await server.listen({ port: 0 });
  const { port, address } = server.address() as { port: number; address: string };
  return { server, connect: () => Client.connect({ port, host: address }) };
}

/** Serves a site as a directory app and expects as many open descriptors after as before. */
async function served(
  site: Site,
  use: (connect: () => Promise<Client>, server: Server) => Promise<void>,
  app: string | URL = site.root,
): Promise<void> {
  const before = openDescriptors();
  const { server, connect } = await start(app);
  const clients: Client[] = [];
  try {
    await use(async () => {
      const client = await connect();
      clients.push(client);
      return client;
    }, server);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await server.close({ drainMs: 300 });
  }
  await until('all descriptors are closed', () => openDescriptors() <= before);
}

test.before(async () => {
  // Descriptors that are opened once and kept (koffi, the thread pool) are not the server's.
  using site = new Site({ 'a.txt': 'x' });
  const { server, connect } = await start(site.root);
  const client = await connect();
  await client.get('/a.txt');
  await client.close();
  await server.close();
});

test('a directory is an app', async () => {
  using site = new Site({ 'index.html': '<p>top', 'letters.txt': TEXT, 'sub/index.html': '<p>sub' });
  await served(site, async (connect, server) => {
    assert.is(server.protocol, 'http');
    const client = await connect();
    const top = await client.get('/');
    assert.equal(
      [top.status, top.text, top.headers.get('content-type')],
      [200, '<p>top', 'text/html; charset=utf-8'],
    );
    const letters = await client.get('/letters.txt');
    assert.equal([letters.status, letters.text, letters.headers.get('content-length')], [200, TEXT, '26']);
    const moved = await client.get('/sub?x=1');
    assert.equal([moved.status, moved.headers.get('location'), moved.text], [301, '/sub/?x=1', '']);
    assert.is((await client.get('/missing')).status, 404);
    assert.is((await client.post('/letters.txt', 'body')).status, 405);
    assert.is((await client.get('/letters.txt')).text, TEXT);
  });
});

test('ranges, conditions and HEAD on one connection, also all at once', async () => {
  using site = new Site({ 'letters.txt': TEXT });
  await served(site, async (connect) => {
    const client = await connect();
    const part = await client.get('/letters.txt', 'range: bytes=3-5\r\n');
    assert.equal([part.status, part.text, part.headers.get('content-range')], [206, 'def', 'bytes 3-5/26']);
    const none = await client.get('/letters.txt', 'range: bytes=99-\r\n');
    assert.equal([none.status, none.headers.get('content-range')], [416, 'bytes */26']);
    void client.send('HEAD /letters.txt HTTP/1.1\r\nhost: test\r\n\r\n');
    const head = await client.answer({ toHead: true });
    assert.equal([head.status, head.headers.get('content-length'), head.text], [200, '26', '']);
    const same = await client.get('/letters.txt', `if-none-match: ${head.headers.get('etag')}\r\n`);
    assert.equal([same.status, same.text, same.headers.get('content-length')], [304, '', undefined]);
    assert.is(same.headers.get('etag'), head.headers.get('etag'));
    const request = (fields: string): string => `GET /letters.txt HTTP/1.1\r\nhost: test\r\n${fields}\r\n`;
    void client.send(
      range(20)
        .map((at) => request(`range: bytes=${at}-${at}\r\n`))
        .join('') + request(''),
    );
    for (const at of range(20)) assert.is((await client.answer()).text, TEXT[at]);
    assert.is((await client.answer()).text, TEXT);
  });
});

test('large files arrive whole, to several clients at once and in parts', async () => {
  const bytes = content(FIVE_MIB + 1);
  using site = new Site({ 'large.bin': bytes });
  await served(site, async (connect) => {
    const expected = hash(bytes);
    await Promise.all(
      range(8).map(async () => {
        const client = await connect();
        for (const _ of range(2)) assert.is(hash((await client.get('/large.bin')).body), expected);
        const { body } = await client.get('/large.bin', `range: bytes=${FIVE_MIB - 1_000_000}-\r\n`);
        assert.is(hash(body), hash(bytes.subarray(FIVE_MIB - 1_000_000)));
      }),
    );
  });
});

test('bytes beyond 2 GiB and 4 GiB are where they belong', async () => {
  using site = new Site();
  const path = join(site.root, 'sparse.bin');
  const size = 2 ** 32 + 10;
  const marks = [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32 + 9];
  const fd = openSync(path, 'w');
  ftruncateSync(fd, size);
  for (const mark of marks) writeSync(fd, 'X', mark);
  closeSync(fd);
  await served(site, async (connect) => {
    const client = await connect();
    for (const mark of marks) {
      const { status, text, headers } = await client.get(
        '/sparse.bin',
        `range: bytes=${mark - 1}-${mark}\r\n`,
      );
      const before = marks.includes(mark - 1) ? 'X' : '\0';
      assert.equal(
        [status, text, headers.get('content-range')],
        [206, `${before}X`, `bytes ${mark - 1}-${mark}/${size}`],
      );
    }
  });
});

test('clients that leave in the middle leave nothing open', async () => {
  using site = new Site({ 'large.bin': content(LARGE_BYTES), 'a.txt': 'x' });
  await served(site, async (connect, server) => {
    const before = openDescriptors();
    for (const round of range(10)) {
      const client = await connect();
      void client.send('GET /large.bin HTTP/1.1\r\nhost: test\r\n\r\n');
      await client.bytes(round * 100_000 + 1);
      await client.close();
    }
    await until('no connection is open', () => server.connections === 0);
    assert.is((await (await connect()).get('/a.txt')).text, 'x');
    // The caches release expired files, also in idle threads.
    await until('no file is open', () => openDescriptors() <= before + 2);
  });
});

test('a client that reads nothing stalls no other, and gets all of it in the end', async () => {
  using site = new Site({ 'large.bin': content(LARGE_BYTES), 'a.txt': 'x' });
  await served(site, async (connect) => {
    const slow = await Promise.all(range(6).map(() => connect()));
    for (const client of slow) {
      client.socket.pause();
      void client.send('GET /large.bin HTTP/1.1\r\nhost: test\r\n\r\n');
    }
    const fast = await connect();
    for (const _ of range(50)) assert.is((await fast.get('/a.txt')).text, 'x');
    const expected = hash(content(LARGE_BYTES));
    for (const client of slow) {
      client.socket.resume();
      assert.is(hash((await client.answer()).body), expected);
    }
  });
});

test('a file that becomes shorter while it is sent ends the connection', async () => {
  using site = new Site();
  const path = site.write('large.bin', content(LARGE_BYTES));
  await served(site, async (connect) => {
    const client = await connect();
    client.socket.pause();
    void client.send('GET /large.bin HTTP/1.1\r\nhost: test\r\n\r\n');
    // The first byte has come, so the file is being sent.
    client.socket.resume();
    await client.bytes(1);
    client.socket.pause();
    writeFileSync(path, 'short');
    client.socket.resume();
    const got = await client.rest();
    assert.ok(got.length < LARGE_BYTES);
    assert.is((await (await connect()).get('/large.bin')).text, 'short');
  });
});

const ATTACKS: [string, number][] = [
  ['/../secret.txt', 404],
  ['/../../../../etc/passwd', 404],
  ['/%2e%2e/secret.txt', 404],
  ['/..%2fsecret.txt', 400],
  ['/%2e%2e%2fsecret.txt', 400],
  ['/%252e%252e%252fsecret.txt', 404],
  ['/..%c0%afsecret.txt', 400],
  ['/..%5csecret.txt', 400],
  ['/..\\secret.txt', 404],
  ['/a.txt%00', 400],
  ['//etc/passwd', 404],
  ['/.env', 404],
  ['/%2eenv', 404],
  ['http://other.test/../secret.txt', 404],
  ['http://other.test//a.txt', 404],
];

test('attacks that arrive as raw bytes get nothing', async () => {
  using site = new Site({ '../secret.txt': 'the secret', '.env': 'the secret', 'a.txt': 'x' });
  await served(site, async (connect) => {
    for (const [target, status] of ATTACKS) {
      const client = await connect();
      const answer = await client.get(target);
      assert.equal([answer.status, answer.text.includes('secret')], [status, false], target);
    }
  });
});

test('a handler can pass files on, change them, read them and drop them', async () => {
  const names = ['a.txt', 'a.new', 'a.upper', 'a.piped', 'a.dropped'];
  using site = new Site(Object.fromEntries(names.map((name) => [name, TEXT])));
  const app = fixture('files');
  app.searchParams.set('root', site.root);
  await served(
    site,
    async (connect) => {
      const client = await connect();
      const passed = await client.get('/files/a.txt', 'range: bytes=0-2\r\n');
      assert.equal([passed.status, passed.text, passed.headers.get('x-seen')], [206, 'abc', 'yes']);
      const anew = await client.get('/files/a.new');
      assert.equal(
        [anew.text, anew.headers.get('x-made'), anew.headers.get('content-length')],
        [TEXT, 'anew', '26'],
      );
      assert.is((await client.get('/files/a.upper')).text, TEXT.toUpperCase());
      assert.is((await client.get('/files/a.piped')).text, TEXT);
      assert.is((await client.get('/files/a.dropped')).text, 'something else');
      assert.is((await client.get('/a.txt')).status, 404);
    },
    app,
  );
});

test('a thread that dies leaves none of its files open', async () => {
  using site = new Site({ 'a.txt': TEXT, 'large.bin': content(LARGE_BYTES) });
  const app = fixture('files');
  app.searchParams.set('root', site.root);
  await served(
    site,
    async (connect, server) => {
      const before = openDescriptors();
      let starts = 0;
      server.on('threadStart', () => starts++);
      for (const round of range(4)) {
        const half = await connect();
        half.socket.pause();
        void half.send('GET /files/large.bin HTTP/1.1\r\nhost: test\r\n\r\n');
        const client = await connect();
        await client.get('/files/a.txt');
        void client.send('GET /exit HTTP/1.1\r\nhost: test\r\n\r\n');
        await client.rest();
        await until('the replacement joined', () => starts === round + 1);
        await Promise.all([half.close(), client.close()]);
      }
      await until('no file is open', () => openDescriptors() <= before);
    },
    app,
  );
});

test.run();
