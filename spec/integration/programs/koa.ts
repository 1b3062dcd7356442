/** Koa with its router and koa-body. */
import * as assert from 'uvu/assert';
import { ask, cookieOf, json, together, unlessStill, uploadOf } from '../../support/programs/ask.js';
import { compare } from '../../support/programs/compare.js';

const MIB = 1024 * 1024;
/** The port, which the answer names. */
const PORT = /:\d+/g;

compare('koa', {
  'routes, parameters and methods': async (url) => {
    const answers = [
      await ask(`${url}/`),
      await ask(`${url}/users/12?a=1&a=2`),
      await ask(`${url}/users/x`),
      await ask(`${url}/none`),
      await ask(`${url}/nothing`),
      await ask(`${url}/fail`),
      await ask(`${url}/users/12`, { method: 'DELETE' }),
      await ask(`${url}/users/12`, { method: 'OPTIONS' }),
      await ask(`${url}/users/12`, { method: 'HEAD' }),
    ];
    assert.equal(
      answers.map(({ status }) => status),
      [200, 200, 400, 404, 204, 500, 405, 200, 200],
    );
    return answers.map(({ status, headers, body }) => ({ status, headers, body: body.replace(PORT, '') }));
  },

  bodies: async (url) => {
    const large = { text: 'x'.repeat(5 * MIB) };
    const headers = { 'content-type': 'application/json' };
    assert.equal(await json(`${url}/echo`, { method: 'POST', headers, body: JSON.stringify(large) }), large);
    return [
      await ask(`${url}/echo`, { method: 'POST', body: new URLSearchParams({ a: 'b c', d: 'ü' }) }),
      await ask(`${url}/echo`, { method: 'POST', body: 'text', headers: { 'content-type': 'text/plain' } }),
      await ask(`${url}/echo`, { method: 'POST', body: '{"a": ', headers }),
      await ask(`${url}/echo`, { method: 'POST', headers }),
    ];
  },

  'uploads of megabytes': async (url) => {
    await together(4, async () => {
      const { form, sent } = uploadOf('file', [7 * MIB + 3], { note: 'one' });
      const answer = await json(`${url}/upload`, { method: 'POST', body: form });
      assert.equal(answer, { ...sent[0]!, fields: { note: 'one' } });
    });
  },

  'signed cookies': async (url) => {
    let cookie = cookieOf(await fetch(`${url}/visits`));
    for (let visits = 2; visits < 12; visits++) {
      const response = await fetch(`${url}/visits`, { headers: { cookie } });
      assert.equal(await response.json(), { visits });
      cookie = cookieOf(response);
    }
    return cookie;
  },

  'events while they come': (url) => together(12, () => ask(`${url}/events`)),

  'files and conditions': async (url) => {
    const cached = await ask(`${url}/cached`);
    const known = await ask(`${url}/cached`, { headers: unlessStill(cached) });
    assert.is(known.status, 304);
    return [
      cached,
      known,
      await ask(`${url}/files/notes.txt`),
      await ask(`${url}/files/none.txt`),
      await ask(`${url}/files/%2e%2e%2fserver.js`),
    ];
  },
});
