import { test } from 'uvu';
import * as assert from 'uvu/assert';
import demo from '../../../lib/demo/app.js';

const CONTEXT = { thread: 3, remoteAddress: '127.0.0.1', trace: null };

const ask = async (path: string, init?: RequestInit): Promise<Response> =>
  demo.fetch(new Request(`http://a${path}`, init), CONTEXT);

test('/hello says hello as plain text, by the fast path and the slow one', async () => {
  for (const [path, method] of [
    ['/hello', 'GET'],
    ['/hello?', 'GET'],
    ['/hello?a=/b', 'GET'],
    ['/hello', 'HEAD'],
  ] as const) {
    const response = await ask(path, { method });
    assert.is(response.status, 200, path);
    assert.is(response.headers.get('content-type'), 'text/plain');
    assert.is(await response.text(), 'hello world\n');
  }
});

test('a path that only ends like /hello is another path', async () => {
  for (const path of ['/a/hello', '/hello/', '//hello', '/?/hello']) {
    assert.is.not(await (await ask(path)).text(), 'hello world\n', path);
  }
});

test('/ is a page that needs nothing from elsewhere and links every endpoint that GET reaches', async () => {
  const response = await ask('/');
  const page = await response.text();
  assert.is(response.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.not.match(page, /https?:|url\(|@import/);
  assert.match(page, 'prefers-color-scheme: dark');
  const links = [...page.matchAll(/href="(\/[^"]*)"/g)].map(([, path]) => path!);
  assert.equal(links, ['/hello', '/thread', '/spin?ms=20', '/block?ms=20', '/sleep?ms=5']);
  for (const path of links) assert.is((await ask(path)).status, 200, path);
  assert.match(page, 'POST /echo');
});

test('/spin, /block and /sleep take at least the time asked for, and say how long and where', async () => {
  for (const [path, verb] of [
    ['/spin?ms=12', 'spun'],
    ['/block?ms=12', 'blocked'],
    ['/sleep?ms=12', 'slept'],
  ] as const) {
    const text = await (await ask(path)).text();
    const [, found, ms, thread] = /^(\w+) for (\d+\.\d) ms in thread (\d+)\n$/.exec(text) ?? [];
    assert.is(found, verb);
    // Node's timers may fire up to a millisecond early.
    assert.ok(Number(ms) >= 11, text);
    assert.is(thread, '3');
  }
});

test('/spin burns CPU, and /block does not', async () => {
  const cpuMsOf = async (path: string): Promise<number> => {
    const before = process.cpuUsage();
    await ask(path);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  const spun = await cpuMsOf('/spin?ms=200');
  const blocked = await cpuMsOf('/block?ms=200');
  assert.ok(spun > 2 * blocked, `spinning took ${spun} ms of CPU, blocking ${blocked}`);
});

test('ms has a default and bounds, and what is no such number is refused with a sentence', async () => {
  for (const ms of ['0', '0.5', '007']) assert.is((await ask(`/sleep?ms=${ms}`)).status, 200, ms);
  for (const ms of ['', '-1', '10001', '1e3', 'abc', 'Infinity', '0x10', '%201', '1,5']) {
    const response = await ask(`/block?ms=${ms}`);
    assert.is(response.status, 400, ms);
    assert.is(await response.text(), 'ms must be a number from 0 to 10000, as in /block?ms=20.\n');
  }
});

test('/echo sends the body and its content type back', async () => {
  const body = Uint8Array.from({ length: 1000 }, (_, index) => index % 256);
  const headers = { 'content-type': 'application/x-thing' };
  const response = await ask('/echo', { method: 'POST', body, headers });
  assert.is(response.headers.get('content-type'), 'application/x-thing');
  assert.equal(new Uint8Array(await response.arrayBuffer()), body);
});

test('/echo invents no content type', async () => {
  const response = await ask('/echo', { method: 'POST', body: new Uint8Array(3) });
  assert.is(response.headers.get('content-type'), null);
});

test('/thread names the thread that answers, as JSON', async () => {
  const response = await ask('/thread');
  assert.is(response.headers.get('content-type'), 'application/json');
  assert.equal(await response.json(), { thread: 3 });
});

test('an unknown path is answered with 404, as text', async () => {
  const response = await ask('/nothing');
  assert.is(response.status, 404);
  assert.is(response.headers.get('content-type'), 'text/plain');
});

test('a wrong method is answered with 405 and the methods that are right', async () => {
  for (const [path, method, allow] of [
    ['/hello', 'POST', 'GET, HEAD'],
    ['/', 'DELETE', 'GET, HEAD'],
    ['/echo', 'GET', 'POST'],
  ] as const) {
    const response = await ask(path, { method });
    assert.is(response.status, 405, path);
    assert.is(response.headers.get('allow'), allow);
  }
});

test.run();
