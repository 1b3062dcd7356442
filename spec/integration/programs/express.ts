/** Express with sessions in files, which threads share, and with uploads by multer. */
import * as assert from 'uvu/assert';
import {
  ask,
  cookieOf,
  header,
  json,
  pieces,
  together,
  unlessStill,
  uploadOf,
} from '../../support/programs/ask.js';
import { shows, visit } from '../../support/programs/browser.js';
import { compare } from '../../support/programs/compare.js';

const MIB = 1024 * 1024;
const JSON_TYPE = { 'content-type': 'application/json' };
/** The session's number and its signature. */
const SESSION = /sid=[^;]+/;

const login = (url: string, password: string): Promise<Response> =>
  fetch(`${url}/login`, {
    method: 'POST',
    headers: JSON_TYPE,
    body: JSON.stringify({ user: 'ann', password }),
    redirect: 'manual',
  });

compare('express', {
  'static files, their conditions and ranges': async (url) => {
    const notes = await ask(`${url}/notes.txt`);
    assert.is(notes.status, 200);
    assert.is(header(notes, 'cache-control'), 'public, max-age=3600');
    const known = await ask(`${url}/notes.txt`, { headers: unlessStill(notes) });
    assert.is(known.status, 304);
    return [
      notes,
      known,
      await ask(`${url}/notes.txt`, { method: 'HEAD' }),
      await ask(`${url}/notes.txt`, { headers: { range: 'bytes=6-10' } }),
      await ask(`${url}/notes.txt`, { headers: { range: 'bytes=5000-' } }),
      await ask(`${url}/`),
      await ask(`${url}/no/such/file`),
      await ask(`${url}/..%2fserver.js`),
    ];
  },

  'a download with a name': async (url) => ask(`${url}/download`),

  'bodies of all kinds': async (url) => {
    const answers = [
      await ask(`${url}/echo?a=1&b[]=2&b[]=3`, { method: 'PUT', headers: JSON_TYPE, body: '{"x": [1, 2]}' }),
      await ask(`${url}/echo`, { method: 'PUT', body: new URLSearchParams({ 'a[b]': 'c d', e: 'ü' }) }),
      await ask(`${url}/echo`, {
        method: 'PUT',
        headers: { cookie: 'a=1; b=2', 'x-forwarded-for': '10.0.0.1' },
      }),
      await ask(`${url}/echo`, { method: 'PUT', headers: JSON_TYPE, body: '{"x": ' }),
      await ask(`${url}/echo`, { method: 'PUT', headers: JSON_TYPE, body: `"${'x'.repeat(MIB)}"` }),
      await ask(`${url}/echo`, {
        method: 'POST',
        headers: { 'content-type': 'text/x' },
        body: 'x'.repeat(5 * MIB),
      }),
      await ask(`${url}/echo`, {
        method: 'POST',
        headers: { 'content-type': 'text/x' },
        body: pieces(['one, ', 'two, ', 'three']),
        duplex: 'half',
      } as RequestInit),
    ];
    assert.equal(
      answers.map(({ status }) => status),
      [200, 200, 200, 400, 413, 200, 200],
    );
    assert.is(answers.at(-1)!.body, 'one, two, three');
    return answers;
  },

  'a session goes on whichever thread answers': async (url) => {
    const wrong = await ask(`${url}/login`, { method: 'POST', headers: JSON_TYPE, body: '{}' });
    assert.is(wrong.status, 401);
    const entered = await login(url, 'open sesame');
    const headers = { cookie: cookieOf(entered) };
    assert.is(entered.headers.get('location'), '/me');
    for (let views = 1; views <= 20; views++)
      assert.equal(await json(`${url}/me`, { headers }), { user: 'ann', views });
    const left = await ask(`${url}/logout`, { method: 'POST', headers }, SESSION);
    const answers = [await ask(`${url}/me`), await ask(`${url}/me`, { headers })];
    assert.equal(
      answers.map(({ status }) => status),
      [401, 401],
    );
    return [wrong, entered.headers.getSetCookie()[0]!.replace(SESSION, '*'), left, answers];
  },

  'many sessions at once are kept apart': async (url) => {
    const views = await together(24, async () => {
      const headers = { cookie: cookieOf(await login(url, 'open sesame')) };
      let last = 0;
      for (let time = 0; time < 5; time++)
        ({ views: last } = await json<{ views: number }>(`${url}/me`, { headers }));
      return last;
    });
    assert.equal(new Set(views), new Set([5]));
    return views;
  },

  'uploads of megabytes arrive as they were sent': async (url) => {
    await together(4, async () => {
      const { form, sent } = uploadOf('files', [3 * MIB, 5 * MIB + 1, 0, 17], { note: 'several' });
      const answer = await json<object>(`${url}/upload`, { method: 'POST', body: form });
      const files = sent.map((file) => ({ ...file, type: 'application/x-random' }));
      assert.equal(answer, {
        note: 'several',
        files: files.map(({ name, type, size, sha256 }) => ({ name, type, size, sha256 })),
      });
    });
    const tooMany = uploadOf('files', [10, 10, 10, 10, 10]);
    const tooLarge = uploadOf('files', [33 * MIB]);
    const other = uploadOf('other', [10]);
    const answers = [];
    for (const { form } of [tooMany, tooLarge, other])
      answers.push(await ask(`${url}/upload`, { method: 'POST', body: form }));
    assert.equal(
      answers.map(({ status }) => status),
      [500, 500, 500],
    );
    return answers;
  },

  'a long answer, to many at once': async (url) => together(8, () => ask(`${url}/stream`)),

  'errors of handlers': async (url) => {
    const answers = [
      await ask(`${url}/fail`),
      await ask(`${url}/fail-later`),
      await ask(`${url}/none`, { method: 'DELETE' }),
    ];
    assert.equal(
      answers.map(({ status }) => status),
      [503, 500, 404],
    );
    return answers;
  },

  'its page in a browser': async (url) => {
    await visit(`${url}/`, (page) => shows(page, '#out', 'the page'));
  },
});
