import type { Browser } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findChromium, HOW_TO_GET_CHROMIUM, launchChromium } from '../../support/dashboard/chromium.js';
import { Example, testOf } from '../../support/examples/example.js';

const preact = await Example.install('preact');
const check = testOf(preact);
const chromium = findChromium();
if (chromium === undefined) console.log(`skipped: ${HOW_TO_GET_CHROMIUM}`);

check('it renders the catalogue, filtered and sorted, and escapes what visitors type', async () => {
  await using running = await preact!.start('app.js', 4);
  const page = async (query: string) => (await fetch(`${running.url}/${query}`)).text();
  const all = await page('');
  assert.match(all, /^<!doctype html><html lang="en">/);
  assert.is(all.match(/<li>/g)?.length, 2000);
  const found = await page('?q=stelvio&sort=price');
  const prices = [...found.matchAll(/class="price">([\d.]+) €/g)].map(([, price]) => Number(price));
  assert.ok(prices.length > 100 && prices.length < 2000);
  assert.equal(
    prices,
    prices.toSorted((a, b) => a - b),
  );
  assert.not.match(await page(`?q=${encodeURIComponent('"><script>')}`), /<script>/);
  assert.is((await fetch(`${running.url}/robots.txt`)).status, 200);
  assert.is((await fetch(`${running.url}/nothing`)).status, 404);
});

(chromium === undefined ? test.skip : check)('a browser shows the page and its form works', async () => {
  await using running = await preact!.start('app.js', 4);
  const browser: Browser = await launchChromium(chromium!);
  try {
    const page = await browser.newPage();
    await page.goto(running.url);
    assert.is(await page.title(), 'Catalogue');
    assert.is(await page.locator('li').count(), 2000);
    await page.fill('[name=q]', 'Saddle 1');
    await page.selectOption('[name=sort]', 'price');
    await page.click('button');
    await page.waitForURL(/q=Saddle/);
    const count = await page.locator('li').count();
    assert.is(await page.textContent('#count'), `${count} products`);
    assert.ok(count > 0 && count < 200, `${count}`);
    assert.is(await page.inputValue('[name=sort]'), 'price');
  } finally {
    await browser.close();
  }
});

test.run();
