/** Opens a page of a program in Chromium. */
import type { Page } from 'playwright-core';
import { findChromium, HOW_TO_GET_CHROMIUM, launchChromium } from '../dashboard/chromium.js';
import { WATCHDOG_MS } from '../server/wait.js';

/** Of a request that the page itself has aborted. */
const BY_THE_PAGE = 'net::ERR_ABORTED';

/** Runs `use` on a page of a new browser, and fails at what the page reports as an error. Without Chromium, a line says so. */
export async function visit(url: string, use: (page: Page) => Promise<void>): Promise<void> {
  const executable = findChromium();
  if (executable === undefined) {
    console.log(`skipped: ${HOW_TO_GET_CHROMIUM}`);
    return;
  }
  const browser = await launchChromium(executable);
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(WATCHDOG_MS);
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error.stack)));
    page.on('requestfailed', (request) => {
      const { errorText = '' } = request.failure() ?? {};
      if (errorText !== BY_THE_PAGE) errors.push(`${request.url()}: ${errorText}`);
    });
    await page.goto(url);
    await use(page);
    if (errors.length > 0) throw new Error(`the page reports ${errors.join('\n')}`);
  } finally {
    await browser.close();
  }
}

/** Resolves once the element that a selector finds has this text. */
export async function shows(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).waitFor();
}
