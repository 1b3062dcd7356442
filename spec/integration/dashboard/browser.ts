/** The dashboard's page in a real Chromium, on a real server: what is seen, what keys and buttons do, what it is refused. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Download } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createServer, type Server } from '../../../lib/index.js';
import { checkTrace } from '../../../scripts/trace-check.js';
import { BrowserSession } from '../../support/dashboard/browser-session.js';
import { findChromium, HOW_TO_GET_CHROMIUM, launchChromium } from '../../support/dashboard/chromium.js';
import { Gate } from '../../support/server/gate.js';
import { fixture, Running } from '../../support/server/running.js';
import { within } from '../../support/server/wait.js';

const THREADS = 4;
const HOST = '127.0.0.1';

const chromium = findChromium();
if (chromium === undefined) console.log(`skipped: ${HOW_TO_GET_CHROMIUM}`);
const inBrowser = chromium === undefined ? test.skip : test;

let browser: Browser;
/** The demo app, for all who leave it as they found it. */
let demo: Server;
/** For what is downloaded. */
let folder: string;

if (chromium !== undefined) {
  test.before(async () => {
    browser = await launchChromium(chromium);
    demo = await startDemo();
    folder = mkdtempSync(join(tmpdir(), 'paceline-browser-'));
  });
  test.after(async () => {
    await browser.close();
    await demo.close({ drainMs: 1000 });
    rmSync(folder, { recursive: true });
  });
}

async function startDemo(dashboardPort = 0): Promise<Server> {
  const server = createServer({ threads: THREADS, dashboard: { port: dashboardPort } });
  await server.listen({ port: 0 });
  return server;
}

const textOf = async (download: Download): Promise<string> => readFileSync(await download.path(), 'utf8');

/** What the server's URL is with another token. */
const withToken = (server: Server, token: string): string =>
  `${new URL(server.dashboard!.url).origin}/#${token}`;

/** A session in which nothing may be complained of: no error, no warning, no violation of the page's own policy. */
function visiting(
  what: string,
  steps: (session: BrowserSession) => Promise<void>,
  options: BrowserContextOptions = {},
): void {
  inBrowser(what, async () => {
    await using session = await BrowserSession.open(browser, demo.dashboard!.url, options);
    await session.status('live');
    await session.frames(1);
    await steps(session);
    assert.equal(session.complaints, []);
  });
}

/** Lets the demo's load run while `steps` do. */
async function underLoad(
  session: BrowserSession,
  kind: 'fast' | 'blocking' | 'cpu',
  steps: () => Promise<void>,
): Promise<void> {
  const button = `[data-load="${kind}"]`;
  await session.page.click(button);
  await session.says(button, / · \d+ s$/);
  try {
    await steps();
  } finally {
    // The next session is to find a server at rest, also after a failure.
    await session.page.click(button);
    await session.says(button, /^\w+$/);
  }
}

/** How many pixels of the lanes, without the riders at their right, have the colour of a state. */
const pixelsOf = (state: string): string => `(() => {
  const canvas = document.getElementById('lanes-canvas');
  const colour = getComputedStyle(document.documentElement).getPropertyValue('--${state}').trim();
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  // A copy, because reading makes a canvas slow.
  const copy = new OffscreenCanvas(canvas.width - 80, canvas.height);
  const context = copy.getContext('2d', { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, copy.width, copy.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4)
    if (data[at] === r && data[at + 1] === g && data[at + 2] === b && data[at + 3] === 255) count++;
  return count;
})()`;

