/**
 * The dashboard's page in a real Chromium: a scripted load for each verdict. At every frame the words, the lanes and the table of
 * the page agree with the recorded frames, and the metrics with those of their time.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inBrowser } from '../../support/dashboard/in-browser.js';
import { onStage, type Scene } from '../../support/dashboard/scene.js';

const THREADS = 4;

/** A spec of a verdict: at its end every frame of it is checked. */
const verdict = (what: string, steps: (scene: Scene) => Promise<void>): void =>
  inBrowser(what, () => onStage({ threads: THREADS }, steps));

verdict('healthy: while requests are answered all threads are free', async ({ page, session, running }) => {
  for (let request = 0; request < 20; request++) {
    assert.is(await running.get('/text'), 'hello');
    await page.until('healthy', /^Healthy: 4 of 4 threads free$/);
  }
  assert.match(await session.page.title(), /web\.js · Paceline$/);
  await session.says('#verdict-said', /^Healthy: /);
});

verdict('degraded: one thread is held for long, and the others go on', async (scene) => {
  const { page, session, running, gate } = scene;
  const [first, second] = [await scene.hold(1), await scene.hold(1)];
  await page.until(
    'degraded',
    /^Degraded: (thread \d|2 threads) held by GET \/hold.* for (up to )?1\.\d s.*; 2 of 4 threads free$/,
  );
  assert.is(await running.get('/text'), 'hello');
  await session.says('#verdict-said', /^Degraded: /);
  assert.match(await session.page.title(), /^Degraded · /);
  gate.release(2);
  await Promise.all([first.answered, second.answered]);
  await page.until('healthy', /4 of 4 threads free$/);
});

verdict('outage: every thread is held, and requests wait', async (scene) => {
  const { page, session, running, gate } = scene;
  const held = await scene.hold(THREADS);
  await page.until('degraded', /^Degraded: all 4 threads held by GET \/hold/);
  const waiting = Promise.all((await running.connectMany(3)).map((client) => client.get('/text')));
  await page.until('outage', /^Outage: all 4 threads held by GET \/hold.* for \d\.\d s; 3 requests wait$/);
  assert.match(await session.page.title(), /^Outage · /);
  assert.match(await session.text('#verdict-said'), /^Outage: /);
  assert.match(await session.text('#status'), /^Connected$/);
  gate.release(THREADS);
  await Promise.all([held.answered, waiting]);
  await page.until('healthy', /4 of 4 threads free$/);
});

verdict('a thread that dies is told at once, and marked in its lane', async (scene) => {
  const { page, session, running, client } = scene;
  const victim = await running.connect();
  // Nothing answers it.
  void victim.send('GET /exit HTTP/1.1\r\nhost: spec\r\n\r\n');
  await page.until('degraded', /^Degraded: thread \d died/);
  await session.says('#warnings', /Thread \d died/);
  const death = client.frames.flatMap(({ deaths }) => deaths)[0]!;
  await session.page.selectOption('#window', '30000');
  await session.until('it is drawn', markAt(death.thread, death.at), (colour: string) => colour === 'bad');
  await session.page.selectOption('#window', '500');
});

/** Whether the lanes have the mark of a death at a time. */
const markAt = (thread: number, at: number): string => `(() => {
  const canvas = document.getElementById('lanes-canvas');
  const view = canvas.clientWidth - 62;
  const behindMs = Number(document.getElementById('scrub').max) - ${at};
  const height = document.querySelector('#lane-names button').offsetHeight;
  const bad = getComputedStyle(document.documentElement).getPropertyValue('--bad-line').trim();
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const context = copy.getContext('2d', { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  const middle = Math.round(view - (behindMs * view) / 30000);
  // The lanes lag behind the newest frame by less than 20 pixels at this window.
  const { data } = context.getImageData(middle - 24, Math.round((${thread} + 0.5) * height) - 5, 54, 1);
  for (let at = 0; at < data.length; at += 4)
    if ('#' + [0, 1, 2].map((part) => data[at + part].toString(16).padStart(2, '0')).join('') === bad) return 'bad';
  return '';
})()`;

test.run();
