/** A NestJS app on Express: the main.js that tsc makes of what `nest new` begins with. */
import * as assert from 'uvu/assert';
import { ask, json, together, uploadOf } from '../../support/programs/ask.js';
import { compare } from '../../support/programs/compare.js';

const MIB = 1024 * 1024;
const JSON_TYPE = { 'content-type': 'application/json' };

compare(
  'nest',
  {
    'controllers, pipes, guards, interceptors and filters': async (url) => {
      const answers = [
        await ask(`${url}/cats`),
        await ask(`${url}/cats?minAge=5`),
        await ask(`${url}/cats?minAge=x`),
        await ask(`${url}/cats/old`),
        await ask(`${url}/cats/1`, { headers: { 'x-request-id': 'of the spec' } }),
        await ask(`${url}/cats/9`),
        await ask(`${url}/cats/secret`),
        await ask(`${url}/cats/secret`, { headers: { authorization: 'Bearer token' } }),
        await ask(`${url}/none`),
        await ask(`${url}/cats/fail`),
      ];
      assert.equal(
        answers.map(({ status }) => status),
        [200, 200, 400, 302, 200, 404, 403, 200, 404, 500],
      );
      return answers;
    },

    bodies: async (url) => {
      const post = (body: string) => ask(`${url}/cats`, { method: 'POST', headers: JSON_TYPE, body });
      const answers = [await post('{"name":"Zoe","age":1}'), await post('{"age":-1}'), await post('{')];
      assert.equal(
        answers.map(({ status }) => status),
        [202, 403, 400],
      );
      return answers;
    },

    'requests of other origins': async (url) => [
      await ask(`${url}/cats`, { headers: { origin: 'http://example.com' } }),
      await ask(`${url}/cats`, {
        method: 'OPTIONS',
        headers: { origin: 'http://example.com', 'access-control-request-method': 'POST' },
      }),
    ],

    'events while they come': (url) =>
      together(12, () => ask(`${url}/cats/events`, { headers: { accept: 'text/event-stream' } })),

    'downloads and uploads': async (url) => {
      await together(4, async () => {
        const { form, sent } = uploadOf('file', [6 * MIB + 1]);
        assert.equal(await json(`${url}/files`, { method: 'POST', body: form }), sent[0]!);
      });
      return together(4, () => ask(`${url}/files`));
    },
  },
  { file: './dist/main.js' },
);
