/** I5: a thread that dies blocks no other, and only the connections that it was inside end with it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ThreadExit } from '../../../lib/server.js';
import { Gate } from '../../support/server/gate.js';
import { Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

const THREADS = 3;

/** A server whose threadExit and threadStart events are recorded. */
async function watched(threads = THREADS) {
  const running = await Running.start('web', { threads });
  const exits: ThreadExit[] = [];
  const starts: number[] = [];
  running.server.on('threadExit', (exit) => exits.push(exit));
  running.server.on('threadStart', ({ thread }) => starts.push(thread));
  return { running, exits, starts };
}

/** Resolves once so many threads have died and been replaced, and all are up. */
async function recovered({ running, exits, starts }: Awaited<ReturnType<typeof watched>>, deaths: number) {
  await until(`${deaths} threads died`, () => exits.length === deaths);
  await until(`${deaths} replacements have joined`, () => starts.length === deaths);
  await running.idle();
  assert.equal(starts.sort(), exits.map(({ thread }) => thread).sort());
}

const ENDS: [how: string, path: string, exitCode: number, error: RegExp | null][] = [
  ['process.exit() in a handler', '/exit', 7, null],
  ['process.exit() after an await', '/exit-later', 7, null],
  ['an error thrown in a timer', '/uncaught', 1, /thrown in a timer/],
  ['an unhandled rejection', '/unhandled', 1, /nobody handles this/],
];

for (const [how, path, exitCode, error] of ENDS) {
  test(`after ${how} the other connections stay open and a replacement joins`, async () => {
    const set = await watched();
    await using running = set.running;
    const others = await running.connectMany(8);
    await Promise.all(others.map((client) => client.get('/text')));
    const victim = await running.connect();
    await victim.send(`GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`);
    assert.is((await victim.rest()).length, 0, 'the connection that it was inside is closed');
    await recovered(set, 1);
    const [exit] = set.exits;
    assert.is(exit!.exitCode, exitCode);
    assert.is(exit!.connectionsLost, 1);
    if (error === null) assert.is(exit!.error, undefined);
    else assert.match((exit!.error as Error).message, error);
    const answers = await Promise.all(others.map((client) => client.get('/text')));
    assert.equal(
      answers.map(({ text }) => text),
      range(8).map(() => 'hello'),
    );
    assert.equal(await running.everyThread('/thread'), ['0', '1', '2']);
    const logged = running.log.find(({ message }) => /died/.test(message));
    assert.is(logged?.level, 'error');
  });
}

test('infinite recursion in a handler is answered with 500 and kills no thread', async () => {
  const set = await watched(1);
  await using running = set.running;
  const client = await running.connect();
  for (const _round of range(3)) assert.is((await client.get('/recurse')).status, 500);
  assert.is((await client.get('/text')).text, 'hello');
  assert.is(set.exits.length, 0);
});

test('threads that all die at once are all replaced, and idle connections stay open', async () => {
  const set = await watched();
  await using running = set.running;
  const idle = await running.connectMany(16);
  await Promise.all(idle.map((client) => client.get('/text')));
  using gate = new Gate();
  const victims = await running.connectMany(THREADS);
  for (const victim of victims) {
    await victim.send(`GET /exit HTTP/1.1\r\nhost: test\r\nx-gate: ${gate.path}\r\n\r\n`);
  }
  await gate.entered(THREADS);
  // No thread is left to take these; the replacements do.
  const answers = idle.map((client) => client.get('/text'));
  gate.release(THREADS);
  for (const victim of victims) assert.is((await victim.rest()).length, 0);
  for (const { text } of await Promise.all(answers)) assert.is(text, 'hello');
  await recovered(set, THREADS);
  assert.is(running.server.connections, idle.length);
  assert.equal(await running.everyThread('/thread'), ['0', '1', '2']);
});

test('the connections that are bound to a dying thread end with it, and no other', async () => {
  const set = await watched(1);
  await using running = set.running;
  const pending = await running.connectMany(5);
  for (const client of pending) await client.send('GET /never HTTP/1.1\r\nhost: test\r\n\r\n');
  const halfHead = await running.connect();
  await halfHead.send('GET /text HTTP/1.1\r\nho');
  const idle = await running.connect();
  await idle.get('/text');
  await running.idle();
  const victim = await running.connect();
  await victim.send('GET /exit HTTP/1.1\r\nhost: test\r\n\r\n');
  for (const client of [...pending, victim]) assert.is((await client.rest()).length, 0);
  await recovered(set, 1);
  assert.is(set.exits[0]!.connectionsLost, 6);
  assert.is((await idle.get('/text')).text, 'hello');
  await halfHead.send('st: test\r\n\r\n');
  assert.is((await halfHead.answer()).text, 'hello', 'what had come of its request is not lost');
  await running.connections(2);
});

test('a response that is half sent when its thread dies is cut off', async () => {
  const set = await watched(2);
  await using running = set.running;
  const client = await running.connect();
  client.socket.pause();
  await client.send('GET /large-bytes?bytes=20000000 HTTP/1.1\r\nhost: test\r\n\r\n');
  await until('the response has begun', () => running.server.threads().some(({ requests }) => requests > 0));
  await running.idle();
  // Every thread gets a request, including the one that the response is bound to.
  using gate = new Gate();
  const victims = await running.connectMany(2);
  for (const victim of victims) {
    await victim.send(`GET /exit HTTP/1.1\r\nhost: test\r\nx-gate: ${gate.path}\r\n\r\n`);
  }
  await gate.entered(2);
  gate.release(2);
  await recovered(set, 2);
  client.socket.resume();
  const got = await client.rest();
  assert.ok(got.length > 0 && got.length < 20_000_000, `${got.length} bytes came`);
  await running.connections(0);
});

test('a request that kills its thread, sent again and again, does not delay the replacements', async () => {
  const set = await watched(1);
  await using running = set.running;
  const errors: Error[] = [];
  running.server.on('error', (error) => errors.push(error));
  // With a delay that doubles each time, as after failed starts, these would take minutes.
  for (const deaths of range(12)) {
    const victim = await running.connect();
    await victim.send('GET /exit HTTP/1.1\r\nhost: test\r\n\r\n');
    assert.is((await victim.rest()).length, 0);
    await recovered(set, deaths + 1);
    const other = await running.connect();
    assert.is((await other.get('/text')).text, 'hello');
  }
  assert.equal(errors, []);
});

test('threads that die again and again under load cost no other connection', async () => {
  const set = await watched();
  await using running = set.running;
  const steady = await running.connectMany(8);
  let over = false;
  const load = steady.map(async (client) => {
    let count = 0;
    for (; !over; count++) assert.is((await client.get('/text')).text, 'hello');
    return count;
  });
  const ends = ['/exit', '/exit-after', '/exit-later', '/exit', '/exit-after'];
  for (const [index, path] of ends.entries()) {
    const victim = await running.connect();
    await victim.send(`GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`);
    await until('the thread died', () => set.exits.length === index + 1);
    await until('its replacement joined', () => set.starts.length === index + 1);
    await victim.close();
  }
  over = true;
  for (const count of await Promise.all(load)) assert.ok(count > 0);
  await recovered(set, ends.length);
  assert.is(
    set.exits.reduce((sum, { connectionsLost }) => sum + connectionsLost, 0),
    ends.filter((path) => path !== '/exit-after').length,
  );
});

test.run();
