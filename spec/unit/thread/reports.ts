import { once } from 'node:events';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allocateMemory } from '../../../lib/memory/allocation.js';
import { LOGS_READ, threadArea } from '../../../lib/memory/layout.js';
import type { LogEntry } from '../../../lib/thread/log-limiter.js';
import { MAX_UNREAD_LOGS, type ThreadMessage } from '../../../lib/thread/messages.js';
import { until } from '../../support/server/wait.js';

const ENTRY = new URL('../../support/thread/reporter.js', import.meta.url);

test('a control plane that does not read is sent a bounded number of messages, and the rest once it does', async () => {
  const memory = allocateMemory(1, 1);
  const words = new Int32Array(memory.control);
  const read = threadArea(0) + LOGS_READ;
  const { port1, port2 } = new MessageChannel();
  const logged = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(ENTRY, {
    workerData: { self: 0, number: 0, memory, port: port2, logged },
    transferList: [port2],
  });
  const entries: LogEntry[] = [];
  const take = () => {
    for (let next = receiveMessageOnPort(port1); next !== undefined; next = receiveMessageOnPort(port1)) {
      const message = next.message as ThreadMessage;
      if (message.type === 'log') entries.push(message.entry);
    }
  };
  await until('it has logged', () => Atomics.load(logged, 0) > 0);
  take();
  assert.is(entries.length, MAX_UNREAD_LOGS);
  Atomics.store(words, read, entries.length);
  const told = () => entries.reduce((sum, { more }) => sum + 1 + more, 0);
  await until('the rest is told', () => {
    take();
    return told() === logged[0]!;
  });
  assert.ok(logged[0]! > 50_000, `${logged[0]} were logged`);
  assert.ok(entries.length <= 3 * MAX_UNREAD_LOGS + 2, `${entries.length} messages`);
  for (const { fields } of entries) assert.is(fields.thread, 0);
  const exit = once(worker, 'exit');
  void worker.terminate();
  await exit;
  port1.close();
});

test.run();
