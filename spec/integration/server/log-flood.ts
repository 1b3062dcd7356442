/** An app that fails at every request floods neither the control plane nor the log, and every failure is counted. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_UNREAD_LOGS } from '../../../lib/thread/messages.js';
import { Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

const THREADS = 3;
const CONNECTIONS = 6;
const REQUESTS = 20_000;
/** Of one kind the control plane passes on so many in a second, and one for the rest; and the second before and after. */
const LINES_PER_SECOND = 21;

const failures = ({ log }: Running) => log.filter(({ message }) => message.startsWith('a handler failed'));
const told = (running: Running) =>
  failures(running).reduce((sum, { fields }) => sum + 1 + Number(fields.more ?? 0), 0);
const errors = ({ server }: Running) => server.threads().reduce((sum, thread) => sum + thread.errors, 0);

/** Sends so many requests without waiting for answers, which are discarded. */
async function hammer(running: Running, path: string, requests: number): Promise<void> {
  const clients = await running.connectMany(CONNECTIONS);
  const each = Math.floor(requests / CONNECTIONS);
  for (const [index, client] of clients.entries()) {
    const count = index === 0 ? requests - each * (CONNECTIONS - 1) : each;
    void client.send(`GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`.repeat(count));
  }
}

for (const [path, kinds] of [
  ['/throws', 1],
  ['/each', 64],
] as const) {
  test(`${path}: each of 20,000 failures is in the count, in a bounded number of lines`, async () => {
    await using running = await Running.start('fails', { threads: THREADS });
    const began = performance.now();
    await hammer(running, path, REQUESTS);
    await until('all have failed', () => errors(running) === REQUESTS);
    await until('all are told', () => told(running) === REQUESTS);
    const seconds = Math.ceil((performance.now() - began) / 1000) + 2;
    const lines = failures(running);
    const bound = kinds === 1 ? LINES_PER_SECOND : 100 + kinds + 1;
    assert.ok(lines.length <= seconds * bound, `${lines.length} lines in ${seconds} s`);
    assert.ok(lines.some(({ message }) => /^a handler failed, and [\d,]+ more like it$/.test(message)));
    assert.ok(
      lines.every(({ fields }) => /fail/.test(String(fields.error)) && fields.url !== undefined),
      'each line has an error and its request',
    );
    assert.is(await running.get('/well'), 'well');
  });
}

test('a control plane that was blocked finds a bounded number of messages', async () => {
  await using running = await Running.start('fails', { threads: THREADS });
  await hammer(running, '/each', REQUESTS);
  const before = failures(running).length;
  // It does nothing until some thousand requests have failed; its sockets' buffers hold the answers.
  const word = new Int32Array(new SharedArrayBuffer(4));
  for (let look = 0; look < 300 && errors(running) < 3000; look++) Atomics.wait(word, 0, 0, 100);
  assert.ok(errors(running) >= 3000, `${errors(running)} errors`);
  await until('the first is told', () => failures(running).length > before);
  for (const _pass of range(3)) await new Promise(setImmediate);
  const waited = failures(running).length - before;
  assert.ok(waited <= 2 * THREADS * MAX_UNREAD_LOGS, `${waited} messages`);
  await until('all have failed', () => errors(running) === REQUESTS);
  await until('all are told', () => told(running) === REQUESTS);
});

test('the counts of a thread are reported when it dies', async () => {
  await using running = await Running.start('fails', { threads: 1 });
  let exits = 0;
  running.server.on('threadExit', () => exits++);
  const client = await running.connect();
  const requests = 'GET /throws HTTP/1.1\r\nhost: test\r\n\r\n'.repeat(500);
  await client.send(`${requests}GET /dies HTTP/1.1\r\nhost: test\r\n\r\n`);
  await until('the thread died', () => exits === 1);
  await until('all are told', () => told(running) === 500);
});

test('pending counts are reported before close() resolves', async () => {
  await using running = await Running.start('fails', { threads: THREADS });
  const clients = await running.connectMany(THREADS);
  for (const client of clients) {
    await client.send('GET /throws HTTP/1.1\r\nhost: test\r\n\r\n'.repeat(100));
    for (const _answer of range(100)) assert.is((await client.answer()).status, 500);
  }
  await running.server.close({ drainMs: 0 });
  assert.is(told(running), 100 * THREADS);
});

test.run();
