/** What the server says of an app's errors: on standard error by default, and to the program's logger. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fixture, Running } from '../../support/server/running.js';
import { until } from '../../support/server/wait.js';

const LIB = new URL('../../../lib/index.js', import.meta.url);

/** Standard error of a program with a server whose handler fails. @param logger source of the option */
async function standardError(logger: string): Promise<string> {
  const program = `
    import { createServer } from ${JSON.stringify(LIB.href)};
    const server = createServer({ app: ${JSON.stringify(fixture('failing').href)}, threads: 1, logger: ${logger} });
    await server.listen({ port: 0 });
    await fetch('http://127.0.0.1:' + server.address().port + '/handler');
    await server.close();`;
  const folder = mkdtempSync(join(tmpdir(), 'paceline-logged-'));
  try {
    const file = join(folder, 'program.mjs');
    writeFileSync(file, program);
    return (await promisify(execFile)(process.execPath, [file])).stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('without a logger the error of a handler is on standard error, with its stack and its cause', async () => {
  const text = await standardError('undefined');
  assert.match(text, /^\[[\d:.]+\] paceline ERROR: a handler failed thread=0 method=GET url=\S+\/handler\n/);
  assert.match(text, /\n {4}DbError \[E_DB\]: no database\n {8}at \S+ .*failing\.[jt]s:\d+:\d+\)\n/);
  assert.match(text, /\n {6}\[cause\]: TypeError: no route to it\n/);
  assert.not.match(text, /\/lib\/|node:internal/);
});

test('logger: false is silence', async () => {
  assert.is(await standardError('false'), '');
});

test('console shows the error', async () => {
  const text = await standardError('console');
  assert.match(
    text,
    /^a handler failed \{ thread: 0, method: 'GET', url: '[^']+' \} DbError \[E_DB\]: no database\n/,
  );
  assert.match(text, /\[cause\]: TypeError: no route to it/);
});

test("a logger is given an error, with the app's own stack", async () => {
  await using running = await Running.start('failing', { threads: 1 });
  await running.get('/handler');
  await until('it is logged', () => running.log.some(({ level }) => level === 'error'));
  const { fields } = running.log.find(({ level }) => level === 'error')!;
  const error = fields.error as Error & { code?: unknown };
  assert.instance(error, Error);
  assert.equal(
    [error.name, error.constructor.name, error.message, error.code],
    ['DbError', 'DbError', 'no database', 'E_DB'],
  );
  assert.match(error.stack!, /^DbError \[E_DB\]: no database\n {4}at .*failing\.[jt]s:\d+:\d+\)/);
  assert.instance(error.cause, TypeError);
});

test('the error that ends a thread is given with its cause and its parts', async () => {
  await using running = await Running.start('failing', { threads: 1 });
  const exit = new Promise<unknown>((resolve) =>
    running.server.on('threadExit', ({ error }) => resolve(error)),
  );
  await running.get('/uncaught');
  const error = (await exit) as AggregateError;
  assert.instance(error, AggregateError);
  assert.equal(
    error.errors.map(({ message }: Error) => message),
    ['one', 'two'],
  );
  assert.not.match(error.stack!, /\/lib\/|node:internal/);
});

test.run();
