/** Hooks and signals of apps of each kind, run by the command. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { endRuns, forgetSettings, Run } from '../../support/cli/run.js';

const THREADS = 2;

let directory = '';

test.before(() => {
  forgetSettings();
  directory = mkdtempSync(join(tmpdir(), 'paceline-cli-hooks-'));
});
test.after.each(endRuns);
test.after(() => rmSync(directory, { recursive: true }));

/** Runs a module, in which `note` writes a line to standard error. */
function run(name: string, source: string): Run {
  const path = join(directory, name);
  const imports = name.endsWith('.mjs')
    ? "import http from 'node:http'; import { writeSync } from 'node:fs';"
    : "const http = require('node:http'); const { writeSync } = require('node:fs');";
  writeFileSync(path, `${imports}\nconst note = (line) => writeSync(2, line + '\\n');\n${source}`);
  return new Run(path, '--port', '0', '--threads', `${THREADS}`, '--log-level', 'warn');
}

/** What the hooks have written, once the run has served one client and was ended. */
async function hooksOf(started: Run): Promise<string[]> {
  const { hostname: host, port, protocol } = new URL(await started.url());
  if (protocol === 'http:') assert.is(await (await fetch(`http://${host}:${port}/`)).text(), 'served');
  else assert.is(await talk({ host, port: Number(port) }), 'served');
  started.kill('SIGTERM');
  assert.equal(await started.ended, [0, null], started.stderr);
  return started.stderr.split('\n').slice(0, -1).sort();
}

async function talk(target: { host: string; port: number }): Promise<string> {
  let heard = '';
  for await (const chunk of connect(target).setEncoding('utf8')) heard += chunk;
  return heard;
}

const NAMED = `export const init = ({ thread }) => note('init ' + thread);
export const close = ({ thread, signal }) => note('close ' + thread + ' ' + signal.aborted);`;
const OF_BOTH = ['close 0 false', 'close 1 false', 'init 0', 'init 1'];
const LISTENER = "(request, response) => response.end('served')";

test('a module exports hooks beside any app', async () => {
  const apps = {
    fetch: "{ fetch: () => 'served' }",
    listener: LISTENER,
    server: `http.createServer(${LISTENER})`,
    tcp: "{ open: (connection) => connection.end('served'), data() {} }",
  };
  for (const [kind, app] of Object.entries(apps))
    assert.equal(await hooksOf(run(`${kind}.mjs`, `export default ${app};\n${NAMED}`)), OF_BOTH, kind);
});

test('the close of a raw TCP app is that of its connections, whatever else the module exports', async () => {
  const app = `const close = (connection) => note('closed ' + typeof connection.write);
const open = (connection) => connection.end('served');`;
  const expected = ['closed function'];
  const inDefault = `${app}\nexport default { open, data() {}, close };`;
  assert.equal(await hooksOf(run('tcp-default.mjs', inDefault)), expected);
  assert.equal(
    await hooksOf(run('tcp-named.mjs', `${app}\nexport const data = () => {}; export { open, close };`)),
    expected,
  );
  assert.equal(
    await hooksOf(run('tcp.cjs', `${app}\nconst data = () => {}; module.exports = { open, data, close };`)),
    expected,
  );
  const named = "export const init = () => note('init'); export default { open, data() {}, close };";
  assert.equal(await hooksOf(run('tcp-init.mjs', `${app}\n${named}`)), ['closed function', 'init', 'init']);
});

test('a file that listens has its close called, and its init is its own', async () => {
  const app = `function init() {
  note('init');
  http.createServer(${LISTENER}).listen(process.env.PORT, '127.0.0.1');
}
init();
exports.init = init;
exports.close = ({ thread }) => note('close ' + thread);`;
  assert.equal(await hooksOf(run('listens.cjs', app)), ['close 0', 'close 1', 'init', 'init']);
});

test('a second signal ends the process although a hook is awaited', async () => {
  const started = run(
    'waits.mjs',
    `export default { fetch: () => 'served', close: () => new Promise(() => { note('closing'); setInterval(() => {}, 1000); }) };`,
  );
  await started.url();
  started.kill('SIGTERM');
  await started.printed('stderr', /closing/);
  started.kill('SIGTERM');
  assert.equal(await started.ended, [1, null]);
});

test('listeners to the signal are awaited until they send it again, and that is no second signal of the server', async () => {
  const app = `http.createServer(${LISTENER}).listen(process.env.PORT, '127.0.0.1');
process.once('SIGTERM', async (signal) => {
  await new Promise((resolve) => setTimeout(resolve, 50));
  note('ends');
  process.once('SIGTERM', () => {
    note('heard it again');
    process.kill(process.pid, 15);
  });
  process.kill(process.pid, signal);
});
process.on('exit', () => note('exits'));
setInterval(() => {}, 1000);`;
  const expected = ['ends', 'exits', 'heard it again'].flatMap((line) => [line, line]);
  assert.equal(await hooksOf(run('sends-again.mjs', app)), expected);
});

test('listeners to the signal are called in a thread that was inside a handler all the time', async () => {
  const app = `http.createServer((request, response) => {
  note('handling');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  response.end('served');
}).listen(process.env.PORT, '127.0.0.1');
process.on('SIGTERM', () => setTimeout(note, 1, 'heard'));`;
  const started = run('inside.mjs', app);
  const answer = fetch(await started.url());
  await started.printed('stderr', /handling/);
  started.kill('SIGTERM');
  assert.is(await (await answer).text(), 'served');
  assert.equal(await started.ended, [0, null]);
  assert.is(started.stderr, 'handling\nheard\nheard\n');
});

test.run();
