import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { request } from '../../../scripts/dev-edits/load.js';
import { descendantsOf, isAlive } from '../../../scripts/dev-edits/processes.js';
import { endRuns, forgetSettings, Run } from '../../support/cli/run.js';
import { AppFolder } from '../../support/dev/folder.js';

const WAITING = /waiting for one of its files to change/;
const LISTENING = /^paceline: listening on (\S+)$/gm;
const APP = "import { text } from './text.js';\nexport default { fetch: () => new Response(text) };\n";

let folder: AppFolder;

test.before(forgetSettings);

test.after.each(async () => {
  await endRuns();
  folder.remove();
});

const textOf = (text: string): string => `export const text = '${text}';\n`;
/** On a connection of its own: one that is kept may still reach the version before. */
const get = async (url: string): Promise<string> => (await request(url, {})).body;

async function isGone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
}

test('modules of both kinds are watched, in other folders as well', async () => {
  folder = new AppFolder({ 'text.js': textOf('first'), 'inner.cjs': "exports.inner = 'one';\n" });
  const other = new AppFolder({});
  try {
    other.write('outer.cjs', `module.exports = require(${JSON.stringify(`${folder.path}/inner.cjs`)});\n`);
    folder.write(
      'app.js',
      `import { text } from './text.js';
       import outer from ${JSON.stringify(`${other.path}/outer.cjs`)};
       export default { fetch: () => new Response(text + outer.inner) };`,
    );
    const run = folder.dev('app.js');
    const url = await run.url();
    assert.is(await get(url), 'firstone');
    await folder.edit(run, 'inner.cjs', "exports.inner = 'two';\n");
    assert.is(await get(url), 'firsttwo');
    await other.edit(run, 'outer.cjs', "exports.inner = 'three';\n");
    assert.is(await get(url), 'firstthree');
    await folder.edit(run, 'text.js', textOf('second'));
    assert.is(await get(url), 'secondthree');
  } finally {
    other.remove();
  }
});

test('an app that does not load from the first is served once it does, and so is a module that was missing', async () => {
  folder = new AppFolder({ 'app.js': APP });
  const run = folder.dev('app.js');
  await run.printed('stderr', WAITING);
  assert.match(run.stderr, /did not load: .*text\.js.*\(.*app\.js:1:\d+\)/);
  folder.write('text.js', textOf('found'));
  assert.is(await get(await run.url()), 'found');
});

test('while the app does not load, clients get the error in the type that they accept', async () => {
  folder = new AppFolder({ 'app.js': APP, 'text.js': textOf('good') });
  const run = folder.dev('app.js');
  const url = await run.url();
  folder.write('text.js', 'export const text = <b>;\n');
  await run.printed('stderr', WAITING);
  const page = await fetch(`${url}/any/path`, { headers: { accept: 'text/html,*/*' } });
  assert.equal([page.status, page.headers.get('content-type')], [500, 'text/html; charset=utf-8']);
  const html = await page.text();
  assert.match(html, /text\.js:1:21/);
  assert.match(html, 'export const text = &lt;b&gt;;');
  const json = await fetch(url, { method: 'POST', headers: { accept: 'application/json' }, body: 'a body' });
  const { error } = (await json.json()) as { error: { name: string; location: { line: number } } };
  assert.equal([json.status, error.name, error.location.line], [500, 'SyntaxError', 1]);
  const text = await fetch(url);
  assert.is(text.headers.get('content-type'), 'text/plain; charset=utf-8');
  assert.match(
    await text.text(),
    /\(.*text\.js:1:21\)\n\nSyntaxError.*\n\n> 1 \| export const text = <b>;\n/,
  );
  await folder.edit(run, 'text.js', textOf('good again'));
  assert.is(await get(url), 'good again');
});

test("clients are shown a handler's error, and its page asks for the next version", async () => {
  folder = new AppFolder({
    'app.js': "export default { fetch() { throw new TypeError('a <mistake>'); } };\n",
  });
  const run = folder.dev('app.js');
  const url = await run.url();
  const page = await fetch(url, { headers: { accept: 'text/html' } });
  const html = await page.text();
  assert.is(page.status, 500);
  assert.match(html, 'TypeError: a &lt;mistake&gt;');
  assert.match(html, /app\.js:1:34/);
  await run.printed('stderr', /a handler failed/);
  const [, version] = /answer !== "([^"]+)"/.exec(html)!;
  const ask = () => get(`${url}/.paceline/dev-version`);
  assert.is(await ask(), version);
  await folder.edit(run, 'app.js', "export default { fetch: () => new Response('mended') };\n");
  assert.is.not(await ask(), version);
  assert.is(await get(url), 'mended');
});

test('without dev, clients are not shown errors', async () => {
  folder = new AppFolder({ 'app.js': "export default { fetch() { throw new TypeError('secret'); } };\n" });
  const url = await new Run(`${folder.path}/app.js`, '--port', '0').url();
  assert.is(await get(url), 'Internal Server Error\n');
});

