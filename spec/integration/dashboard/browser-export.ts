/** The dashboard's page in a real Chromium: the trace and the snapshot that it saves. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkTrace } from '../../../scripts/trace-check.js';
import { BrowserSession } from '../../support/dashboard/browser-session.js';
import {
  browser,
  folder,
  onDemoPage,
  pixelsOf,
  textOf,
  underLoad,
  WIDTH,
} from '../../support/dashboard/in-browser.js';

onDemoPage('a trace is recorded and saved, and is valid', async (session) => {
  await underLoad(session, 'blocking', async () => {
    const saved = session.page.waitForEvent('download');
    await session.page.click('#trace');
    await session.says('#trace-text', /^Recording 5 s …$/);
    const download = await saved;
    assert.is(download.suggestedFilename(), 'paceline-trace.json');
    // JSON, a track for each thread, slices that do not overlap, one leader at a time, promotions with both of their ends.
    const { faults, summary } = checkTrace(await textOf(download));
    assert.equal(faults, [], summary);
    assert.match(
      summary,
      / of 4 threads in \d+ ms: \d+ slices, [1-9]\d* of them of leaders, [1-9]\d* promotions, /,
    );
    await session.says('#trace-text', /^Saved as paceline-trace\.json\.$/);
  });
});

onDemoPage('a snapshot is one file that needs no script and no server', async (session) => {
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

test.run();
