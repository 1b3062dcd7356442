import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Example, testOf } from '../../support/examples/example.js';
import { within } from '../../support/server/wait.js';

const hono = await Example.install('hono');
const check = testOf(hono);
const PAGES = 20;

check('it shows highlighted sources, and 404 for what it does not have', async () => {
  await using running = await hono!.start('app.js', 4);
  const home = await (await fetch(running.url)).text();
  const files = [...home.matchAll(/href="(\/files\/[^"]+)"/g)].map(([, path]) => path!);
  assert.ok(files.includes('/files/hono.js'), home);
  for (const file of files) {
    const response = await fetch(running.url + file);
    assert.is(response.status, 200, file);
    assert.match(await response.text(), /<code class="hljs">.*<span class="hljs-/s);
  }
  assert.is((await fetch(`${running.url}/files/..%2fpackage.json`)).status, 404);
});

check('the clock ticks while pages are highlighted', async () => {
  await using running = await hono!.start('app.js', 4);
  const leave = new AbortController();
  const clock = await fetch(`${running.url}/clock`, { signal: leave.signal });
  assert.is(clock.headers.get('content-type'), 'text/event-stream');
  const pages = Promise.all(
    Array.from({ length: PAGES }, async () => (await fetch(`${running.url}/files/hono-base.js`)).text()),
  );
  const reader = clock.body!.pipeThrough(new TextDecoderStream()).getReader();
  let events = '';
  while (events.split('event: tick\n').length <= 3) {
    const { value, done } = await within('the next tick', reader.read());
    assert.not(done);
    events += value;
  }
  assert.is((await pages).length, PAGES);
  leave.abort();
});

test.run();
