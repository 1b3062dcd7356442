/** I10: no client and no app keeps a thread from leading, nor its own event loop from running. */
import { connect } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gate } from '../../support/server/gate.js';
import { Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

const FIXTURE = 'endless-work';
const THREADS = 4;

/** Checks that requests on old and new connections are answered, several times. */
async function serves(running: Running): Promise<void> {
  const kept = await running.connect();
  for (const _round of range(10)) {
    assert.is((await kept.get('/')).text, 'done');
    assert.is(await running.get('/'), 'done');
  }
}

test('while every thread streams a response that never ends, others are accepted and answered', async () => {
  await using running = await Running.start(FIXTURE, { threads: THREADS });
  const streams = await running.connectMany(2 * THREADS);
  for (const stream of streams) await stream.send('GET /stream?ms=2 HTTP/1.1\r\nhost: test\r\n\r\n');
  await until('all of them have begun', () => streams.every(({ socket }) => socket.bytesRead > 0));
  await serves(running);
  const before = streams.map(({ socket }) => socket.bytesRead);
  await until('every stream goes on', () =>
    streams.every(({ socket }, index) => socket.bytesRead > before[index]! + 10),
  );
});

test('while every thread has endless immediates, requests are answered', async () => {
  await using running = await Running.start(FIXTURE, { threads: 1 });
  assert.is(await running.get('/immediates?ms=1'), 'done');
  await serves(running);
});

test("a thread's own timers are due between long handlers, however many requests wait", async () => {
  await using running = await Running.start(FIXTURE, { threads: 1 });
  const clients = await running.connectMany(32);
  const passes = () => running.server.threads()[0]!.loopPasses;
  const before = passes();
  const answers = await Promise.all(clients.map((client) => client.get('/?ms=5')));
  assert.is(answers.length, 32);
  // Each handler takes longer than the budget of a pass, so there is about one pass of the loop for each.
  assert.ok(passes() - before >= 16, `${passes() - before} passes for 32 handlers of 5 ms`);
});

test('a close handler that blocks does not delay other timeouts', async () => {
  using gate = new Gate();
  await using running = await Running.start(`blocking-close?gate=${gate.path}`, {
    threads: 2,
    keepAliveTimeout: 40,
  });
  const { port } = running.server.address() as { port: number };
  // The server closes both; neither client closes its side, so both run into their timeout.
  const clients = range(2).map(() => connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
  for (const client of clients) client.on('error', () => {}).write('end this');
  await gate.entered(2);
  assert.is(running.server.connections, 0);
  gate.release(2);
  for (const client of clients) client.destroy();
});

test.run();
