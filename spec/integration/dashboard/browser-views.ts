/** The dashboard's page in a real Chromium: its views under load, paused, and of one thread. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BrowserSession } from '../../support/dashboard/browser-session.js';
import {
  browser,
  inBrowser,
  onDemoPage,
  pixelsOf,
  textOf,
  underLoad,
} from '../../support/dashboard/in-browser.js';
import { Gate } from '../../support/server/gate.js';
import { Running } from '../../support/server/running.js';

/** The time in the text alternative of the lanes. */
const DESCRIBED_AT = `/ at ([\\d:.]+): /.exec(document.getElementById('lanes-canvas').getAttribute('aria-label'))?.[1]`;
const LEADER = `/thread (\\d+) leader/.exec(document.getElementById('lanes-canvas').getAttribute('aria-label'))?.[1]`;
/** The picture of the lanes. */
const PICTURE = `document.getElementById('lanes-canvas').toDataURL()`;
const HISTOGRAM_LABELS = `[...document.querySelectorAll('#detail .histogram canvas')].map((one) => one.getAttribute('aria-label') ?? '')`;
const FOCUSED = `document.activeElement.textContent`;

onDemoPage('under load the lanes move, and their text alternative names new leaders', async (session) => {
  // Of the start, which the lanes show as well.
  const before = (await session.is(pixelsOf('processing'))) as number;
  await underLoad(session, 'blocking', async () => {
    await session.until(
      'processing is drawn',
      pixelsOf('processing'),
      (count: number) => count > before + 500,
    );
    const picture = await session.is(PICTURE);
    await session.until('the lanes move', PICTURE, (later) => later !== picture);
    const leaders = new Set<string>();
    await session.until('another thread leads', LEADER, (leader: string | null) => {
      if (leader !== null) leaders.add(leader);
      return leaders.size > 1;
    });
    const label = `document.getElementById('lanes-canvas').getAttribute('aria-label')`;
    await session.until('the request is told', label, (text: string) =>
      /processing for .*, GET \/block\?ms=\*/.test(text),
    );
  });
});

onDemoPage('each load button starts its load, says how long it lasts, and stops it', async (session) => {
  const requests = `Number.parseFloat(document.getElementById('fig-requests').textContent)`;
  for (const kind of ['fast', 'cpu'] as const) {
    await underLoad(session, kind, async () => {
      assert.is(await session.attribute(`[data-load="${kind}"]`, 'aria-pressed'), 'true');
      await session.until('requests are answered', requests, (rate: number) => rate > 0);
      await session.says('#fig-promotions', /^[1-9]/);
    });
    assert.is(await session.attribute(`[data-load="${kind}"]`, 'aria-pressed'), 'false');
  }
  await session.until('the load is gone', requests, (rate: number) => rate === 0);
});

inBrowser('with every thread blocked frames continue, and the page shows a warning with advice', async () => {
  await using running = await Running.start('web', { threads: 2, dashboard: { port: 0 } });
  using gate = new Gate();
  await using session = await BrowserSession.open(browser, running.server.dashboard!.url);
  await session.frames(1);
  // A request's target is shown as text, even if it looks like HTML.
  const path = `/hold?gate=${gate.path}&<svg/onload=seen.injected=1>&<script>seen.injected++</script>=1`;
  const held = Promise.all((await running.connectMany(2)).map((client) => client.get(path)));
  // These fail too if something before them has failed, and then say nothing more.
  held.catch(() => {});
  await gate.entered(2);
  await session.says(
    '#warnings',
    /All 2 threads have been held by GET \/hold for .*; nothing else is served\. Run as many threads/,
  );
  await session.says('#lead-who', /^Nobody leads$/);
  // The frames of two seconds.
  await session.frames(20);
  assert.is(gate.arrivals, 2, 'nobody left the gate meanwhile');
  assert.match(await session.text('#threads-body'), /<script>seen\.injected\+\+<\/script>/);
  assert.is(await session.is(`document.querySelectorAll('main svg, main script').length`), 0);
  const saved = session.page.waitForEvent('download');
  await session.page.keyboard.press('s');
  const snapshot = await textOf(await saved);
  assert.match(snapshot, /&lt;script&gt;seen\.injected\+\+/);
  assert.not.match(snapshot, /<script|<svg/);
  assert.is(await session.is('seen.injected'), undefined);
  gate.release(2);
  await held;
  await session.until(
    'nothing is wrong any more',
    `document.getElementById('warnings').childElementCount`,
    (n) => n === 0,
  );
  assert.equal(session.complaints, []);
});

onDemoPage(
  'paused, the page does not change under a banner while frames keep arriving, and returns to live',
  async (session) => {
    await underLoad(session, 'fast', async () => {
      await session.page.keyboard.press('Escape');
      await session.page.click('#pause');
      await session.says('#paused-text', /^You see [\d:.]+, .*\. Recording goes on\.$/);
      assert.ok(await session.page.isVisible('#paused'));
      assert.is(await session.attribute('#pause', 'aria-pressed'), 'true');
      const still = `[${DESCRIBED_AT}, document.getElementById('threads-body').textContent, ${PICTURE}]`;
      const before = await session.is(still);
      const newest = await session.newest();
      await session.frames(5);
      assert.ok((await session.newest()) > newest, 'what comes is kept');
      assert.equal(await session.is(still), before);
      await session.page.click('#paused-live');
      assert.ok(await session.page.isHidden('#paused'));
      await session.until('time goes on', DESCRIBED_AT, (at) => at !== (before as unknown[])[0]);
      await session.says('#scrub-text', /^live$/);
    });
  },
);

