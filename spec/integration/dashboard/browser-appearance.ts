/** The dashboard's page in a real Chromium: widths, motion and colours. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { BrowserSession } from '../../support/dashboard/browser-session.js';
import { onDemoPage, pixelsOf, underLoad, WIDTH } from '../../support/dashboard/in-browser.js';

for (const width of [400, 1280]) {
  const options = { viewport: { width, height: 800 } };
  onDemoPage(
    `at ${width} pixels nothing makes the page wider than that`,
    async (session) => {
      await underLoad(session, 'blocking', async () => {
        await session.says('#fig-promotions', /^[1-9]/);
        assert.is(await session.is(WIDTH), width);
        await session.page.keyboard.press('2');
        await session.says('.transitions tbody', /→/);
        assert.is(await session.is(WIDTH), width);
        await session.page.keyboard.press('Escape');
        await session.page.click('#pause');
        assert.ok(await session.page.isVisible('#paused'));
        assert.is(await session.is(WIDTH), width);
        await session.page.click('#paused-live');
      });
    },
    options,
  );
}

onDemoPage('lanes are drawn between frames, so that they scroll smoothly', async (session) => {
  const { draws, frames } = await drawn(session);
  assert.ok(draws > frames * 1.5, `${draws} times for ${frames} frames`);
});

onDemoPage(
  'with reduced motion the lanes are drawn once a frame, and nothing is animated',
  async (session) => {
    const { draws, frames } = await drawn(session);
    assert.ok(draws <= frames + 1, `${draws} times for ${frames} frames`);
    assert.is(
      await session.is(`getComputedStyle(document.getElementById('pause')).transitionDuration`),
      '0s',
    );
  },
  { reducedMotion: 'reduce' },
);

/** How often the lanes are drawn while about 20 frames arrive. */
async function drawn(session: BrowserSession): Promise<{ draws: number; frames: number }> {
  const counts = '({ draws: seen.draws, frames: seen.frames })';
  const before = await session.is<{ draws: number; frames: number }>(counts);
  await session.frames(20);
  const after = await session.is<{ draws: number; frames: number }>(counts);
  return { draws: after.draws - before.draws, frames: after.frames - before.frames };
}

onDemoPage(
  'with a dark colour scheme the page is dark, and the states keep their colours',
  async (session) => {
    const ground = await session.is<string>('getComputedStyle(document.body).backgroundColor');
    assert.ok(
      ground.match(/\d+/g)!.every((part) => Number(part) < 60),
      ground,
    );
    await session.until('the leader is drawn', pixelsOf('leader'), (count: number) => count > 100);
  },
  { colorScheme: 'dark' },
);

test.run();
