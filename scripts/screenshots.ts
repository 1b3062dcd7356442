/**
 * Takes the pictures of docs/images: the dashboard's page and `paceline top`, with the demo app under a load that shows the
 * purpose of the pattern: two clients keep blocking their threads while others send fast requests.
 *
 *   npm run screenshots
 *
 * Needs a Chromium; spec/support/dashboard/chromium.ts says where it is searched. Takes half a minute.
 */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { TopView } from '../lib/cli/top-view.js';
import { createServer, type Server } from '../lib/index.js';
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

/** The row of a thread that is held for more than a second while another one leads; -1 where there is none. */
const HELD_ROW = `/leads$/.test(document.getElementById('lead-who').textContent)
  ? [...document.querySelectorAll('#threads-body tr')].findIndex(({ cells }) =>
      /^\\d\\.\\d\\u202fs$/.test(cells[2].textContent) && cells[7].textContent.startsWith('GET /block'))
  : -1`;

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

/** The address that the README names, if it is free. */
async function start(port: number): Promise<Server> {
  const server = createServer({ threads: 4, dashboard: { port: 0 } });
  await server.listen({ port });
  return server;
}

/** Resolves with the row of a thread that is held. */
const held = (session: BrowserSession): Promise<number> =>
  session.until('a thread is held while another leads', HELD_ROW, (row: number) => row >= 0);

async function shoot(page: Page, name: string): Promise<void> {
  const path = `${FOLDER}dashboard-${name}.png`;
  await page.screenshot({ path });
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

const server = await start(8080).catch(() => start(0));
const { port } = server.address() as { port: number };
const { url } = server.dashboard!;
const { origin, hash } = new URL(url);
const browser = await launchChromium(chromium);
const client = new DashboardClient(origin, hash.slice(1));
await client.opened();
const stop = new AbortController();
const clients = CLIENTS.map((client) => ask(port, client, stop.signal));

{
  await using wide = await BrowserSession.open(browser, url, {
    viewport: WIDE,
    deviceScaleFactor: PIXELS_PER_PIXEL,
  });
  await using narrow = await BrowserSession.open(browser, url, {
    viewport: NARROW,
    deviceScaleFactor: PIXELS_PER_PIXEL,
  });
  await pause(LOAD_MS);
  await held(wide);
  await shoot(wide.page, 'light');
  await writeTop(client);
  await wide.page.emulateMedia({ colorScheme: 'dark' });
  await wide.frames(1);
  await held(wide);
  await shoot(wide.page, 'dark');
  await wide.page.emulateMedia({ colorScheme: 'light' });
  await wide.page.click(`#lane-names button:nth-child(${(await held(wide)) + 1})`);
  await wide.says('.transitions tbody', /→/);
  await wide.frames(5);
  await shoot(wide.page, 'detail');
  await held(narrow);
  await shoot(narrow.page, '400');
}

stop.abort();
await Promise.all(clients);
await client.close();
await browser.close();
await server.close();
