/** The hooks of an app: `init` before a thread serves, `close` when it has left; and what is said of requests that are cut. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { PacelineError } from '../../../lib/errors.js';
import { Gate } from '../../support/server/gate.js';
import { Running } from '../../support/server/running.js';
import { range, until } from '../../support/server/wait.js';

const THREADS = 3;
const LONG_MS = 60_000;
const SHORT_MS = 100;

const folder = mkdtempSync(join(tmpdir(), 'paceline-hooks-'));
let logs = 0;

/** The lines that the hooks of one server write. */
class HookLog {
  readonly path = join(folder, `${++logs}.log`);

  get lines(): string[] {
    try {
      return readFileSync(this.path, 'utf8').split('\n').slice(0, -1);
    } catch {
      return [];
    }
  }

  /** Those that begin so, in the order of the threads. */
  of(begin: string): string[] {
    return this.lines.filter((line) => line.startsWith(begin)).sort();
  }
}

function start(query: string, threads = THREADS): { log: HookLog; starting: Promise<Running> } {
  const log = new HookLog();
  return { log, starting: Running.start(`hooks?log=${log.path}&${query}`, { threads }) };
}

const closed = (aborted: boolean, threads = THREADS) =>
  range(threads).flatMap((thread) => [
    `close ${thread} aborted=${aborted}`,
    `close ${thread} is over aborted=${aborted}`,
  ]);

const warnings = ({ log }: Running) =>
  log.filter(({ level }) => level !== 'info' && level !== 'debug').map(({ message }) => message);

test('init is awaited in each thread before it serves, and in a replacement', async () => {
  const { log, starting } = start('init=later');
  await using running = await starting;
  assert.is(log.of('init').length, 2 * THREADS);
  assert.is(await running.get('/'), 'true');
  const before = log.lines.length;
  await running.get('/exit').catch(() => {});
  await until('the replacement has its hook behind it', () => log.lines.length === before + 2);
  await running.idle();
  assert.is(await running.get('/'), 'true');
});

for (const end of ['throws', 'rejects']) {
  test(`an init that ${end} is an app that does not load, and no close follows in its thread`, async () => {
    const { log, starting } = start(`init=${end}&only=1`);
    const error = await starting.then(
      () => assert.unreachable() as never,
      (reason: PacelineError) => reason,
    );
    assert.is(error.code, 'PACELINE_APP_LOAD');
    assert.match(error.message, new RegExp(`did not load: its init hook failed: Error: the hook ${end}\\b`));
    assert.equal(log.of('close 1'), []);
    // The others have left after an init that was complete, so that what it has opened is closed.
    for (const thread of [0, 2]) {
      assert.is(log.of(`init ${thread} is over`).length, log.of(`close ${thread} is over`).length);
    }
  });
}

test('an init that nothing can settle is an app that does not load', async () => {
  const { starting } = start('init=never');
  await starting.then(
    () => assert.unreachable(),
    ({ code, message }: PacelineError) => {
      assert.is(code, 'PACELINE_APP_LOAD');
      assert.match(message, /its init hook never settles, and nothing is under way that could settle it$/);
    },
  );
});

test('close is awaited in each thread, after the last request', async () => {
  const { log, starting } = start('close=later');
  await using running = await starting;
  using gate = new Gate();
  const client = await running.connect();
  const answer = client.get(`/hold?gate=${gate.path}`);
  await gate.entered(1);
  const closing = running.server.close({ drainMs: LONG_MS });
  await until('new connections are refused', () => running.server.connections === 1);
  assert.equal(log.of('close'), []);
  gate.release();
  assert.is((await answer).status, 200);
  await client.rest();
  await closing;
  assert.equal(log.of('close'), closed(false).sort());
  assert.equal(warnings(running), []);
});

test('close() twice calls the hook once', async () => {
  const { log, starting } = start('close=later');
  const running = await starting;
  await Promise.all([running.server.close(), running.server.close()]);
  assert.is(log.of('close').length, 2 * THREADS);
});

for (const end of ['throws', 'rejects']) {
  test(`a close that ${end} is logged, and the thread ends`, async () => {
    const { log, starting } = start(`close=${end}&only=1`);
    const running = await starting;
    await running.server.close({ drainMs: LONG_MS });
    assert.is(log.of('close').length, 2 * THREADS - 1);
    assert.equal(warnings(running), ["the app's close hook failed"]);
    const { fields } = running.log.find(({ message }) => /hook failed/.test(message))!;
    assert.is(fields.thread, 1);
    assert.match(JSON.stringify(fields.error), new RegExp(`the hook ${end}`));
  });
}

