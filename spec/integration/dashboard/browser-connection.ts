/** The dashboard's page in a real Chromium: how it opens, is refused, and reconnects. */
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createServer, type Server } from '../../../lib/index.js';
import { BrowserSession } from '../../support/dashboard/browser-session.js';
import { findChromium } from '../../support/dashboard/chromium.js';
import {
  browser,
  demo,
  HOST,
  inBrowser,
  onDemoPage,
  pixelsOf,
  startDemo,
  THREADS,
} from '../../support/dashboard/in-browser.js';
import { Gate } from '../../support/server/gate.js';
import { fixture } from '../../support/server/running.js';
import { within } from '../../support/server/wait.js';

/** Whether the browser has painted anything. */
const PAINTED = `performance.getEntriesByName('first-contentful-paint').length`;
/** Text that a missing number would turn into. */
const NEVER_SHOWN = /NaN|undefined|null|Infinity|\[object/;
/** Whether the page has asked why it cannot connect, which it does after some tries. */
const TRIED = `performance.getEntriesByType('resource').some(({ name }) => name.endsWith('/healthz'))`;
/** The dashboard's URL with another token. */
const withToken = (server: Server, token: string): string =>
  `${new URL(server.dashboard!.url).origin}/#${token}`;

test('PACELINE_CHROMIUM is used alone; without it Chromium is searched for in the usual places', () => {
  assert.is(findChromium({ PACELINE_CHROMIUM: '/nowhere', PATH: '/usr/bin' }), undefined);
  assert.is(findChromium({ PACELINE_CHROMIUM: process.execPath }), process.execPath);
  assert.is(
    findChromium({ PATH: process.env.PATH, PACELINE_CHROMIUM: '' }),
    findChromium({ PATH: process.env.PATH }),
  );
});

inBrowser('the page loads before the server serves, and becomes live by itself', async () => {
  const server = createServer({ app: fixture('loads-late'), threads: 1, dashboard: { port: 0 } });
  const gate = new Gate();
  process.env.PACELINE_SPEC_GATE = gate.path;
  const listening = server.listen({ port: 0 });
  await using _ending = {
    // A server can be closed only once it listens, so the barrier opens after a failure as well.
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
    'Routes',
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

onDemoPage(
  'the first frames show the leader, a lane and a row for each thread, gauges and charts',
  async (session) => {
    assert.is(await session.is(PAINTED), 1);
    await session.says('#lead-who', /^Thread \d leads$/);
    assert.match(
      await session.text('#meta'),
      /^demo at http:\/\/127\.0\.0\.1:\d+leader-followers4 threadsNode\.js [\d.]+pid \d+ since \d\d:\d\d:\d\d$/,
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

inBrowser(
  'without a token the page says where to get one, and with one in the URL it becomes live',
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
    const socket = new WebSocket('ws://${host}/ws', ['paceline.3', 'token.${hash.slice(1)}']);
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

inBrowser('after a lost connection the page reconnects, and the history continues', async () => {
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
  'after a restart on the same port the page asks for the new token, and with it clears its history',
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

inBrowser(
  'after a restart with the same token the page clears itself, and says that this is another process',
  async () => {
    const token = 'the-same-token-as-before';
    const first = await startDemo(0, token);
    const { url, port } = first.dashboard!;
    await using session = await BrowserSession.open(browser, url, { mayLoseConnections: true });
    await session.status('live');
    await session.says('#verdict-level', /^Healthy:$/);
    await session.frames(3);
    assert.ok(await session.page.isHidden('#anew'));
    await within('the server closes', first.close());
    await session.status('lost');
    assert.match(await session.text('.verdict-text'), /^Last known: /);
    assert.ok(await session.page.isVisible('#verdict-stale'));
    assert.match(await session.page.title(), /^Lost · /);
    await session.until('it has tried in vain', TRIED);
    assert.match(await session.text('#lost-text'), /^The server stopped\. This page tries again/);
    assert.not.ok(await session.page.isVisible('#scrub-text'), 'nothing is live');
    const newest = await session.newest();
    const second = await startDemo(port, token);
    try {
      await session.status('live');
      await session.frames(1);
      await session.says(
        '#anew-text',
        /^A new process serves: pid \d+ since [\d:]+; before it pid \d+ since [\d:]+, of which nothing is shown/,
      );
      assert.ok(await session.page.isVisible('#anew'));
      assert.ok(await session.page.isHidden('#verdict-stale'));
      assert.ok(
        Number(await session.attribute('#scrub', 'min')) > newest,
        'nothing is left of the first process',
      );
      await session.page.click('#anew-close');
      assert.ok(await session.page.isHidden('#anew'));
      assert.equal(session.complaints, []);
      await within('the second server closes', second.close());
      await session.status('lost');
      assert.ok(await session.page.isHidden('#anew'), 'that one serves no more');
    } finally {
      await second.close();
    }
  },
);

test.run();
