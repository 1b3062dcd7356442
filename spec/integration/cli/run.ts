import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Client } from '../../support/server/http-client.js';

const MAIN = 'dist/lib/cli/main.js';
const TIMEOUT_MS = 20_000;

/** What the fixture apps and the command print when a test may go on. */
const LISTENING = /^paceline: listening on (\S+)\n/m;
const HANDLING = /^handling$/m;
const DASHBOARD = /^paceline: dashboard at (\S+)\n/m;
const DRAINING = /finishing the requests in flight/;

/** Ends the line of a run that is to have the default dashboard. */
const BY_DEFAULT = 'the default dashboard';

/** One run of the command, with what it has printed so far. */
class Run {
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  /** Resolves with the exit code and the signal, once all output has arrived. */
  readonly ended: Promise<[number | null, NodeJS.Signals | null]>;
  /** The same, whatever waits to be read. */
  readonly exited: typeof this.ended;

  /** Without a dashboard, unless the line says otherwise: the default port is there once on a machine. */
  constructor(...line: string[]) {
    if (line.at(-1) === BY_DEFAULT) line.pop();
    else if (!line.includes('--dashboard')) line.push('--dashboard', 'off');
    // A run that hangs is to fail its test, not to hang the tests.
    const child = spawn(process.execPath, [MAIN, ...line], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#child = child;
    this.ended = once(child, 'close') as typeof this.ended;
    this.exited = once(child, 'exit') as typeof this.ended;
    runs.add(this);
  }

  /** Resolves with the match once `stream` has printed it, and rejects where the process ends without it. */
  printed(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this[stream]);
        if (match !== null) resolve(match);
      };
      this.#child[stream]!.on('data', look);
      look();
      this.ended.then(() => reject(new Error(`it ended without ${pattern}: ${this.stdout}${this.stderr}`)));
    });
  }

  async url(): Promise<string> {
    return (await this.printed('stdout', LISTENING))[1]!;
  }

  /** Standard error is a pipe from now on that nobody reads, or one that is read again. */
  reads(stderr: boolean): void {
    if (stderr) this.#child.stderr!.resume();
    else this.#child.stderr!.pause();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

const runs = new Set<Run>();
let directory = '';

test.before(() => {
  // What is set for a server of the user's is not for these.
  for (const name of Object.keys(process.env)) {
    if (/^(PORT|HOST|PACELINE_\w+)$/.test(name)) delete process.env[name];
  }
  directory = mkdtempSync(join(tmpdir(), 'paceline-run-'));
});

test.after.each(async () => {
  for (const run of runs) {
    run.kill('SIGKILL');
    await run.ended;
  }
  runs.clear();
});

test.after(() => rmSync(directory, { recursive: true }));

function fixture(name: string, source: string): string {
  const path = join(directory, name);
  writeFileSync(path, source);
  return path;
}

/** Says that it is in the handler, then runs `body` and answers. */
const handlingApp = (name: string, body: string): string =>
  fixture(
    name,
    `import { writeSync } from 'node:fs';
     import { setTimeout as sleep } from 'node:timers/promises';
     export default {
       async fetch() {
         writeSync(2, 'handling\\n');
         ${body};
         return new Response('done');
       },
     };`,
  );

async function failsToStart(line: string[], message: RegExp): Promise<void> {
  const run = new Run('--port', '0', ...line);
  const [code, signal] = await run.ended;
  assert.equal([code, signal], [1, null], run.stderr);
  assert.is(run.stdout, '');
  assert.match(run.stderr, /^paceline: [^\n]+\n$/);
  assert.match(run.stderr, message);
}

test('without an app it serves the demo, and says where', async () => {
  const run = new Run('--port', '0');
  const url = await run.url();
  assert.match(url, /^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  const response = await fetch(`${url}/hello`);
  assert.is(response.headers.get('content-type'), 'text/plain');
  assert.is(await response.text(), 'hello world\n');
  run.kill('SIGTERM');
  assert.equal(await run.ended, [0, null], run.stderr);
  assert.match(run.stdout, /^paceline: listening on [^\n]+\n$/);
});

test('limits from the command line, the environment and the config file hold', async () => {
  const config = fixture('limits.json', JSON.stringify({ maxRequestsPerSocket: 1, maxHeaderSize: 65_535 }));
  process.env.PACELINE_MAX_BODY_SIZE = '10';
  const run = new Run('--port', '0', '--config', config, '--max-header-size', '1000');
  delete process.env.PACELINE_MAX_BODY_SIZE;
  const url = await run.url();
  const post = (body: string) => fetch(`${url}/echo`, { method: 'POST', body });
  const within = await post('ten bytes.');
  assert.equal([within.status, within.headers.get('connection')], [200, 'close']);
  assert.is((await post('eleven byte')).status, 413);
  assert.is((await fetch(url, { headers: { 'x-long': 'x'.repeat(1000) } })).status, 431);
});

test('--max-connections leaves further clients waiting until a connection ends', async () => {
  const run = new Run('--port', '0', '--max-connections', '2', '--log-format', 'json');
  const { hostname: host, port } = new URL(await run.url());
  const target = { host, port: Number(port) };
  const first = await Client.connect(target);
  const second = await Client.connect(target);
  for (const client of [first, second]) assert.is((await client.get('/hello')).text, 'hello world\n');
  const third = await Client.connect(target);
  let answered = false;
  const answer = third.get('/hello').then(({ text }) => {
    answered = true;
    return text;
  });
  await run.printed('stderr', /maxConnections is reached/);
  assert.is((await second.get('/hello')).text, 'hello world\n');
  assert.not(answered);
  await first.close();
  assert.is(await answer, 'hello world\n');
  await Promise.all([second.close(), third.close()]);
});

/** Containers often have no IPv6 at all. */
const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
);

(hasIpv6 ? test : test.skip)('an IPv6 address is printed in brackets', async () => {
  const run = new Run('--port', '0', '--host', '::1');
  const url = await run.url();
  assert.match(url, /^http:\/\/\[::1\]:\d+$/);
  assert.is(await (await fetch(`${url}/hello`)).text(), 'hello world\n');
});

test('SIGTERM lets a request in flight finish, then it exits 0', async () => {
  const run = new Run('--port', '0', handlingApp('sleeps.mjs', 'await sleep(300)'));
  const answer = fetch(await run.url());
  await run.printed('stderr', HANDLING);
  run.kill('SIGTERM');
  assert.is(await (await answer).text(), 'done');
  assert.equal(await run.ended, [0, null], run.stderr);
});

test('a second SIGINT exits at once, though a handler blocks its thread', async () => {
  const blocks = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000)';
  const run = new Run('--port', '0', handlingApp('blocks.mjs', blocks));
  const answer = fetch(await run.url()).catch(() => 'cut off');
  await run.printed('stderr', HANDLING);
  run.kill('SIGINT');
  await run.printed('stderr', DRAINING);
  run.kill('SIGINT');
  // The end of the drain would exit 0.
  assert.equal(await run.ended, [1, null], run.stderr);
  assert.match(run.stderr, /exiting at once/);
  assert.is(await answer, 'cut off');
});

