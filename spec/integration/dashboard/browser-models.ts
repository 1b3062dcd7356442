/**
 * The dashboard's page in a real Chromium, for each model in which threads do not lead in turn: it has the model's roles, words and queue, and
 * nothing of leaders. At every frame its words, lanes and table agree with the recorded frames, and the metrics with those of their time.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DESCRIPTIONS, STRATEGIES, type StrategyName } from '../../../lib/strategies/descriptions.js';
import { BrowserSession } from '../../support/dashboard/browser-session.js';
import { browser, inBrowser } from '../../support/dashboard/in-browser.js';
import { onStage } from '../../support/dashboard/scene.js';
import { Running } from '../../support/server/running.js';

const WORKERS = 3;

/** What is on the page while the server is idle. */
async function checkWords(session: BrowserSession, strategy: StrategyName): Promise<void> {
  const { title, summary, source, roles } = DESCRIPTIONS[strategy];
  await session.says('#lead-who', new RegExp(`^The ${roles[0]} is waiting$`));
  assert.is(await session.text('#model'), `${title}. ${summary} ${source}`);
  const said = (await session.texts('#legend li')).join();
  assert.match(said, /Waiting.*Processing/);
  assert.not.match(said, /Leader|Follower|Handed|Engaged/);
  const page = await session.is<string>(`document.querySelector('main').innerText`);
  assert.not.match(page, /Promotion|leads|leadership/i, 'nothing is said of leaders');
  assert.not.match((await session.texts('#charts .u-label')).join(), /promotion/);
  await session.until(
    'the lanes are described',
    `document.getElementById('lanes-canvas').getAttribute('aria-label')`,
    (text: string) => new RegExp(`: ${roles[0]} 0 (waiting|processing) for `).test(text),
  );
}

for (const strategy of STRATEGIES) {
  const { roles, ioThreads } = DESCRIPTIONS[strategy];
  if (ioThreads === 0) continue;
  inBrowser(`${strategy}: one worker is held, and the others go on`, () =>
    onStage({ strategy, threads: 1 + WORKERS }, async ({ page, session, running, gate, hold }) => {
      await page.until('healthy', /^Healthy: 3 of 3 workers free$/);
      await checkWords(session, strategy);
      const first = `${roles[0].charAt(0).toUpperCase()}${roles[0].slice(1)} 0`;
      const names = [first, 'Worker 1', 'Worker 2', 'Worker 3'];
      assert.equal(await session.texts('#threads-body th'), names);
      const held = await hold(1);
      await page.until(
        'degraded',
        /^Degraded: worker \d held by GET \/hold.* for 1\.\d s.*; 2 of 3 workers free$/,
      );
      await session.says('#lead-for', /^1 of 3 workers processing$/);
      assert.is(await running.get('/text'), 'hello');
      gate.release(1);
      await held.answered;
      await page.until('healthy', /^Healthy: 3 of 3 workers free$/);
    }),
  );
}

inBrowser('half-sync-half-reactive: while all workers are held, requests wait in the queue', () =>
  onStage(
    { strategy: 'half-sync-half-reactive', threads: 1 + WORKERS },
    async ({ page, session, running, gate, hold }) => {
      const held = await hold(WORKERS);
      const waiting = Promise.all((await running.connectMany(2)).map((client) => client.get('/text')));
      await page.until(
        'outage',
        /^Outage: all 3 workers held by GET \/hold.* for \d\.\d s; 2 requests wait$/,
      );
      await session.says('#fig-promotions', /^2of 1\u202f024$/);
      assert.is(await session.text('#name-promotions'), 'Request queue');
      await session.says('#gauges', /Request queue2 · \d+ · 1\u202f024/);
      assert.ok((await session.texts('#charts figcaption')).includes('Request queue'));
      gate.release(WORKERS);
      await Promise.all([held.answered, waiting]);
      await page.until('healthy', /^Healthy: 3 of 3 workers free$/);
      await session.says('#gauges', /Request queue0 · \d+ · 1\u202f024wait p50 /);
    },
  ),
);

inBrowser('half-sync-half-async: each worker has the number of its connections', () =>
  onStage({ strategy: 'half-sync-half-async', threads: 1 + WORKERS }, async ({ page, session, running }) => {
    await page.until('healthy', /^Healthy: 3 of 3 workers free$/);
    const clients = await running.connectMany(6);
    await Promise.all(clients.map((client) => client.get('/text')));
    const open = `[...document.querySelectorAll('#threads-body .connections')].map((cell) => cell.textContent)`;
    const sum = (texts: string[]) => texts.slice(1).reduce((total, text) => total + Number(text), 0);
    await session.until('all are told', open, (texts: string[]) => sum(texts) === 6);
    assert.is((await session.is<string[]>(open))[0], '–', 'the acceptor has none');
  }),
);

inBrowser('reactor: one thread is all there is, and held it is an outage', () =>
  onStage({ strategy: 'reactor' }, async ({ page, session, running, gate, hold }) => {
    await page.until('healthy', /^Healthy: 1 of 1 thread free$/);
    await checkWords(session, 'reactor');
    assert.equal(await session.texts('#threads-body th'), ['Reactor 0']);
    const held = await hold(1);
    const waiting = Promise.all((await running.connectMany(2)).map((client) => client.get('/text')));
    await page.until(
      'outage',
      /^Outage: the only thread held by GET \/hold.* for \d\.\d s; 2 requests wait$/,
    );
    await session.says('#lead-who', /^The reactor is processing$/);
    await session.says('#warnings', /choose a model with several threads \(--strategy\)/);
    gate.release(1);
    await Promise.all([held.answered, waiting]);
    await page.until('healthy', /^Healthy: 1 of 1 thread free$/);
  }),
);

inBrowser('on a phone the names of lanes have room for their groups', async () => {
  await using running = await Running.start('web', { groups: 2, threads: 2, dashboard: { port: 0 } });
  const viewport = { width: 400, height: 900 };
  await using session = await BrowserSession.open(browser, running.server.dashboard!.url, { viewport });
  await session.says('#lane-names', /3 g1/);
  const cut = `(() => {
    const { left } = document.getElementById('lanes-canvas').getBoundingClientRect();
    return [...document.querySelectorAll('#lane-names button > span')].filter((part) =>
      part.getBoundingClientRect().right > left).map((part) => part.textContent);
  })()`;
  assert.equal(await session.is<string[]>(cut), []);
  assert.equal(session.complaints, []);
});

test.run();