/** The time that the lanes' text alternative tells of. */
const DESCRIBED_AT = `/ at ([\\d:.]+): /.exec(document.getElementById('lanes-canvas').getAttribute('aria-label'))?.[1]`;
const LEADER = `/thread (\\d+) leader/.exec(document.getElementById('lanes-canvas').getAttribute('aria-label'))?.[1]`;
/** What the lanes look like. */
const PICTURE = `document.getElementById('lanes-canvas').toDataURL()`;
const HISTOGRAM_LABELS = `[...document.querySelectorAll('#detail .histogram canvas')].map((one) => one.getAttribute('aria-label') ?? '')`;
/** Whether anything was painted, by the browser's account. */
const PAINTED = `performance.getEntriesByName('first-contentful-paint').length`;
/** What numbers look like that are none. */
const NEVER_SHOWN = /NaN|undefined|null|Infinity|\[object/;
const FOCUSED = `document.activeElement.textContent`;
const WIDTH = `document.documentElement.scrollWidth`;

test('the Chromium that is named counts alone, and otherwise the usual places do', () => {
  assert.is(findChromium({ PACELINE_CHROMIUM: '/nowhere', PATH: '/usr/bin' }), undefined);
  assert.is(findChromium({ PACELINE_CHROMIUM: process.execPath }), process.execPath);
  assert.is(
    findChromium({ PATH: process.env.PATH, PACELINE_CHROMIUM: '' }),
    findChromium({ PATH: process.env.PATH }),
  );
});

// ---- the first look --------------------------------------------------------------------------------------------------

inBrowser('the page is there before the server has anything to show, and comes alive by itself', async () => {
  const server = createServer({ app: fixture('loads-late'), threads: 1, dashboard: { port: 0 } });
  const gate = new Gate();
  process.env.PACELINE_SPEC_GATE = gate.path;
  const listening = server.listen({ port: 0 });
  await using _ending = {
    // A server closes only once it has listened, so a failure has to let it through as well.
    async [Symbol.asyncDispose]() {
      gate[Symbol.dispose]();
      await listening;
      await server.close();
    },
  };
  await gate.entered(1);
  await using session = await BrowserSession.open(browser, server.dashboard!.url, {
    mayLoseConnections: true,
  });
  assert.is(await session.is(PAINTED), 1);
  assert.is(await session.text('h1'), 'Paceline');
  assert.equal(await session.texts('main h2'), [
    'At a glance',
    'Lanes',
    'Threads',
    'Room',
    'Connections',
    'Over time',
    'Take it with you',
  ]);
  assert.match((await session.attribute('#lanes-canvas', 'aria-label'))!, /Nothing has come yet/);
  await session.says('#lost-text', /^The server is there, but does not serve: it starts, or it stops\./);
  assert.not.match(await session.text('main'), NEVER_SHOWN);
  gate.release();
  await listening;
  await session.status('live');
  await session.says('#lead-who', /^Thread 0 leads$/);
  assert.ok(await session.is(`document.getElementById('lost').hidden`));
  assert.equal(session.complaints, []);
});

visiting(
  'the first frames show who leads, a lane and a row for each thread, room and curves',
  async (session) => {
    assert.is(await session.is(PAINTED), 1);
    await session.says('#lead-who', /^Thread \d leads$/);
    assert.match(
      await session.text('#meta'),
      /^demo at http:\/\/127\.0\.0\.1:\d+leader-followers4 threadsNode\.js [\d.]+pid \d+$/,
    );
    assert.is(await session.page.title(), 'demo · Paceline');
    assert.equal(await session.texts('#threads-body .link'), [
      'Thread 0',
      'Thread 1',
      'Thread 2',
      'Thread 3',
    ]);
    assert.is((await session.texts('#lane-names button')).length, THREADS);
    assert.is((await session.texts('.gauge .name')).length, 5);
    assert.is((await session.texts('.chart figcaption')).length, 4);
    await session.until('the leader is drawn', pixelsOf('leader'), (count: number) => count > 100);
    assert.not.match(await session.text('main'), NEVER_SHOWN);
  },
);

// ---- under load ------------------------------------------------------------------------------------------------------

visiting('under load the lanes move, and their text alternative tells of new leaders', async (session) => {
  assert.is(await session.is(pixelsOf('processing')), 0);
  await underLoad(session, 'blocking', async () => {
    await session.until('processing is drawn', pixelsOf('processing'), (count: number) => count > 500);
    const picture = await session.is(PICTURE);
    await session.until('the lanes move', PICTURE, (later) => later !== picture);
    const leaders = new Set<string>();
    await session.until('another thread leads', LEADER, (leader: string | null) => {
      if (leader !== null) leaders.add(leader);
      return leaders.size > 1;
    });
    const label = `document.getElementById('lanes-canvas').getAttribute('aria-label')`;
    await session.until('the request is told', label, (text: string) =>
      /processing for .*, GET \/block\?ms=200/.test(text),
    );
  });
});

visiting('each load button starts its load, says how long it lasts, and stops it', async (session) => {
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

inBrowser(
  'with every thread blocked frames go on, and the page says what is the case and what to do',
  async () => {
    await using running = await Running.start('web', { threads: 2, dashboard: { port: 0 } });
    using gate = new Gate();
    await using session = await BrowserSession.open(browser, running.server.dashboard!.url);
    await session.frames(1);
    // What clients ask for is text, whatever it looks like.
    const path = `/hold?gate=${gate.path}&<svg/onload=seen.injected=1><script>seen.injected=1</script>`;
    const held = Promise.all((await running.connectMany(2)).map((client) => client.get(path)));
    // They fail too when something before them does, which says nothing more.
    held.catch(() => {});
    await gate.entered(2);
    await session.says(
      '#warnings',
      /All 2 threads have been inside handlers for .*; nothing else is served\. Run as many threads/,
    );
    await session.says('#warnings', /Thread \d has been inside GET \/hold\?gate=.*<svg\/onload/);
    await session.says('#lead-who', /^Nobody leads$/);
    // Two seconds of them, at the rate of the server.
    await session.frames(20);
    assert.is(gate.arrivals, 2, 'nobody left the gate meanwhile');
    assert.match(await session.text('#threads-body'), /<script>seen\.injected=1<\/script>/);
    assert.is(await session.is(`document.querySelectorAll('main svg, main script').length`), 0);
    const saved = session.page.waitForEvent('download');
    await session.page.keyboard.press('s');
    const snapshot = await textOf(await saved);
    assert.match(snapshot, /&lt;script&gt;seen\.injected=1/);
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
  },
);

// ---- another moment --------------------------------------------------------------------------------------------------

visiting(
  'paused, the page stands still under a banner while frames go on coming, and returns to live',
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

visiting('the keys pause, go back and forth and return to live', async (session) => {
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
    // The words are of the last frame that is not later, and all keys but the last one go to a frame.
    const described = await session.is<string>(DESCRIBED_AT);
    assert.ok(key === 'Shift+ArrowRight' ? described <= at : described === at, `${key}: ${described}, ${at}`);
  }
  const [back, further, oldest, on, second] = moments;
  assert.ok(oldest! < on! && on! < second! && further! < back!, moments.join(' '));
  await keyboard.press('End');
  assert.ok(await session.page.isHidden('#paused'));
});

visiting('the slider goes back to any moment', async (session) => {
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

// ---- one thread ------------------------------------------------------------------------------------------------------

visiting(
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

visiting(
  'Enter on a row and the key of its number open a thread, and the focus comes back',
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

visiting('the table is sorted from the keyboard, and the focus stays', async (session) => {
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

// ---- what one takes along --------------------------------------------------------------------------------------------

visiting('a trace is recorded, saved, and right', async (session) => {
  await underLoad(session, 'blocking', async () => {
    const saved = session.page.waitForEvent('download');
    await session.page.click('#trace');
    await session.says('#trace-text', /^Recording 5 s …$/);
    const download = await saved;
    assert.is(download.suggestedFilename(), 'paceline-trace.json');
    // JSON, a track for each thread, slices nested right, one leader at a time, promotions with both of their ends.
    const { faults, summary } = checkTrace(await textOf(download));
    assert.equal(faults, [], summary);
    assert.match(
      summary,
      / of 4 threads in \d+ ms: \d+ slices, [1-9]\d* of them of leaders, [1-9]\d* promotions, /,
    );
    await session.says('#trace-text', /^Saved as paceline-trace\.json\.$/);
  });
});

visiting('a snapshot is one file that needs no script and no server', async (session) => {
  await underLoad(session, 'blocking', async () => {
    await session.until('processing is drawn', pixelsOf('processing'), (count: number) => count > 500);
    const saved = session.page.waitForEvent('download');
    await session.page.click('#snapshot');
    const download = await saved;
    const name = download.suggestedFilename();
    assert.match(name, /^paceline-[\dTZ-]+\.html$/);
    const path = join(folder, name);
    await download.saveAs(path);
    const html = readFileSync(path, 'utf8');
    assert.not.match(html, /<script|<link|\son\w+=|(src|href)="(?!data:|http:\/\/127\.0\.0\.1:\d+")/i);
    await using snapshot = await BrowserSession.open(browser, 'about:blank', { javaScriptEnabled: false });
    const asked: string[] = [];
    snapshot.page.on('request', (request) => asked.push(request.url().slice(0, 5)));
    await snapshot.page.goto(pathToFileURL(path).href);
    assert.ok(asked.length > 0 && asked.every((scheme) => ['data:', 'file:'].includes(scheme)), asked.join());
    assert.equal(await snapshot.texts('#threads-body th'), ['Thread 0', 'Thread 1', 'Thread 2', 'Thread 3']);
    const pictures = await snapshot.is<number[]>(
      `[...document.images].map(({ naturalWidth }) => naturalWidth)`,
    );
    assert.is(pictures.length, 5);
    assert.ok(
      pictures.every((width) => width > 300),
      pictures.join(),
    );
    assert.ok((await snapshot.is<number>(WIDTH)) <= 1280);
    assert.equal(snapshot.complaints, []);
  });
});

// ---- who is refused --------------------------------------------------------------------------------------------------

inBrowser(
  'without a token the page says where to get one, and with one in the address it comes alive',
  async () => {
    await using session = await BrowserSession.open(browser, withToken(demo, ''));
    await session.status('no-token');
    assert.match(
      await session.text('#lost-text'),
      /^The address has no token\. Open the one that the server printed/,
    );
    assert.ok(await session.page.isVisible('#lost'));
    await session.page.goto(demo.dashboard!.url);
    await session.status('live');
    assert.equal(await session.is('seen.kinds'), ['connecting', 'no-token', 'connecting', 'live']);
    assert.equal(session.complaints, []);
  },
);

inBrowser('a wrong token is refused with a sentence that says what to do', async () => {
  for (const token of ['wrong', 'no%20token']) {
    await using session = await BrowserSession.open(browser, withToken(demo, token), {
      mayLoseConnections: true,
    });
    await session.status('refused');
    await session.says(
      '#lost-text',
      /^The token is not right any more: use the address that the server printed/,
    );
    assert.is(await session.text('#threads-body'), '');
    assert.is(await session.is('seen.frames'), 0);
    assert.equal(session.complaints, []);
  }
});

inBrowser('a page of another origin gets no websocket and reads nothing, whatever it knows', async () => {
  const other = createHttpServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<title>other</title>');
  });
  await new Promise<void>((resolve) => other.listen(0, HOST, resolve));
  const { origin, host, hash } = new URL(demo.dashboard!.url);
  const open = `new Promise((resolve) => {
    const socket = new WebSocket('ws://${host}/ws', ['paceline.1', 'token.${hash.slice(1)}']);
    socket.onopen = () => resolve('open');
    socket.onerror = () => resolve('refused');
  })`;
  const read = `fetch('${origin}/api/threads').then(() => 'read', () => 'refused')`;
  {
    await using own = await BrowserSession.open(browser, demo.dashboard!.url);
    assert.equal([await own.is(open), await own.is(read)], ['open', 'read']);
    const address = `http://${HOST}:${(other.address() as AddressInfo).port}/`;
    await using foreign = await BrowserSession.open(browser, address, { mayLoseConnections: true });
    assert.equal([await foreign.is(open), await foreign.is(read)], ['refused', 'refused']);
  }
  other.closeAllConnections();
  await new Promise((resolve) => other.close(resolve));
});

// ---- when the server goes --------------------------------------------------------------------------------------------

inBrowser('a connection that is cut comes back, and the history goes on', async () => {
  await using session = await BrowserSession.open(browser, demo.dashboard!.url, { mayLoseConnections: true });
  await session.status('live');
  await session.frames(3);
  const oldest = await session.attribute('#scrub', 'min');
  await session.is('seen.sockets.at(-1).close()');
  await session.until('it was lost and is live', 'seen.kinds', (kinds: string[]) =>
    kinds.join().endsWith('live,lost,live'),
  );
  await session.frames(3);
  assert.is(await session.attribute('#scrub', 'min'), oldest);
  assert.ok(await session.page.isHidden('#lost'));
  assert.equal(session.complaints, []);
});

inBrowser(
  'after a restart on the same port the page asks for the new token, and with it begins anew',
  async () => {
    const first = await startDemo();
    const { url, port } = first.dashboard!;
    await using session = await BrowserSession.open(browser, url, { mayLoseConnections: true });
    await session.status('live');
    await session.frames(3);
    await within('the server closes', first.close());
    await session.status('lost');
    await session.says(
      '#lost-text',
      /This page tries again by itself; what you see is the last that came\.$/,
    );
    assert.is((await session.texts('#threads-body tr')).length, THREADS);
    const newest = await session.newest();
    const second = await startDemo(port);
    try {
      assert.is.not(second.dashboard!.url, url);
      await session.status('refused');
      assert.match(await session.text('#lost-text'), /^The token is not right any more/);
      await session.page.goto(second.dashboard!.url);
      await session.status('live');
      await session.frames(1);
      assert.ok(
        Number(await session.attribute('#scrub', 'min')) > newest,
        'nothing is left of the first server',
      );
      assert.ok(await session.page.isHidden('#lost'));
      assert.equal(session.complaints, []);
    } finally {
      await second.close();
    }
  },
);

// ---- for every eye ---------------------------------------------------------------------------------------------------

for (const width of [400, 1280]) {
  const options = { viewport: { width, height: 800 } };
  visiting(
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

visiting('lanes are drawn between frames, so that they glide', async (session) => {
  const { draws, frames } = await drawn(session);
  assert.ok(draws > frames * 1.5, `${draws} times for ${frames} frames`);
});

visiting(
  'who prefers less motion gets one picture for each frame, and no transitions',
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

/** How often the lanes are drawn while about 20 frames come. */
async function drawn(session: BrowserSession): Promise<{ draws: number; frames: number }> {
  const counts = '({ draws: seen.draws, frames: seen.frames })';
  const before = await session.is<{ draws: number; frames: number }>(counts);
  await session.frames(20);
  const after = await session.is<{ draws: number; frames: number }>(counts);
  return { draws: after.draws - before.draws, frames: after.frames - before.frames };
}

visiting(
  'in the dark the page is dark, and the states keep their colours',
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
