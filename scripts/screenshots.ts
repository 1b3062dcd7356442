/**
 * Takes the pictures of docs/images: the dashboard's page with each verdict, with many threads and on a narrow screen,
 * `paceline top`, and the page of a comparison. For the dashboard the demo app is under a load that shows the purpose of the
 * pattern: two clients keep blocking their threads while others send fast requests.
 *
 *   npm run screenshots
 *   npm run screenshots -- compare     # of the comparison only
 *
 * Needs a Chromium; spec/support/dashboard/chromium.ts says where it is searched. Takes three minutes.
 */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions } from 'playwright-core';
import { TopView } from '../lib/cli/top-view.js';
import { createServer, type Server } from '../lib/index.js';
import { CompareRun } from '../spec/support/compare/run.js';
import { BrowserSession } from '../spec/support/dashboard/browser-session.js';
import { findChromium, HOW_TO_GET_CHROMIUM, launchChromium } from '../spec/support/dashboard/chromium.js';
import { DashboardClient } from '../spec/support/dashboard/test-dashboard.js';

const FOLDER = fileURLToPath(new URL('../../docs/images/', import.meta.url));

/** What each client requests, over and over, and the milliseconds between two requests. */
const CLIENTS: readonly { readonly paths: readonly string[]; readonly pauseMs: number }[] = [
  { paths: ['/block?ms=900', '/block?ms=350', '/block?ms=1600'], pauseMs: 500 },
  { paths: ['/block?ms=240', '/block?ms=700', '/spin?ms=60'], pauseMs: 750 },
  { paths: ['/hello', '/thread', '/hello', '/sleep?ms=5'], pauseMs: 130 },
  { paths: ['/spin?ms=40', '/hello'], pauseMs: 310 },
];

/** Enough for curves; the lanes show the last ten seconds of it. */
const LOAD_MS = 24_000;
const HELD_MS = 1000;
const PIXELS_PER_PIXEL = 2;
const WIDE = { width: 1280, height: 860 };
const NARROW = { width: 400, height: 1000 };
const TERMINAL = { columns: 132, rows: 24, colors: false };

/** For the pictures of a death and of many threads, on which a few clients send each kind of request. */
const APP = './screenshots-app.js';
const ROUTES = ['/orders', '/search', '/invoice', '/report'] as const;
const BETWEEN_MS = 400;
const BUSY_MS = 9000;
/** Until those threads are idle that only have accepted a connection in the beginning. */
const IDLE_MS = 24_000;
const MANY = 64;

/** Whether the page has this verdict, and a thread is held for long enough to be seen. */
const verdictIs = (
  level: string,
): string => `document.getElementById('verdict').dataset.level === '${level}' &&
  [...document.querySelectorAll('#threads-body tr')].findIndex(({ cells }) =>
    /^(\\d\\d\\d\u202fms|\\d+\\.\\d\u202fs)$/.test(cells[2].textContent) && cells[7].textContent.startsWith('GET /block')) + 1`;
const HAS_DEATH = `/died [23]/.test(document.getElementById('verdict-why').textContent)`;
const IS_HEALTHY = `document.getElementById('verdict').dataset.level === 'healthy'`;

/** Until lanes, answers and figures have been of the load alone, and how long a machine may take to be idle enough for that. */
const COMPARE_MS = 12_000;
const COMPARE_QUIET_MS = 120_000;
const COMPARE = { width: 1280, height: 1300 };
/** The page draws only what has come, so that most of the machine is left for what is compared. */
const CALM = { deviceScaleFactor: 1, reducedMotion: 'reduce' } as const;
/** Below the last model, in CSS pixels. */
const BELOW = 16;
/** Short enough that a handler of 20 ms can be seen in a lane, and the requests behind it among the dots. */
const COMPARE_WINDOW = '2000';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends requests until `signal` is aborted. */
async function ask(
  port: number,
  { paths, pauseMs }: (typeof CLIENTS)[number],
  signal: AbortSignal,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let next = 0; !signal.aborted; next++) {
    await new Promise<void>((resolve, reject) => {
      get({ port, agent, host: '127.0.0.1', path: paths[next % paths.length]! }, (response) => {
        response.resume().on('close', resolve);
      }).on('error', reject);
    });
    await pause(pauseMs);
  }
  agent.destroy();
}

/** The address that the README names, if it is free. Without an app it is the demo. */
async function start(port: number, threads: number, app?: string): Promise<Server> {
  const server = createServer({ threads, dashboard: { port: 0 }, ...(app === undefined ? {} : { app }) });
  await server.listen({ port });
  return server;
}

/** Resolves once a request is answered, or its thread has died. */
const askOnce = (port: number, path: string): Promise<unknown> =>
  fetch(`http://127.0.0.1:${port}${path}`).then(
    (response) => response.text(),
    () => {},
  );

/** Takes a picture during which a condition of the page holds; a busy machine may need more than one try. */
async function shoot(session: BrowserSession, name: string, condition: string): Promise<void> {
  const path = `${FOLDER}dashboard-${name}.png`;
  do {
    await session.until(`${name} can be taken`, condition);
    await session.page.screenshot({ path });
  } while (!(await session.is(condition)));
  console.log(`${path}: ${Math.round(statSync(path).size / 1024)} kB`);
}