test('a close that nothing can settle is given up at once', async () => {
  const { starting } = start('close=never&only=1');
  const running = await starting;
  // If it waited for the deadline, the watchdog would fail the spec.
  await running.server.close({ drainMs: LONG_MS });
  assert.equal(warnings(running), [
    "the app's close hook never settles, and nothing is under way that could settle it; its thread ends without it",
  ]);
});

test('a close that does not settle is given up after the deadline', async () => {
  const { starting } = start('close=kept&only=1');
  const running = await starting;
  await running.server.close({ drainMs: SHORT_MS });
  assert.equal(warnings(running), [
    "the app's close hook has not settled 500 ms after the end of the drain time; its thread ends without it",
  ]);
});

test('the signal of close aborts where nothing else can settle the hook', async () => {
  const { log, starting } = start('close=aborted');
  const running = await starting;
  await running.server.close({ drainMs: LONG_MS });
  for (const thread of range(THREADS)) {
    assert.equal(log.of(`close ${thread}`), [
      `close ${thread} aborted=false`,
      `close ${thread} is over aborted=true`,
    ]);
  }
  assert.equal(warnings(running), []);
});

test('the signal of close aborts at the deadline', async () => {
  const { log, starting } = start('close=aborted-kept');
  const running = await starting;
  await running.server.close({ drainMs: SHORT_MS });
  const ends = log.of('close').filter((line) => line.includes('is over'));
  assert.equal(
    ends,
    range(THREADS).map((thread) => `close ${thread} is over aborted=true`),
  );
  assert.equal(warnings(running), []);
});

test('a close that does not return is terminated with its thread', async () => {
  const { starting } = start('close=blocks&only=1');
  const running = await starting;
  await running.server.close({ drainMs: SHORT_MS });
  assert.equal(warnings(running), [
    "thread 1 has not ended after the drain time, and is terminated: it is inside the app's close hook, which does not return",
  ]);
});

test('an error that a close leaves uncaught ends its thread, and is logged', async () => {
  const { starting } = start('close=dies&only=1');
  const running = await starting;
  await running.server.close({ drainMs: LONG_MS });
  assert.equal(warnings(running), ['thread 1 died while the server closed']);
});

test('requests that are cut are aborted before close begins, counted and named', async () => {
  const { log, starting } = start('close=later');
  await using running = await starting;
  const clients = await running.connectMany(3);
  const paths = ['/never/12?token=secret', '/never/34', '/never'];
  for (const [index, client] of clients.entries())
    await client.send(`GET ${paths[index]} HTTP/1.1\r\nhost: test\r\n\r\n`);
  await until('all are in their handlers', () => log.of('never').length === 3);
  await running.server.close({ drainMs: SHORT_MS });
  for (const client of clients) assert.is((await client.rest()).length, 0);
  assert.equal(log.of('close'), closed(true).sort());
  assert.is(log.of('cut').length, 3);
  const cut = running.server.threads().reduce((sum, { requestsCut }) => sum + requestsCut, 0);
  assert.is(cut, 3);
  assert.equal(warnings(running), ['closed; 3 requests were cut after 0.1 s: GET /never/* (2), GET /never']);
  assert.equal(running.log.at(-1)!.fields, { requests: 3, routes: { 'GET /never/*': 2, 'GET /never': 1 } });
});

test('a request that blocks its thread past the deadline is cut with it, and its close is not called', async () => {
  const { log, starting } = start('close=returns', 2);
  await using running = await starting;
  using gate = new Gate();
  const client = await running.connect();
  await client.send(`GET /hold?gate=${gate.path} HTTP/1.1\r\nhost: test\r\n\r\n`);
  await gate.entered(1);
  // read(2) of the gate is a native call: it returns once the thread is terminated.
  const closing = running.server.close({ drainMs: SHORT_MS });
  await until('it is terminated', () => warnings(running).length > 0);
  gate.release();
  await closing;
  assert.is((await client.rest()).length, 0);
  assert.is(log.of('close').length, 2);
  const [terminated, summary] = warnings(running);
  assert.match(
    terminated!,
    /^thread \d has not ended after the drain time, and is terminated: it is inside GET \/hold$/,
  );
  assert.is(summary, 'closed; 1 request was cut after 0.1 s: GET /hold');
});

test.after(() => rmSync(folder, { recursive: true }));
test.run();
