/** I9 for the control plane: nothing that a thread, its app, a logger or a listener does makes it throw or stop its work. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Logger } from '../../../lib/logger.js';
import { createServer } from '../../../lib/server.js';
import { fixture, Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

/** Errors that reach the process: those of listeners are left to the embedder. */
async function uncaught(during: () => Promise<void>): Promise<string[]> {
  const messages: string[] = [];
  const note = (error: Error) => messages.push(error.message);
  process.on('uncaughtException', note);
  try {
    await during();
  } finally {
    process.off('uncaughtException', note);
  }
  return messages;
}

test('messages that an app posts to its parentPort are ignored', async () => {
  const messages = await uncaught(async () => {
    await using running = await Running.start('forges', { threads: 2 });
    for (const _round of range(20)) assert.equal(JSON.parse(await running.get('/')), { ports: 0 });
    assert.is(running.server.protocol, 'http');
    assert.equal(running.log, []);
  });
  assert.equal(messages, []);
});

test('a logger that throws, or rejects, loses its lines and breaks nothing else', async () => {
  const fail = (): never => {
    throw new Error('the logger failed');
  };
  const reject = (async () => fail()) as unknown as () => void;
  const logger: Logger = { error: fail, warn: reject, info: fail, debug: reject };
  const messages = await uncaught(async () => {
    await using running = await Running.start('fails', { threads: 2, logger });
    let started = 0;
    running.server.on('threadStart', () => started++);
    for (const death of range(3)) {
      const client = await running.connect();
      assert.is((await client.get('/throws')).status, 500);
      await client.send('GET /dies HTTP/1.1\r\nhost: test\r\n\r\n');
      await client.rest();
      await until('a replacement has joined', () => started === death + 1);
    }
    assert.is(await running.get('/well'), 'well');
  });
  assert.equal(messages, []);
});

test('listeners that throw do not interrupt a recovery', async () => {
  const messages = await uncaught(async () => {
    await using running = await Running.start('web', { threads: 2 });
    const { server } = running;
    let [exits, starts] = [0, 0];
    server.on('threadExit', () => {
      exits++;
      throw new Error('threadExit');
    });
    server.on('threadStart', () => {
      starts++;
      throw new Error('threadStart');
    });
    server.on('transition', () => {
      throw new Error('transition');
    });
    const idle = await running.connect();
    assert.is((await idle.get('/text')).text, 'hello');
    for (const death of range(3)) {
      const victim = await running.connect();
      await victim.send('GET /exit HTTP/1.1\r\nhost: test\r\n\r\n');
      assert.is((await victim.rest()).length, 0);
      await until('it is replaced', () => exits >= death && starts === death + 1);
    }
    assert.is((await idle.get('/text')).text, 'hello');
    await server.close({ drainMs: 100 });
    assert.is(server.connections, 0);
  });
  assert.ok(messages.length > 0);
  assert.equal(
    [...new Set(messages)].sort(),
    ['threadExit', 'threadStart', 'transition'].filter((name) => messages.includes(name)),
  );
});

test('a thread that joins and dies while others still load is replaced', async () => {
  const server = createServer({ app: fixture('dies-early'), threads: 3 });
  await server.listen({ port: 0 });
  await until('all have joined', () =>
    server.threads().every(({ state }) => state === 'leader' || state === 'follower'),
  );
  await server.close({ drainMs: 0 });
});

test.run();
