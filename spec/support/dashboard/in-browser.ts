/**
 * For specs of the dashboard's page in a real Chromium: a browser and a server for each file. They are skipped without Chromium.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Download } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createServer, type Server } from '../../../lib/index.js';
import { BrowserSession } from './browser-session.js';
import { findChromium, HOW_TO_GET_CHROMIUM, launchChromium } from './chromium.js';

export const THREADS = 4;
export const HOST = '127.0.0.1';

const chromium = findChromium();
if (chromium === undefined) {
  console.log(`skipped: ${HOW_TO_GET_CHROMIUM}`);
  // A file in which no spec runs counts as failed.
  test('without Chromium the specs of the page are skipped', () => {});
}
export const inBrowser = chromium === undefined ? test.skip : test;

export let browser: Browser;
/** A server with the demo app, for specs that leave it idle. */
export let demo: Server;
/** For downloads. */
export let folder: string;

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

export async function startDemo(dashboardPort = 0, token?: string): Promise<Server> {
  const dashboard = { port: dashboardPort, ...(token === undefined ? {} : { token }) };
  const server = createServer({ threads: THREADS, dashboard });
  await server.listen({ port: 0 });
  return server;
}

export const textOf = async (download: Download): Promise<string> =>
  readFileSync(await download.path(), 'utf8');

/** A spec on the demo server's page, in which the browser must report no error, warning or violation of the page's policy. */
export function onDemoPage(
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

/** Runs the demo's load during `steps`. */
export async function underLoad(
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
    // The next spec needs an idle server, also after a failure.
    await session.page.click(button);
    await session.says(button, /^\w+$/);
  }
}

/** How many pixels of the lanes, without the riders at their right, have the colour of a state. */
export const pixelsOf = (state: string): string => `(() => {
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
export const WIDTH = `document.documentElement.scrollWidth`;