test('a server file keeps its port, whichever it asked for, and --watch is the same as dev', async () => {
  const file = `import { createServer } from 'node:http';
    import { text } from './text.js';
    createServer((request, response) => response.end(text)).listen(0, '127.0.0.1');\n`;
  folder = new AppFolder({ 'server.js': file, 'text.js': textOf('one') });
  const run = new Run(`${folder.path}/server.js`, '--watch', '--threads', '2');
  const url = await run.url();
  for (const text of ['two', 'three']) {
    await folder.edit(run, 'text.js', textOf(text));
    // At once: nobody accepts yet.
    assert.is(await get(url), text);
  }
  folder.write('text.js', 'export const text =');
  await run.printed('stderr', WAITING);
  assert.match(await get(url), /^The app does not load \(.*text\.js:1:\d+\)\n/);
  await folder.edit(run, 'text.js', textOf('four'));
  assert.is(await get(url), 'four');
});

test('a request in flight is finished by the version that began it', async () => {
  const app = `import { text } from './text.js';
    import { once } from 'node:events';
    export default {
      async fetch(request) {
        if (!request.body) return new Response(text);
        process.stderr.write('in flight\\n');
        return new Response(text + ' ' + (await request.text()));
      },
    };\n`;
  folder = new AppFolder({ 'app.js': app, 'text.js': textOf('old') });
  const run = folder.dev('app.js');
  const { hostname, port } = new URL(await run.url());
  const socket = connect(Number(port), hostname);
  socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbo');
  await run.printed('stderr', /^in flight$/m);
  await folder.edit(run, 'text.js', textOf('new'));
  assert.is(await get(`http://${hostname}:${port}`), 'new');
  socket.write('dy');
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
  });
  await once(socket, 'end');
  assert.match(answer, /\r\n\r\nold body$/);
});

test('the config file is watched, also one that is new', async () => {
  folder = new AppFolder({ 'app.js': APP, 'text.js': textOf('here') });
  const config = folder.write('paceline.config.json', '{ "maxHeaderSize": 300 }');
  const run = folder.dev('app.js', '--config', config);
  const url = await run.url();
  const large = () => request(url, { 'x-large': 'x'.repeat(300) });
  assert.is((await large()).status, 431);
  await folder.edit(run, 'paceline.config.json', '{ "maxHeaderSize": 3000 }');
  assert.is((await large()).status, 200);
});

test('the child ends with its supervisor, however that ends', async () => {
  folder = new AppFolder({ 'app.js': APP, 'text.js': textOf('here') });
  const run = folder.dev('app.js');
  await run.url();
  const [child] = descendantsOf(run.pid);
  run.kill('SIGKILL');
  await isGone(child!);
});

test('a signal to all of its processes ends them in order', async () => {
  folder = new AppFolder({ 'app.js': APP, 'text.js': textOf('here') });
  const run = folder.dev('app.js');
  await run.url();
  const [child] = descendantsOf(run.pid);
  // As a terminal does at Ctrl-C.
  process.kill(child!, 'SIGINT');
  run.kill('SIGINT');
  assert.equal(await run.ended, [0, null], run.stderr);
  assert.not(isAlive(child!));
});

test('where the process dies without a word while it loads, the terminal says how', async () => {
  folder = new AppFolder({ 'app.js': "process.kill(process.pid, 'SIGKILL');\n" });
  const run = folder.dev('app.js');
  await run.printed('stderr', /^paceline: the process of the app has ended by SIGKILL\npaceline: waiting/m);
});

test('what an app writes to the descriptor of the reports does no harm', async () => {
  const app = (text: string) => `import { writeSync } from 'node:fs';
    for (const line of ['no JSON', '{}', '[1, 2]', '["a"]']) writeSync(3, line + '\\n');
    export default { fetch: () => new Response('${text}') };\n`;
  folder = new AppFolder({ 'app.js': app('one') });
  const run = folder.dev('app.js');
  const url = await run.url();
  await folder.edit(run, 'app.js', app('two'));
  assert.is(await get(url), 'two');
});

test('the current folder is removed and made again', async () => {
  folder = new AppFolder({ 'app.js': APP, 'text.js': textOf('here') });
  const options = { directory: folder.path };
  const run = new Run('dev', `${folder.path}/app.js`, '--port', '0', '--threads', '2', options);
  const url = await run.url();
  folder.remove();
  await run.printed('stderr', /could not be started.*\n.*waiting for one of its files/);
  assert.match(await get(url), /^The app /);
  mkdirSync(folder.path);
  folder.write('package.json', '{ "type": "module" }');
  folder.write('text.js', textOf('again'));
  await folder.edit(run, 'app.js', APP);
  assert.is(await get(url), 'again');
});

test('it ends where another version of the app would not help', async () => {
  folder = new AppFolder({ 'app.js': APP, 'text.js': textOf('here') });
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const run = new Run('dev', `${folder.path}/app.js`, '--port', String(port));
  assert.equal(await run.ended, [1, null]);
  assert.match(run.stderr, /^paceline: \S+ is in use by another server; [^\n]+\n$/);
  taken.close();
});

test('the dashboard keeps its port', async () => {
  folder = new AppFolder({ 'app.js': APP, 'text.js': textOf('here') });
  const run = folder.dev('app.js', '--dashboard', '127.0.0.1:0');
  const url = await run.url();
  const [, first] = await run.printed('stdout', /dashboard at (http:\/\/[^/]+)/);
  await folder.edit(run, 'text.js', textOf('there'));
  assert.is(await get(url), 'there');
  await run.printed('stdout', /(?:dashboard at .*\s+.*){2}/s);
  const places = [...run.stdout.matchAll(/dashboard at (http:\/\/[^/]+)/g)].map(([, place]) => place);
  assert.equal(places, [first, first]);
  assert.is(run.stdout.match(LISTENING)!.length, 2);
});

test.run();
