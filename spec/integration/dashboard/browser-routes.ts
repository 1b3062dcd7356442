/** The dashboard's page in a real Chromium: learned routes, engaged threads and hand-overs, of a fake data plane. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_ROUTES } from '../../../lib/dashboard/protocol.js';
import { BrowserSession } from '../../support/dashboard/browser-session.js';
import { type FakeObserved, now, routeOf } from '../../support/dashboard/fake-observed.js';
import { browser, inBrowser, WIDTH } from '../../support/dashboard/in-browser.js';
import { TestDashboard } from '../../support/dashboard/test-dashboard.js';
import { range } from '../../support/server/wait.js';

const NARROW = 400;
const PROCESSING = 4;
const FOLLOWER = 2;

/** The texts of the table's rows. */
const ROWS = `[...document.querySelectorAll('#routes-body tr')].map((row) => [...row.cells].map((cell) => cell.textContent))`;

/** A spec on the page of a fake data plane, in which the browser must report no error. */
function onPage(
  what: string,
  steps: (session: BrowserSession, observed: FakeObserved) => Promise<void>,
  width = 1280,
): void {
  inBrowser(what, async () => {
    await using dashboard = await TestDashboard.start();
    await using session = await BrowserSession.open(browser, dashboard.server.url, {
      viewport: { width, height: 900 },
    });
    await session.frames(1);
    await steps(session, dashboard.observed);
    assert.equal(session.complaints, []);
  });
}

onPage(
  'learned and declared routes have a table, which is bounded, and says so',
  async (session, observed) => {
    await session.says('#routes-note', /^None is known/);
    assert.ok(await session.page.isHidden('.routes'));
    const hostile = 'GET /<svg/onload=seen.injected=1><script>seen.injected=1</script>';
    observed.seen.routes = [
      routeOf('GET /quick', { blocking: false, typicalMs: 0.25 }),
      routeOf(hostile, { calls: 12_345, typicalMs: 20.44, longestMs: 1234, handOvers: 67 }),
      routeOf('/declared/**', { declared: true, calls: 0, typicalMs: 0, longestMs: 0 }),
      routeOf('GET /free', { declared: true, blocking: false }),
    ];
    const rows = await session.until<string[][]>('the rows', ROWS, (found) => found.length === 4);
    assert.equal(
      rows.map((cells) => cells.map((text) => text.replaceAll('\u202f', ' '))),
      [
        [hostile, 'Blocking', '12 345', '20.4 ms', '1.2 s', '67'],
        ['/declared/**', 'Declared blocking', '0', '0 µs', '0 µs', '0'],
        ['GET /quick', 'Mostly quick', '1', '250 µs', '30.0 ms', '0'],
        ['GET /free', 'Declared non-blocking', '1', '20.0 ms', '30.0 ms', '0'],
      ],
    );
    assert.is(await session.is(`document.querySelectorAll('main svg, main script').length`), 0);
    assert.is(await session.is('seen.injected'), undefined);
    assert.ok(await session.page.isVisible('.routes'));
    observed.seen.routes = range(MAX_ROUTES + 5).map((index) => routeOf(`GET /${index}`));
    await session.says('#routes-note', / 5 more are not shown\.$/);
    assert.is((await session.is<string[][]>(ROWS)).length, MAX_ROUTES);
    observed.seen.routes = [];
    await session.says('#routes-note', /^None is known/);
    assert.ok(await session.page.isHidden('.routes'));
  },
);

onPage(
  'long names of routes do not make a narrow page wider',
  async (session, observed) => {
    observed.seen.routes = [routeOf(`GET /${'x'.repeat(90)}`)];
    observed.seen.threads[1]!.engaged = true;
    await session.until('the row', ROWS, (rows: string[][]) => rows.length === 1);
    assert.is(await session.is(WIDTH), NARROW);
  },
  NARROW,
);

onPage(
  'engaged threads are marked in the lanes, in the table and in the text alternative',
  async (session, observed) => {
    observed.seen.threads[2]!.engaged = true;
    observed.seen.engaged = 1;
    await session.says('#engaged-count', /^1 of 4 engaged\.$/);
    const marked = (selector: string): Promise<boolean[]> =>
      session.is(
        `[...document.querySelectorAll(${JSON.stringify(selector)})].map((sign) => sign.checkVisibility())`,
      );
    assert.equal(await marked('#lane-names .engaged'), [false, false, true, false]);
    assert.equal(await marked('#threads-body .engaged'), [false, false, true, false]);
    const described = `document.getElementById('lanes-canvas').getAttribute('aria-label')`;
    await session.until('it is described', described, (text: string) =>
      text.includes('thread 2, engaged, follower'),
    );
    observed.seen.threads[2]!.engaged = false;
    observed.seen.engaged = 0;
    await session.says('#engaged-count', /^0 of 4 engaged\.$/);
    assert.equal(await marked('#lane-names .engaged'), [false, false, false, false]);
  },
);

onPage(
  'hand-overs are drawn on both lanes, explained by the legend and under the pointer',
  async (session, observed) => {
    const { page } = session;
    assert.match(await session.text('#legend'), /▲Handed a connection over▼Took one over/);
    // One frame more, so that the hand-over is not before all frames.
    await session.frames(2);
    observed.tell(0, FOLLOWER, PROCESSING);
    const at = now();
    observed.handOver(0, 3, at);
    observed.tell(0, PROCESSING, FOLLOWER);
    await session.frames(3);
    await page.click('#pause');
    const { x, lane } = await session.is<{ x: number; lane: number }>(`(() => {
    const canvas = document.getElementById('lanes-canvas');
    const view = canvas.clientWidth - 62;
    const behindMs = Number(document.getElementById('scrub').value) - ${at};
    return { x: view - (behindMs * view) / 10000, lane: document.querySelector('#lane-names button').offsetHeight };
  })()`);
    for (const [thread, words] of [
      [0, /thread 0: .*; handed over a connection$/],
      [3, /thread 3: .*; took over a connection$/],
    ] as const) {
      await page.hover('#lanes-canvas', { position: { x, y: (thread + 0.5) * lane } });
      await session.says('#lanes-note', words);
    }
    await page.hover('#lanes-canvas', { position: { x, y: 1.5 * lane } });
    await session.says('#lanes-note', /thread 1: [^;]*$/);
    const ink = `(() => {
    const canvas = document.getElementById('lanes-canvas');
    const copy = new OffscreenCanvas(20, canvas.height);
    const context = copy.getContext('2d', { willReadFrequently: true });
    context.drawImage(canvas, Math.round(${x}) - 10, 0, 20, canvas.height, 0, 0, 20, canvas.height);
    const colour = getComputedStyle(document.documentElement).getPropertyValue('--ink').trim();
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    return [0, 1, 2, 3].map((thread) => {
      const { data } = context.getImageData(0, thread * ${lane}, 20, ${lane});
      let count = 0;
      for (let at = 0; at < data.length; at += 4) if (data[at] === r && data[at + 1] === g && data[at + 2] === b) count++;
      return count > 5;
    });
  })()`;
    await page.mouse.move(0, 0);
    await session.until(
      'both marks are drawn, and no other',
      ink,
      (drawn: boolean[]) => String(drawn) === 'true,false,false,true',
    );
  },
);

test.run();
