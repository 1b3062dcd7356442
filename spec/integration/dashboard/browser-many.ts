/** The dashboard's page in a real Chromium, with 64 threads of a fake data plane, and the columns that narrow pages keep. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BrowserSession } from '../../support/dashboard/browser-session.js';
import { FakeObserved, now } from '../../support/dashboard/fake-observed.js';
import { browser, inBrowser, WIDTH } from '../../support/dashboard/in-browser.js';
import { TestDashboard } from '../../support/dashboard/test-dashboard.js';
import { range } from '../../support/server/wait.js';

const MANY = 64;
const PROCESSING = 4;
const FOLLOWER = 2;
const MINUTE_MS = 60_000;

/** Of the threads in the lanes and in the table: the numbers. */
const LANES = `[...document.querySelectorAll('#lane-names button')].map((one) => Number(/\\d+/.exec(one.textContent)[0]))`;
const ROWS = `[...document.querySelectorAll('#threads-body .link')].map((one) => Number(/\\d+/.exec(one.textContent)[0]))`;

/** A spec on the page of many threads that have been idle for long. */
function onManyThreads(
  what: string,
  steps: (session: BrowserSession, observed: FakeObserved) => Promise<void>,
): void {
  inBrowser(what, async () => {
    const observed = new FakeObserved(MANY);
    for (const thread of observed.seen.threads) thread.since -= MINUTE_MS;
    await using dashboard = await TestDashboard.start({ observed });
    await using session = await BrowserSession.open(browser, dashboard.server.url);
    await session.frames(1);
    await steps(session, observed);
    assert.equal(session.complaints, []);
  });
}

const shows = (session: BrowserSession, threads: readonly number[]): Promise<unknown> =>
  session.until(`threads ${threads} are shown`, `[${LANES}, ${ROWS}]`, (shown: number[][]) =>
    shown.every((numbers) => numbers.join() === threads.join()),
  );

onManyThreads('idle threads are folded, and unfolded by a click and a key', async (session, observed) => {
  await shows(session, [0]);
  observed.tell(17, FOLLOWER, PROCESSING);
  await shows(session, [0, 17]);
  assert.match((await session.texts('[data-fold]'))[0]!, /^▸62 idle threads1–16, 18–63$/);
  await session.page.click('#lanes-card [data-fold]');
  await shows(session, range(MANY));
  assert.is(await session.attribute('#threads-card [data-fold]', 'aria-expanded'), 'true');
  const { height, bottom } = await session.is<{ height: number; bottom: number }>(
    `({ height: document.getElementById('lanes').scrollHeight, bottom: document.getElementById('lanes').clientHeight })`,
  );
  assert.is(height, bottom, 'all lanes fit without scrolling');
  await session.page.keyboard.press('f');
  await shows(session, [0, 17]);
});

onManyThreads('the search finds threads by number, route and state', async (session, observed) => {
  const { keyboard } = session.page;
  observed.seen.threads[17]!.route = 'GET /render';
  observed.tell(17, FOLLOWER, PROCESSING);
  await keyboard.press('/');
  await keyboard.type('3, 40-42');
  await shows(session, [3, 40, 41, 42]);
  await session.page.fill('#find', '/render');
  await shows(session, [17]);
  await session.page.fill('#find', 'processing');
  await shows(session, [17]);
  await session.page.fill('#find', '/nothing');
  await session.until('it says so', `document.getElementById('none-found').checkVisibility()`);
  await keyboard.press('Escape');
  await shows(session, [0, 17]);
});

onManyThreads('typed numbers open any thread, also a folded one', async (session) => {
  await session.page.keyboard.type('42');
  await session.says('#detail-title', /^Thread 42$/);
  await shows(session, [0, 42]);
  await session.page.keyboard.press('Escape');
  await shows(session, [0]);
});

onManyThreads('a page that opens later has the lanes of the time before', async (session, observed) => {
  // Nothing has been observed of these threads but since when they have been in their states.
  observed.seen.threads[5]!.state = 'processing';
  observed.seen.threads[5]!.since = now() - 8000;
  await session.page.reload();
  await session.frames(2);
  await session.page.hover('#lanes-canvas', { position: { x: 500, y: 63 } });
  await session.says('#lanes-note', /thread 5: Processing for [89]\.\d/);
});

for (const width of [400, 800]) {
  inBrowser(`at ${width} pixels the table keeps what a thread does and how busy it is`, async () => {
    await using dashboard = await TestDashboard.start();
    const { observed } = dashboard;
    observed.seen.threads[1]!.route = 'GET /render?page=*';
    observed.tell(1, FOLLOWER, PROCESSING);
    await using session = await BrowserSession.open(browser, dashboard.server.url, {
      viewport: { width, height: 900 },
    });
    await session.says('#threads-body', /GET \/render/);
    const visible = await session.is<string[]>(`(() => {
      const { left, right } = document.querySelector('#threads-card .scroller').getBoundingClientRect();
      return [...document.querySelectorAll('#threads-head th')].filter((head) => {
        const box = head.getBoundingClientRect();
        return box.width > 40 && box.left >= left && box.right <= right + 1;
      }).map((head) => head.dataset.column);
    })()`);
    for (const column of ['thread', 'state', 'since', 'busy', 'route'])
      assert.ok(visible.includes(column), column);
    assert.is(await session.is(WIDTH), width);
    assert.equal(session.complaints, []);
  });
}

test.run();
