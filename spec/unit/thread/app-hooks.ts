/** Which functions of a module and of its app are hooks, and in which order they are called. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hooksOf, initialize } from '../../../lib/thread/app-hooks.js';

const CONTEXT = { thread: 2, signal: new AbortController().signal };

/** The hooks that were called, in that order. */
async function called(module: object, own: object | null, app: unknown, calls: string[]): Promise<string[]> {
  const hooks = hooksOf(module, own, app);
  await initialize(hooks, CONTEXT.thread);
  for (const hook of hooks.close) await hook(CONTEXT);
  return calls.splice(0);
}

/** An object with both hooks, which note their calls. */
function withHooks(name: string, calls: string[]) {
  return {
    init({ thread }: { thread: number }) {
      calls.push(`${name} init ${thread}`);
    },
    async close({ thread }: { thread: number }) {
      calls.push(`${name} close ${thread}`);
    },
  };
}

test('those of the module enclose those of the app', async () => {
  const calls: string[] = [];
  const app = withHooks('app', calls);
  assert.equal(await called({ ...withHooks('module', calls), default: app }, app, app, calls), [
    'module init 2',
    'app init 2',
    'app close 2',
    'module close 2',
  ]);
});

test('a module that is the app, or that exports the methods of its app by name, has each hook once', async () => {
  const calls: string[] = [];
  const app = withHooks('app', calls);
  const once = ['app init 2', 'app close 2'];
  assert.equal(await called(app, app, app, calls), once);
  assert.equal(await called({ default: app, ...app }, app, app, calls), once);
});

test('hooks of an app are called as its methods', async () => {
  const app = {
    calls: 0,
    close() {
      this.calls++;
    },
  };
  await called({ default: app }, app, app, []);
  assert.is(app.calls, 1);
});

test('methods of an app without hooks of its own are none, under whatever name the module exports them', async () => {
  const calls: string[] = [];
  const app = withHooks('connection', calls);
  const { init, close } = withHooks('module', calls);
  assert.equal(await called({ default: app }, null, app, calls), []);
  assert.equal(await called(app, null, app, calls), []);
  assert.equal(await called({ default: app, init: app.init, close: app.close }, null, app, calls), []);
  assert.equal(await called({ default: app, init, close }, null, app, calls), [
    'module init 2',
    'module close 2',
  ]);
});

test('what a proxy makes up is no hook, nor is what cannot be called', async () => {
  const made: string[] = [];
  const router = new Proxy({} as Record<string, unknown>, {
    get: (_, name) => () => made.push(String(name)),
  });
  await called({ default: router, init: 'soon', close: null }, router, router, []);
  assert.equal(made, []);
});

test('an init that fails keeps the next one from being called', async () => {
  const calls: string[] = [];
  const app = withHooks('app', calls);
  const module = { init: () => Promise.reject(new Error('no database')) };
  await called(module, app, app, calls).then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'no database'),
  );
  assert.equal(calls, []);
});

test.run();
