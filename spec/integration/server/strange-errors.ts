/** Whatever an app throws costs one request or, uncaught, one thread; never the process. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { oneLine } from '../../../lib/errors.js';
import type { ThreadExit } from '../../../lib/server.js';
import { DashboardClient } from '../../support/dashboard/test-dashboard.js';
import { Running } from '../../support/server/running.js';
import { until } from '../../support/server/wait.js';

const FIXTURE = 'strange-errors';
/** Bounds the log's description of one error, and the reason of a death in a frame of the dashboard. */
const MAX_CHARACTERS = 20_000;

async function namesOf(running: Running): Promise<string[]> {
  return JSON.parse(await running.get('/names')) as string[];
}

test('thrown by a handler it is answered with 500, logged with a bounded length, and kills no thread', async () => {
  await using running = await Running.start(FIXTURE, { threads: 1 });
  const names = await namesOf(running);
  const exits: ThreadExit[] = [];
  running.server.on('threadExit', (exit) => exits.push(exit));
  const client = await running.connect();
  for (const name of names) assert.is((await client.get(`/sync/${name}`)).status, 500, name);
  assert.equal(exits, []);
  const logged = () => running.log.filter(({ message }) => message === 'a handler failed');
  await until('each is logged', () => logged().length === names.length);
  for (const entry of logged()) assert.ok(JSON.stringify(entry).length < MAX_CHARACTERS);
});

test('uncaught, it kills the thread, and a replacement joins', async () => {
  await using some = await Running.start(FIXTURE, { threads: 1 });
  for (const name of await namesOf(some)) {
    await using running = await Running.start(FIXTURE, { threads: 1, dashboard: { port: 0 } });
    const url = new URL(running.server.dashboard!.url);
    const client = new DashboardClient(url.origin, url.hash.slice(1));
    await client.opened();
    const exits: ThreadExit[] = [];
    running.server.on('threadExit', (exit) => exits.push(exit));
    const victim = await running.connect();
    await victim.send(`GET /later/${name} HTTP/1.1\r\nhost: test\r\n\r\n`);
    await until(`${name} has ended the thread`, () => exits.length === 1);
    assert.is(exits[0]!.exitCode, 1, name);
    assert.is(await running.get('/'), 'well', name);
    const { warnings } = await client.frame(`the death by ${name}`, (frame) =>
      frame.warnings.some(({ id }) => id === 'thread-died'),
    );
    assert.ok(JSON.stringify(warnings).length < MAX_CHARACTERS, name);
    await client.close();
  }
});

test('an uncaught timeout is described by its name', async () => {
  await using running = await Running.start(FIXTURE, { threads: 1 });
  const exits: ThreadExit[] = [];
  running.server.on('threadExit', (exit) => exits.push(exit));
  const victim = await running.connect();
  await victim.send('GET /later/timed-out HTTP/1.1\r\nhost: test\r\n\r\n');
  await until('it has ended the thread', () => exits.length === 1);
  const { name, message, stack } = exits[0]!.error as Error;
  assert.equal([name, message], ['TimeoutError', 'it took too long']);
  assert.match(stack!, /^TimeoutError: it took too long/);
});

test('any value is described in one line', () => {
  assert.is(oneLine(new Error('a\r\n\tb\u001b[31m')), 'a b [31m');
  assert.is(oneLine(undefined), '');
  assert.is(oneLine(null), 'null');
  assert.type(oneLine(Object.create(null)), 'string');
  assert.type(oneLine({ toString: 1 }), 'string');
  assert.type(oneLine(Object.assign(new Error(), { message: Symbol('none') })), 'string');
  assert.ok(oneLine('x'.repeat(5_000_000)).length < 1000);
});

test.run();
