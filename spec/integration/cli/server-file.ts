/** Server files as they are: modules that call listen() themselves, run by the command. */
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { closeDescriptor } from '../../../lib/sys/descriptor.js';
import { bindListener, localAddress, startListening } from '../../../lib/sys/socket.js';
import { endRuns, forgetSettings, Run } from '../../support/cli/run.js';
import { Client } from '../../support/server/http-client.js';
import { until } from '../../support/server/wait.js';

let directory = '';

test.before(() => {
  forgetSettings();
  directory = mkdtempSync(join(tmpdir(), 'paceline-server-file-'));
});
test.after.each(endRuns);
test.after(() => rmSync(directory, { recursive: true }));

/** A module with this source, after the imports. */
function file(name: string, source: string): string {
  const path = join(directory, name);
  const isModule = name.endsWith('.mjs');
  const imports = ['http', 'net'].map((module) =>
    isModule ? `import ${module} from 'node:${module}';` : `const ${module} = require('node:${module}');`,
  );
  writeFileSync(path, `${imports.join('\n')}\n${source}`);
  return path;
}

/** The URLs that a run has printed, once there are so many. */
async function urlsOf(run: Run, count: number): Promise<string[]> {
  const urls = () => [...run.stdout.matchAll(/^paceline: listening on (\S+)$/gm)].map(([, url]) => url!);
  await run.url();
  await until(`${count} addresses are printed`, () => urls().length >= count);
  return urls();
}

async function ends(run: Run): Promise<void> {
  run.kill('SIGTERM');
  assert.equal(await run.ended, [0, null], run.stderr);
}

async function failsToStart(line: string[], message: RegExp): Promise<void> {
  const run = new Run('--port', '0', '--threads', '2', ...line);
  const [code, signal] = await run.ended;
  assert.equal([code, signal], [1, null], run.stderr);
  assert.is(run.stdout, '');
  // What an app has thrown is an entry of the log as well.
  assert.match(run.stderr, /^(\{[^\n]+\}\n)?paceline: [^\n]+\n$/);
  assert.match(run.stderr, message);
}

/** What a raw server says to a client, which has said `text`. */
async function conversation(url: string, text: string): Promise<string> {
  const { hostname: host, port } = new URL(url);
  const client = connect({ host, port: Number(port) });
  client.setEncoding('utf8').write(text);
  let heard = '';
  for await (const chunk of client) heard += chunk;
  return heard;
}

const ANSWERS = '(request, response) => response.end(request.url)';

