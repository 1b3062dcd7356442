/** A Next.js production server: the server.js that `next build` writes for `output: 'standalone'`. */
import * as assert from 'uvu/assert';
import { ask, cookieOf, together, unlessStill } from '../../support/programs/ask.js';
import { shows, visit } from '../../support/programs/browser.js';
import { compare } from '../../support/programs/compare.js';

const MIB = 1024 * 1024;

compare(
  'next',
  {
    'pages that were rendered when it was built, and files': async (url) => {
      const home = await ask(url);
      assert.is(home.status, 200);
      const html = await (await fetch(url)).text();
      const [script] = /\/_next\/static\/[^"]+\.js/.exec(html) ?? [];
      const answers = [
        home,
        await ask(url, { headers: unlessStill(home) }),
        await ask(`${url}/robots.txt`),
        await ask(`${url}${script}`),
        await ask(`${url}/_next/static/none.js`),
      ];
      assert.equal(
        answers.map(({ status }) => status),
        [200, 304, 200, 200, 404],
      );
      return answers;
    },

    'pages that are rendered for each request': async (url) => {
      const answers = [await ask(`${url}/posts/7?tone=loud`), await ask(`${url}/posts/x`)];
      assert.equal(
        answers.map(({ status }) => status),
        [200, 404],
      );
      const texts = await together(24, async (index) => (await fetch(`${url}/posts/${index}`)).text());
      texts.forEach((text, index) => {
        assert.match(text, `Post <!-- -->${index}<`);
      });
      return answers;
    },

    'route handlers, cookies and the proxy': async (url) => {
      const first = await fetch(`${url}/api/echo?a=1`);
      const headers = { cookie: cookieOf(first) };
      const second = await ask(`${url}/api/echo?b=2`, { headers });
      assert.is(second.body, '{"visits":2,"query":{"b":"2"}}');
      const body = 'x'.repeat(2 * MIB);
      const posted = await ask(`${url}/api/echo`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'a/b' },
      });
      const moved = await ask(`${url}/old`, {}, /:\d+/);
      assert.is(moved.status, 307);
      return [second, posted, moved, await ask(`${url}/api/echo`, { method: 'DELETE' })];
    },

    'events while they come': (url) => together(12, () => ask(`${url}/api/events`)),

    'a page in a browser: it becomes interactive, calls the server, and goes to another page': (url) =>
      visit(url, async (page) => {
        await page.click('#count');
        await shows(page, '#count', '1');
        await page.click('#add');
        await shows(page, '#add', 'the server says 5');
        await page.click('a');
        await shows(page, 'h1', 'Post 1');
        await page.goto(`${url}/slow`);
        await shows(page, '#late', 'late content');
      }),
  },
  { file: '.next/standalone/server.js' },
);
