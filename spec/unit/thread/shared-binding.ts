/** How the servers of a thread ask the control plane for listeners. */
import { once } from 'node:events';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { BoundListener, ListenRequest } from '../../../lib/node/binding.js';
import type { ControlMessage, ThreadMessage } from '../../../lib/thread/messages.js';
import { SharedBinding } from '../../../lib/thread/shared-binding.js';

const REQUEST: ListenRequest = {
  address: '127.0.0.1',
  port: 0,
  path: null,
  backlog: 0,
  protocol: 'http',
};
const ADDRESS = { address: '127.0.0.1', family: 'IPv4', port: 81 } as const;

interface Scene {
  readonly binding: SharedBinding;
  /** The next message of the thread. */
  next(): Promise<ThreadMessage>;
  post(message: ControlMessage): void;
  /** What has become of the requests, in order. */
  readonly outcomes: (BoundListener | Error)[];
  listen(): void;
}

function scene(use: (scene: Scene) => Promise<void>): () => Promise<void> {
  return async () => {
    const { port1, port2 } = new MessageChannel();
    const outcomes: (BoundListener | Error)[] = [];
    const binding = new SharedBinding(port2);
    const messages = messagesOf(port1);
    const outcome = {
      bound: (listener: BoundListener) => void outcomes.push(listener),
      failed: (error: Error) => void outcomes.push(error),
    };
    try {
      await use({
        binding,
        outcomes,
        next: async () => (await messages.next()).value,
        post: (message) => port1.postMessage(message),
        listen: () => binding.listen(REQUEST, outcome),
      });
    } finally {
      port1.close();
    }
  };
}

async function* messagesOf(port: MessagePort): AsyncGenerator<ThreadMessage, never> {
  const queue: ThreadMessage[] = [];
  port.on('message', (message: ThreadMessage) => queue.push(message));
  for (;;) {
    while (queue.length > 0) yield queue.shift()!;
    await once(port, 'message');
  }
}

test(
  'a server is attached before the thread says that connections may come',
  scene(async ({ next, post, outcomes, listen }) => {
    listen();
    assert.equal(await next(), { type: 'listen', id: 1, request: REQUEST });
    assert.equal(outcomes, []);
    post({ type: 'listening', id: 1, index: 3, address: ADDRESS });
    assert.equal(await next(), { type: 'attached', index: 3 });
    assert.equal(outcomes, [{ index: 3, address: ADDRESS }]);
  }),
);

test(
  'a refusal has the system’s code',
  scene(async ({ next, post, outcomes, listen, binding }) => {
    listen();
    await next();
    post({ type: 'refused', id: 1, code: 'EADDRINUSE', errno: -98, message: 'it is in use' });
    post({ type: 'join' });
    await binding.joining();
    const [error] = outcomes as [Error & { code: string; errno: number; syscall: string }];
    assert.equal(
      [error.code, error.errno, error.syscall, error.message],
      ['EADDRINUSE', -98, 'listen', 'it is in use'],
    );
  }),
);

test(
  'the thread listens once one server does and every other request is answered',
  scene(async ({ next, post, listen, binding }) => {
    let listens = false;
    const listening = binding.listening().then(() => {
      listens = true;
    });
    for (const _ of [1, 2, 3]) listen();
    await next();
    post({ type: 'refused', id: 1, code: 'EADDRINUSE', errno: -98, message: 'it is in use' });
    post({ type: 'listening', id: 2, index: 1, address: ADDRESS });
    for (let message = await next(); message.type !== 'attached'; message = await next()) {}
    assert.not(listens);
    post({ type: 'listening', id: 3, index: 2, address: ADDRESS });
    await listening;
  }),
);

test(
  'a server that closes says so',
  scene(async ({ next, binding }) => {
    binding.close(7);
    assert.equal(await next(), { type: 'unlisten', index: 7 });
  }),
);

test.run();
