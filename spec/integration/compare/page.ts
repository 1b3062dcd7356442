/** The comparison's page: its protection, and what a real Chromium shows of it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import { COMPARE_PROTOCOL, type CompareMessage } from '../../../lib/compare/protocol.js';
import { CompareRun } from '../../support/compare/run.js';
import { BrowserSession } from '../../support/dashboard/browser-session.js';
import { browser, inBrowser } from '../../support/dashboard/in-browser.js';
import { until, within } from '../../support/server/wait.js';

let run: CompareRun;
let url: URL;

test.before(async () => {
  run = new CompareRun(
    '--strategy',
    'leader-followers,reactor',
    '--threads',
    '2',
    '--port',
    '0',
    '--rate',
    '100',
  );
  url = new URL(await run.page());
});

test.after(async () => {
  await run[Symbol.asyncDispose]();
});

function statusOf(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ host: url.hostname, port: url.port, path, method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    })
      .on('error', reject)
      .end();
  });
}

/** Opens the websocket; resolves with the status of a refusal, or with the socket. The first message may come with the upgrade. */
function open(
  token: string,
  { origin = url.origin, protocol = COMPARE_PROTOCOL, onMessage = (_: CompareMessage): void => {} } = {},
): Promise<number | WebSocket> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://${url.host}/ws`, [protocol, `token.${token}`], { origin });
    socket.on('unexpected-response', (_, { statusCode }) => resolve(statusCode!));
    socket.on('open', () => resolve(socket));
    socket.on('message', (data) => onMessage(JSON.parse(String(data)) as CompareMessage));
    socket.on('error', () => {});
  });
}

test('only requests that name this server are answered, and only known paths', async () => {
  assert.is(await statusOf('/'), 200);
  assert.is(await statusOf('/compare/page/main.js'), 200);
  assert.is(await statusOf('/dashboard/page/lanes.js'), 200);
  assert.is(await statusOf('/', { host: `evil.example:${url.port}` }), 421);
  assert.is(await statusOf('/', {}, 'POST'), 405);
  assert.is(await statusOf('/../package.json'), 404);
  assert.is(await statusOf('/compare/page/tsconfig.json'), 404);
});

test('the websocket is for the page with the token', async () => {
  const token = url.hash.slice(1);
  assert.is(await open('wrong'), 401);
  assert.is(await open(token, { origin: 'http://evil.example' }), 403);
  assert.is(await open(token, { protocol: 'paceline.1' }), 400);
  assert.is(await statusOf('/token'), 401);
  assert.is(await statusOf('/token', { authorization: `Bearer ${token}` }), 200);
});

test('a page gets the models, then frames of each server; an invalid message closes it', async () => {
  const seen = new Set<string>();
  const wanted = [
    'hello',
    'server 0 hello',
    'server 1 hello',
    'server 0 frame',
    'server 1 frame',
    'figures',
    'answers',
  ];
  let models: string[] = [];
  const onMessage = (message: CompareMessage): void => {
    if (message.type === 'hello') models = message.models.map(({ name }) => name);
    seen.add(message.type === 'server' ? `server ${message.server} ${message.message.type}` : message.type);
  };
  const socket = (await within('the websocket', open(url.hash.slice(1), { onMessage }))) as WebSocket;
  await until('all kinds of messages have come', () => wanted.every((one) => seen.has(one)));
  assert.equal(models, ['leader-followers', 'reactor']);
  const closed = new Promise((resolve) => socket.on('close', resolve));
  socket.send('{"type":"load","rate":0}');
  assert.is(await within('the close', closed), 4002);
});

/** How many pixels of a canvas have any colour. */
const painted = (selector: string): string => `(() => {
  const canvas = document.querySelector(${JSON.stringify(selector)});
  // The models come with the first message.
  if (canvas === null || canvas.width * canvas.height === 0) return 0;
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const context = copy.getContext('2d', { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  return context.getImageData(0, 0, copy.width, copy.height).data.filter((value, at) => at % 4 === 3 && value > 0).length;
})()`;

const MODELS = ['leader-followers', 'reactor'];
const of = (model: string, part: string): string => `[data-model="${model}"] ${part}`;

inBrowser(
  'both models are shown, with lanes, answers and figures, and another mix can be chosen',
  async () => {
    await using session = await BrowserSession.open(browser, url.href);
    await session.status('live');
    assert.is(await session.says('#title', /\|/), 'Leader/Followers | Reactor');
    for (const model of MODELS) {
      await session.until(
        `${model} has lanes`,
        painted(of(model, '.lanes canvas')),
        (count: number) => count > 2000,
      );
      await session.until(
        `${model} has answers`,
        painted(of(model, '.answers')),
        (count: number) => count > 2000,
      );
      await session.says(of(model, '.figure'), /^★?\d.*fast, p99$/);
      await session.says(of(model, '.behind'), /^<?\d.*% waited behind a slow handler$/);
      assert.equal(await session.texts(of(model, '.dots li')), [
        'fast',
        'blocking: holds its thread',
        'waited 5 ms or longer behind it',
      ]);
      await session.says(of(model, '.summary'), /Pattern-Oriented Software Architecture/);
      assert.match(
        (await session.attribute(of(model, '.model-head a'), 'href'))!,
        /^http:\/\/127\.0\.0\.1:\d+\/#\w+$/,
      );
    }
    assert.is((await session.texts(of('leader-followers', '.lane-names button'))).length, 2);
    assert.is((await session.texts(of('reactor', '.lane-names button'))).length, 1);
    await session.says('#figures tbody [data-row="p50Ms.fast"]', /\d.*\d/);
    await session.says('#figures tbody [data-row="cpuUs"]', /\d.*\d/);
    assert.is(await session.attribute('[data-mix="blocking"]', 'aria-pressed'), 'true');

    await session.page.click('[data-mix="async"]');
    await session.until(
      'the mix has changed',
      `document.querySelector('[data-mix="async"]').getAttribute('aria-pressed')`,
      (pressed) => pressed === 'true',
    );
    await session.says('#figures tbody [data-row="p99Ms.async"]', /\d.*\d/);
    assert.is((await session.texts('#figures [data-row="behind"]')).length, 0);
    assert.equal(await session.texts(of('reactor', '.dots li')), ['fast', 'async']);
    await session.until('no handler is slow', `document.querySelector('${of('reactor', '.behind')}').hidden`);
    assert.equal(session.complaints, []);
  },
);