async function writeTop(client: DashboardClient): Promise<void> {
  await client.frame('somebody who is held while another leads', ({ at, leader, threads }) => {
    const isHeld = threads.some(({ since, route }) => route.startsWith('GET /block') && at - since > HELD_MS);
    return isHeld && leader.thread >= 0;
  });
  const view = new TopView(client.hello);
  for (const frame of client.frames) view.add(frame);
  const lines = view.lines(TERMINAL).map((line) => line.trimEnd());
  writeFileSync(`${FOLDER}top.txt`, `${lines.join('\n')}\n`);
}

const chromium = findChromium();
if (chromium === undefined) {
  console.error(`screenshots: ${HOW_TO_GET_CHROMIUM}`);
  process.exit(1);
}
mkdirSync(FOLDER, { recursive: true });

const browser = await launchChromium(chromium);

const open = (
  url: string,
  viewport: { width: number; height: number },
  colorScheme: 'light' | 'dark' = 'light',
  more: BrowserContextOptions = {},
) =>
  BrowserSession.open(browser, url, { viewport, colorScheme, deviceScaleFactor: PIXELS_PER_PIXEL, ...more });

/** The pictures of a server with few threads: each verdict, a thread's panel, a narrow screen. */
async function shootVerdicts(): Promise<void> {
  const server = await start(8080, 4).catch(() => start(0, 4));
  const { port } = server.address() as { port: number };
  const { url } = server.dashboard!;
  const { origin, hash } = new URL(url);
  const client = new DashboardClient(origin, hash.slice(1));
  await client.opened();
  const stop = new AbortController();
  const clients = CLIENTS.map((one) => ask(port, one, stop.signal));
  /** One page at a time: each takes most of a processor. */
  const take = async (name: string, level: string, viewport = WIDE, scheme: 'light' | 'dark' = 'light') => {
    await using session = await open(url, viewport, scheme);
    await session.frames(15);
    await shoot(session, name, verdictIs(level));
  };
  await pause(LOAD_MS);
  await take('light', 'healthy');
  await take('dark', 'healthy', WIDE, 'dark');
  await take('400', 'healthy', NARROW);
  await writeTop(client);
  {
    await using session = await open(url, WIDE);
    await session.frames(15);
    const row = await session.until<number>('a thread is held', verdictIs('healthy'));
    await session.page.click(`#lane-names button:nth-child(${row})`);
    await session.says('.transitions tbody', /→/);
    await session.frames(5);
    await shoot(session, 'detail', verdictIs('healthy'));
  }
  const long = askOnce(port, '/block?ms=9000');
  await pause(HELD_MS);
  await take('degraded', 'degraded');
  await long;
  const takeOutage = async (...picture: Parameters<typeof take>) => {
    const blocked = Array.from({ length: 5 }, () => askOnce(port, '/block?ms=9000'));
    await pause(HELD_MS);
    await take(...picture);
    await Promise.all(blocked);
  };
  await takeOutage('outage', 'outage');
  await takeOutage('outage-dark', 'outage', WIDE, 'dark');
  await takeOutage('outage-400', 'outage', NARROW);
  stop.abort();
  await Promise.all(clients);
  await client.close();
  await server.close();
}

/** A picture of that app. @param ready in the page, when it can be taken */
async function shootApp(
  threads: number,
  name: string,
  ready: string,
  steps: (port: number) => Promise<void>,
): Promise<void> {
  const server = await start(8080, threads, APP).catch(() => start(0, threads, APP));
  const { port } = server.address() as { port: number };
  const stop = new AbortController();
  const clients = ROUTES.map((path) => ask(port, { paths: [path], pauseMs: BETWEEN_MS }, stop.signal));
  {
    await using session = await open(server.dashboard!.url, WIDE);
    await steps(port);
    await shoot(session, name, ready);
  }
  stop.abort();
  await Promise.all(clients);
  await server.close();
}

/** The page of a comparison; none while other programs keep the machine busy, as its figures would say nothing about the models. */
async function shootComparison(): Promise<void> {
  await using run = new CompareRun('--strategy', 'leader-followers,reactor', '--port', '0');
  const url = await run.page();
  for (const scheme of ['light', 'dark'] as const) {
    await using session = await open(url, COMPARE, scheme, CALM);
    await session.page.selectOption('#window', COMPARE_WINDOW);
    await pause(COMPARE_MS);
    const quiet = `document.getElementById('warning').hidden`;
    const endMs = performance.now() + COMPARE_QUIET_MS;
    while (!(await session.is(quiet)) && performance.now() < endMs) await pause(HELD_MS);
    if (!(await session.is(quiet))) {
      console.error(`screenshots: compare-${scheme}.png is not taken. ${await session.text('#warning')}`);
      process.exitCode = 1;
      continue;
    }
    const path = `${FOLDER}compare-${scheme}.png`;
    const height = await session.is<number>(
      `document.getElementById('models').getBoundingClientRect().bottom`,
    );
    await session.page.screenshot({
      path,
      clip: { x: 0, y: 0, width: COMPARE.width, height: height + BELOW },
    });
    console.log(`${path}: ${Math.round(statSync(path).size / 1024)} kB`);
  }
}

if (process.argv[2] === 'compare') {
  await shootComparison();
  await browser.close();
  process.exit();
}
await shootVerdicts();
await shootComparison();
// The page shows the app as it is named here.
process.chdir(fileURLToPath(new URL('.', import.meta.url)));
await shootApp(4, 'dead', HAS_DEATH, async (port) => {
  await pause(BUSY_MS);
  await askOnce(port, '/import');
});
await shootApp(MANY, 'many', IS_HEALTHY, () => pause(IDLE_MS));
await browser.close();
