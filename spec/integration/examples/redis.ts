import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Example, type RunningExample, testOf } from '../../support/examples/example.js';
import { range, within } from '../../support/server/wait.js';

const THREADS = 4;
const COUNTERS = 8;
const ADDITIONS = 50;

/** What the specs use of ioredis. */
interface IoRedis {
  call(...command: string[]): Promise<unknown>;
  get(key: string): Promise<string | null>;
  incr(key: string): Promise<number>;
  pipeline(commands: string[][]): { exec(): Promise<[Error | null, unknown][]> };
  disconnect(): void;
}
interface IoRedisModule {
  Redis: new (options: { port: number; retryStrategy: () => null }) => IoRedis;
}

/** And of redis. */
interface NodeRedis {
  connect(): Promise<unknown>;
  set(key: string, value: string, options?: object): Promise<string | null>;
  get(key: string): Promise<string | null>;
  keys(pattern: string): Promise<string[]>;
  close(): Promise<void>;
}
interface NodeRedisModule {
  createClient(options: { url: string; RESP?: 2 | 3 }): NodeRedis;
}

const redis = await Example.install('redis');
const check = testOf(redis);
const cli = await promisify(execFile)('redis-cli', ['--version']).then(
  () => true,
  () => false,
);
if (!cli) console.log('skipped: there is no redis-cli; `apt-get install redis-tools` brings one');

const start = (): Promise<RunningExample> => redis!.start('server.js', THREADS);

/** Sends bytes in parts, and resolves with the first `length` bytes of the replies. */
async function talk(port: number, parts: Iterable<string>, length: number): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1').setNoDelay(true);
  let received = '';
  socket.on('data', (text: string) => {
    received += text;
  });
  await once(socket, 'connect');
  for (const part of parts) await new Promise((sent) => socket.write(part, sent));
  while (received.length < length) await within(`${length} bytes, beyond ${received}`, once(socket, 'data'));
  socket.destroy();
  return received;
}

check('commands are answered, whether they arrive together or byte by byte', async () => {
  await using running = await start();
  const script: [string, string][] = [
    ['PING\r\n', '+PONG\r\n'],
    ['*2\r\n$4\r\necho\r\n$2\r\n\r\n\r\n', '$2\r\n\r\n\r\n'],
    ['SET a 1\r\n', '+OK\r\n'],
    ['set b 2 ex 100\r\n', '+OK\r\n'],
    ['ttl b\r\n', ':100\r\n'],
    ['ttl a\r\n', ':-1\r\n'],
    ['ttl c\r\n', ':-2\r\n'],
    ['set a 3 NX\r\n', '$-1\r\n'],
    ['set a 3 EX\r\n', '-ERR syntax error\r\n'],
    ['set a 3 EX 0\r\n', "-ERR invalid expire time in 'set' command\r\n"],
    ['exists a b c a\r\n', ':3\r\n'],
    ['incr a\r\n', ':2\r\n'],
    ['incr b\r\nttl b\r\n', ':3\r\n:100\r\n'],
    ['set s text\r\nincr s\r\n', '+OK\r\n-ERR value is not an integer or out of range\r\n'],
    ['del a s c\r\n', ':2\r\n'],
    ['get a\r\n', '$-1\r\n'],
    ['keys *\r\n', '*1\r\n$1\r\nb\r\n'],
    ['nonsense\r\n', "-ERR unknown command 'nonsense'\r\n"],
    ['get\r\n', "-ERR wrong number of arguments for 'get' command\r\n"],
    ['hello 4\r\n', '-NOPROTO unsupported protocol version\r\n'],
    ['select 1\r\n', '-ERR DB index is out of range\r\n'],
    ['\r\nquit\r\n', '+OK\r\n'],
  ];
  const commands = script.map(([command]) => command).join('');
  const replies = script.map(([, reply]) => reply).join('');
  assert.is(await talk(running.port, [commands], replies.length), replies, 'all at once');
  assert.is(await talk(running.port, ['flushall\r\n'], 5), '+OK\r\n');
  assert.is(await talk(running.port, commands, replies.length), replies, 'byte by byte');
});

check('a mistake in the protocol is answered, and ends the connection', async () => {
  await using running = await start();
  for (const mistake of ['*x\r\n', '*1\r\nPING\r\n', '*1\r\n$9999999\r\n', `${'x'.repeat(2 ** 21)}\r\n`]) {
    const socket = connect(running.port, '127.0.0.1')
      .setEncoding('latin1')
      .on('error', () => {});
    socket.write(`PING\r\n${mistake}`);
    let received = '';
    socket.on('data', (text: string) => {
      received += text;
    });
    await within('the end', once(socket, 'close'));
    assert.match(received, /^\+PONG\r\n-ERR Protocol error: [^\r]+\r\n$/);
  }
});

check('ioredis: what any thread writes all see, and no addition is lost', async () => {
  await using running = await start();
  const { Redis } = redis!.require<IoRedisModule>('ioredis');
  const clients = range(COUNTERS).map(() => new Redis({ port: running.port, retryStrategy: () => null }));
  const [first] = clients as [IoRedis];
  try {
    await Promise.all(
      clients.map(async (client) => {
        for (let done = 0; done < ADDITIONS; done++) await client.incr('sum');
      }),
    );
    for (const client of clients) assert.is(await client.get('sum'), `${COUNTERS * ADDITIONS}`);
    const replies = await first.pipeline([['set', 'ü', 'ß'], ['get', 'ü'], ['incr', 'ü'], ['dbsize']]).exec();
    assert.equal(
      replies.map(([error, value]) => error?.message ?? value),
      ['OK', 'ß', 'ERR value is not an integer or out of range', 2],
    );
    assert.match(`${await first.call('INFO')}`, /^thread:\d+\r$/m);
  } finally {
    for (const client of clients) client.disconnect();
  }
});

for (const RESP of [2, 3] as const) {
  check(`redis, with version ${RESP} of the protocol: keys expire`, async () => {
    await using running = await start();
    const { createClient } = redis!.require<NodeRedisModule>('redis');
    const client = createClient({ url: `redis://127.0.0.1:${running.port}`, RESP });
    await client.connect();
    assert.is(await client.set('stays', 'yes'), 'OK');
    assert.is(await client.set('stays', 'no', { condition: 'NX' }), null);
    assert.is(await client.set('goes', 'soon', { expiration: { type: 'PX', value: 1 } }), 'OK');
    while ((await client.get('goes')) !== null);
    assert.equal(await client.keys('*o*'), []);
    assert.equal(await client.keys('st?ys'), ['stays']);
    await client.close();
  });
}

(cli ? check : test.skip)('redis-cli', async () => {
  await using running = await start();
  const run = async (...words: string[]) =>
    (await promisify(execFile)('redis-cli', ['-p', `${running.port}`, ...words])).stdout;
  assert.is(await run('SET', 'name', 'a value'), 'OK\n');
  for (const version of ['-2', '-3']) {
    assert.is(await run(version, 'GET', 'name'), 'a value\n');
    assert.is(await run(version, 'GET', 'nothing'), '\n');
  }
  assert.match(await run('COMMAND', 'DOCS'), /Sets the value of a key\./);
  assert.is(await run('COMMAND', 'COUNT'), '19\n');
});

test.run();