test('a file that listens on PORT serves there, and not at an address of its own', async () => {
  const app = file('port.mjs', `http.createServer(${ANSWERS}).listen(process.env.PORT, '127.0.0.1');`);
  const run = new Run(app, '--port', '0', '--threads', '3');
  const urls = await urlsOf(run, 1);
  assert.match(urls[0]!, /^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  assert.is(await (await fetch(`${urls[0]}/a`)).text(), '/a');
  await ends(run);
  assert.is(run.stdout, `paceline: listening on ${urls[0]}\n`);
});

test('a CommonJS file that reads no PORT keeps its own', async () => {
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as AddressInfo;
  free.close();
  await once(free, 'close');
  const source = `module.exports = http.createServer(${ANSWERS}).listen(${port}, '127.0.0.1');`;
  const run = new Run(file('own.cjs', source), '--threads', '2');
  assert.is(await run.url(), `http://127.0.0.1:${port}`);
  assert.is(await (await fetch(`http://127.0.0.1:${port}/b`)).text(), '/b');
  await ends(run);
});

test('a file that listens on all addresses gets the inherited socket that is bound there', async () => {
  const fd = bindListener({ address: '0.0.0.0', family: 'IPv4', port: 0 });
  startListening(fd, 10);
  const { port } = localAddress(fd)!;
  const app = file('inherits.mjs', `http.createServer(${ANSWERS}).listen(${port});`);
  const run = new Run({ inherited: [fd] }, app, '--listen', 'fd:3', '--threads', '2');
  assert.is(await run.url(), `http://0.0.0.0:${port}`);
  assert.is(await (await fetch(`http://127.0.0.1:${port}/c`)).text(), '/c');
  await ends(run);
  closeDescriptor(fd);
});

test('a file that listens elsewhere than --port asks is told what to write', async () => {
  const path = file('elsewhere.cjs', "http.createServer().listen(0, '127.0.0.1');");
  const run = new Run(path, '--port', '1', '--threads', '2');
  const [url] = await urlsOf(run, 1);
  const [, where] = await run.printed(
    'stderr',
    /nothing listens on port 1,.* on (\S+); write listen\(process\.env\.PORT/,
  );
  assert.is(where, url);
  await ends(run);
});

test('a function that returns a Response is told to be exported as fetch, once', async () => {
  const path = file('mute.mjs', 'export default async (request) => new Response(request.url);');
  const run = new Run(path, '--port', '0', '--threads', '2');
  await run.printed('stderr', /cannot answer; to return a Response, write export default \{ fetch/);
  await run.url();
  await ends(run);
  assert.is(run.stderr.split('cannot answer').length, 2);
});

test('a module that exports fetch and listens as well serves both, and says so once', async () => {
  const path = file(
    'both.mjs',
    "http.createServer((_, response) => response.end('server')).listen(0, '127.0.0.1'); export default { fetch: () => 'export' };",
  );
  const run = new Run(path, '--port', '0', '--threads', '3');
  const texts = await Promise.all((await urlsOf(run, 2)).map(async (url) => (await fetch(url)).text()));
  assert.equal(texts.sort(), ['export', 'server']);
  await run.printed('stderr', /exports a handler and calls listen\(\) as well/);
  await ends(run);
  assert.is(run.stderr.split('calls listen() as well').length, 2);
});

test('HOST reaches the file as well, where it is given', async () => {
  const app = file(
    'host.mjs',
    `http.createServer((_, response) => response.end(process.env.HOST)).listen(0, process.env.HOST);`,
  );
  const run = new Run(app, '--threads', '2', '--host', '127.0.0.3');
  const url = await run.url();
  assert.match(url, /^http:\/\/127\.0\.0\.3:/);
  assert.is(await (await fetch(url)).text(), '127.0.0.3');
  await ends(run);
});

test('several ports, a Unix path and a raw server in one file: one line for each', async () => {
  const path = join(directory, 'several.sock');
  const app = file(
    'several.mjs',
    `http.createServer((_, response) => response.end('first')).listen(0, '127.0.0.1');
     http.createServer((_, response) => response.end('second')).listen(0, '127.0.0.1');
     http.createServer((_, response) => response.end('path')).listen('${path}');
     net.createServer((socket) => {
       socket.write('welcome, ');
       socket.once('data', (bytes) => socket.end(bytes));
     }).listen(0, '127.0.0.1');`,
  );
  const run = new Run(app, '--threads', '3');
  const urls = await urlsOf(run, 4);
  const [first, second] = urls.filter((url) => url.startsWith('http:')) as [string, string];
  const tcp = urls.find((url) => url.startsWith('tcp:'))!;
  assert.ok(urls.includes(`unix:${path}`));
  assert.equal(await Promise.all([first, second].map(async (url) => (await fetch(url)).text())), [
    'first',
    'second',
  ]);
  const client = await Client.connect({ path });
  assert.is((await client.get('/')).text, 'path');
  await client.close();
  assert.is(await conversation(tcp, 'client'), 'welcome, client');
  await ends(run);
  assert.not(existsSync(path));
});

test('an https.Server says so, and all that speaks neither HTTP nor HTTPS is tcp', async () => {
  const app = file(
    'https.mjs',
    `import https from 'node:https';
     import http2 from 'node:http2';
     import tls from 'node:tls';
     https.createServer().listen(0, '127.0.0.1');
     for (const server of [net.createServer(), tls.createServer(), http2.createServer()]) server.listen(0, '127.0.0.1');`,
  );
  const run = new Run(app, '--threads', '2');
  const urls = await urlsOf(run, 4);
  assert.equal(urls.map((url) => new URL(url).protocol).sort(), ['https:', 'tcp:', 'tcp:', 'tcp:']);
  await ends(run);
});

test('a file that removes its path before it listens, as many do, is reached there', async () => {
  const path = join(directory, 'removed.sock');
  const app = file(
    'removes.mjs',
    `import fs from 'node:fs';
     fs.rmSync('${path}', { force: true });
     http.createServer(${ANSWERS}).listen('${path}');`,
  );
  const run = new Run(app, '--threads', '4');
  assert.is(await run.url(), `unix:${path}`);
  const client = await Client.connect({ path });
  assert.is((await client.get('/c')).text, '/c');
  await client.close();
  await ends(run);
});

test('a file that listens after it has awaited something serves', async () => {
  const app = file(
    'later.mjs',
    `setTimeout(() => http.createServer(${ANSWERS}).listen(process.env.PORT, '127.0.0.1'), 50);`,
  );
  const run = new Run(app, '--port', '0', '--threads', '2');
  assert.is(await (await fetch(`${await run.url()}/d`)).text(), '/d');
  await ends(run);
});

for (const [what, source] of [
  ['a listener', `export default ${ANSWERS};`],
  ['an http.Server', `export default http.createServer(${ANSWERS});`],
  ['an object like Koa’s', `export default { use() {}, callback: () => ${ANSWERS} };`],
  [
    'an object like Fastify’s',
    `let isReady = false;
     const server = http.createServer((request, response) => response.end(isReady && request.url));
     export default { server, ready: async () => { isReady = true; } };`,
  ],
  [
    'an object like NestJS’s',
    `let isReady = false;
     const server = http.createServer((request, response) => response.end(isReady && request.url));
     export default { getHttpServer: () => server, init: async () => { isReady = true; } };`,
  ],
] as const) {
  test(`${what} as an export is served at the server's own address`, async () => {
    const run = new Run(file('export.mjs', source), '--port', '0', '--threads', '2');
    const url = await run.url();
    assert.match(url, /^http:\/\/127\.0\.0\.1:/);
    assert.is(await (await fetch(`${url}/e`)).text(), '/e');
    await ends(run);
  });
}

test('a fetch app whose module listens as well has both addresses', async () => {
  const app = file(
    'both.mjs',
    `http.createServer((_, response) => response.end('node')).listen(0, '127.0.0.1');
     export default { fetch: () => new Response('fetch') };`,
  );
  const run = new Run(app, '--port', '0', '--threads', '2');
  const urls = await urlsOf(run, 2);
  const texts = await Promise.all(urls.map(async (url) => (await fetch(url)).text()));
  assert.equal(texts, ['fetch', 'node']);
  await ends(run);
});

test('a file that exports nothing and never listens exits 1 with one line', async () => {
  await failsToStart(
    [file('nothing.mjs', 'export const answer = 42;')],
    /exports no app and does not listen/,
  );
});

test('a port in use exits 1 with one line, whether the file or the server listens there', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const inUse = new RegExp(`127\\.0\\.0\\.1:${port} is in use by another server`);
  await failsToStart([file('taken.mjs', `http.createServer().listen(${port}, '127.0.0.1');`)], inUse);
  await failsToStart([file('exported.mjs', `export default ${ANSWERS};`), '--port', String(port)], inUse);
  await failsToStart(
    [file('fetch.mjs', `export default { fetch: () => new Response() };`), '--port', String(port)],
    inUse,
  );
  // The default address of the server is not the file's matter.
  const app = file('other.mjs', `http.createServer(${ANSWERS}).listen(0, '127.0.0.1');`);
  const run = new Run(app, '--port', String(port), '--threads', '2');
  await run.url();
  await ends(run);
  taken.close();
});

test('the shutdown hooks of an app run in each thread when the server drains', async () => {
  const app = file(
    'hooks.mjs',
    `import { writeSync } from 'node:fs';
     const server = http.createServer((request, response) => {
       writeSync(2, 'handling\\n');
       setTimeout(() => response.end('finished'), 300);
     }).listen(process.env.PORT, '127.0.0.1');
     process.on('SIGTERM', () => server.close(() => {
       writeSync(2, 'closed\\n');
       process.exit();
     }));`,
  );
  const run = new Run(app, '--port', '0', '--threads', '3', '--log-level', 'silent');
  const answer = fetch(await run.url());
  await run.printed('stderr', /^handling$/m);
  await ends(run);
  assert.is(await (await answer).text(), 'finished');
  assert.is(run.stderr, `handling\n${'closed\n'.repeat(3)}`);
});

test('an app that ends its threads at SIGINT ends the server at once', async () => {
  const app = file(
    'exits.mjs',
    `import { writeSync } from 'node:fs';
     http.createServer(() => writeSync(2, 'handling\\n')).listen(process.env.PORT, '127.0.0.1');
     process.on('SIGINT', () => process.exit(3));`,
  );
  const run = new Run(app, '--port', '0', '--threads', '2');
  const lost = fetch(await run.url()).then(
    () => 'answered',
    () => 'lost',
  );
  await run.printed('stderr', /^handling$/m);
  await ends(run);
  assert.is(await lost, 'lost');
});

test('the folder that a file changes to is that of all threads, and of those that replace them', async () => {
  mkdirSync(join(directory, 'site/deep'), { recursive: true });
  writeFileSync(join(directory, 'site/deep/page.txt'), 'the page');
  const path = file(
    'site/chdir.js',
    `const { readFileSync, writeSync } = require('node:fs');
     process.chdir(__dirname);
     process.chdir('deep');
     writeSync(2, 'changed\\n');
     http.createServer((request, response) => {
       if (request.url === '/end') process.exit(3);
       response.end(process.cwd() + ' ' + readFileSync('page.txt', 'utf8'));
     }).listen(process.env.PORT, '127.0.0.1');`,
  );
  const run = new Run(relative('.', path), '--port', '0', '--threads', '3', '--log-level', 'error');
  const url = await run.url();
  const expected = `${join(realpathSync(directory), 'site/deep')} the page`;
  // A thread that loads the file takes the others through both folders.
  const changed = (count: number) =>
    until(`${count} threads have changed the folder`, () => run.stderr.split('changed\n').length > count);
  await changed(3);
  assert.is(await (await fetch(url)).text(), expected);
  for (const _ of [1, 2, 3]) await fetch(`${url}/end`).catch(() => {});
  await run.printed('stderr', /died(.|\n)+died(.|\n)+died/);
  await changed(6);
  for (const _ of [1, 2, 3, 4, 5, 6]) assert.is(await (await fetch(url)).text(), expected);
  await ends(run);
});

test('a folder that is not there is the error of Node in the thread', async () => {
  await failsToStart(
    [file('no-folder.cjs', "process.chdir('not there');")],
    /no-folder\.cjs did not load: Error: ENOENT: no such file or directory, chdir '[^']+' -> 'not there' \(\S+no-folder\.cjs:\d+:\d+\)$/m,
  );
});

const LISTEN = `http.createServer(${ANSWERS}).listen(process.env.PORT, '127.0.0.1')`;

for (const [name, source] of [
  ['guarded.cjs', `if (require.main === module) ${LISTEN};`],
  ['guarded.js', `if (require.main === module) ${LISTEN};`],
  ['guarded', `if (!module.parent && process.mainModule === module) ${LISTEN};`],
  [
    'factory.cjs',
    `const build = () => http.createServer(${ANSWERS});
     if (require.main === module) build().listen(process.env.PORT, '127.0.0.1');
     module.exports = build;`,
  ],
  [
    'guarded.mjs',
    `import { pathToFileURL } from 'node:url';
     if (import.meta.url === pathToFileURL(process.argv[1]).href) ${LISTEN};`,
  ],
] as const) {
  test(`${name}: a file that listens only as the main module serves`, async () => {
    const run = new Run(file(name, source), '--port', '0', '--threads', '2');
    assert.is(await (await fetch(`${await run.url()}/main`)).text(), '/main');
    await ends(run);
  });
}

test('a file that forks with node:cluster is told what to do', async () => {
  await failsToStart(
    [file('forks.cjs', `const cluster = require('node:cluster'); if (cluster.isPrimary) cluster.fork();`)],
    /node:cluster cannot fork in a thread of Paceline.+ start in it what the workers run/,
  );
  await failsToStart(
    [file('forks.mjs', `import { fork } from 'node:cluster'; fork();`)],
    /node:cluster cannot fork/,
  );
});

test('a server on a descriptor is refused with one line', async () => {
  await failsToStart([file('fd.mjs', 'net.createServer().listen({ fd: 0 });')], /descriptor/);
});

test.run();
