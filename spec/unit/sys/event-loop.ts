/** I8: a thread can ask its own event loop when it has to run, and wait for that beside the handle set. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, connect as dial } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { closeDescriptor, createEventCounter } from '../../../lib/sys/descriptor.js';
import { POLL_SECOND, pollTwo } from '../../../lib/sys/epoll.js';
import { EventLoop } from '../../../lib/sys/event-loop.js';
import { withSet } from '../../support/set/test-set.js';

const HOUR_MS = 3_600_000;
const loop = new EventLoop();

/** Runs in a message's callback, where libuv's answers are exact. */
async function inMessage<T>(ask: () => T): Promise<T> {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(0);
  await once(port2, 'message');
  const result = ask();
  port1.close();
  return result;
}

test('a pending timer bounds the wait, and without one there is no bound', async () => {
  const timer = setTimeout(() => {}, HOUR_MS);
  const pending = await inMessage(() => loop.timeoutMs());
  assert.ok(pending > 0 && pending <= HOUR_MS, `${pending} ms`);
  clearTimeout(timer);
});

test('a timer that is due asks for the loop at once', async () => {
  await inMessage(() => {
    const timer = setTimeout(() => {}, 1);
    const due = performance.now() + 2;
    while (performance.now() < due) {}
    assert.is(loop.timeoutMs(), 0);
    clearTimeout(timer);
  });
});

test('an immediate asks for the loop at once', async () => {
  await inMessage(() => {
    const immediate = setImmediate(() => {});
    assert.is(loop.timeoutMs(), 0);
    clearImmediate(immediate);
  });
});

test('a socket with data makes the backend descriptor readable', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = dial((server.address() as AddressInfo).port, '127.0.0.1');
  const [[peer]] = await Promise.all([once(server, 'connection'), once(client, 'connect')]);
  const quiet = createEventCounter();
  const received = once(client, 'data');
  // The loop has to tell the kernel that it listens.
  await new Promise((resolve) => setImmediate(resolve));
  peer.write('data');
  assert.is(pollTwo(quiet, loop.backendFd, -1) & POLL_SECOND, POLL_SECOND);
  assert.is(String((await received)[0]), 'data');
  closeDescriptor(quiet);
  client.destroy();
  peer.destroy();
  server.close();
  await once(server, 'close');
});

test(
  'each thread sees its own loop',
  withSet(2, async (set) => {
    const threads = await set.startAll();
    const backends = [loop.backendFd, ...threads.map((thread) => thread.run('backendFd'))];
    assert.is(new Set(backends).size, 3);
    assert.ok(backends.every((fd) => fd >= 0));
  }),
);

test.run();