test('a signal while an app does not finish loading exits 0', async () => {
  const app = fixture(
    'loads-forever.mjs',
    "import { writeSync } from 'node:fs'; writeSync(2, 'handling\\n'); for (;;);",
  );
  const run = new Run('--port', '0', '--threads', '1', app);
  await run.printed('stderr', HANDLING);
  run.kill('SIGTERM');
  assert.equal(await run.ended, [0, null], run.stderr);
  assert.is(run.stdout, '');
});

/** Each is a line of more than a kilobyte in the log; what fits into a pipe and its reader is far less than all of them. */
const FAILURES = 2000;

async function failOften(url: string): Promise<void> {
  const long = 'x'.repeat(1000);
  for (let failure = 0; failure < FAILURES; failure++) {
    const response = await fetch(`${url}/${long}`);
    assert.is(response.status, 500);
    await response.text();
  }
}

test('a log that nobody reads stops neither the dashboard nor the exit', async () => {
  const app = fixture('fails.mjs', `export default { fetch() { throw new Error('as planned'); } };`);
  const run = new Run(app, '--port', '0', '--dashboard', '127.0.0.1:0');
  const url = await run.url();
  const dashboard = new URL((await run.printed('stdout', DASHBOARD))[1]!).origin;
  run.reads(false);
  await failOften(url);
  const health = await fetch(`${dashboard}/healthz`, { signal: AbortSignal.timeout(5000) });
  assert.is(await health.text(), 'alive\n');
  run.kill('SIGTERM');
  assert.equal(await run.exited, [0, null]);
});

