/** A server serves what its app exports as soon as one thread has loaded it; the rules are at the top of control/plane.ts. */
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { PacelineError } from '../../../lib/errors.js';
import type { ServerOptions } from '../../../lib/options/server-options.js';
import { createServer, type Server } from '../../../lib/server.js';
import { fixture } from '../../support/server/running.js';
import { range, until, WATCHDOG_MS, within } from '../../support/server/wait.js';

const THREADS = 3;

interface Scene {
  readonly server: Server;
  /** Settles as listen() does. */
  readonly listened: Promise<'listens' | PacelineError>;
  /** Whether it has. */
  readonly isPending: () => boolean;
  /** Resolves with the URL once the server serves. */
  readonly serving: Promise<string>;
  /** How often `listening` has been emitted. */
  readonly listenings: () => number;
  readonly log: readonly string[];
  /** Has the other threads load, or fail. */
  readonly release: (word?: 'load' | 'fail') => void;
  /** A file that a request waits for. */
  readonly path: string;
}

/** A server in which only thread 0 loads by itself. It is released and closed at the end, whatever happened. */
async function scene(
  query: string,
  use: (scene: Scene) => Promise<void>,
  options: ServerOptions = {},
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-first-'));
  const gate = join(folder, 'gate');
  const log: string[] = [];
  const note = (message: string) => log.push(message);
  const server = createServer({
    app: fixture(`one-first?until=${gate}${query}`),
    threads: THREADS,
    logger: { error: note, warn: note, info: note, debug() {} },
    ...options,
  });
  let [isPending, listenings] = [true, 0];
  const serving = new Promise<string>((resolve) => {
    server.on('listening', ({ url }) => {
      listenings++;
      resolve(url);
    });
  });
  const listened = server
    .listen({ port: 0 })
    .then(
      () => 'listens' as const,
      (error: PacelineError) => error,
    )
    .finally(() => {
      isPending = false;
    });
  const release = (word = 'load') => {
    writeFileSync(`${gate}.new`, word);
    renameSync(`${gate}.new`, gate);
  };
  try {
    await use({
      server,
      listened,
      isPending: () => isPending,
      serving: within('the server to serve', serving),
      listenings: () => listenings,
      log,
      release,
      path: join(folder, 'answer'),
    });
  } finally {
    release();
    await listened;
    await server.close({ drainMs: 0 });
    rmSync(folder, { recursive: true });
  }
}

const statesOf = (server: Server): string[] => server.threads().map(({ state }) => state);
const textOf = async (url: string): Promise<string> => (await fetch(url)).text();
const refuses = (url: string): Promise<boolean> =>
  fetch(url).then(
    () => false,
    () => true,
  );

for (const query of ['', '&init']) {
  test(`requests are answered by the first thread while the others load${query}`, () =>
    scene(query, async ({ server, serving, listened, isPending, listenings, log, release }) => {
      let transitions = 0;
      let starts = 0;
      server.on('transition', () => transitions++);
      server.on('threadStart', () => starts++);
      assert.throws(() => server.address(), /does not listen yet/);
      const url = await serving;
      for (const _request of range(20)) assert.is(await textOf(url), '0');
      assert.equal(statesOf(server).slice(1), ['starting', 'starting']);
      assert.is(`http://127.0.0.1:${(server.address() as { port: number }).port}`, url);
      await until('transitions are reported', () => transitions > 0);
      assert.ok(isPending());
      assert.is(starts, 1);
      release();
      assert.is(await listened, 'listens');
      assert.is(starts, THREADS);
      await until('all have joined', () => !statesOf(server).includes('starting'));
      assert.is(await textOf(url).then(Number).then(Number.isInteger), true);
      assert.is(listenings(), 1);
      assert.equal(log, []);
    }));
}

test('a raw TCP app is served by the first thread', () =>
  scene('&kind=tcp', async ({ serving, isPending }) => {
    const { hostname, port } = new URL(await serving);
    let text = '';
    for await (const chunk of connect(Number(port), hostname)) text += chunk;
    assert.is(text, '0');
    assert.ok(isPending());
  }));

test('a server that listens itself is served once every thread has loaded the app', () =>
  scene('&kind=listens', async ({ server, serving, listened, listenings, release }) => {
    await until('thread 0 has joined', () => /follower|leader/.test(statesOf(server)[0]!));
    assert.is(listenings(), 0);
    release();
    assert.is(await listened, 'listens');
    assert.is(listenings(), 1);
    assert.match(await textOf(await serving), /^[012]$/);
  }));

