/** Errors and warnings about apps that do not load, or load in some threads only. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { PacelineError } from '../../../lib/errors.js';
import type { LogFields } from '../../../lib/logger.js';
import { createServer } from '../../../lib/server.js';
import { fixture } from '../../support/server/running.js';
import { until } from '../../support/server/wait.js';

function make(app: string, threads: number) {
  const warnings: [string, LogFields | undefined][] = [];
  const ignore = () => {};
  const logger = {
    error: ignore,
    info: ignore,
    debug: ignore,
    warn: (message: string, fields?: LogFields) => warnings.push([message, fields]),
  };
  return { server: createServer({ app: fixture(app), threads, logger }), warnings };
}

const failureOf = ({ server }: ReturnType<typeof make>): Promise<PacelineError> =>
  server.listen({ port: 0 }).then(
    () => Promise.reject(new Error('it listens')),
    (error) => error,
  );

for (const [app, threads] of [
  ['never-settles', 2],
  ['never-settles?some', 3],
] as const) {
  test(`${app}: a top-level await that never settles is named in the error`, async () => {
    const error = await failureOf(make(app, threads));
    assert.is(error.code, 'PACELINE_APP_LOAD');
    assert.match(error.message, /never-settles\.js.* awaits something at its top level that never settles/);
    assert.not.match(error.message, /process\.exit/);
  });
}

test('an app that throws in a callback while it loads is a PacelineError with that error as its cause', async () => {
  const error = await failureOf(make('throws-later', 2));
  assert.is(error.name, 'PacelineError');
  assert.is(error.code, 'PACELINE_APP_LOAD');
  assert.match(error.message, /thrown while loading/);
  assert.match((error.cause as Error).message, /thrown while loading/);
});

test('a slow load is reported, with the threads that are still loading', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-loading-'));
  const path = join(folder, 'loaded');
  const { server, warnings } = make(`never-settles?some&until=${path}`, 3);
  try {
    const listening = server.listen({ port: 0 });
    await until('somebody says so', () => warnings.length > 0);
    const [message, fields] = warnings[0]!;
    assert.match(
      message,
      /^thread 1 still loads the app .*never-settles\.js.* after \d+ s, 2 of 3 have loaded it; /,
    );
    assert.equal(fields!.threads, [1]);
    writeFileSync(path, '');
    await listening;
    await server.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a replacement that is loading when the server closes is not terminated until it has loaded', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-loading-'));
  const path = join(folder, 'loaded');
  writeFileSync(path, '');
  const { server } = make(`never-settles?until=${path}`, 2);
  const exitCodes: number[] = [];
  server.on('threadExit', ({ exitCode }) => exitCodes.push(exitCode));
  try {
    await server.listen({ port: 0 });
    const { port } = server.address() as { port: number };
    rmSync(path);
    await fetch(`http://127.0.0.1:${port}/exit`).catch(() => {});
    await until('it is being replaced', () => server.threads().some(({ state }) => state === 'starting'));
    const closed = server.close({ drainMs: 0 });
    // Twice the time that loaded threads have to leave.
    setTimeout(() => writeFileSync(path, ''), 2000);
    await closed;
    assert.equal(exitCodes, [7, 0, 0]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