onDemoPage('the keys pause, go back and forth and return to live', async (session) => {
  const shown = `/^You see ([\\d:.]+),/.exec(document.getElementById('paused-text').textContent)[1]`;
  const { keyboard } = session.page;
  await session.frames(15);
  await keyboard.press('Space');
  assert.ok(await session.page.isVisible('#paused'));
  const moments: string[] = [];
  for (const key of ['ArrowLeft', 'ArrowLeft', 'Home', 'ArrowRight', 'Shift+ArrowRight']) {
    await keyboard.press(key);
    const at = await session.is<string>(shown);
    moments.push(at);
    assert.match((await session.attribute('#scrub', 'aria-valuetext'))!, new RegExp(`^${at}, `));
    // The text is that of the last frame that is not later, and all keys but the last one go to a frame.
    const described = await session.is<string>(DESCRIBED_AT);
    assert.ok(key === 'Shift+ArrowRight' ? described <= at : described === at, `${key}: ${described}, ${at}`);
  }
  const [back, further, oldest, on, second] = moments;
  assert.ok(oldest! < on! && on! < second! && further! < back!, moments.join(' '));
  await keyboard.press('End');
  assert.ok(await session.page.isHidden('#paused'));
});

onDemoPage('the slider goes back to any moment', async (session) => {
  await session.frames(15);
  const box = (await session.page.locator('#scrub').boundingBox())!;
  await session.page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  assert.ok(await session.page.isVisible('#paused'));
  const place = await session.is<number>(
    `(({ min, max, value }) => (value - min) / (max - min))(document.getElementById('scrub'))`,
  );
  assert.ok(place > 0.2 && place < 0.8, `it stands at ${place}`);
  const { keyboard } = session.page;
  const at = await session.is(DESCRIBED_AT);
  // With the focus on the slider the keys mean the same.
  await keyboard.press('ArrowLeft');
  assert.is.not(await session.is(DESCRIBED_AT), at);
  await keyboard.press('Space');
  await session.says('#scrub-text', /^live$/);
});

onDemoPage(
  'a click on a lane, on its name and on its row opens a thread, and Escape closes it',
  async (session) => {
    const { page } = session;
    await underLoad(session, 'blocking', async () => {
      await page.click('#lanes-canvas', { position: { x: 300, y: 60 } });
      await session.says('#detail-title', /^Thread 1$/);
      assert.ok(await page.isVisible('#detail'));
      await session.says('#detail .now', /^(Leader|Processing|Follower) for /);
      await session.until(
        'its transitions',
        `document.querySelectorAll('.transitions tbody tr').length`,
        (n: number) => n > 5,
      );
      assert.match(await session.text('.transitions tbody tr'), /^\d\d:\d\d:\d\d\.\d{3}[FLP] → [FLP]/);
      await session.says('.transitions tbody', /thread \d/);
      assert.is((await session.texts('#detail .histogram canvas')).length, 4);
      const bars = await session.until<string[]>('its histograms', HISTOGRAM_LABELS, (labels) =>
        labels.slice(0, 3).every((label) => /\d/.test(label)),
      );
      assert.match(bars[0]!, /^Response time/);
      await page.keyboard.press('Escape');
      assert.ok(await page.isHidden('#detail'));
      await page.click('#lane-names button:nth-child(3)');
      await session.says('#detail-title', /^Thread 2$/);
      await page.click('#detail-close');
      assert.ok(await page.isHidden('#detail'));
      await page.click('#threads-body tr:nth-child(4) .state');
      await session.says('#detail-title', /^Thread 3$/);
      await page.keyboard.press('Escape');
    });
  },
);

onDemoPage(
  'Enter on a row and the key of its number open a thread, and closing it restores the focus',
  async (session) => {
    const { page } = session;
    await page.focus('#threads-body tr:nth-child(3) .link');
    await page.keyboard.press('Enter');
    await session.says('#detail-title', /^Thread 2$/);
    assert.is(await session.is(FOCUSED), 'Thread 2');
    assert.is(await session.is('document.activeElement.id'), 'detail-title');
    assert.is(await session.attribute('#threads-body tr:nth-child(3) .link', 'aria-expanded'), 'true');
    await page.keyboard.press('1');
    await session.says('#detail-title', /^Thread 1$/);
    await page.keyboard.press('Escape');
    assert.ok(await page.isHidden('#detail'));
    assert.is(await session.is('document.activeElement.className'), 'link');
    assert.is(await session.is(FOCUSED), 'Thread 2');
    await page.keyboard.press('?');
    assert.ok(await page.isVisible('#help'));
    await page.keyboard.press('Escape');
    assert.ok(await page.isHidden('#help'));
  },
);

onDemoPage('the table is sorted from the keyboard, and the focus stays', async (session) => {
  const { page } = session;
  const names = '#threads-body .link';
  const sorted = (column: string): Promise<string | null> =>
    session.attribute(`th[data-column="${column}"]`, 'aria-sort');
  assert.is(await sorted('thread'), 'ascending');
  await page.focus('th[data-column="thread"] button');
  await page.keyboard.press('Enter');
  assert.is(await sorted('thread'), 'descending');
  assert.equal(await session.texts(names), ['Thread 3', 'Thread 2', 'Thread 1', 'Thread 0']);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  assert.is(await sorted('thread'), null);
  assert.is(await sorted('events'), 'descending');
  const events = await session.is<number[]>(
    `[...document.querySelectorAll('#threads-body tr')].map((row) => Number(row.cells[4].firstChild.textContent.replace(/\\D/g, '')))`,
  );
  assert.equal(
    events,
    events.toSorted((one, other) => other - one),
  );
  assert.match(await session.is(FOCUSED), /^Events/);
});

test.run();
