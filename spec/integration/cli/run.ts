import { once } from 'node:events';
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { closeDescriptor } from '../../../lib/sys/descriptor.js';
import { bindListener, localAddress, startListening } from '../../../lib/sys/socket.js';
import { BY_DEFAULT, endRuns, forgetSettings, Run } from '../../support/cli/run.js';
import { Client } from '../../support/server/http-client.js';
import { until } from '../../support/server/wait.js';

/** What the fixture apps and the command print when a test may go on. */
const HANDLING = /^handling$/m;
const DASHBOARD = /^paceline: dashboard at (\S+)\n/m;
const DRAINING = /finishing the requests in flight/;

let directory = '';

test.before(() => {
  forgetSettings();
  directory = mkdtempSync(join(tmpdir(), 'paceline-run-'));
});

test.after.each(endRuns);

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
  // What an app has thrown is an entry of the log as well.
  assert.match(run.stderr, /^(\{[^\n]+\}\n)?paceline: [^\n]+\n$/);
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

/** The URLs that a run has printed by the time it serves. */
async function urlsOf(run: Run, count: number): Promise<string[]> {
  const lines = new RegExp(`^(paceline: listening on \\S+\\n){${count}}`);
  const [printed] = await run.printed('stdout', lines);
  return Array.from(printed.matchAll(/listening on (\S+)/g), ([, url]) => url!);
}

test('--listen serves at several addresses, with a line for each, and -p adds its own before them', async () => {
  const path = join(directory, 'listen.sock');
  const run = new Run('--listen', '127.0.0.2:0', '--listen', `unix:${path}`, '-p', '0');
  const [first, second, third] = (await urlsOf(run, 3)) as [string, string, string];
  assert.match(first, /^http:\/\/127\.0\.0\.1:/);
  assert.match(second, /^http:\/\/127\.0\.0\.2:/);
  assert.is(third, `unix:${path}`);
  for (const url of [first, second]) assert.is(await (await fetch(`${url}/hello`)).text(), 'hello world\n');
  const client = await Client.connect({ path });
  assert.is((await client.get('/hello')).text, 'hello world\n');
  await client.close();
  run.kill('SIGTERM');
  assert.equal(await run.ended, [0, null], run.stderr);
  assert.not(existsSync(path));
});

test('a socket that the process inherits is served, whoever else holds it', async () => {
  const fd = bindListener({ address: '127.0.0.1', family: 'IPv4', port: 0 });
  startListening(fd, 10);
  const url = `http://127.0.0.1:${localAddress(fd)!.port}`;
  const runs = [0, 1].map(() => new Run({ inherited: [fd] }, '--listen', 'fd:3', '--threads', '2'));
  // Both accept, so neither loses a client while the other ends.
  for (const run of runs) assert.is(await run.url(), url);
  for (const run of runs) {
    assert.is(await (await fetch(`${url}/hello`)).text(), 'hello world\n');
    run.kill('SIGTERM');
    assert.equal(await run.ended, [0, null], run.stderr);
  }
  closeDescriptor(fd);
});

test('--drain-timeout bounds how long requests in flight may take', async () => {
  const app = handlingApp('endless.mjs', 'await sleep(1e6)');
  const run = new Run(app, '--port', '0', '--drain-timeout', '1', '--log-format', 'json');
  const answer = fetch(await run.url()).catch(() => 'cut');
  await run.printed('stderr', HANDLING);
  run.kill('SIGTERM');
  assert.is(await answer, 'cut');
  assert.equal(await run.ended, [0, null], run.stderr);
  assert.match(run.stderr, /finishing the requests in flight, for 0\.001 s at most/);
});

test('a token that is too short ends the command before anything listens', async () => {
  const file = fixture('token', 'hunter2\n');
  const run = new Run('--dashboard', '127.0.0.1:0', '--dashboard-token-file', file, '--port', '0');
  assert.equal(await run.ended, [2, null]);
  assert.match(
    run.stderr,
    /^paceline: what the file \S+ has must be a token of 16 to 256 characters[^\n]*\n$/,
  );
  assert.is(run.stdout, '');
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

/** Only thread 0 loads, until the file `NAME.go` exists; where that says `fail`, the other one does not load. */
function firstApp(name: string): { app: string; release: (word: string) => void } {
  const go = join(directory, `${name}.go`);
  const app = fixture(
    name,
    `import { existsSync, readFileSync } from 'node:fs';
     import { setTimeout as sleep } from 'node:timers/promises';
     import { workerData } from 'node:worker_threads';
     const go = ${JSON.stringify(go)};
     if (workerData.self !== 0) {
       while (!existsSync(go)) await sleep(10);
       if (readFileSync(go, 'latin1') === 'fail') throw new Error('no room for more');
     }
     export default { fetch: () => 'first' };`,
  );
  return {
    app,
    release: (word) => {
      writeFileSync(`${go}.new`, word);
      renameSync(`${go}.new`, go);
    },
  };
}

/** A port that nobody listened on a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** The first answer that the port gives. */
async function firstAnswer(port: number): Promise<string> {
  let answer = '';
  let asking = false;
  await until('the first thread answers', () => {
    if (!asking && answer === '') {
      asking = true;
      fetch(`http://127.0.0.1:${port}`)
        .then(async (response) => {
          answer = await response.text();
        })
        .catch(() => {})
        .finally(() => {
          asking = false;
        });
    }
    return answer !== '';
  });
  return answer;
}

test('the first thread serves while another one loads; the lines come with the last', async () => {
  const { app, release } = firstApp('first.mjs');
  const port = await freePort();
  const run = new Run(app, '--port', String(port), '--threads', '2', '--dashboard', '127.0.0.1:0');
  assert.is(await firstAnswer(port), 'first');
  assert.is(run.stdout, '');
  release('load');
  await run.printed('stdout', /^paceline: listening on \S+\npaceline: dashboard at \S+\n$/);
  run.kill('SIGTERM');
  assert.equal(await run.ended, [0, null], run.stderr);
});

test('a signal drains the first thread while another one loads', async () => {
  const { app, release } = firstApp('drained.mjs');
  const port = await freePort();
  const run = new Run(app, '--port', String(port), '--threads', '2');
  assert.is(await firstAnswer(port), 'first');
  run.kill('SIGTERM');
  await run.printed('stderr', DRAINING);
  release('load');
  assert.equal(await run.ended, [0, null], run.stderr);
  assert.is(run.stdout, '');
});

test('a thread that fails when another serves already exits 1 with its error', async () => {
  const { app, release } = firstApp('fails.mjs');
  const port = await freePort();
  const run = new Run(app, '--port', String(port), '--threads', '2', '--log-format', 'json');
  assert.is(await firstAnswer(port), 'first');
  release('fail');
  assert.equal(await run.ended, [1, null], run.stderr);
  assert.is(run.stdout, '');
  assert.match(
    run.stderr,
    /^\{[^\n]+\}\npaceline: the app \S+ did not load: Error: no room for more [^\n]+\n$/,
  );
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
