/** Fastify with its plugins for static files, cookies, forms, uploads, compression, limits of rate and websockets. */
import * as assert from 'uvu/assert';
import { ask, cookieOf, header, json, together, unlessStill, uploadOf } from '../../support/programs/ask.js';
import { shows, visit } from '../../support/programs/browser.js';
import { compare } from '../../support/programs/compare.js';
import { Socket } from '../../support/programs/socket.js';

const MIB = 1024 * 1024;
/** Of the program, for each thread. */
const MAX_REQUESTS = 5;
/** More than all threads together allow. */
const REQUESTS = 40;

compare('fastify', {
  'parameters are converted and answers filtered by the schema': async (url) => {
    const answers = [
      await ask(`${url}/items/12`),
      await ask(`${url}/items/12`, { method: 'HEAD' }),
      await ask(`${url}/items/x`),
      await ask(`${url}/items/0`),
      await ask(`${url}/none`),
      await ask(`${url}/fail`),
    ];
    assert.equal(
      answers.map(({ status }) => status),
      [200, 200, 400, 400, 404, 502],
    );
    assert.is(answers[0]!.body, '{"id":12,"name":"item 12"}');
    return answers;
  },

  'signed cookies count visits, and forged ones are refused': async (url) => {
    let cookie = cookieOf(await fetch(`${url}/cookies`));
    for (let visits = 2; visits < 12; visits++) {
      const response = await fetch(`${url}/cookies`, { headers: { cookie } });
      assert.equal(await response.json(), { visits });
      cookie = cookieOf(response);
    }
    const forged = await ask(`${url}/cookies`, { headers: { cookie: 'visits=99.forged' } });
    assert.is(forged.status, 400);
    return [cookie, forged, await ask(`${url}/cookies`)];
  },

  forms: async (url) => [
    await ask(`${url}/form`, { method: 'POST', body: new URLSearchParams({ a: '1 2', b: 'ü&=' }) }),
    await ask(`${url}/form`, {
      method: 'POST',
      body: '{"a": [1]}',
      headers: { 'content-type': 'application/json' },
    }),
    await ask(`${url}/form`, { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }),
    await ask(`${url}/form`, { method: 'POST', body: 'x', headers: { 'content-type': 'text/unknown' } }),
    await ask(`${url}/form`, {
      method: 'POST',
      body: `"${'x'.repeat(2 * MIB)}"`,
      headers: { 'content-type': 'application/json' },
    }),
  ],

  'uploads are streamed to the handler': async (url) => {
    await together(4, async () => {
      const { form, sent } = uploadOf('files', [4 * MIB, 1, 3 * MIB + 7], { note: 'first' });
      const parts = sent.map((file) => ({ field: 'files', ...file }));
      const answer = await json(`${url}/upload`, { method: 'POST', body: form });
      assert.equal(answer, { parts: [{ field: 'note', value: 'first' }, ...parts] });
    });
    return ask(`${url}/upload`, { method: 'POST', body: 'no form' });
  },

  'answers are compressed as the client accepts it': async (url) => {
    const answers = [];
    for (const coding of ['br', 'gzip', 'identity', 'deflate']) {
      const answer = await ask(`${url}/large`, { headers: { 'accept-encoding': coding } });
      assert.is(header(answer, 'content-encoding'), ['br', 'gzip'].includes(coding) ? coding : '');
      answers.push(answer);
    }
    return [answers, await together(8, () => ask(`${url}/large`)), await ask(`${url}/stream`)];
  },

  'static files': async (url) => {
    const style = await ask(`${url}/public/style.css`);
    assert.is(style.status, 200);
    return [
      style,
      await ask(`${url}/public/style.css`, { headers: unlessStill(style) }),
      await ask(`${url}/public/style.css`, { headers: { range: 'bytes=0-3' } }),
      await ask(`${url}/public/none.css`),
      await ask(`${url}/public/%2e%2e/server.js`),
    ];
  },

  'a limit of rate holds in each thread': async (url) => {
    const statuses = await together(REQUESTS, async () => (await ask(`${url}/limited`)).status);
    const allowed = statuses.filter((status) => status === 200).length;
    const refused = statuses.filter((status) => status === 429).length;
    assert.is(allowed + refused, REQUESTS);
    assert.ok(allowed >= MAX_REQUESTS && refused > 0, `${allowed} were allowed`);
  },

  'a websocket echoes, and other requests go on beside it': async (url) => {
    await together(8, async (index) => {
      await using socket = await Socket.open(`${url.replace('http', 'ws')}/chat?name=${index}`);
      assert.is(await socket.text(), `hello ${index}`);
      for (let message = 0; message < 20; message++) {
        socket.send(`message ${message}`);
        assert.is(await socket.text(), `message ${message}`);
      }
      const bytes = Buffer.alloc(2 * MIB, index);
      socket.send(bytes);
      assert.is(Buffer.compare(await socket.bytes(), bytes), 0);
      assert.equal(await json(`${url}/items/3`), { id: 3, name: 'item 3' });
    });
    return ask(`${url}/chat`);
  },

  'its page with a websocket in a browser': (url) =>
    visit(`${url}/public/page.html`, (page) => shows(page, '#out', 'hello page')),
});