inBrowser('the load is stopped and sent again, and its rate changed', async () => {
  await using session = await BrowserSession.open(browser, url.href);
  await session.says('#run', /^Stop the load$/);
  await session.says('#over', /^the last /);
  await session.page.click('#run');
  await session.says('#run', /^Send load$/);
  await session.says('#over', /, until it was stopped$/);
  await session.says(of('reactor', '.big'), /^\d/);
  await session.page.selectOption('#rate', '50');
  await session.page.click('#run');
  await session.says('#run', /^Stop the load$/);
  await session.says('#over', /^the last /);
  assert.is(await session.is(`document.getElementById('rate').value`), '50');
  assert.equal(session.complaints, []);
});

inBrowser('the page pauses both models at one time, and steps', async () => {
  await using session = await BrowserSession.open(browser, url.href);
  const lane = (model: string) =>
    session.is<string>(`document.querySelector('${of(model, '.lanes canvas')}').getAttribute('aria-label')`);
  for (const model of MODELS) {
    const drawn = painted(of(model, '.lanes canvas'));
    await session.until(`${model} has lanes`, drawn, (count: number) => count > 2000);
  }
  await session.page.click('#pause');
  await session.says('#paused-text', /^You see /);
  const timeOf = (text: string): number => Date.parse(`2000-01-01T${/ at ([\d:.]+): /.exec(text)![1]}`);
  const [one, other] = [timeOf(await lane(MODELS[0]!)), timeOf(await lane(MODELS[1]!))];
  assert.ok(Math.abs(one - other) < 5000, 'the frames of both are of about the same time');
  await session.page.keyboard.press('ArrowLeft');
  assert.ok(timeOf(await lane(MODELS[0]!)) < one);
  await session.page.keyboard.press('End');
  await session.says('#scrub-text', /^live$/);
  assert.equal(session.complaints, []);
});

inBrowser('what is shown is saved as a picture', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-compare-'));
  try {
    await using session = await BrowserSession.open(browser, url.href);
    await session.says('#over', /^the last /);
    const download = session.page.waitForEvent('download');
    await session.page.click('#picture');
    const file = join(folder, 'picture.png');
    const saved = await download;
    await saved.saveAs(file);
    assert.match(saved.suggestedFilename(), /^paceline-compare-.*\.png$/);
    assert.is(readFileSync(file).subarray(1, 4).toString(), 'PNG');
    assert.equal(session.complaints, []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

inBrowser('nothing is cut off on a phone', async () => {
  const viewport = { width: 400, height: 800 };
  await using session = await BrowserSession.open(browser, url.href, { viewport });
  await session.says(of('reactor', '.figure'), /\d/);
  assert.is(await session.is('document.documentElement.scrollWidth'), 400);
  // Too narrow for the table, which scrolls by itself.
  await session.page.setViewportSize({ width: 320, height: 800 });
  await session.until('the table scrolls', `document.querySelector('.scroller').scrollWidth > 320`);
  assert.is(await session.is('document.documentElement.scrollWidth'), 320);
});

inBrowser('without a token the page says so, and shows nothing', async () => {
  await using session = await BrowserSession.open(browser, url.origin);
  await session.says('#lost-text', /^The address has no token\./);
  assert.not(await session.page.isVisible('#run'));
});

inBrowser('a page says whose server has ended the comparison', async () => {
  await using broken = new CompareRun('--strategy', 'reactor,reactor', '--path', '/hello', '--port', '0');
  const options = { mayLoseConnections: true };
  await using session = await BrowserSession.open(browser, await broken.page(), options);
  await session.says(of('reactor (2)', '.figure'), /\d/);
  assert.is(await session.text('#title'), 'Reactor (1) | Reactor (2)');
  assert.not(await session.page.isVisible('#mixes'), 'there is one mix');
  process.kill(broken.children()[1]!, 'SIGKILL');
  await session.says(
    '#lost-text',
    /^The comparison has ended: the server of reactor \(2\) has ended by SIGKILL\./,
  );
  assert.is(await session.is(`document.querySelector('${of('reactor (2)', '.warning')}').hidden`), false);
  assert.is(await session.is(`document.querySelector('${of('reactor (1)', '.warning')}').hidden`), true);
});

test.run();