test('another thread that fails ends what was begun, after the requests in flight', () =>
  scene('', async ({ server, serving, listened, log, release, path }) => {
    let released = 0;
    server.on('released', () => released++);
    const url = await serving;
    const answer = textOf(`${url}/until?${path}`);
    await until('it is in flight', () => existsSync(`${path}.entered`));
    release('fail');
    await until('the server closes', () => released === 1);
    assert.ok(await refuses(url));
    writeFileSync(path, '');
    assert.is(await answer, '0');
    const error = (await listened) as PacelineError;
    assert.is(error.code, 'PACELINE_APP_LOAD');
    assert.match(error.message, /no room for more/);
    assert.throws(() => server.address(), /does not listen/);
    assert.equal(server.threads(), []);
    await server.close();
    assert.equal(log, [], 'the error says it all');
  }));

test('a server may be closed before all threads have loaded the app', () =>
  scene('', async ({ server, serving, listened, log, release, path }) => {
    const exits: number[] = [];
    server.on('threadExit', ({ exitCode }) => exits.push(exitCode));
    server.on('released', () => release());
    const url = await serving;
    const answer = textOf(`${url}/until?${path}`);
    await until('it is in flight', () => existsSync(`${path}.entered`));
    const closed = server.close({ drainMs: 20_000 });
    await until('the others have loaded', () => server.threads().every(({ state }) => state !== 'starting'));
    writeFileSync(path, '');
    assert.is(await answer, '0');
    await closed;
    const error = (await listened) as PacelineError;
    assert.equal(
      [error.code, error.message],
      ['PACELINE_STATE', 'the server was closed before every thread had loaded the app'],
    );
    assert.equal(exits, [0, 0, 0], 'each has joined and left');
    assert.ok(await refuses(url));
    assert.equal(log, []);
  }));

test('a server may be closed by what hears that it listens', () =>
  scene('', async ({ server, listened, release }) => {
    const closed = new Promise((resolve, reject) => {
      server.once('listening', () => server.close().then(resolve, reject));
    });
    server.once('released', () => release());
    await within('the end', closed);
    assert.is(((await listened) as PacelineError).code, 'PACELINE_STATE');
  }));

test('close() is refused until the server serves', () =>
  scene('&kind=listens', async ({ server, listened, release }) => {
    const error: PacelineError = await server.close().then(
      () => assert.unreachable(),
      (reason) => reason,
    );
    assert.is(error.code, 'PACELINE_STATE');
    release();
    assert.is(await listened, 'listens');
  }));

test('the only thread that serves is replaced when it dies while the others load', () =>
  scene('', async ({ serving, listened, isPending, log, release }) => {
    const url = await serving;
    assert.ok(await refuses(`${url}/exit`));
    assert.is(await textOf(url), '0');
    assert.ok(isPending());
    assert.equal(log, ['thread 0 died and is replaced']);
    release();
    assert.is(await listened, 'listens');
  }));

test('the dashboard is ready with the first thread, and shows that the others start', () =>
  scene(
    '',
    async ({ server, serving, listened, release }) => {
      await serving;
      const { origin } = new URL(server.dashboard!.url);
      const ready = await fetch(`${origin}/readyz`);
      assert.equal([ready.status, await ready.text()], [200, 'serving\n']);
      const states = (await (await fetch(`${origin}/api/threads`)).json()) as { state: string }[];
      assert.equal(
        states.slice(1).map(({ state }) => state),
        ['starting', 'starting'],
      );
      const end = performance.now() + WATCHDOG_MS;
      let metrics = '';
      // It has been told to join, and is free a moment later.
      while (!/^paceline_threads_free 1$/m.test(metrics)) {
        assert.ok(performance.now() < end, metrics);
        metrics = await textOf(`${origin}/metrics`);
      }
      assert.match(metrics, /^paceline_health\{level="healthy"\} 1$/m);
      release('fail');
      assert.is(((await listened) as PacelineError).code, 'PACELINE_APP_LOAD');
      assert.ok(await refuses(`${origin}/healthz`));
    },
    { dashboard: { port: 0 } },
  ));

test.run();
