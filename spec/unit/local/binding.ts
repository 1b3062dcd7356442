/** Listeners of a local set: they come and go in one thread of a program, and nothing of them stays. */
import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_LISTENERS } from '../../../lib/memory/layout.js';
import { openDescriptors } from '../../support/descriptors.js';
import { listen, servingBinding } from '../../support/local/serving.js';
import { Client } from '../../support/server/http-client.js';
import { range, until } from '../../support/server/wait.js';

const CYCLES = 300;

async function getFrom(port: number): Promise<string> {
  const client = await Client.connect({ port, host: '127.0.0.1' });
  try {
    return (await client.get('/')).text;
  } finally {
    await client.close();
  }
}

/** What keeps an event loop alive. */
const resources = () => process.getActiveResourcesInfo().sort();

test('hundreds of servers that are opened, asked once and closed leave nothing behind', async () => {
  const binding = servingBinding();
  const cycle = async () => {
    const { listener, port } = listen(binding);
    assert.is(await getFrom(port), 'hello');
    binding.close(listener.index);
    return listener.index;
  };
  await cycle();
  await until('the connection is closed', () => !resources().includes('MessagePort'));
  const before = { descriptors: openDescriptors(), resources: resources() };
  const numbers = new Set<number>();
  for (const _ of range(CYCLES)) numbers.add(await cycle());
  await until('the last connection is closed', () => openDescriptors() <= before.descriptors);
  await until('the loop rests', () => !resources().includes('MessagePort'));
  assert.equal({ descriptors: openDescriptors(), resources: resources() }, before);
  assert.ok(numbers.size < MAX_LISTENERS, 'numbers are used again');
});

test('servers that are opened and closed at once leave nothing behind', async () => {
  const binding = servingBinding();
  binding.close(listen(binding).listener.index);
  const before = openDescriptors();
  const timers = new Set<number>();
  const hook = createHook({
    init: (id, type) => type === 'Timeout' && timers.add(id),
    destroy: (id) => timers.delete(id),
  }).enable();
  for (const _ of range(CYCLES)) binding.close(listen(binding).listener.index);
  assert.ok(timers.size > 0);
  await new Promise(setImmediate);
  hook.disable();
  assert.is(timers.size, 0, 'timers, referenced or not');
  assert.is(openDescriptors(), before);
});

test('a port refuses connections as soon as its server is closed, others serve on', async () => {
  const binding = servingBinding();
  const [first, second] = [listen(binding), listen(binding)];
  binding.close(first.listener.index);
  const error = await Client.connect({ port: first.port, host: '127.0.0.1' }).catch(
    (cause: unknown) => cause,
  );
  assert.is((error as NodeJS.ErrnoException).code, 'ECONNREFUSED');
  assert.is(await getFrom(second.port), 'hello');
  binding.close(second.listener.index);
});

test('an open connection is served after its server is closed', async () => {
  const binding = servingBinding();
  const { listener, port } = listen(binding);
  const client = await Client.connect({ port, host: '127.0.0.1' });
  assert.is((await client.get('/')).text, 'hello');
  binding.close(listener.index);
  assert.is((await client.get('/')).text, 'hello');
  const next = listen(binding);
  assert.is.not(next.listener.index, listener.index, 'its number is not used again before it is closed');
  binding.close(next.listener.index);
  await client.close();
});

test('connections of both kinds reach their own event handler', async () => {
  const binding = servingBinding();
  const [web, raw] = [listen(binding), listen(binding, { protocol: 'tcp' })];
  assert.is(await getFrom(web.port), 'hello');
  const client = await Client.connect({ port: raw.port, host: '127.0.0.1' });
  const echoed = new Promise((resolve) => client.socket.once('data', (bytes) => resolve(String(bytes))));
  await client.send('GET /');
  assert.is(await echoed, 'GET /');
  await client.close();
  for (const { listener } of [web, raw]) binding.close(listener.index);
});

test('more listeners than a set has are refused, and nothing of them is left open', async () => {
  const binding = servingBinding();
  const all = range(MAX_LISTENERS).map(() => listen(binding));
  const before = openDescriptors();
  const request = { address: '127.0.0.1', port: 0, path: null, backlog: 0, protocol: 'http' } as const;
  const codes: unknown[] = [];
  binding.listen(request, { bound: () => codes.push('bound'), failed: ({ code }) => codes.push(code) });
  assert.equal(codes, ['EMFILE']);
  assert.is(openDescriptors(), before);
  for (const { listener } of all) binding.close(listener.index);
});

test('handlers do not see the async state of the code that listened first', async () => {
  const storage = new AsyncLocalStorage<string>();
  const binding = servingBinding({ fetch: () => new Response(storage.getStore() ?? 'none') });
  const { listener, port } = storage.run('of the first listen()', () => listen(binding));
  assert.is(await getFrom(port), 'none');
  binding.close(listener.index);
});

test.run();