test('the log of an app that fails at every request has few lines, and every failure in its count', async () => {
  const app = fixture('fails.mjs', `export default { fetch() { throw new Error('as planned'); } };`);
  const run = new Run(app, '--port', '0', '--log-format', 'json');
  await failOften(await run.url());
  run.kill('SIGTERM');
  assert.equal(await run.ended, [0, null]);
  const failures = run.stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string; more?: number })
    .filter(({ msg }) => msg.startsWith('a handler failed'));
  assert.ok(failures.length < FAILURES / 2, `${failures.length} lines`);
  assert.is(
    failures.reduce((sum, { more = 0 }) => sum + 1 + more, 0),
    FAILURES,
  );
});

test('a port that is taken exits 1 with one line', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await failsToStart(['--port', String(port)], new RegExp(String(port)));
  other.close();
});

test('an app that throws while it loads exits 1 with its message on one line', async () => {
  const app = fixture('throws.mjs', "throw new Error('no\\ndatabase\\r\\n    at all')");
  await failsToStart([app], /no database at all/);
});

test('a module that exports no app exits 1 with one line', async () => {
  await failsToStart([fixture('no-app.mjs', 'export const answer = 42;')], /no-app\.mjs/);
});

test('an app that is not there exits 1 with one line', async () => {
  await failsToStart([join(directory, 'absent.mjs')], /absent\.mjs/);
});

test('a directory is served', async () => {
  writeFileSync(join(directory, 'index.html'), 'the index');
  const run = new Run('--port', '0', directory);
  const response = await fetch(await run.url());
  assert.is(await response.text(), 'the index');
  run.kill('SIGTERM');
  assert.equal(await run.ended, [0, null], run.stderr);
});

test('the dashboard is there by default, on loopback, and its URL is printed after the other', async () => {
  const run = new Run('--port', '0', '--dashboard', '127.0.0.1:0');
  const url = new URL((await run.printed('stdout', DASHBOARD))[1]!);
  assert.match(run.stdout, /^paceline: listening on \S+\npaceline: dashboard at \S+\n$/);
  assert.is(url.hostname, '127.0.0.1');
  assert.match(url.hash, /^#[\w-]{32}$/);
  for (const path of ['/healthz', '/readyz', '/metrics']) {
    assert.is((await fetch(url.origin + path, { headers: { connection: 'close' } })).status, 200, path);
  }
  run.kill('SIGTERM');
  assert.equal(await run.ended, [0, null], run.stderr);
});

/** A server on the dashboard's default port, ours or whoever has it already. */
async function takeDefaultPort(): Promise<() => void> {
  const other = createServer();
  other.listen(9080, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve).once('error', resolve));
  return () => other.close();
}

test('a default port that is taken is no reason not to serve', async () => {
  const giveBack = await takeDefaultPort();
  const run = new Run('--port', '0', '--log-format', 'json', BY_DEFAULT);
  const url = new URL((await run.printed('stdout', DASHBOARD))[1]!);
  assert.is.not(url.port, '9080');
  const { level, msg } = JSON.parse(run.stderr.split('\n')[0]!) as { level: string; msg: string };
  assert.equal([level, msg], ['warn', `port 9080 is taken, so the dashboard has port ${url.port}`]);
  run.kill('SIGTERM');
  assert.equal(await run.ended, [0, null], run.stderr);
  giveBack();
});

test('a dashboard port that was asked for and is taken exits 1 with one line', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await failsToStart(['--dashboard', `127.0.0.1:${port}`], /for the dashboard is taken/);
  other.close();
});

test('without a dashboard nothing but the server is printed', async () => {
  const run = new Run('--port', '0', '--dashboard', 'off');
  await run.url();
  run.kill('SIGTERM');
  assert.equal(await run.ended, [0, null]);
  assert.match(run.stdout, /^paceline: listening on [^\n]+\n$/);
});

test.run();
